using ProxySuite.Proxy.Limits;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>A tenant's limits where two reactors serve it: its own, not twice its own.</summary>
public sealed class LimiterGroupTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1000, 1000)] // either alone wants more than the limit
    [InlineData(1000, 20)]   // one does
    [InlineData(150, 90)]    // together they do
    [InlineData(0, 1000)]
    public void Queries_a_second_hold_over_the_sum_whatever_the_load_of_each(int first, int second)
    {
        var pair = new Pair(new RateLimits(QueriesPerSecond: 200, Burst: 20));
        pair.Run(2 * Second, first, second);
        (int one, int two) = pair.Run(10 * Second, first, second);
        Assert.InRange(one + two, 1940, 2060);
        // Who wants less than an even part gets what it wants.
        if (first < 100) Assert.InRange(one, first * 9, first * 11);
        if (second < 100) Assert.InRange(two, second * 9, second * 11);
    }

    [Fact]
    public void A_load_that_wanders_from_one_reactor_to_the_other_gets_no_more()
    {
        var pair = new Pair(new RateLimits(QueriesPerSecond: 200, Burst: 20));
        int admitted = 0;
        for (int turn = 0; turn < 10; turn++)
        {
            (int one, int two) = turn % 2 == 0 ? pair.Run(2 * Second, 1000, 10) : pair.Run(2 * Second, 10, 1000);
            admitted += one + two;
        }
        Assert.InRange(admitted, 3600, 4400);
    }

    [Fact]
    public void Below_the_limit_nobody_waits()
    {
        var pair = new Pair(new RateLimits(QueriesPerSecond: 200, Burst: 20));
        pair.Run(2 * Second, 90, 60);
        (int one, int two) = pair.Run(5 * Second, 90, 60);
        Assert.Equal((450, 300), (one, two));
    }

    [Fact]
    public void Concurrent_queries_are_counted_together_and_who_has_fewer_goes_first()
    {
        var pair = new Pair(new RateLimits(ConcurrentQueries: 3));
        LimiterWorld one = pair.One, two = pair.Two;
        LimiterWorld.Visitor[] running = [one.Ask(), one.Ask(), one.Ask()];
        Assert.All(running, static visitor => Assert.True(visitor.IsIn));
        LimiterWorld.Visitor there = two.Ask(), here = one.Ask();
        Assert.False(there.IsIn);
        Assert.False(here.IsIn);
        running[0].Exit();
        Assert.True(there.IsIn);
        Assert.False(here.IsIn);
        running[1].Exit();
        Assert.True(here.IsIn);
        Assert.Equal(3, one.Limiter.Running + two.Limiter.Running);
    }

    [Fact]
    public void With_one_place_two_reactors_take_turns()
    {
        var pair = new Pair(new RateLimits(ConcurrentQueries: 1));
        var served = new List<int>();
        LimiterWorld.Visitor busy = pair.One.Ask();
        LimiterWorld.Visitor?[] waiting = [pair.One.Ask(), pair.Two.Ask()];
        for (int i = 0; i < 10; i++)
        {
            // Time passes between one query and the next.
            pair.Pass(TimeSpan.FromMilliseconds(1));
            busy.Exit();
            int who = waiting[0]!.IsIn ? 0 : 1;
            Assert.True(waiting[who]!.IsIn);
            Assert.False(waiting[1 - who]!.IsIn);
            served.Add(who);
            busy = waiting[who]!;
            waiting[who] = (who == 0 ? pair.One : pair.Two).Ask();
        }
        Assert.Equal(5, served.Count(static who => who == 0));
    }

    [Fact]
    public void Query_seconds_and_bytes_used_on_one_reactor_count_on_the_other()
    {
        var pair = new Pair(new RateLimits(QuerySecondsPerMinute: 10, BytesPerMinute: 1000));
        pair.One.Stats.QueryTime.Record(LimiterWorld.Ticks(6 * Second));
        Assert.Equal(1, pair.One.Drain(1));
        Assert.Equal(1, pair.Two.Drain(1));
        pair.Two.Stats.QueryTime.Record(LimiterWorld.Ticks(5 * Second));
        Assert.Equal(0, pair.Two.Drain(1));
        Assert.Equal(0, pair.One.Drain(1));
        // A reactor that nobody asks anything forgets all the same.
        pair.Pass(70 * Second);
        pair.Two.Limiter.Settle();
        Assert.Equal(1, pair.One.Drain(1));
        pair.One.Stats.BytesOut += 1000;
        pair.One.Limiter.Settle();
        Assert.Equal(0, pair.Two.Drain(1));
    }

    [Fact]
    public void Clients_are_counted_together()
    {
        var pair = new Pair(new RateLimits(ClientsMax: 3));
        Assert.Null(pair.One.Limiter.OpenClient(out _));
        Assert.Null(pair.Two.Limiter.OpenClient(out _));
        Assert.Null(pair.One.Limiter.OpenClient(out _));
        Assert.NotNull(pair.Two.Limiter.OpenClient(out _));
        Assert.NotNull(pair.One.Limiter.OpenClient(out _));
        pair.One.Limiter.CloseClient();
        Assert.Null(pair.Two.Limiter.OpenClient(out _));
    }

    [Fact]
    public void Connections_a_second_hold_over_the_sum()
    {
        var pair = new Pair(new RateLimits(ConnectionsPerSecond: 40));
        int opened = 0;
        for (int step = 0; step < 12_000; step++)
        {
            pair.Pass(TimeSpan.FromMilliseconds(1));
            foreach (LimiterWorld world in (LimiterWorld[])[pair.One, pair.Two])
            {
                if (step % 10 != 0 || world.Limiter.OpenClient(out _) is not null) continue;
                world.Limiter.CloseClient();
                if (step >= 2000) opened++;
            }
        }
        Assert.InRange(opened, 360, 440);
    }

    [Fact]
    public void A_limiter_that_is_alone_again_has_all_of_the_limit()
    {
        var pair = new Pair(new RateLimits(QueriesPerSecond: 200, Burst: 20));
        pair.Run(2 * Second, 1000, 1000);
        pair.Group.Remove(pair.Two.Limiter.Cell);
        (int one, _) = pair.Run(5 * Second, 1000, 0);
        Assert.InRange(one, 950, 1050);
    }

    /// <summary>Two limiters of one tenant, on clocks that go together.</summary>
    private sealed class Pair
    {
        private readonly double[] _owed = new double[2];
        private readonly List<LimiterWorld.Visitor>[] _waiting = [[], []];

        public Pair(RateLimits limits)
        {
            One = new LimiterWorld(limits, group: Group);
            Two = new LimiterWorld(limits, group: Group);
        }

        public LimiterGroup Group { get; } = new();

        public LimiterWorld One { get; }

        public LimiterWorld Two { get; }

        public void Pass(TimeSpan time)
        {
            for (int i = 0; i < (int)time.TotalMilliseconds; i++)
            {
                One.Pass(TimeSpan.FromMilliseconds(1));
                Two.Pass(TimeSpan.FromMilliseconds(1));
            }
        }

        /// <summary>So many queries a second come to each, evenly spaced; those that are held back wait, up to their time.</summary>
        /// <returns>How many were let in.</returns>
        public (int One, int Two) Run(TimeSpan time, int first, int second)
        {
            var admitted = new int[2];
            for (int step = 0; step < (int)time.TotalMilliseconds; step++)
            {
                Pass(TimeSpan.FromMilliseconds(1));
                for (int which = 0; which < 2; which++)
                {
                    for (_owed[which] += (which == 0 ? first : second) / 1000.0; _owed[which] >= 1 - 1e-9; _owed[which]--) _waiting[which].Add((which == 0 ? One : Two).Ask());
                    foreach (LimiterWorld.Visitor visitor in _waiting[which])
                    {
                        if (!visitor.IsIn) continue;
                        admitted[which]++;
                        visitor.Exit();
                    }
                    _waiting[which].RemoveAll(static visitor => visitor.IsIn || visitor.Error is not null);
                }
            }
            return (admitted[0], admitted[1]);
        }
    }
}
