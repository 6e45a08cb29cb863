using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Proxy.Listening;

/// <summary>The page /metrics: reads the statistics and writes them for Prometheus (design §9). One page at a time.</summary>
/// <param name="options">For <see cref="MetricsOptions.TenantSeriesMax"/>.</param>
/// <param name="stats">What to read.</param>
/// <param name="server">For reactors.</param>
/// <param name="lookups">How the tenant directory answered.</param>
/// <param name="process">What the runtime and the operating system know of this process.</param>
internal sealed class MetricsPage(CurrentOptions options, StatsRegistry stats, IProxyServer server, DirectoryCounters lookups, ProcessMetrics process)
{
    private static readonly byte[] Other = PrometheusText.Label("tenant", "_other");
    private static readonly byte[][] PinReasons = Labels<PinReason>("reason");
    private static readonly byte[][] CancelResults = Labels<CancelResult>("result");
    private static readonly byte[][] RefusalReasons = Labels<RefusalReason>("reason");

    // As they stand in TenantTotals: for each limit those delayed, then those refused.
    private static readonly byte[][] LimitHits =
        [.. Labels<LimitKind>("limit").SelectMany(static limit => new byte[][] { [.. limit, .. ",decision=\"delayed\""u8], [.. limit, .. ",decision=\"refused\""u8] })];

    private readonly TenantSeries _tenants = new(stats);
    private readonly List<(byte[] Label, TenantTotals Totals)> _rows = [];

    /// <summary>Writes the whole page.</summary>
    public void Write(PrometheusText text)
    {
        process.Write(text);
        WriteProxy(text);
        WriteShards(text);
        _tenants.Collect(options.Value.Metrics.TenantSeriesMax);
        _rows.Clear();
        foreach (TenantSeries.Series series in _tenants.Shown) _rows.Add((series.Label, series.Own));
        if (_tenants.HasOther) _rows.Add((Other, _tenants.Other));
        WriteTenants(text);
    }

    private void WriteProxy(PrometheusText text)
    {
        ProxyStats proxy = stats.Proxy;
        text.Gauge("proxysuite_clients"u8, "Client connections open now."u8);
        text.Sample(""u8, ""u8, proxy.Clients);
        text.Counter("proxysuite_clients_accepted_total"u8, "Client connections accepted."u8);
        text.Sample(""u8, ""u8, proxy.Accepted);
        text.Counter("proxysuite_clients_refused_total"u8, "Client connections that got no session."u8);
        foreach (RefusalReason reason in Enum.GetValues<RefusalReason>()) text.Sample(RefusalReasons[(int)reason], ""u8, proxy.Total(reason));
        text.Counter("proxysuite_logins_delayed_total"u8, "Logins that had to wait because of failed ones of the same tenant from the same address."u8);
        text.Sample(""u8, ""u8, proxy.LoginsDelayed);
        text.Gauge("proxysuite_rate_proxies"u8, "Proxies that live, by the registry's heartbeats; they share tenants' limits."u8);
        text.Sample(""u8, ""u8, proxy.ProxiesAlive);
        if (proxy.LeasesUp >= 0)
        {
            text.Gauge("proxysuite_rate_leases_up"u8, "1 if tenants' limits were last shared between proxies through Redis, 0 if each proxy keeps to its part."u8);
            text.Sample(""u8, ""u8, proxy.LeasesUp);
            text.Counter("proxysuite_rate_lease_failures_total"u8, "Exchanges of tenants' limits through Redis that failed."u8);
            text.Sample(""u8, ""u8, proxy.LeaseFailures);
        }
        text.Counter("proxysuite_registry_lookups_total"u8, "Look-ups of a tenant by where the answer came from: memory, memory of unknown names, Redis, the registry, memory beyond its time."u8);
        text.Sample("source=\"memory\""u8, ""u8, lookups.Memory);
        text.Sample("source=\"negative\""u8, ""u8, lookups.Negative);
        text.Sample("source=\"redis\""u8, ""u8, lookups.Shared);
        text.Sample("source=\"registry\""u8, ""u8, lookups.Registry);
        text.Sample("source=\"stale\""u8, ""u8, lookups.Stale);
        text.Counter("proxysuite_registry_failures_total"u8, "Requests to the registry that failed."u8);
        text.Sample(""u8, ""u8, lookups.Failures);
        text.Counter("proxysuite_cancels_total"u8, "CancelRequests by what became of them."u8);
        foreach (CancelResult result in Enum.GetValues<CancelResult>()) text.Sample(CancelResults[(int)result], ""u8, proxy.Total(result));

        IReadOnlyList<ReactorCounters> reactors = server.Reactors;
        var labels = new byte[reactors.Count][];
        for (int index = 0; index < labels.Length; index++) labels[index] = PrometheusText.Label("reactor", $"{index}");
        text.Counter("proxysuite_reactor_turns_total"u8, "Turns of a reactor's loop."u8);
        for (int index = 0; index < labels.Length; index++) text.Sample(labels[index], ""u8, reactors[index].Turns);
        text.Gauge("proxysuite_reactor_connections"u8, "Connections of clients and servers that a reactor owns."u8);
        for (int index = 0; index < labels.Length; index++) text.Sample(labels[index], ""u8, reactors[index].Open);
        text.Counter("proxysuite_reactor_failures_total"u8, "Exceptions that escaped a handler; each ended one connection."u8);
        for (int index = 0; index < labels.Length; index++) text.Sample(labels[index], ""u8, reactors[index].HandlerFailures);
    }

