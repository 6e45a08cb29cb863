using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Tenants;

/// <summary>From where a tenant's users may log in.</summary>
public sealed class TenantAddresses(ControlPlane control)
{
    /// <summary>Replaces the list; it counts for logins that begin afterwards, and sessions that are open stay open.</summary>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> AllowAsync(TenantSlug slug, AddressList allowed, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"tenant {slug}", cancellationToken);
        TenantEntry before = await control.Store.GetTenantAsync(slug, cancellationToken);
        if (before.Tenant.AllowedAddresses.Equals(allowed)) return before;
        TenantEntry after = await control.Store.SetAllowedAddressesAsync(before.Tenant, allowed, cancellationToken);
        await control.AuditAsync("tenant.allow", $"tenant {slug}", new { Before = before.Tenant.AllowedAddresses.Texts, After = allowed.Texts }, cancellationToken);
        return after;
    }
}
