using System.Globalization;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Admin;

/// <summary>SHOW WAITS: who waits for whom. One row for each tenant whose queries wait, with what they wait for, and with those who hold what they wait for.</summary>
internal sealed class ShowWaits : ShowCommand
{
    /// <summary>Holders named in a row, those with most connections per weight first.</summary>
    private const int HoldersMax = 5;

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        AdminColumn.Text("tenant"), AdminColumn.Text("shard"), AdminColumn.Int4("weight"), AdminColumn.Int4("waiting"), AdminColumn.Int8("longest_wait_ms"), AdminColumn.Text("waits_for"),
        AdminColumn.Int4("held"), AdminColumn.Int4("budget"), AdminColumn.Text("holders"),
    ];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        List<PoolView> pools = await scope.AllPoolsAsync(cancellationToken).ConfigureAwait(false);
        var rows = new List<object?[]>();
        foreach (PoolView pool in pools.Where(static pool => pool.WaitsFor != WaitReason.None).OrderBy(static pool => pool.OldestWait))
        {
            rows.Add(
            [
                pool.Tenant, pool.Config.Shard, pool.Config.Weight, pool.Counts.Waiting, (long)AdminSnapshot.Since(pool.OldestWait).TotalMilliseconds, Name(pool.WaitsFor),
                pool.IsSealed ? pool.Lent : pool.Leased, pool.Budget, pool.WaitsFor is WaitReason.ShardCap ? Holders(pools, pool) : pool.WaitsFor is WaitReason.OwnBudget ? $"{pool.Tenant} {pool.Budget}" : "",
            ]);
        }
        foreach (IGrouping<(string Tenant, string Shard, LimitKind? Limit), ClientView> held in (await scope.ClientsAsync(cancellationToken).ConfigureAwait(false))
            .Where(static client => client.DelayedBy is not null).GroupBy(static client => (client.Tenant, client.Shard, client.DelayedBy)))
        {
            rows.Add(
            [
                held.Key.Tenant, held.Key.Shard, null, held.Count(), (long)held.Max(static client => AdminSnapshot.Since(client.DelayAt).TotalMilliseconds),
                $"own limit ({EnumWords<LimitKind>.Of(held.Key.Limit!.Value)})", null, null, held.Key.Tenant,
            ]);
        }
        return new AdminAnswer(rows);
    }

    private static string Holders(List<PoolView> pools, PoolView waiting) => string.Join(", ", pools
        .Where(pool => pool.Config.Shard == waiting.Config.Shard && Held(pool) > 0)
        .OrderByDescending(static pool => Held(pool) / (double)pool.Config.Weight)
        .Take(HoldersMax)
        .Select(static pool => string.Create(CultureInfo.InvariantCulture, $"{pool.Tenant} {Held(pool)} (weight {pool.Config.Weight})")));

    private static int Held(PoolView pool) => pool.IsSealed ? pool.Lent : pool.Leased;

    private static string Name(WaitReason reason) => reason switch
    {
        WaitReason.Paused => "operator",
        WaitReason.OwnBudget => "own budget",
        WaitReason.ShardCap => "shard cap",
        WaitReason.ShardAway => "shard away",
        _ => "opening",
    };
}
