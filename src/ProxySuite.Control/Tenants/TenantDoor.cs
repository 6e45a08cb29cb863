using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Tenants;

/// <summary>Lets a tenant's login roles in again.</summary>
internal static class TenantDoor
{
    /// <exception cref="ControlException">The master key is another than the tenant was made with.</exception>
    public static Task OpenAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken) => job.StepAsync("roles", async () =>
    {
        var servers = new ShardConnections(await job.Store.GetShardAsync(entry.Shard.Name, cancellationToken));
        await using NpgsqlConnection shard = await servers.OpenSharedAsync(cancellationToken);
        await MasterKeyGuard.RequireAsync(shard, job.MasterKey, cancellationToken);
        await shard.ExecuteAsync(TenantRoles.AllowLogin(entry.Tenant, new BackendPasswords(job.MasterKey)), cancellationToken);
    }, cancellationToken);
}
