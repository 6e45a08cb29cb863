using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Admin;

/// <summary>SHOW SHARDS: each shard's cap on connections of this proxy, what it is now, how much of it is taken, and how many pools stand in line.</summary>
internal sealed class ShowShards : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        AdminColumn.Text("shard"), AdminColumn.Int4("up"), AdminColumn.Int4("cap"), AdminColumn.Int4("cap_now"), AdminColumn.Int4("leased"), AdminColumn.Int4("in_line"), AdminColumn.Int4("active"), AdminColumn.Int4("idle"),
        AdminColumn.Int4("opening"), AdminColumn.Int4("tenants"), AdminColumn.Int8("connect_failures"), AdminColumn.Float8("connect_seconds"),
        AdminColumn.Int8("evictions"), AdminColumn.Int8("hand_overs"), AdminColumn.Int8("held_back"),
    ];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        List<PoolView> pools = await scope.PoolsAsync(cancellationToken).ConfigureAwait(false);
        Dictionary<string, int> caps = [];
        foreach (PoolView pool in pools) caps[pool.Config.Shard] = pool.Entry.Shard.ConnectionsMax;
        Dictionary<string, int> tenants = pools.GroupBy(static pool => pool.Config.Shard).ToDictionary(static group => group.Key, static group => group.Count());
        var rows = new List<object?[]>();
        foreach (StatsRegistry.ShardEntry entry in scope.Stats.Shards().OrderBy(static each => each.Name, StringComparer.Ordinal))
        {
            ShardShareStats shares = entry.Shares;
            long active = 0, idle = 0, opening = 0, failures = 0, last = 0, connects = 0, connectTicks = 0;
            foreach (ShardStats? stats in Volatile.Read(ref entry.Reactors))
            {
                if (stats is null) continue;
                active += Volatile.Read(ref stats.ServersActive);
                idle += Volatile.Read(ref stats.ServersIdle);
                opening += Volatile.Read(ref stats.ServersOpening);
                failures += Volatile.Read(ref stats.ConnectFailures);
                connects += stats.ConnectTime.Count;
                connectTicks += stats.ConnectTime.SumTicks;
                // The newest attempt of any reactor says whether the shard is up.
                if (Math.Abs(stats.LastAttempt) > Math.Abs(last)) last = stats.LastAttempt;
            }
            rows.Add(
            [
                entry.Name, last == 0 ? null : last > 0 ? 1 : 0, caps.TryGetValue(entry.Name, out int cap) ? cap : null, (int)Volatile.Read(ref shares.Limit), (int)Volatile.Read(ref shares.Leased), (int)Volatile.Read(ref shares.InLine), (int)active, (int)idle, (int)opening, tenants.GetValueOrDefault(entry.Name), failures,
                connects == 0 ? null : TenantSample.Seconds(connectTicks) / connects,
                Volatile.Read(ref shares.Evictions), Volatile.Read(ref shares.HandOvers), Volatile.Read(ref shares.HeldBack),
            ]);
        }
        return new AdminAnswer(rows);
    }
}
