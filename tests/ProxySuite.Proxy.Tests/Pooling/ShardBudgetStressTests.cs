using System.Diagnostics;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>Real reactors and threads on one budget: pools claim, open, fail, return, step out, give up and end at random.</summary>
public sealed class ShardBudgetStressTests
{
    private const int Cap = 7;
    private const int Reactors = 4;
    private const int PoolsEach = 6;
    private const int WantedEach = 500;

    [Fact]
    public async Task Everybody_is_served_in_the_end_never_above_the_cap_and_every_place_comes_back()
    {
        var options = new ProxyOptions { Pool = new PoolOptions { ShareQuantum = TimeSpan.FromMilliseconds(10), OpeningsMax = 5, OpeningsPerSecond = 10_000 } };
        using var budget = new ShardBudget(Cap, new CurrentOptions(options));
        var count = new InUse();
        Reactor[] reactors = [.. Enumerable.Range(0, Reactors).Select(index => ReactorFactory.Create(TransportKind.Sockets, index))];
        int failures = 0;
        try
        {
            var pools = new List<StressPool>();
            foreach (Reactor reactor in reactors)
            {
                reactor.FailureHook = _ => Interlocked.Increment(ref failures);
                reactor.Start();
                for (int i = 0; i < PoolsEach; i++) pools.Add(new StressPool(budget, reactor, seed: pools.Count, count));
            }
            foreach (StressPool pool in pools) pool.Start(WantedEach);
            Task all = Task.WhenAll(pools.Select(static pool => pool.Done));
            if (await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(60))) != all)
                Assert.Fail($"a wake-up was lost: {string.Join(", ", pools.Select(static pool => pool.Left))} left; {budget.Leased} leased, pressure {budget.Pressure}");
            await all;
            var patience = Stopwatch.StartNew();
            while (budget.Leased > 0 && patience.Elapsed < TimeSpan.FromSeconds(30)) await Task.Delay(10);
            Assert.Equal((0, 0, SharePressure.None), (budget.Leased, count.Now, budget.Pressure));
            Assert.InRange(count.Most, 1, Cap);
            Assert.Equal(0, failures);
        }
        finally
        {
            foreach (Reactor reactor in reactors) await reactor.DisposeAsync();
        }
    }

    private sealed class InUse
    {
        private int _now;
        private int _most;

        public int Now => Volatile.Read(ref _now);

        public int Most => Volatile.Read(ref _most);

        public void Add()
        {
            int now = Interlocked.Increment(ref _now), most = Volatile.Read(ref _most);
            while (now > most && Interlocked.CompareExchange(ref _most, now, most) is var seen && seen != most) most = seen;
        }

        public void Remove() => Interlocked.Decrement(ref _now);
    }

    /// <summary>A pool of one reactor; each turn of the reactor does a random thing.</summary>
    private sealed class StressPool : IShardUser
    {
        private readonly ShardBudget _budget;
        private readonly Reactor _reactor;
        private readonly ShardClaim _claim;
        private readonly Random _random;
        private readonly InUse _count;
        private readonly List<(ShardPlace Place, long Since)> _idle = [];
        private readonly List<ShardPlace> _busy = [];
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _opening;
        private int _waiting;
        private int _left;

        public StressPool(ShardBudget budget, Reactor reactor, int seed, InUse count)
        {
            _budget = budget;
            _reactor = reactor;
            _random = new Random(seed);
            _count = count;
            _claim = new ShardClaim(budget, reactor, this);
            Weight = 1 + (seed % 3);
            Minimum = seed % 8 == 0 ? 1 : 0;
        }

        public Task Done => _done.Task;

        public int Left => Volatile.Read(ref _left);

        public int Weight { get; }

        public int Minimum { get; }

        public long Served => _reactor.NowTicks;

        public void Start(int wanted)
        {
            _left = wanted;
            Turn();
        }

        public void OnShardPlace() => Pump();

        public bool OnEvictionWanted() => YieldIdle();

        private void Turn() => _reactor.Post(static pool => ((StressPool)pool!).Step(), this);

        private void Step()
        {
            switch (_random.Next(8))
            {
                case < 3 when _left > 0 && _waiting < 3:
                    _left--;
                    _waiting++;
                    break;
                case < 7 when _busy.Count > 0:
                    ShardPlace place = _busy[^1];
                    _busy.RemoveAt(_busy.Count - 1);
                    if (_random.Next(50) == 0) Close(place, isLeaving: true);
                    else Offer(place);
                    break;
                case 7 when _random.Next(20) == 0 && _waiting > 0:
                    // Its client leaves, and comes back later.
                    _waiting--;
                    _left++;
                    break;
            }
            while (_waiting > 0 && _idle.Count > 0)
            {
                _waiting--;
                _busy.Add(_idle[^1].Place);
                _idle.RemoveAt(_idle.Count - 1);
            }
            Pump();
            YieldIdle();
            _claim.NoteIdle(_idle.Count > 0);
            if (_left + _waiting + _busy.Count + _opening > 0)
            {
                Turn();
                return;
            }
            _claim.StepOut();
            foreach ((ShardPlace idle, _) in _idle) Close(idle, isLeaving: false);
            _idle.Clear();
            _claim.NoteIdle(false);
            _done.TrySetResult();
        }

        private void Pump()
        {
            while (_waiting > _opening && _claim.TryTake() is { } place)
            {
                _opening++;
                _reactor.Post(_ =>
                {
                    _opening--;
                    if (_random.Next(30) == 0)
                    {
                        place.Failed(isShardsFault: _random.Next(10) == 0);
                        return;
                    }
                    _count.Add();
                    place.Opened();
                    Offer(place);
                }, null);
            }
            if (_waiting == 0) _claim.StepOut();
        }

        private void Offer(ShardPlace place)
        {
            if (_budget.Pressure != SharePressure.None && _random.Next(4) == 0 && place.TryYield(-1))
            {
                Close(place, isLeaving: true);
                return;
            }
            if (_waiting > 0)
            {
                _waiting--;
                _busy.Add(place);
                return;
            }
            _idle.Add((place, Stopwatch.GetTimestamp()));
            _claim.NoteIdle(_idle.Count > 0);
        }

        private bool YieldIdle()
        {
            bool hasYielded = false;
            while (_budget.Pressure != SharePressure.None && _idle.Count > 0 && _idle[0].Place.TryYield(Stopwatch.GetTimestamp() - _idle[0].Since))
            {
                Close(_idle[0].Place, isLeaving: true);
                _idle.RemoveAt(0);
                hasYielded = true;
            }
            _claim.NoteIdle(_idle.Count > 0);
            return hasYielded;
        }

        private void Close(ShardPlace place, bool isLeaving)
        {
            if (isLeaving) place.Leave();
            _reactor.Post(_ =>
            {
                _count.Remove();
                place.Dispose();
            }, null);
        }
    }
}
