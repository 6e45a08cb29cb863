namespace ProxySuite.Control.Consoles;

/// <summary>What tenants are sorted by, the most first.</summary>
public enum TopOrder
{
    Time,
    Queries,
    Bytes,
    Waiting,
}

/// <summary>A tenant, summed over proxies. Rates are those of the last seconds.</summary>
public sealed record TopTenant(
    string Tenant, string? Shard, string? Plan, long Weight, long Clients, long ServersActive, long ServersIdle, long ServersOpening, long Waiting, long LongestWaitMs, long Pins, bool Paused,
    double QueriesPerSecond, double BytesPerSecond, double ErrorsPerSecond, double TimePerSecond, double WaitPerSecond, long Queries, long Errors, long BytesIn, long BytesOut, double ServerSeconds,
    double WaitSeconds, long RateDelayed, long RateRefused)
{
    internal static TopTenant Read(ConsoleRow row) => new(
        row.Text("tenant") ?? "", row.Text("shard"), row.Text("plan"), row.Long("weight") ?? 0, row.Long("clients") ?? 0, row.Long("servers_active") ?? 0, row.Long("servers_idle") ?? 0,
        row.Long("servers_opening") ?? 0, row.Long("waiting") ?? 0, row.Long("longest_wait_ms") ?? 0, row.Long("pins") ?? 0, row.Long("paused") == 1, row.Double("queries_per_second") ?? 0,
        row.Double("bytes_per_second") ?? 0, row.Double("errors_per_second") ?? 0, row.Double("time_per_second") ?? 0, row.Double("wait_per_second") ?? 0, row.Long("queries") ?? 0,
        row.Long("errors") ?? 0, row.Long("bytes_in") ?? 0, row.Long("bytes_out") ?? 0, row.Double("server_seconds") ?? 0, row.Double("wait_seconds") ?? 0, row.Long("rate_delayed") ?? 0,
        row.Long("rate_refused") ?? 0);

    /// <summary>The same tenant at another proxy added.</summary>
    internal TopTenant Plus(TopTenant other) => new(
        Tenant, Shard ?? other.Shard, Plan ?? other.Plan, Math.Max(Weight, other.Weight), Clients + other.Clients, ServersActive + other.ServersActive, ServersIdle + other.ServersIdle,
        ServersOpening + other.ServersOpening, Waiting + other.Waiting, Math.Max(LongestWaitMs, other.LongestWaitMs), Pins + other.Pins, Paused || other.Paused,
        QueriesPerSecond + other.QueriesPerSecond, BytesPerSecond + other.BytesPerSecond, ErrorsPerSecond + other.ErrorsPerSecond, TimePerSecond + other.TimePerSecond,
        WaitPerSecond + other.WaitPerSecond, Queries + other.Queries, Errors + other.Errors, BytesIn + other.BytesIn, BytesOut + other.BytesOut, ServerSeconds + other.ServerSeconds,
        WaitSeconds + other.WaitSeconds, RateDelayed + other.RateDelayed, RateRefused + other.RateRefused);
}

/// <summary>A shard, summed over proxies.</summary>
public sealed record TopShard(string Shard, bool? Up, long Cap, long Leased, long InLine, long Active, long Idle, long Opening, long Tenants)
{
    internal static TopShard Read(ConsoleRow row) => new(
        row.Text("shard") ?? "", row.Long("up") is { } up ? up == 1 : null, row.Long("cap_now") ?? row.Long("cap") ?? 0, row.Long("leased") ?? 0, row.Long("in_line") ?? 0,
        row.Long("active") ?? 0, row.Long("idle") ?? 0, row.Long("opening") ?? 0, row.Long("tenants") ?? 0);

    internal TopShard Plus(TopShard other) => new(
        Shard, Up is null ? other.Up : other.Up is null ? Up : Up.Value && other.Up.Value, Cap + other.Cap, Leased + other.Leased, InLine + other.InLine, Active + other.Active, Idle + other.Idle,
        Opening + other.Opening, Math.Max(Tenants, other.Tenants));
}

/// <summary>Who waits, and for whom, at one proxy.</summary>
public sealed record TopWait(string Proxy, string Tenant, string Shard, long Waiting, long LongestWaitMs, string WaitsFor, string Holders);

