using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Admin;

/// <summary>What the first rows of SHOW TENANTS have most of.</summary>
internal enum TenantOrder : byte
{
    Name,
    Time,
    Queries,
    Bytes,
    Waiting,
}

/// <summary>SHOW TENANTS [BY …] [LIMIT n]: who uses what, and who waits. Rates are over the last 2 to 4 s.</summary>
internal sealed class ShowTenants(TenantOrder order, int limit) : ShowCommand
{
    internal static readonly AdminColumn[] TenantColumns =
    [
        AdminColumn.Text("tenant"), AdminColumn.Text("shard"), AdminColumn.Text("plan"), AdminColumn.Int4("weight"), AdminColumn.Int4("clients"), AdminColumn.Int4("servers_active"),
        AdminColumn.Int4("servers_idle"), AdminColumn.Int4("servers_opening"), AdminColumn.Int4("servers_min"), AdminColumn.Int4("servers_max"), AdminColumn.Int4("waiting"),
        AdminColumn.Int8("longest_wait_ms"), AdminColumn.Int4("delayed"), AdminColumn.Int4("pins"), AdminColumn.Int4("paused"), AdminColumn.Int8("queries"), AdminColumn.Int8("transactions"), AdminColumn.Int8("errors"),
        AdminColumn.Int8("bytes_in"), AdminColumn.Int8("bytes_out"), AdminColumn.Float8("query_seconds"), AdminColumn.Float8("wait_seconds"), AdminColumn.Float8("server_seconds"),
        AdminColumn.Int8("rate_delayed"), AdminColumn.Int8("rate_refused"), AdminColumn.Float8("queries_per_second"), AdminColumn.Float8("transactions_per_second"),
        AdminColumn.Float8("errors_per_second"), AdminColumn.Float8("bytes_per_second"), AdminColumn.Float8("time_per_second"), AdminColumn.Float8("wait_per_second"),
    ];

    public override IReadOnlyList<AdminColumn> Columns => TenantColumns;

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        List<TenantRow> rows = await TenantRow.AllAsync(scope, cancellationToken).ConfigureAwait(false);
        IEnumerable<TenantRow> sorted = order switch
        {
            // What happens now counts first; what happened before decides between those who do nothing.
            TenantOrder.Time => rows.OrderByDescending(static row => row.Growth.LentTicks).ThenByDescending(static row => row.Total.LentTicks),
            TenantOrder.Queries => rows.OrderByDescending(static row => row.Growth.Queries).ThenByDescending(static row => row.Total.Queries),
            TenantOrder.Bytes => rows.OrderByDescending(static row => row.Growth.BytesIn + row.Growth.BytesOut).ThenByDescending(static row => row.Total.BytesIn + row.Total.BytesOut),
            TenantOrder.Waiting => rows.OrderByDescending(static row => row.Waiting).ThenByDescending(static row => row.Growth.WaitTicks).ThenByDescending(static row => row.Total.WaitTicks),
            _ => rows.OrderBy(static row => row.Tenant, StringComparer.Ordinal),
        };
        return new AdminAnswer([.. sorted.Take(limit).Select(static row => row.Cells())]);
    }
}

/// <summary>SHOW TENANT slug: its row alone.</summary>
internal sealed class ShowTenant(string slug) : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns => ShowTenants.TenantColumns;

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        TenantRow? row = (await TenantRow.AllAsync(scope, cancellationToken).ConfigureAwait(false)).Find(row => row.Tenant == slug);
        return row is null ? throw new PgErrorException(AdminErrors.NoSuchTenant(slug)) : new AdminAnswer([row.Cells()]);
    }
}

/// <summary>A tenant's numbers: its counters, which outlive its pool, and its pool, if it has one now.</summary>
internal sealed record TenantRow(string Tenant, TenantSample Total, TenantSample Growth, double Seconds, IReadOnlyList<PoolView> Pools, int Pins, int Delayed)
{
    public int Waiting => Pools.Sum(static pool => pool.Counts.Waiting);

    public static async Task<List<TenantRow>> AllAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        ILookup<string, PoolView> pools = (await scope.AllPoolsAsync(cancellationToken).ConfigureAwait(false)).ToLookup(static pool => pool.Tenant);
        List<ClientView> clients = await scope.ClientsAsync(cancellationToken).ConfigureAwait(false);
        Dictionary<string, int> pins = clients.Where(static client => client.Pins != 0).CountBy(static client => client.Tenant).ToDictionary();
        Dictionary<string, int> delayed = clients.Where(static client => client.DelayedBy is not null).CountBy(static client => client.Tenant).ToDictionary();
        return [.. scope.Rates.Read(out double seconds).Select(row => new TenantRow(row.Tenant, row.Total, row.Growth, seconds, [.. pools[row.Tenant]], pins.GetValueOrDefault(row.Tenant), delayed.GetValueOrDefault(row.Tenant)))];
    }

    public object?[] Cells()
    {
        PoolView? pool = Pools.Count == 0 ? null : Pools[0];
        return
        [
            Tenant, pool?.Config.Shard, pool?.Entry.Tenant.Plan.Name, pool?.Config.Weight, Pools.Sum(static each => each.Clients), Pools.Sum(static each => each.Counts.Linked),
            Pools.Sum(static each => each.Counts.Idle), Pools.Sum(static each => each.Counts.Opening), pool?.Entry.Tenant.Plan.ConnectionsMin, pool?.Entry.Tenant.Plan.Connections,
            Waiting, (long)(Pools.Count == 0 ? 0 : Pools.Max(static each => AdminSnapshot.Since(each.OldestWait).TotalMilliseconds)), Delayed, Pins, Pools.Any(static each => each.IsPaused) ? 1 : 0,
            Total.Queries, Total.Transactions, Total.Errors, Total.BytesIn, Total.BytesOut, TenantSample.Seconds(Total.QueryTicks), TenantSample.Seconds(Total.WaitTicks),
            TenantSample.Seconds(Total.LentTicks), Total.Delayed, Total.Refused, Growth.Queries / Seconds, Growth.Transactions / Seconds, Growth.Errors / Seconds,
            (Growth.BytesIn + Growth.BytesOut) / Seconds, TenantSample.Seconds(Growth.LentTicks) / Seconds, TenantSample.Seconds(Growth.WaitTicks) / Seconds,
        ];
    }
}
