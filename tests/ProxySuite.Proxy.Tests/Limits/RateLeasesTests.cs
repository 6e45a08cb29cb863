using System.Diagnostics;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>Several proxies that share a tenant's limits, in simulated time: counts are exact, and the same on any machine.</summary>
public sealed class RateLeasesTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>The promise: the sum over two proxies is within a tenth of the limit, however the load is divided and when it shifts.</summary>
    [Theory]
    [InlineData(10, 1), InlineData(100, 1), InlineData(1000, 1)]
    [InlineData(10, 60), InlineData(100, 60), InlineData(1000, 60)]
    [InlineData(100, 5), InlineData(1000, 5), InlineData(1000, 2)]
    public async Task Two_proxies_together_let_through_the_limit_under_uneven_and_shifting_load(int limit, int shiftSeconds)
    {
        var fleet = new Fleet(2, new RateLimits(QueriesPerSecond: limit));
        fleet.Load = time => (int)(time.TotalSeconds / shiftSeconds) % 2 == 0 ? [1.8 * limit, 0.2 * limit] : [0.2 * limit, 1.8 * limit];
        await fleet.RunAsync(5 * Second); // its burst, and the first exchanges
        long before = fleet.Admitted;
        await fleet.RunAsync(60 * Second);
        Assert.InRange(fleet.Admitted - before, 0.9 * limit * 60, 1.1 * limit * 60);
    }

    [Theory, InlineData(0.5), InlineData(0.9)]
    public async Task Below_the_limit_nobody_is_refused_wherever_the_load_is(double part)
    {
        const int Limit = 200;
        var fleet = new Fleet(2, new RateLimits(QueriesPerSecond: Limit));
        fleet.Load = time => (int)(time.TotalSeconds / 5) % 2 == 0 ? [part * Limit, 0] : [0, part * Limit];
        await fleet.RunAsync(60 * Second);
        Assert.Equal(0, fleet.Refused);
    }

    [Fact]
    public async Task With_the_board_away_the_last_leases_hold_for_their_time_and_then_each_has_an_even_part()
    {
        var fleet = new Fleet(2, new RateLimits(QueriesPerSecond: 100)) { Load = static _ => [400, 20] };
        await fleet.RunAsync(5 * Second);
        fleet.Board.IsAway = true;
        long before = fleet.Admitted;
        await fleet.RunAsync(3 * Second);
        Assert.InRange(fleet.Admitted - before, 270, 330);
        await fleet.RunAsync(2 * Second);
        long[] each = fleet.EachAdmitted;
        await fleet.RunAsync(10 * Second);
        Assert.InRange(fleet.EachAdmitted[0] - each[0], 495, 505);
        Assert.InRange(fleet.EachAdmitted[1] - each[1], 195, 205);
        fleet.Board.IsAway = false;
        await fleet.RunAsync(2 * Second);
        before = fleet.Admitted;
        await fleet.RunAsync(10 * Second);
        Assert.InRange(fleet.Admitted - before, 950, 1050);
        Assert.True(fleet.Stats.LeaseFailures > 0);
        Assert.Equal(1, fleet.Stats.LeasesUp);
    }

    [Fact]
    public async Task A_board_that_comes_back_empty_changes_nothing()
    {
        var fleet = new Fleet(2, new RateLimits(QueriesPerSecond: 100, BytesPerMinute: 1_000_000)) { Load = static _ => [300, 100] };
        await fleet.RunAsync(10 * Second);
        long before = fleet.Admitted;
        for (int i = 0; i < 20; i++)
        {
            fleet.Board.Clear();
            await fleet.RunAsync(Second / 2);
        }
        Assert.InRange(fleet.Admitted - before, 950, 1050);
    }

    [Fact]
    public async Task A_proxy_that_dies_leaves_its_part_to_the_others_within_seconds()
    {
        var fleet = new Fleet(3, new RateLimits(QueriesPerSecond: 90)) { Load = static _ => [200, 200, 200] };
        await fleet.RunAsync(5 * Second);
        fleet.Dead = 2;
        await fleet.RunAsync(4 * Second);
        long before = fleet.Admitted;
        await fleet.RunAsync(10 * Second);
        Assert.InRange(fleet.Admitted - before, 855, 945);
    }

    [Fact]
    public async Task What_others_used_of_a_minutes_budget_is_not_there_for_this_one()
    {
        var fleet = new Fleet(2, new RateLimits(BytesPerMinute: 1000)) { Load = static _ => [10, 10] };
        await fleet.RunAsync(Second);
        fleet.Worlds[0].Stats.BytesIn += 700;
        await fleet.RunAsync(3 * Second);
        Assert.Equal(0, fleet.Refused);
        fleet.Worlds[1].Stats.BytesOut += 300;
        await fleet.RunAsync(2 * Second);
        long before = fleet.Admitted;
        await fleet.RunAsync(10 * Second);
        Assert.Equal(before, fleet.Admitted);
        await fleet.RunAsync(65 * Second);
        Assert.True(fleet.Admitted > before);
    }

    [Fact]
    public async Task A_tenant_without_traffic_or_without_limits_is_not_told_of()
    {
        var fleet = new Fleet(2, new RateLimits(QueriesPerSecond: 100)) { Load = static _ => [50, 0] };
        await fleet.RunAsync(10 * Second);
        Assert.Equal(fleet.Admitted, fleet.Board.QueriesCounted, 10.0);
        fleet.Load = static _ => [0, 0];
        await fleet.RunAsync(5 * Second);
        int posts = fleet.Board.Posts;
        await fleet.RunAsync(30 * Second);
        Assert.Equal(posts, fleet.Board.Posts);
        var unlimited = new Fleet(1, RateLimits.None) { Load = static _ => [100] };
        await unlimited.RunAsync(5 * Second);
        Assert.Equal(0, unlimited.Board.Posts);
    }

    [Fact]
    public async Task What_is_no_line_of_a_proxy_is_passed_over()
    {
        var board = new StrangeBoard();
        var cell = new LeaseCell { QueriesLimit = 100 };
        long now = 0;
        var leases = new RateLeases(board, new ProxyStats(), () => now);
        leases.Join(TenantId.New(), cell);
        foreach (string line in (string[])["", "x", "1 2 3", "-5 0 0 0", "NaN 0 0 0", "1e400 0 0 0", "Infinity 0 0 0", "1 2 3 99999999999999999999999"])
        {
            (board.Line, cell.QueriesWanted) = (line, cell.QueriesWanted + 50);
            now += Stopwatch.Frequency;
            Assert.True(await leases.ExchangeAsync(CancellationToken.None));
            Assert.Equal(1, cell.Lease!.Queries, 6);
        }
        (board.Line, cell.QueriesWanted) = ("5000 0 0 7", cell.QueriesWanted + 1000);
        now += Stopwatch.Frequency;
        await leases.ExchangeAsync(CancellationToken.None);
        Assert.Equal(0.5, cell.Lease!.Queries, 2);
        Assert.Equal(7, cell.Lease.BytesElsewhere);
    }

    [Fact]
    public async Task Reactors_of_one_proxy_speak_with_one_voice_and_have_one_lease()
    {
        var board = new StrangeBoard { Line = "50 0 0 0" };
        var one = new LeaseCell { QueriesLimit = 100 };
        var two = new LeaseCell { QueriesLimit = 100 };
        long now = 0;
        var leases = new RateLeases(board, new ProxyStats(), () => now);
        TenantId tenant = TenantId.New();
        leases.Join(tenant, one);
        leases.Join(tenant, two);
        leases.Join(tenant, two);
        for (int i = 0; i < 5; i++)
        {
            (one.QueriesWanted, two.QueriesWanted, one.QueriesAdmitted, two.Milliseconds) = (one.QueriesWanted + 100, two.QueriesWanted + 20, one.QueriesAdmitted + 40, 7);
            now += Stopwatch.Frequency;
            Assert.True(await leases.ExchangeAsync(CancellationToken.None));
        }
        Assert.StartsWith("1", board.Said, StringComparison.Ordinal); // 120 a second, after the decay
        Assert.EndsWith(" 7 0 0.00", board.Said, StringComparison.Ordinal);
        Assert.Equal(200, board.Counted);
        Assert.Same(one.Lease, two.Lease);
        // One that leaves takes nothing back of what was counted.
        leases.Leave(tenant, one);
        two.QueriesWanted += 20;
        now += Stopwatch.Frequency;
        await leases.ExchangeAsync(CancellationToken.None);
        Assert.NotSame(one.Lease, two.Lease);
        Assert.Equal(200, board.Counted);
        leases.Leave(tenant, two);
        Lease? last = two.Lease;
        (two.QueriesWanted, now) = (two.QueriesWanted + 20, now + Stopwatch.Frequency);
        await leases.ExchangeAsync(CancellationToken.None);
        Assert.Same(last, two.Lease);
    }

    private sealed class StrangeBoard : IRateBoard
    {
        public string Line { get; set; } = "";

        public string Said { get; private set; } = "";

        public long Counted { get; private set; }

        public Task<IReadOnlyList<IReadOnlyList<RateNote>>?> ExchangeAsync(IReadOnlyList<RatePost> posts, CancellationToken cancellationToken)
        {
            (Said, Counted) = (posts[^1].Line, Counted + posts.Sum(static post => post.Queries));
            return Task.FromResult<IReadOnlyList<IReadOnlyList<RateNote>>?>([.. posts.Select(_ => (IReadOnlyList<RateNote>)[new RateNote("other", TimeSpan.Zero, Line)])]);
        }
    }

    /// <summary>Proxies with one tenant, a board, and clients that come evenly spaced.</summary>
    private sealed class Fleet
    {
        private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

        private readonly RateLeases[] _leases;
        private readonly double[] _owed;
        private readonly List<LimiterWorld.Visitor>[] _waiting;
        private TimeSpan _now;

        public Fleet(int proxies, RateLimits limits)
        {
            Board = new MemoryBoard(() => _now);
            TenantId tenant = TenantId.New();
            Worlds = [.. Enumerable.Range(0, proxies).Select(_ => new LimiterWorld(limits))];
            _leases = [.. Worlds.Select((world, index) => new RateLeases(Board.For($"proxy-{index}"), Stats, () => world.Now))];
            for (int index = 0; index < proxies; index++)
            {
                Worlds[index].Proxies.ProxiesAlive = proxies;
                if (limits.IsShared) _leases[index].Join(tenant, Worlds[index].Limiter.Cell);
            }
            _owed = new double[proxies];
            _waiting = [.. Worlds.Select(_ => new List<LimiterWorld.Visitor>())];
            EachAdmitted = new long[proxies];
        }

        public MemoryBoard Board { get; }

        public ProxyStats Stats { get; } = new();

        public LimiterWorld[] Worlds { get; }

        /// <summary>Queries a second that come to each proxy.</summary>
        public Func<TimeSpan, double[]> Load { get; set; } = static _ => [];

        /// <summary>The one that does nothing any more.</summary>
        public int Dead { get; set; } = -1;

        public long[] EachAdmitted { get; private set; }

        public long Admitted => EachAdmitted.Sum();

        public long Refused { get; private set; }

        public async Task RunAsync(TimeSpan time)
        {
            EachAdmitted = [.. EachAdmitted];
            for (TimeSpan end = _now + time; _now < end;)
            {
                double[] load = Load(_now);
                _now += Step;
                for (int index = 0; index < Worlds.Length; index++)
                {
                    if (index == Dead) continue;
                    Worlds[index].Pass(Step);
                    // The proxies' rounds do not fall together.
                    if ((long)_now.TotalMilliseconds % 100 == index * 37 % 100) await _leases[index].ExchangeAsync(CancellationToken.None);
                    for (_owed[index] += load[index] / 1000; _owed[index] >= 1; _owed[index]--) _waiting[index].Add(Worlds[index].Ask());
                    EachAdmitted[index] += Settle(Worlds[index], _waiting[index]);
                }
            }
        }

        // A query takes no time.
        private int Settle(LimiterWorld world, List<LimiterWorld.Visitor> waiting)
        {
            int entered = 0;
            foreach (LimiterWorld.Visitor visitor in waiting)
            {
                if (visitor.IsIn)
                {
                    visitor.Exit();
                    entered++;
                }
                else if (visitor.Error is not null) Refused++;
            }
            waiting.RemoveAll(static visitor => visitor.IsIn || visitor.Error is not null);
            Assert.Equal(waiting.Count, world.Limiter.Waiting);
            return entered;
        }
    }
}