    private void WriteShards(PrometheusText text)
    {
        List<(byte[] Label, ShardTotals Totals)> shards = [.. stats.Shards().Select(shard => (PrometheusText.Label("shard", shard.Name), new ShardTotals(shard)))];
        text.Gauge("proxysuite_shard_up"u8, "1 if the last attempt to open a connection to the shard succeeded, 0 if it failed."u8);
        foreach ((byte[] label, ShardTotals totals) in shards)
            if (totals.LastAttempt != 0) text.Sample(label, ""u8, totals.LastAttempt > 0 ? 1 : 0);
        text.Gauge("proxysuite_shard_servers"u8, "Server connections to the shard."u8);
        foreach ((byte[] label, ShardTotals totals) in shards)
        {
            text.Sample(label, "state=\"active\""u8, totals.Active);
            text.Sample(label, "state=\"idle\""u8, totals.Idle);
            text.Sample(label, "state=\"opening\""u8, totals.Opening);
        }
        WriteShares(text);
        WriteAudits(text);
        text.Counter("proxysuite_shard_connect_failures_total"u8, "Server connections that could not be opened."u8);
        foreach ((byte[] label, ShardTotals totals) in shards) text.Sample(label, ""u8, totals.ConnectFailures);
        text.Counter("proxysuite_shard_changed_hands_total"u8, "Shared server connections that were reset to be lent to another tenant."u8);
        foreach ((byte[] label, ShardTotals totals) in shards) text.Sample(label, ""u8, totals.ChangesOfHands);
        text.HistogramFamily("proxysuite_shard_connect_seconds"u8, "Time from connect to the server's first ReadyForQuery."u8);
        foreach ((byte[] label, ShardTotals totals) in shards) text.Histogram(label, totals.ConnectTime);
    }

    private void WriteShares(PrometheusText text)
    {
        List<(byte[] Label, ShardShareStats Shares)> shards = [.. stats.Shards().Select(shard => (PrometheusText.Label("shard", shard.Name), shard.Shares))];
        text.Gauge("proxysuite_shard_limit"u8, "Most server connections to the shard now; less than its cap while it is protected."u8);
        foreach ((byte[] label, ShardShareStats shares) in shards) text.Sample(label, ""u8, Volatile.Read(ref shares.Limit));
        text.Gauge("proxysuite_shard_permits"u8, "Server connections to the shard that are open, opening or reserved."u8);
        foreach ((byte[] label, ShardShareStats shares) in shards) text.Sample(label, ""u8, Volatile.Read(ref shares.Leased));
        text.Gauge("proxysuite_shard_line"u8, "Pools that wait for a connection to the shard."u8);
        foreach ((byte[] label, ShardShareStats shares) in shards) text.Sample(label, ""u8, Volatile.Read(ref shares.InLine));
        text.Gauge("proxysuite_shard_backoff"u8, "1 while connections are opened one at a time, behind a pause, because the last one failed."u8);
        foreach ((byte[] label, ShardShareStats shares) in shards) text.Sample(label, ""u8, Volatile.Read(ref shares.IsBackedOff));
        text.Counter("proxysuite_shard_given_up_total"u8, "Server connections closed for another tenant: idle ones, and such as had served theirs for its share."u8);
        foreach ((byte[] label, ShardShareStats shares) in shards)
        {
            text.Sample(label, "reason=\"idle\""u8, Volatile.Read(ref shares.Evictions));
            text.Sample(label, "reason=\"share\""u8, Volatile.Read(ref shares.HandOvers));
        }
        text.Counter("proxysuite_shard_held_back_total"u8, "Requests for a connection that waited for the pace of openings although a place was free."u8);
        foreach ((byte[] label, ShardShareStats shares) in shards) text.Sample(label, ""u8, Volatile.Read(ref shares.HeldBack));
    }

