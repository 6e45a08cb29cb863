using System.Diagnostics;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Proxy.Tests.Metrics;

public sealed class MetricsPageTests : IAsyncDisposable
{
    private readonly MetricsWorld _world = new();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public void It_has_the_names_and_types_of_the_contract()
    {
        Dictionary<string, string> families = _world.Page().Families;
        foreach ((string name, string type) in new Dictionary<string, string>
        {
            ["tenant_queries_total"] = "counter",
            ["tenant_errors_total"] = "counter",
            ["tenant_query_seconds"] = "histogram",
            ["tenant_wait_seconds"] = "histogram",
            ["tenant_clients"] = "gauge",
            ["tenant_servers"] = "gauge",
            ["tenant_queue_depth"] = "gauge",
            ["tenant_rate_limited_total"] = "counter",
            ["tenant_pinned_clients"] = "gauge",
            ["tenant_bytes_total"] = "counter",
            ["shard_up"] = "gauge",
            ["shard_servers"] = "gauge",
            ["shard_connect_seconds"] = "histogram",
            ["registry_lookups_total"] = "counter",
            ["cancels_total"] = "counter",
            ["build_info"] = "gauge",
        })
        {
            Assert.Equal(type, families.GetValueOrDefault($"proxysuite_{name}"));
        }
    }

    [Fact]
    public void A_tenants_counters_and_gauges_are_told_with_its_label()
    {
        TenantStats acme = _world.Stats.Tenant("acme", 0);
        (acme.Queries, acme.Transactions, acme.BytesIn, acme.BytesOut) = (11, 12, 13, 14);
        (acme.ErrorsClient, acme.ErrorsServer, acme.ErrorsProxy, acme.ErrorsRegistry) = (21, 22, 23, 24);
        (acme.ClientsActive, acme.ClientsWaiting, acme.ClientsIdle) = (31, 32, 33);
        (acme.ServersActive, acme.ServersIdle, acme.ServersOpening, acme.QueueDepth) = (41, 42, 43, 44);
        (acme.RateAllowed, acme.RateDelayed, acme.RateRefused, acme.WaitersTimedOut, acme.WaitersRefused) = (51, 52, 53, 54, 55);
        acme.Pinned(PinReason.AdvisoryLock) = 61;
        PrometheusPage page = _world.Page();
        foreach ((string series, double value) in new Dictionary<string, double>
        {
            ["proxysuite_tenant_queries_total{tenant=\"acme\"}"] = 11,
            ["proxysuite_tenant_transactions_total{tenant=\"acme\"}"] = 12,
            ["proxysuite_tenant_bytes_total{tenant=\"acme\",direction=\"in\"}"] = 13,
            ["proxysuite_tenant_bytes_total{tenant=\"acme\",direction=\"out\"}"] = 14,
            ["proxysuite_tenant_errors_total{tenant=\"acme\",side=\"client\"}"] = 21,
            ["proxysuite_tenant_errors_total{tenant=\"acme\",side=\"server\"}"] = 22,
            ["proxysuite_tenant_errors_total{tenant=\"acme\",side=\"proxy\"}"] = 23,
            ["proxysuite_tenant_errors_total{tenant=\"acme\",side=\"registry\"}"] = 24,
            ["proxysuite_tenant_clients{tenant=\"acme\",state=\"active\"}"] = 31,
            ["proxysuite_tenant_clients{tenant=\"acme\",state=\"waiting\"}"] = 32,
            ["proxysuite_tenant_clients{tenant=\"acme\",state=\"idle\"}"] = 33,
            ["proxysuite_tenant_servers{tenant=\"acme\",state=\"active\"}"] = 41,
            ["proxysuite_tenant_servers{tenant=\"acme\",state=\"idle\"}"] = 42,
            ["proxysuite_tenant_servers{tenant=\"acme\",state=\"opening\"}"] = 43,
            ["proxysuite_tenant_queue_depth{tenant=\"acme\"}"] = 44,
            ["proxysuite_tenant_rate_limited_total{tenant=\"acme\",decision=\"allowed\"}"] = 51,
            ["proxysuite_tenant_rate_limited_total{tenant=\"acme\",decision=\"delayed\"}"] = 52,
            ["proxysuite_tenant_rate_limited_total{tenant=\"acme\",decision=\"refused\"}"] = 53,
            ["proxysuite_tenant_waits_refused_total{tenant=\"acme\",reason=\"timeout\"}"] = 54,
            ["proxysuite_tenant_waits_refused_total{tenant=\"acme\",reason=\"queue-full\"}"] = 55,
            ["proxysuite_tenant_pinned_clients{tenant=\"acme\",reason=\"advisory-lock\"}"] = 61,
        })
        {
            Assert.Equal(value, page[series]);
        }
    }

