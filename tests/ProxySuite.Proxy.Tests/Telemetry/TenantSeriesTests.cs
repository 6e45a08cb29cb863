using ProxySuite.Proxy.Telemetry;
using Xunit;

namespace ProxySuite.Proxy.Tests.Telemetry;

/// <summary>Which tenants have series of their own, and that no number falls back or counts twice whoever is shown.</summary>
public sealed class TenantSeriesTests
{
    private readonly StatsRegistry _registry = new();

    [Fact]
    public void A_tenant_on_two_reactors_is_one_series_with_both_counts()
    {
        _registry.Tenant("acme", 0).Queries = 3;
        _registry.Tenant("acme", 1).Queries = 4;
        var series = new TenantSeries(_registry);
        series.Collect(10);
        TenantSeries.Series only = Assert.Single(series.Shown);
        Assert.Equal(7, only.Own.Counters[TenantTotals.Queries]);
        Assert.False(series.HasOther);
    }

    [Fact]
    public void A_reactor_that_meets_a_tenant_again_goes_on_with_the_same_numbers()
        => Assert.Same(_registry.Tenant("acme", 2), _registry.Tenant("acme", 2));

    [Fact]
    public void Above_the_bound_the_busiest_are_shown_and_the_rest_is_summed()
    {
        for (int tenant = 1; tenant <= 5; tenant++) _registry.Tenant($"t{tenant}", 0).Queries = tenant * 10;
        var series = new TenantSeries(_registry);
        series.Collect(2);
        Assert.Equal(["t4", "t5"], Slugs(series));
        Assert.Equal(10 + 20 + 30, series.Other.Counters[TenantTotals.Queries]);
    }

    [Fact]
    public void A_hidden_tenant_that_becomes_far_busier_takes_the_place_of_the_quietest()
    {
        TenantStats quiet = _registry.Tenant("quiet", 0), riser = _registry.Tenant("riser", 0), busy = _registry.Tenant("busy", 0);
        (quiet.Queries, riser.Queries, busy.Queries) = (20, 10, 1000);
        var series = new TenantSeries(_registry);
        series.Collect(2);
        Assert.Equal(["busy", "quiet"], Slugs(series));
        riser.Queries += 500;
        series.Collect(2);
        Assert.Equal(["busy", "riser"], Slugs(series));
    }

    [Fact]
    public void Equals_do_not_trade_places_at_every_scrape()
    {
        TenantStats left = _registry.Tenant("left", 0), right = _registry.Tenant("right", 0);
        left.Queries = 100;
        var series = new TenantSeries(_registry);
        series.Collect(1);
        for (int scrape = 0; scrape < 10; scrape++)
        {
            left.Queries += 100;
            right.Queries += 110;
            series.Collect(1);
            Assert.Equal(["left"], Slugs(series));
        }
    }

    [Fact]
    public void With_a_bound_of_0_everything_is_summed()
    {
        _registry.Tenant("acme", 0).Queries = 5;
        var series = new TenantSeries(_registry);
        series.Collect(0);
        Assert.Empty(series.Shown);
        Assert.Equal(5, series.Other.Counters[TenantTotals.Queries]);
    }

    [Fact]
    public void Gauges_of_hidden_tenants_are_summed_as_they_stand()
    {
        TenantStats first = _registry.Tenant("first", 0), second = _registry.Tenant("second", 1);
        (first.ClientsIdle, second.ClientsIdle) = (2, 3);
        second.Pinned(PinReason.TempTable) = 4;
        var series = new TenantSeries(_registry);
        series.Collect(0);
        Assert.Equal(5, series.Other.Gauges[TenantTotals.ClientsIdle]);
        Assert.Equal(4, series.Other.Gauges[TenantTotals.Pinned + (int)PinReason.TempTable]);
        first.ClientsIdle = 0;
        series.Collect(0);
        Assert.Equal(3, series.Other.Gauges[TenantTotals.ClientsIdle]);
    }

    [Fact]
    public void A_deleted_tenant_ends_its_series_and_leaves_the_sum_standing()
    {
        _registry.Tenant("gone", 0).Queries = 7;
        var series = new TenantSeries(_registry);
        series.Collect(0);
        _registry.Forget("gone");
        series.Collect(10);
        Assert.Empty(series.Shown);
        Assert.Equal(7, series.Other.Counters[TenantTotals.Queries]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_no_counter_falls_back_and_each_query_is_told_exactly_once(int seed)
    {
        var random = new Random(seed);
        var series = new TenantSeries(_registry);
        TenantStats[] tenants = [.. Enumerable.Range(0, 40).Select(tenant => _registry.Tenant($"t{tenant}", tenant % 3))];
        var told = new Dictionary<string, long>();
        long grownTotal = 0, countedTotal = 0;
        for (int scrape = 0; scrape < 300; scrape++)
        {
            foreach (TenantStats tenant in tenants)
            {
                long queries = random.Next(4) == 0 ? random.Next(1000) : 0;
                tenant.Queries += queries;
                tenant.QueryTime.Record(queries);
                countedTotal += queries;
            }
            series.Collect(shownMax: random.Next(20));
            IEnumerable<(string Slug, TenantTotals Totals)> page = series.Shown.Select(shown => (Slug(shown), shown.Own));
            if (series.HasOther) page = page.Append(("_other", series.Other));
            foreach ((string slug, TenantTotals totals) in page)
            {
                long before = told.GetValueOrDefault(slug), now = totals.Counters[TenantTotals.Queries];
                Assert.True(now >= before, $"scrape {scrape}: {slug} fell from {before} to {now}");
                Assert.All(totals.Counters, counter => Assert.True(counter >= 0));
                grownTotal += now - before;
                told[slug] = now;
            }
            // Prometheus adds up what series grew by: over all series that is what was counted, whoever was shown.
            Assert.Equal(countedTotal, grownTotal);
        }
    }

    private static string[] Slugs(TenantSeries series) => [.. series.Shown.Select(Slug).Order(StringComparer.Ordinal)];

    private static string Slug(TenantSeries.Series series) => System.Text.Encoding.UTF8.GetString(series.Label)["tenant=\"".Length..^1];
}
