using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tenants;

/// <summary>
/// Ends what is left of a suspended tenant's sessions on its shard: those that were in the middle of a transaction when it was suspended, each when that is over. The
/// proxies do the same, and sooner; this is for a proxy that has not heard. Its servers are logged in already, so a closed door alone would leave it writing.
/// </summary>
internal sealed record EndSessions : ControlJob
{
    public override string Kind => "tenant.end-sessions";

    // By id: the tenant may be called otherwise by then.
    public required Guid Tenant { get; init; }

    [JsonIgnore]
    public override string Subject => $"sessions of tenant {Tenant:D}";

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        job.IsUnchanged = true; // a part of the suspension, which is on record
        if (await job.Store.FindTenantAsync(new TenantId(Tenant), cancellationToken) is not { } found) return;
        // Under the verbs' lock, so that no session of a tenant that was just resumed is taken for one of before.
        await using IAsyncDisposable mine = await job.Control.LockAsync($"tenant {found.Tenant.Slug}", cancellationToken);
        if (await job.Store.FindTenantAsync(new TenantId(Tenant), cancellationToken) is not { Tenant.State: TenantState.Suspended } entry) return;
        await job.AlwaysAsync("sessions", async () =>
        {
            await using NpgsqlConnection shard = await new ShardConnections(await job.Store.GetShardAsync(entry.Shard.Name, cancellationToken)).OpenSharedAsync(cancellationToken);
            int left = await TenantSessions.EndAsync(shard, entry.Tenant, atOnce: false, TimeSpan.Zero, cancellationToken);
            if (left > 0) throw new ControlException($"{left} session{(left == 1 ? " is" : "s are")} in the middle of a transaction", "They end with it; the worker looks again in 30 s.") { IsTransient = true };
        }, cancellationToken);
    }
}

/// <summary>Sessions of a tenant's roles on its shard, ended by the shard itself.</summary>
internal static class TenantSessions
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a session that was told to end may take, on a machine that has much to do.</summary>
    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(10);

    /// <summary>Ends sessions until none is left; for after the door was closed.</summary>
    /// <param name="atOnce">Also those in the middle of a transaction; else they are waited for.</param>
    /// <param name="patience">How long to wait for transactions that are open; those that were told to end are waited for in any case.</param>
    /// <returns>How many are left.</returns>
    public static async Task<int> EndAsync(NpgsqlConnection shard, Tenant tenant, bool atOnce, TimeSpan patience, CancellationToken cancellationToken)
    {
        string[] roles = [.. TenantRoles.Of(tenant).Select(role => BackendNames.Role(tenant.Id, role))];
        if (roles.Length == 0) return 0; // a sealed one: its sessions are everybody's, and the fence refuses each of its statements
        long began = Environment.TickCount64;
        // None twice in a row: a login that passed the door before it closed is listed a moment later.
        for (int none = 0; ;)
        {
            await shard.ExecuteAsync(TenantRoles.EndSessions(tenant, atOnce), cancellationToken);
            (int left, int busy) = (await shard.QueryAsync(
                "SELECT count(*)::int, count(*) FILTER (WHERE state IS DISTINCT FROM 'idle')::int FROM pg_stat_activity WHERE usename = ANY ($1) AND backend_type = 'client backend'",
                row => (row.GetInt32(0), row.GetInt32(1)), cancellationToken, (object)roles))[0];
            none = left == 0 ? none + 1 : 0;
            TimeSpan waited = TimeSpan.FromMilliseconds(Environment.TickCount64 - began);
            if (none == 2 || (!atOnce && left > 0 && left == busy && waited >= patience) || waited >= patience + EndMax) return left;
            await Task.Delay(Interval, cancellationToken);
        }
    }
}