    private void WriteAudits(PrometheusText text)
    {
        List<(byte[] Label, bool Answers, AuditSummary? Findings)> audits = [.. stats.Audits.All.Select(shard => (PrometheusText.Label("shard", shard.Shard), shard.Answers, shard.Findings))];
        if (audits.Count == 0) return;
        text.Gauge("proxysuite_audit_up"u8, "1 if the shard's last audit could be made, 0 if not."u8);
        foreach ((byte[] label, bool answers, _) in audits) text.Sample(label, ""u8, answers ? 1 : 0);
        text.Gauge("proxysuite_audit_findings"u8, "What weakens the isolation of tenants on the shard, by severity, at its last audit; proxyctl audit names it."u8);
        foreach ((byte[] label, _, AuditSummary? findings) in audits)
        {
            if (findings is not { } found) continue;
            text.Sample(label, "severity=\"critical\""u8, found.Critical);
            text.Sample(label, "severity=\"high\""u8, found.High);
            text.Sample(label, "severity=\"medium\""u8, found.Medium);
            text.Sample(label, "severity=\"low\""u8, found.Low);
        }
    }

    private void WriteTenants(PrometheusText text)
    {
        text.Counter("proxysuite_tenant_queries_total"u8, "Requests answered."u8);
        Counter(text, TenantTotals.Queries, ""u8);
        text.Counter("proxysuite_tenant_transactions_total"u8, "Transactions finished; a statement outside a block is one."u8);
        Counter(text, TenantTotals.Transactions, ""u8);
        text.Counter("proxysuite_tenant_errors_total"u8, "Errors by the side that caused them."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            text.Sample(label, "side=\"client\""u8, totals.Counters[TenantTotals.ErrorsClient]);
            text.Sample(label, "side=\"server\""u8, totals.Counters[TenantTotals.ErrorsServer]);
            text.Sample(label, "side=\"proxy\""u8, totals.Counters[TenantTotals.ErrorsProxy]);
            text.Sample(label, "side=\"registry\""u8, totals.Counters[TenantTotals.ErrorsRegistry]);
        }
        text.Counter("proxysuite_tenant_bytes_total"u8, "Bytes received from clients (in) and sent to them (out)."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            text.Sample(label, "direction=\"in\""u8, totals.Counters[TenantTotals.BytesIn]);
            text.Sample(label, "direction=\"out\""u8, totals.Counters[TenantTotals.BytesOut]);
        }
        text.Counter("proxysuite_tenant_waits_refused_total"u8, "Queries refused with 53300 instead of a server connection."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            text.Sample(label, "reason=\"timeout\""u8, totals.Counters[TenantTotals.WaitersTimedOut]);
            text.Sample(label, "reason=\"queue-full\""u8, totals.Counters[TenantTotals.WaitersRefused]);
        }
        text.Counter("proxysuite_tenant_rate_limited_total"u8, "Decisions of the rate limit; a tenant without a limit has none."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            // Most tenants have no limit, and three series each would be the larger part of a page nobody reads.
            ReadOnlySpan<long> decisions = totals.Counters.AsSpan(TenantTotals.RateAllowed, 3);
            if (!decisions.ContainsAnyExcept(0)) continue;
            text.Sample(label, "decision=\"allowed\""u8, decisions[0]);
            text.Sample(label, "decision=\"delayed\""u8, decisions[1]);
            text.Sample(label, "decision=\"refused\""u8, decisions[2]);
        }
        text.Counter("proxysuite_tenant_limit_hits_total"u8, "Queries and clients held back, by the limit that did it; none for limits that never did."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            for (int index = 0; index < LimitHits.Length; index++)
                if (totals.Counters[TenantTotals.Limited + index] is > 0 and long hits) text.Sample(label, LimitHits[index], hits);
        }
        text.Gauge("proxysuite_tenant_clients"u8, "Clients by whether they hold a server connection, wait for one, or do neither."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            text.Sample(label, "state=\"active\""u8, totals.Gauges[TenantTotals.ClientsActive]);
            text.Sample(label, "state=\"waiting\""u8, totals.Gauges[TenantTotals.ClientsWaiting]);
            text.Sample(label, "state=\"idle\""u8, totals.Gauges[TenantTotals.ClientsIdle]);
        }
        text.Gauge("proxysuite_tenant_servers"u8, "Server connections of the tenant."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            text.Sample(label, "state=\"active\""u8, totals.Gauges[TenantTotals.ServersActive]);
            text.Sample(label, "state=\"idle\""u8, totals.Gauges[TenantTotals.ServersIdle]);
            text.Sample(label, "state=\"opening\""u8, totals.Gauges[TenantTotals.ServersOpening]);
        }
        text.Gauge("proxysuite_tenant_queue_depth"u8, "Queries that wait for a server connection."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows) text.Sample(label, ""u8, totals.Gauges[TenantTotals.QueueDepth]);
        text.Gauge("proxysuite_tenant_pinned_clients"u8, "Clients that keep their server connection between transactions, by reason."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows)
        {
            for (int reason = 0; reason < PinReasons.Length; reason++)
            {
                // Pins are rare: a tenant shows a reason from the first pin on, also when it is back at 0.
                long pinned = totals.Gauges[TenantTotals.Pinned + reason];
                if (pinned != 0) totals.PinsSeen |= 1 << reason;
                if ((totals.PinsSeen & (1 << reason)) != 0) text.Sample(label, PinReasons[reason], pinned);
            }
        }
        text.Counter("proxysuite_tenant_server_seconds_total"u8, "Time that server connections were lent to the tenant's clients."u8);
        foreach ((byte[] label, TenantTotals totals) in _rows) text.Sample(label, ""u8, totals.Counters[TenantTotals.LentTime] / (double)System.Diagnostics.Stopwatch.Frequency);
        text.HistogramFamily("proxysuite_tenant_query_seconds"u8, "Time from a request's first byte to its answer's last, as the client sees it."u8);
        Histograms(text, TenantTotals.QueryTime);
        text.HistogramFamily("proxysuite_tenant_wait_seconds"u8, "Time a query waited for a server connection."u8);
        Histograms(text, TenantTotals.WaitTime);
    }

