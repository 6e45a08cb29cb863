using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

public sealed class TenantLimiterTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Without_limits_nobody_has_to_ask()
    {
        var world = new LimiterWorld(RateLimits.None);
        Assert.False(world.Limiter.IsLimited);
        Assert.Equal(5000, world.Drain(5000));
    }

    [Fact]
    public void Beyond_the_burst_queries_wait_their_turn_in_the_order_they_came()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 10, Burst: 3));
        Assert.Equal(3, world.Drain());
        LimiterWorld.Visitor[] visitors = [.. Enumerable.Range(0, 10).Select(_ => world.Ask())];
        Assert.All(visitors, visitor => Assert.True(visitor.Waiter.IsWaiting));
        // The tenth's turn would come in 1.0 s, the eleventh's in 1.1 s: beyond Limits:MaxRateDelay.
        LimiterWorld.Visitor late = world.Ask();
        Assert.Equal(SqlState.ConfigurationLimitExceeded, late.Error!.SqlState);
        Assert.Contains("Retry after 1100 ms", late.Error.Hint, StringComparison.Ordinal);
        Assert.Contains("queries-per-second", late.Error.Hint, StringComparison.Ordinal);
        world.Pass(Second + TimeSpan.FromMilliseconds(3));
        Assert.All(visitors, visitor => Assert.True(visitor.IsIn));
        Assert.Equal(visitors, visitors.OrderBy(visitor => visitor.SettledAt));
        for (int index = 0; index < visitors.Length; index++)
            Assert.InRange(TimeSpan.FromSeconds((double)visitors[index].SettledAt / System.Diagnostics.Stopwatch.Frequency).TotalMilliseconds, (index + 1) * 100, ((index + 1) * 100) + 3);
        Assert.Equal((3, 10, 1), (world.Stats.RateAllowed, world.Stats.RateDelayed, world.Stats.RateRefused));
        Assert.Equal((10, 1), (world.Stats.Limited(LimitKind.Queries, isRefused: false), world.Stats.Limited(LimitKind.Queries, isRefused: true)));
    }

    [Fact]
    public void Who_asks_while_others_wait_goes_behind_them()
    {
        var world = new LimiterWorld(new RateLimits(ConcurrentQueries: 1));
        LimiterWorld.Visitor inside = world.Ask(), first = world.Ask();
        inside.Exit();
        LimiterWorld.Visitor second = world.Ask();
        Assert.True(first.IsIn);
        Assert.False(second.IsIn);
        first.Exit();
        Assert.True(second.IsIn);
    }

    [Fact]
    public void Whoever_has_waited_for_the_longest_time_allowed_is_refused()
    {
        var world = new LimiterWorld(new RateLimits(ConcurrentQueries: 1));
        LimiterWorld.Visitor inside = world.Ask(), outside = world.Ask();
        world.Pass(Second - TimeSpan.FromMilliseconds(5));
        Assert.True(outside.Waiter.IsWaiting);
        world.Pass(TimeSpan.FromMilliseconds(60));
        Assert.Equal("limit of 1 queries at a time exceeded", outside.Error!.Message);
        Assert.Contains("concurrent-queries", outside.Error.Hint, StringComparison.Ordinal);
        inside.Exit();
        Assert.False(outside.IsIn);
        Assert.Equal((0, 0), (world.Limiter.Running, world.Limiter.Waiting));
    }

    [Fact]
    public void Whoever_leaves_the_line_is_not_called_and_not_paid_for()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 10, Burst: 1));
        world.Drain();
        LimiterWorld.Visitor first = world.Ask(), second = world.Ask(), third = world.Ask();
        Assert.True(world.Limiter.Leave(second.Waiter));
        Assert.False(world.Limiter.Leave(second.Waiter));
        world.Pass(TimeSpan.FromMilliseconds(210));
        Assert.True(first.IsIn && third.IsIn);
        Assert.True(!second.IsIn && second.Error is null);
    }

    [Fact]
    public void A_limit_that_is_raised_or_taken_away_lets_in_who_waits_and_a_lower_one_holds_at_once()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 1));
        world.Drain();
        LimiterWorld.Visitor waiting = world.Ask();
        Assert.True(waiting.Waiter.IsWaiting);
        world.Limiter.Update(RateLimits.None);
        Assert.True(waiting.IsIn);
        Assert.False(world.Limiter.IsLimited);
        world.Limiter.Update(new RateLimits(QueriesPerSecond: 1000));
        world.Pass(Second);
        world.Limiter.Update(new RateLimits(QueriesPerSecond: 2));
        Assert.Equal(2, world.Drain());
    }

    [Fact]
    public void Statements_of_a_transaction_are_counted_and_paid_back_by_the_next_one()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 10));
        world.Drain(1);
        world.Limiter.Charge(29);
        Assert.Contains("Retry after 2100 ms", world.Ask().Error!.Hint, StringComparison.Ordinal);
        world.Pass(TimeSpan.FromSeconds(2.15));
        Assert.Equal(1, world.Drain());
    }

    [Fact]
    public void Query_time_beyond_the_minutes_seconds_holds_further_queries_until_it_is_a_minute_old()
    {
        var world = new LimiterWorld(new RateLimits(QuerySecondsPerMinute: 10));
        world.Pass(Second);
        Assert.Equal(7, world.Drain(7));
        world.Stats.QueryTime.Record(LimiterWorld.Ticks(TimeSpan.FromSeconds(9.9)));
        Assert.Equal(7, world.Drain(7));
        world.Stats.QueryTime.Record(LimiterWorld.Ticks(TimeSpan.FromSeconds(30)));
        PgError error = world.Ask().Error!;
        Assert.Equal("limit of 10 seconds of query time per minute exceeded", error.Message);
        Assert.Contains("Retry after 64000 ms", error.Hint, StringComparison.Ordinal);
        world.Pass(TimeSpan.FromSeconds(64));
        Assert.Equal(7, world.Drain(7));
    }

    [Fact]
    public void Bytes_of_both_directions_count()
    {
        var world = new LimiterWorld(new RateLimits(BytesPerMinute: 1000));
        world.Stats.BytesIn += 400;
        world.Stats.BytesOut += 500;
        Assert.Equal(1, world.Drain(1));
        world.Stats.BytesOut += 100;
        Assert.Equal("limit of 1000 bytes per minute exceeded", world.Ask().Error!.Message);
        Assert.Equal(1, world.Stats.Limited(LimitKind.Bytes, isRefused: true));
    }

    [Fact]
    public void What_was_used_before_there_was_a_limit_is_not_held_against_anybody()
    {
        var world = new LimiterWorld(RateLimits.None);
        world.Stats.BytesIn = 1_000_000;
        world.Stats.QueryTime.Record(LimiterWorld.Ticks(TimeSpan.FromHours(1)));
        world.Limiter.Update(new RateLimits(BytesPerMinute: 1000, QuerySecondsPerMinute: 1));
        Assert.Equal(1, world.Drain(1));
    }

    /// <summary>Also where another limit was there before, or the same one was taken away for a while.</summary>
    [Fact]
    public void What_was_used_before_one_limit_of_several_is_not_held_against_anybody()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 1000));
        world.Stats.BytesIn = 1_000_000;
        world.Stats.QueryTime.Record(LimiterWorld.Ticks(TimeSpan.FromHours(1)));
        var all = new RateLimits(QueriesPerSecond: 1000, BytesPerMinute: 1000, QuerySecondsPerMinute: 1);
        world.Limiter.Update(all);
        Assert.Equal(1, world.Drain(1));
        world.Limiter.Update(new RateLimits(QueriesPerSecond: 1000));
        world.Stats.BytesIn = 2_000_000;
        world.Limiter.Update(all);
        Assert.Equal(1, world.Drain(1));
        Assert.Equal((0, 0), (world.Limiter.Cell.Bytes, world.Limiter.Cell.Milliseconds));
    }

    [Fact]
    public void What_was_used_before_a_pause_is_forgiven_in_the_pause()
    {
        var world = new LimiterWorld(new RateLimits(BytesPerMinute: 1000));
        Assert.Equal(1, world.Drain(1));
        world.Stats.BytesOut += 5000;
        world.Pass(Second);
        world.Limiter.Settle();
        Assert.NotNull(world.Ask().Error);
        world.Pass(TimeSpan.FromSeconds(65));
        Assert.Equal(1, world.Drain(1));
    }

    [Fact]
    public void Where_no_lease_says_more_each_proxy_has_its_even_share()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 100, BytesPerMinute: 1000), maxDelay: TimeSpan.Zero);
        world.Proxies.ProxiesAlive = 4;
        world.Pass(Second);
        Assert.Equal(25, world.Drain());
        world.Pass(Second);
        Assert.Equal(25, world.Drain());
        world.Stats.BytesIn += 250;
        Assert.Equal(0, world.Drain());
        world.Proxies.ProxiesAlive = 2;
        world.Drain();
        world.Pass(Second);
        Assert.Equal(50, world.Drain());
    }

    [Fact]
    public void Who_waits_for_long_is_told_once()
    {
        var world = new LimiterWorld(new RateLimits(ConcurrentQueries: 1), maxDelay: TimeSpan.FromSeconds(10), noticeAfter: Second);
        LimiterWorld.Visitor inside = world.Ask(), outside = world.Ask();
        world.Pass(TimeSpan.FromMilliseconds(900));
        Assert.Equal(0, outside.Notices);
        world.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(1, outside.Notices);
        inside.Exit();
        Assert.True(outside.IsIn);
    }

    [Fact]
    public void New_clients_beyond_the_rate_are_refused_and_so_are_more_at_a_time_than_allowed()
    {
        var world = new LimiterWorld(new RateLimits(ConnectionsPerSecond: 2, ClientsMax: 3));
        Assert.Null(world.Limiter.OpenClient(out _));
        Assert.Null(world.Limiter.OpenClient(out _));
        PgError rate = world.Limiter.OpenClient(out RefusalReason reason)!;
        Assert.Equal((SqlState.ConfigurationLimitExceeded, RefusalReason.ConnectionRate, "FATAL"), (rate.SqlState, reason, rate.Severity));
        Assert.Contains("Retry after 500 ms", rate.Hint, StringComparison.Ordinal);
        world.Pass(Second);
        Assert.Null(world.Limiter.OpenClient(out _));
        PgError full = world.Limiter.OpenClient(out reason)!;
        Assert.Equal((SqlState.TooManyConnections, RefusalReason.TenantClients), (full.SqlState, reason));
        Assert.Contains("clients-max of the plan", full.Hint, StringComparison.Ordinal);
        world.Limiter.CloseClient();
        Assert.Null(world.Limiter.OpenClient(out _));
        Assert.Equal(3, world.Limiter.Clients);
    }

    [Fact]
    public void A_clock_that_goes_backwards_holds_nobody_up()
    {
        var world = new LimiterWorld(new RateLimits(QueriesPerSecond: 10, QuerySecondsPerMinute: 60));
        world.Pass(TimeSpan.FromSeconds(30));
        world.Drain();
        world.Skew = -LimiterWorld.Ticks(TimeSpan.FromSeconds(20));
        LimiterWorld.Visitor visitor = world.Ask();
        world.Pass(TimeSpan.FromMilliseconds(110));
        Assert.True(visitor.IsIn);
        world.Pass(Second);
        Assert.Equal(10, world.Drain());
    }
}