    [Fact]
    public void A_histogram_is_cumulative_and_ends_in_its_count()
    {
        TenantStats acme = _world.Stats.Tenant("acme", 0);
        foreach (double seconds in (double[])[0.00005, 0.0007, 0.05, 0.051, 1000]) acme.QueryTime.Record((long)(seconds * Stopwatch.Frequency));
        PrometheusPage page = _world.Page();
        Assert.Equal(
            [1, 1, 1, 2, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5],
            page.Series.Where(series => series.StartsWith("proxysuite_tenant_query_seconds_bucket", StringComparison.Ordinal)).Select(series => page[series]));
        Assert.Equal(3, page["proxysuite_tenant_query_seconds_bucket{tenant=\"acme\",le=\"0.05\"}"]);
        Assert.Equal(5, page["proxysuite_tenant_query_seconds_bucket{tenant=\"acme\",le=\"+Inf\"}"]);
        Assert.Equal(5, page["proxysuite_tenant_query_seconds_count{tenant=\"acme\"}"]);
        Assert.Equal(1000.10175, page["proxysuite_tenant_query_seconds_sum{tenant=\"acme\"}"], 1e-6);
        Assert.Equal(0, page["proxysuite_tenant_wait_seconds_count{tenant=\"acme\"}"]);
    }

    [Fact]
    public void A_tenant_without_a_rate_limit_and_without_pins_has_no_series_for_them()
    {
        _world.Stats.Tenant("acme", 0).Queries = 1;
        Assert.DoesNotContain(_world.Page().Series, series => series.StartsWith("proxysuite_tenant_rate", StringComparison.Ordinal)
            || series.StartsWith("proxysuite_tenant_pinned", StringComparison.Ordinal));
    }

    [Fact]
    public void A_pin_that_is_gone_is_told_as_0()
    {
        TenantStats acme = _world.Stats.Tenant("acme", 0);
        acme.Pinned(PinReason.TempTable) = 1;
        _world.Page();
        acme.Pinned(PinReason.TempTable) = 0;
        Assert.Equal(0, _world.Page()["proxysuite_tenant_pinned_clients{tenant=\"acme\",reason=\"temp-table\"}"]);
    }

    [Fact]
    public void A_shard_is_up_by_the_newest_attempt_of_any_reactor()
    {
        ShardStats first = _world.Stats.Shard("s1", 0), second = _world.Stats.Shard("s1", 1);
        Assert.DoesNotContain("proxysuite_shard_up{shard=\"s1\"}", _world.Page().Series);
        first.Connected(nowTicks: 100, tookTicks: Stopwatch.Frequency / 1000);
        Assert.Equal(1, _world.Page()["proxysuite_shard_up{shard=\"s1\"}"]);
        second.Failed(nowTicks: 200);
        Assert.Equal(0, _world.Page()["proxysuite_shard_up{shard=\"s1\"}"]);
        first.Connected(nowTicks: 300, tookTicks: Stopwatch.Frequency / 1000);
        PrometheusPage page = _world.Page();
        Assert.Equal(1, page["proxysuite_shard_up{shard=\"s1\"}"]);
        Assert.Equal(1, page["proxysuite_shard_connect_failures_total{shard=\"s1\"}"]);
        Assert.Equal(2, page["proxysuite_shard_connect_seconds_count{shard=\"s1\"}"]);
    }

    [Fact]
    public void Server_connections_of_a_shard_are_summed_over_reactors()
    {
        ShardStats first = _world.Stats.Shard("s1", 0), third = _world.Stats.Shard("s1", 2);
        (first.ServersActive, first.ServersIdle, first.ServersOpening) = (1, 2, 3);
        (third.ServersActive, third.ServersIdle, third.ServersOpening) = (10, 20, 30);
        PrometheusPage page = _world.Page();
        Assert.Equal((11, 22, 33), (page["proxysuite_shard_servers{shard=\"s1\",state=\"active\"}"],
            page["proxysuite_shard_servers{shard=\"s1\",state=\"idle\"}"], page["proxysuite_shard_servers{shard=\"s1\",state=\"opening\"}"]));
    }

