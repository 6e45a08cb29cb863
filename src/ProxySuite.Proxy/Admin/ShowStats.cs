using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Admin;

/// <summary>Which of PgBouncer's numbers.</summary>
internal enum StatsPart : byte
{
    All,
    Totals,
    Averages,
}

/// <summary>
/// SHOW STATS, STATS_TOTALS and STATS_AVERAGES: PgBouncer's numbers for each tenant, times in microseconds. Transaction time is the time that servers were
/// lent. Averages are over the last 2 to 4 s: counts, bytes and waits per second, times per query and transaction.
/// </summary>
internal sealed class ShowStats(StatsPart part) : ShowCommand
{
    private static readonly string[] Names = ["xact_count", "query_count", "received", "sent", "xact_time", "query_time", "wait_time"];

    private static readonly string[] PlainNames = ["xact_count", "query_count", "bytes_received", "bytes_sent", "xact_time", "query_time", "wait_time"];

    private static readonly AdminColumn[] AllColumns =
    [
        AdminColumn.Text("database"), .. Names.Select(static name => AdminColumn.Numeric($"total_{name}")),
        .. Names.Select(static name => AdminColumn.Numeric($"avg_{(name == "received" ? "recv" : name)}")),
        AdminColumn.Numeric("total_server_assignment_count"), AdminColumn.Numeric("avg_server_assignment_count"),
    ];

    private static readonly AdminColumn[] PlainColumns = [AdminColumn.Text("database"), .. PlainNames.Select(AdminColumn.Numeric), AdminColumn.Numeric("server_assignment_count")];

    public override IReadOnlyList<AdminColumn> Columns => part == StatsPart.All ? AllColumns : PlainColumns;

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        var rows = new List<object?[]>();
        IReadOnlyList<(string Tenant, TenantSample Total, TenantSample Growth)> tenants = scope.Rates.Read(out double seconds);
        foreach ((string tenant, TenantSample total, TenantSample growth) in tenants.OrderBy(static row => row.Tenant, StringComparer.Ordinal))
        {
            long[] totals = Totals(total), averages = Averages(growth, seconds);
            object?[] Of(long[] numbers) => [.. numbers.Select(static number => (object?)number)];
            rows.Add(part switch
            {
                StatsPart.Totals => [tenant, .. Of(totals)],
                StatsPart.Averages => [tenant, .. Of(averages)],
                _ => [tenant, .. Of(totals[..^1]), .. Of(averages[..^1]), totals[^1], averages[^1]],
            });
        }
        return Task.FromResult(new AdminAnswer(rows));
    }

    /// <summary>In the order of the names, and how often a waiting query was given a server.</summary>
    internal static long[] Totals(TenantSample sum) =>
    [
        sum.Transactions, sum.Queries, sum.BytesIn, sum.BytesOut, TenantSample.Microseconds(sum.LentTicks), TenantSample.Microseconds(sum.QueryTicks), TenantSample.Microseconds(sum.WaitTicks),
        sum.Checkouts,
    ];

    /// <summary>In the same order.</summary>
    internal static long[] Averages(TenantSample growth, double seconds) =>
    [
        (long)(growth.Transactions / seconds), (long)(growth.Queries / seconds), (long)(growth.BytesIn / seconds), (long)(growth.BytesOut / seconds),
        growth.Transactions == 0 ? 0 : TenantSample.Microseconds(growth.LentTicks) / growth.Transactions, growth.Queries == 0 ? 0 : TenantSample.Microseconds(growth.QueryTicks) / growth.Queries,
        (long)(TenantSample.Microseconds(growth.WaitTicks) / seconds), (long)(growth.Checkouts / seconds),
    ];
}

/// <summary>SHOW TOTALS: the sums over all tenants.</summary>
internal sealed class ShowTotals : ShowCommand
{
    private static readonly string[] Names = ["xact_count", "query_count", "client_bytes", "server_bytes", "xact_time", "query_time", "wait_time", "server_assignment_count"];

    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Text("name"), AdminColumn.Numeric("value")];

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        TenantSample total = default, growth = default;
        IReadOnlyList<(string Tenant, TenantSample Total, TenantSample Growth)> tenants = scope.Rates.Read(out double seconds);
        foreach ((_, TenantSample sum, TenantSample more) in tenants) (total, growth) = (total + sum, growth + more);
        long[] totals = ShowStats.Totals(total), averages = ShowStats.Averages(growth, seconds);
        return Task.FromResult(new AdminAnswer(
        [
            .. Names.Select((name, at) => new object?[] { $"total_{name}", totals[at] }),
            .. Names.Select((name, at) => new object?[] { $"avg_{name}", averages[at] }),
        ]));
    }
}
