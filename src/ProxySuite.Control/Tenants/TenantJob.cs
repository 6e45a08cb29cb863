using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tenants;

/// <summary>Something done to one tenant.</summary>
internal abstract record TenantJob : ControlJob
{
    public required TenantSlug Slug { get; init; }

    [JsonIgnore]
    public override string Subject => $"tenant {Slug}";

    /// <summary>The control plane's connection to the tenant's shard.</summary>
    protected static async Task<NpgsqlConnection> OpenShardAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken)
        => await (await ServersAsync(job, entry, cancellationToken)).OpenSharedAsync(cancellationToken);

    protected static async Task<ShardConnections> ServersAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken)
        => new(await job.Store.GetShardAsync(entry.Shard.Name, cancellationToken));

    /// <summary>
    /// Closes the door of the tenant's roles, then ends sessions: in two statements, each with its own commit, so that none slips in between. Idle ones, too: a proxy
    /// that has not heard would go on using them, and finds out by the next login, where nothing of a client has been sent.
    /// </summary>
    /// <param name="atOnce">Also those in the middle of a transaction, and not before they are gone is it done; else they end with it.</param>
    protected static async Task FenceAsync(JobContext job, TenantEntry entry, bool atOnce, CancellationToken cancellationToken)
    {
        await job.StepAsync("fence", async () =>
        {
            await using NpgsqlConnection shard = await OpenShardAsync(job, entry, cancellationToken);
            await shard.ExecuteAsync(TenantRoles.ForbidLogin(entry.Tenant), cancellationToken);
        }, cancellationToken);
        await job.StepAsync("sessions", async () =>
        {
            await using NpgsqlConnection shard = await OpenShardAsync(job, entry, cancellationToken);
            int left = await TenantSessions.EndAsync(shard, entry.Tenant, atOnce, TimeSpan.Zero, cancellationToken);
            if (atOnce && left > 0) throw new ControlException($"{left} sessions on shard \"{entry.Shard.Name}\" do not end", "Run the same command again.") { IsTransient = true };
        }, cancellationToken);
    }

    protected static void RequireState(TenantEntry entry, params ReadOnlySpan<TenantState> allowed)
    {
        if (allowed.Contains(entry.Tenant.State)) return;
        string slug = entry.Tenant.Slug.Value;
        throw new ControlException($"tenant \"{slug}\" is {EnumText.Of(entry.Tenant.State)}", entry.Tenant.State switch
        {
            TenantState.Creating => $"Its making was cut off; finish it with the same tenant create, or give it up: proxyctl tenant delete {slug}",
            TenantState.Deleting => $"Take the deletion back first: proxyctl tenant undelete {slug}",
            _ => null,
        });
    }
}