    private void Counter(PrometheusText text, int counter, ReadOnlySpan<byte> labels)
    {
        foreach ((byte[] label, TenantTotals totals) in _rows) text.Sample(label, labels, totals.Counters[counter]);
    }

    private void Histograms(PrometheusText text, int first)
    {
        foreach ((byte[] label, TenantTotals totals) in _rows) text.Histogram(label, totals.Counters.AsSpan(first));
    }

    private static byte[][] Labels<T>(string name) where T : struct, Enum
        => [.. Enum.GetValues<T>().Select(value => PrometheusText.Label(name, EnumWords<T>.Of(value)))];

    /// <summary>A shard's numbers summed over its reactors.</summary>
    private sealed class ShardTotals
    {
        public readonly long Active, Idle, Opening, ConnectFailures, ChangesOfHands, LastAttempt;
        public readonly long[] ConnectTime = new long[LatencyHistogram.BucketCount + 1];

        public ShardTotals(StatsRegistry.ShardEntry shard)
        {
            foreach (ShardStats? stats in Volatile.Read(ref shard.Reactors))
            {
                if (stats is null) continue;
                Active += Volatile.Read(ref stats.ServersActive);
                Idle += Volatile.Read(ref stats.ServersIdle);
                Opening += Volatile.Read(ref stats.ServersOpening);
                ConnectFailures += Volatile.Read(ref stats.ConnectFailures);
                ChangesOfHands += Volatile.Read(ref stats.ChangesOfHands);
                stats.ConnectTime.AddTo(ConnectTime);
                // The newest attempt of any reactor says whether the shard is up.
                if (Math.Abs(stats.LastAttempt) > Math.Abs(LastAttempt)) LastAttempt = stats.LastAttempt;
            }
        }
    }
}
