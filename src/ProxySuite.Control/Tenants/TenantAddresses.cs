using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Tenants;

/// <summary>From where a tenant's users may log in.</summary>
public sealed class TenantAddresses(ControlPlane control)
{
    /// <summary>Replaces the list; it counts for logins that begin afterwards, and sessions that are open stay open.</summary>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> AllowAsync(TenantSlug slug, AddressList allowed, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control).RunAsync(new AllowAddresses { Slug = slug, Networks = [.. allowed.Texts] }, cancellationToken)).Result!;
}

/// <summary>Says from which networks a tenant may be reached.</summary>
internal sealed record AllowAddresses : TenantJob
{
    public override string Kind => "tenant.allow";

    /// <value>Empty for every address.</value>
    public required string[] Networks { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        AddressList allowed = Networks.Length == 0 ? AddressList.Any : AddressList.Parse(Networks);
        job.Before(entry.Tenant.AllowedAddresses.Texts);
        job.After(allowed.Texts);
        await job.StepAsync("registry", async () =>
        {
            if (entry.Tenant.AllowedAddresses.Equals(allowed)) job.IsUnchanged = !job.IsResumed;
            else entry = await job.Store.SetAllowedAddressesAsync(entry.Tenant, allowed, cancellationToken);
        }, cancellationToken);
        job.Result = entry;
    }
}