/// <summary>The platform at one moment, as its proxies see it.</summary>
/// <param name="Unreachable">Proxies that did not answer, and why.</param>
public sealed record TopReport(
    IReadOnlyList<string> Proxies, IReadOnlyList<string> Unreachable, IReadOnlyList<TopShard> Shards, IReadOnlyList<TopTenant> Tenants, IReadOnlyList<TopWait> Waits);

/// <summary>Asks proxies' consoles and sums what they say.</summary>
/// <param name="proxies">One console a proxy.</param>
public sealed class TopService(IReadOnlyList<ProxyConsole> proxies)
{
    /// <summary>A tenant that is far down the list of every proxy is hardly at the top of their sum: each is asked for so many times more rows than are shown.</summary>
    private const int Margin = 20;

    /// <summary>The tenants with most of what is sorted by.</summary>
    /// <param name="order">What they are sorted by.</param>
    /// <param name="limit">How many, from 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ControlException">No proxy answers.</exception>
    public async Task<TopReport> ReadAsync(TopOrder order, int limit, CancellationToken cancellationToken)
    {
        Answer[] answers = await Task.WhenAll(proxies.Select(proxy => AskAsync(proxy, order, proxies.Count == 1 ? limit : limit * Margin, cancellationToken)));
        if (answers.All(static answer => answer.Failure is not null)) throw answers[0].Failure!;
        IEnumerable<TopTenant> tenants = answers.SelectMany(static answer => answer.Tenants).GroupBy(static tenant => tenant.Tenant)
            .Select(static same => same.Aggregate(static (left, right) => left.Plus(right)));
        return new TopReport(
            [.. answers.Where(static answer => answer.Failure is null).Select(static answer => answer.Proxy)],
            [.. answers.Where(static answer => answer.Failure is not null).Select(static answer => answer.Failure!.Message)],
            [.. answers.SelectMany(static answer => answer.Shards).GroupBy(static shard => shard.Shard).Select(static same => same.Aggregate(static (left, right) => left.Plus(right)))
                .OrderBy(static shard => shard.Shard, StringComparer.Ordinal)],
            [.. Sort(tenants, order).Take(limit)],
            [.. answers.SelectMany(static answer => answer.Waits).OrderByDescending(static wait => wait.LongestWaitMs)]);
    }

    private static IEnumerable<TopTenant> Sort(IEnumerable<TopTenant> tenants, TopOrder order) => order switch
    {
        TopOrder.Queries => tenants.OrderByDescending(static tenant => tenant.QueriesPerSecond).ThenByDescending(static tenant => tenant.Queries),
        TopOrder.Bytes => tenants.OrderByDescending(static tenant => tenant.BytesPerSecond).ThenByDescending(static tenant => tenant.BytesIn + tenant.BytesOut),
        TopOrder.Waiting => tenants.OrderByDescending(static tenant => tenant.Waiting).ThenByDescending(static tenant => tenant.WaitPerSecond).ThenByDescending(static tenant => tenant.WaitSeconds),
        _ => tenants.OrderByDescending(static tenant => tenant.TimePerSecond).ThenByDescending(static tenant => tenant.ServerSeconds),
    };

    private static async Task<Answer> AskAsync(ProxyConsole proxy, TopOrder order, int limit, CancellationToken cancellationToken)
    {
        try
        {
            // One after the other: a console's connection answers one command at a time.
            return new Answer(
                proxy.Name,
                await proxy.RowsAsync($"SHOW TENANTS BY {order.ToString().ToLowerInvariant()} LIMIT {limit}", TopTenant.Read, cancellationToken),
                await proxy.RowsAsync("SHOW SHARDS", TopShard.Read, cancellationToken),
                await proxy.RowsAsync("SHOW WAITS", row => new TopWait(
                    proxy.Name, row.Text("tenant") ?? "", row.Text("shard") ?? "", row.Long("waiting") ?? 0, row.Long("longest_wait_ms") ?? 0, row.Text("waits_for") ?? "", row.Text("holders") ?? ""),
                    cancellationToken),
                null);
        }
        catch (ControlException failed)
        {
            return new Answer(proxy.Name, [], [], [], failed);
        }
    }

    private sealed record Answer(string Proxy, IReadOnlyList<TopTenant> Tenants, IReadOnlyList<TopShard> Shards, IReadOnlyList<TopWait> Waits, ControlException? Failure);
}