    [Fact]
    public void The_proxys_own_numbers_are_there()
    {
        _world.Stats.Proxy.ClientOpened();
        _world.Stats.Proxy.Count(CancelResult.Sent);
        _world.Stats.Proxy.Count(RefusalReason.TooManyClients);
        _world.LogEventsDropped = 9;
        _world.Server.Reactors = [new ReactorCounters { Turns = 5, Open = 6, HandlerFailures = 7 }];
        PrometheusPage page = _world.Page();
        Assert.Equal(1, page["proxysuite_clients"]);
        Assert.Equal(1, page["proxysuite_clients_accepted_total"]);
        Assert.Equal(1, page["proxysuite_clients_refused_total{reason=\"too-many-clients\"}"]);
        Assert.Equal(1, page["proxysuite_cancels_total{result=\"sent\"}"]);
        Assert.Equal(9, page["proxysuite_log_events_dropped_total"]);
        Assert.Equal((5, 6, 7), (page["proxysuite_reactor_turns_total{reactor=\"0\"}"], page["proxysuite_reactor_connections{reactor=\"0\"}"],
            page["proxysuite_reactor_failures_total{reactor=\"0\"}"]));
        Assert.Equal(1, page[$"proxysuite_build_info{{version=\"1.2.3\",runtime=\"{Environment.Version}\"}}"]);
        Assert.True(page["process_resident_memory_bytes"] > 1 << 20);
        Assert.True(page["process_cpu_seconds_total"] > 0);
        Assert.True(page["process_max_fds"] >= page["process_open_fds"]);
        Assert.InRange(page["process_start_time_seconds"], 1.7e9, 1e10);
    }

    [Fact]
    public async Task Look_ups_are_told_by_where_the_answer_came_from()
    {
        TenantSlug nobody = TenantSlug.Parse("nobody");
        for (int lookup = 0; lookup < 3; lookup++) await _world.Tenants.GetAsync(nobody, CancellationToken.None);
        _world.Registry.IsDown = true;
        await _world.Tenants.GetAsync(TenantSlug.Parse("somebody"), CancellationToken.None);
        PrometheusPage page = _world.Page();
        Assert.Equal((1, 2, 0, 0), (page["proxysuite_registry_lookups_total{source=\"registry\"}"], page["proxysuite_registry_lookups_total{source=\"negative\"}"],
            page["proxysuite_registry_lookups_total{source=\"memory\"}"], page["proxysuite_registry_lookups_total{source=\"stale\"}"]));
        Assert.Equal(1, page["proxysuite_registry_failures_total"]);
    }

    [Fact]
    public void Above_the_bound_tenants_are_told_under_other_and_the_bound_can_be_reloaded()
    {
        for (int tenant = 0; tenant < 20; tenant++) _world.Stats.Tenant($"t{tenant}", 0).Queries = 1;
        _world.Options.Swap(new ProxyOptions { Metrics = new MetricsOptions { TenantSeriesMax = 5 } });
        Assert.Equal(6, _world.Page().Series.Count(series => series.StartsWith("proxysuite_tenant_queries_total", StringComparison.Ordinal)));
        Assert.Equal(15, _world.Page()["proxysuite_tenant_queries_total{tenant=\"_other\"}"]);
    }

    [Theory]
    [InlineData("a\"b", "a\\\"b")]
    [InlineData("a\\b", "a\\\\b")]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("müller", "müller")]
    public void Label_values_are_escaped(string slug, string label)
    {
        _world.Stats.Tenant(slug, 0).Queries = 1;
        Assert.Equal(1, _world.Page()[$"proxysuite_tenant_queries_total{{tenant=\"{label}\"}}"]);
    }

    [Fact]
    public async Task Promtool_finds_nothing_to_say()
    {
        TenantStats acme = _world.Stats.Tenant("acme", 0);
        (acme.Queries, acme.RateAllowed) = (1, 1);
        acme.Pinned(PinReason.Listen) = 1;
        acme.QueryTime.Record(1000);
        _world.Stats.Shard("s1", 0).Connected(1, 1);
        _world.Server.Reactors = [new ReactorCounters()];
        (int exitCode, string output) = await Promtool.CheckAsync(_world.Text());
        Assert.Equal("", output);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task Promtool_would_notice_a_broken_page()
    {
        (int exitCode, string output) = await Promtool.CheckAsync(_world.Text() + "proxysuite_clients{ 1\n");
        Assert.NotEqual(0, exitCode);
        Assert.NotEqual("", output);
    }
}
