using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Tenants;

/// <summary>Stops serving a tenant for a while, and serves it again (B3).</summary>
public sealed class TenantLifecycle(ControlPlane control)
{
    /// <summary>Keeps everything and serves nothing: the proxies refuse its clients, its roles cannot log in, its sessions end.</summary>
    /// <param name="reason">For operators; null for none.</param>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> SuspendAsync(TenantSlug slug, string? reason, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"tenant {slug}", cancellationToken);
        TenantEntry before = await control.Store.GetTenantAsync(slug, cancellationToken);
        RequireState(before, TenantState.Active, TenantState.Suspended);
        TenantEntry after = before;
        if (before.Tenant.State == TenantState.Active || before.Tenant.SuspendReason != reason)
        {
            after = await control.Store.SetTenantStateAsync(before.Tenant, TenantState.Suspended, reason, cancellationToken: cancellationToken);
            await control.AuditAsync("tenant.suspend", $"tenant {slug}", new { Before = TenantFacts.Of(before), After = TenantFacts.Of(after) }, cancellationToken);
        }
        // In two statements, each with its own commit: a session that logs in between them would stay.
        await using NpgsqlConnection shard = await OpenAsync(after, cancellationToken);
        await shard.ExecuteAsync(TenantRoles.ForbidLogin(after.Tenant), cancellationToken);
        await shard.ExecuteAsync(TenantRoles.EndSessions(after.Tenant), cancellationToken);
        return after;
    }

    /// <summary>Undoes <see cref="SuspendAsync"/>.</summary>
    /// <exception cref="ControlException">The master key is another than the tenant was made with.</exception>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> ResumeAsync(TenantSlug slug, MasterKey masterKey, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"tenant {slug}", cancellationToken);
        TenantEntry before = await control.Store.GetTenantAsync(slug, cancellationToken);
        RequireState(before, TenantState.Active, TenantState.Suspended);
        await using NpgsqlConnection shard = await OpenAsync(before, cancellationToken);
        await MasterKeyGuard.RequireAsync(shard, masterKey, cancellationToken);
        await shard.ExecuteAsync(TenantRoles.AllowLogin(before.Tenant, new BackendPasswords(masterKey)), cancellationToken);
        if (before.Tenant.State == TenantState.Active) return before;
        TenantEntry after = await control.Store.SetTenantStateAsync(before.Tenant, TenantState.Active, cancellationToken: cancellationToken);
        await control.AuditAsync("tenant.resume", $"tenant {slug}", new { Before = TenantFacts.Of(before), After = TenantFacts.Of(after) }, cancellationToken);
        return after;
    }

    private async Task<NpgsqlConnection> OpenAsync(TenantEntry entry, CancellationToken cancellationToken)
        => await new ShardConnections(await control.Store.GetShardAsync(entry.Shard.Name, cancellationToken)).OpenSharedAsync(cancellationToken);

    private static void RequireState(TenantEntry entry, params ReadOnlySpan<TenantState> allowed)
    {
        if (!allowed.Contains(entry.Tenant.State)) throw new ControlException($"tenant \"{entry.Tenant.Slug}\" is {EnumText.Of(entry.Tenant.State)}");
    }
}
