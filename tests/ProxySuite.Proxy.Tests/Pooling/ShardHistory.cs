using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Pooling.Scheduling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>
/// One random history of a shard in simulated time: tenants of random weight, minimum and demand, transactions and logins of random length, caps that change, logins
/// that fail; some take more than they need where nobody waits for it. It plays the pools around a <see cref="ShardScheduler"/> and checks after every event what must always hold.
/// </summary>
internal sealed class ShardHistory
{
    private readonly Random _random;
    private readonly ShardScheduler _scheduler;
    private readonly SharePolicy _policy;
    private readonly PriorityQueue<Action, (long At, long Number)> _events = new();
    private readonly bool _isRough;
    private SharePressure _pressure;
    private long _pressureSince;
    private long _weights;
    private long _tickAt;
    private int _mostAllowed;
    private long _numbers;
    private long _longestTransaction;

    /// <param name="seed">Makes the history.</param>
    /// <param name="isRough">With failures, changing caps and tenants that come and go; else steady, so that shares can be compared.</param>
    public ShardHistory(int seed, bool isRough)
    {
        _isRough = isRough;
        _random = new Random(seed);
        Cap = _random.Next(1, 9);
        _policy = new SharePolicy(Quantum: 1000, OpeningsMax: isRough ? _random.Next(1, 9) : 100, TimePerOpening: isRough ? _random.Next(1, 20) : 0, BackoffMin: 100, BackoffMax: 2000) { LingerMax = _random.Next(2, 100) };
        _scheduler = new ShardScheduler(Cap, _policy, new Random(seed));
    }

    /// <summary>A shard with a pace that holds nobody back.</summary>
    public static ShardHistory Steady(int seed, int cap)
    {
        var history = new ShardHistory(seed, isRough: false);
        history.SetCap(cap);
        return history;
    }

    public int Cap { get; private set; }

    public long Now { get; private set; }

    public List<SimulatedPool> Pools { get; } = [];

    public int Events { get; private set; }

    public SimulatedPool Add(int weight, int minimum, int connections, int clients, int transaction, int thinking, bool grows = false)
    {
        var pool = new SimulatedPool(this, weight, minimum, connections, transaction, thinking, grows);
        _longestTransaction = Math.Max(_longestTransaction, transaction);
        Pools.Add(pool);
        _weights += weight;
        for (int i = 0; i < clients; i++) pool.ThinkThenAsk();
        return pool;
    }

    public void AddRandom(int pools)
    {
        for (int i = 0; i < pools; i++)
        {
            Add(_random.Next(1, 6), _random.Next(4) == 0 ? _random.Next(1, 4) : 0, _random.Next(1, 6), _random.Next(1, 6), _random.Next(1, 300), _random.Next(2) == 0 ? 0 : _random.Next(1, 2000), grows: _random.Next(3) == 0);
        }
    }

    public void Run(long until, int eventsMax = int.MaxValue)
    {
        while (Events < eventsMax && _events.TryPeek(out _, out (long At, long Number) next) && next.At <= until)
        {
            Events++;
            Now = next.At;
            _events.Dequeue()();
            if (_isRough && _random.Next(200) == 0) SetCap(_random.Next(1, 9));
            Settle();
            if (Pools.Count < 10 || Events % 50 == 0) Check();
        }
    }

    /// <summary>All clients leave: what is lent ends, nobody asks again, and everything comes back.</summary>
    public void End()
    {
        foreach (SimulatedPool pool in Pools) pool.Close();
        Settle();
        Run(long.MaxValue / 4);
        Assert.Equal((0, 0, 0), (_scheduler.Leased, _scheduler.Leaving, _scheduler.InLine));
        Assert.All(Pools, static pool => Assert.Equal((0, 0, 0), (pool.Open, pool.Account.Held, pool.Account.Leaving)));
        Assert.Equal(0, _scheduler.Minima);
    }

    private void SetCap(int cap)
    {
        Cap = cap;
        _scheduler.SetLimit(cap, Now);
    }

    private void At(long time, Action what) => _events.Enqueue(what, (time, _numbers++));

    /// <summary>What the budget does around the scheduler: brings what it says to those it concerns.</summary>
    private void Settle()
    {
        do
        {
            Look();
            ShardAccount[] granted = [.. _scheduler.Granted], asked = [.. _scheduler.Asked];
            _scheduler.Granted.Clear();
            _scheduler.Asked.Clear();
            foreach (ShardAccount account in granted) ((SimulatedPool)account.Owner).OnPlace();
            foreach (ShardAccount account in asked)
            {
                Look();
                if (!((SimulatedPool)account.Owner).YieldIdle()) _scheduler.AskNext();
            }
        }
        while (_scheduler.Granted.Count > 0 || _scheduler.Asked.Count > 0);
        if (_scheduler.WakeAt is { } wakeAt && (_tickAt <= Now || wakeAt < _tickAt))
        {
            _tickAt = Math.Max(Now + 1, wakeAt);
            At(_tickAt, () => _scheduler.Tick(Now));
        }
    }

    private void Look()
    {
        SharePressure pressure = _scheduler.Pressure;
        if (pressure != SharePressure.None && _pressure == SharePressure.None)
        {
            _pressureSince = Now;
            _scheduler.AskIdle();
        }
        _pressure = pressure;
    }

    private void Check()
    {
        int held = 0, leaving = 0;
        long longest = LongestWait;
        foreach (SimulatedPool pool in Pools)
        {
            held += pool.Account.Held;
            leaving += pool.Account.Leaving;
            if (pool.Open + pool.Opening != pool.Account.Held) Assert.Fail($"{pool.Open} open and {pool.Opening} opening, {pool.Account.Held} held");
            // A tenant waits for no longer than some turns of all who wait, each of a quantum and the transaction that was under way.
            if (pool.WaitingSince is { } waits && !_isRough && Now - waits > longest) Assert.Fail($"a tenant of weight {pool.Weight} has waited for {Now - waits} of at most {longest}");
            // Work conservation, as far as idle places go: each is looked at again and again while somebody waits. What a look finds is checked there.
            if (pool.Minimum == 0 && pool.OldestIdle is { } idle && _scheduler.Pressure != SharePressure.None)
            {
                long since = Math.Max(_pressureSince, Math.Max(idle, pool.LastLook));
                if (Now - since > _policy.Quantum) Assert.Fail($"nobody looked at an idle place for {Now - since} while somebody waited");
            }
        }
        // Work conservation: no place is free while somebody waits, where the pace of openings does not hold it back.
        if (!_isRough && _scheduler.InLine > 0 && _scheduler.Leased < Cap) Assert.Fail($"{_scheduler.InLine} wait, {_scheduler.Leased} of {Cap} leased");
        if ((held, leaving) != (_scheduler.Leased, _scheduler.Leaving)) Assert.Fail($"{held} held, {leaving} leaving; the scheduler has {_scheduler.Leased}, {_scheduler.Leaving}");
        // Never above the cap; one that was lowered is reached as places come back.
        if (_scheduler.Leased > Math.Max(Cap, _mostAllowed)) Assert.Fail($"{_scheduler.Leased} leased of {Cap}");
        _mostAllowed = Math.Max(Cap, _scheduler.Leased);
    }

    // Some turns of all who wait, each of a quantum and the transactions that nobody interrupts.
    private long LongestWait => (ShardScheduler.DebtQuanta + 4) * (_policy.Quantum + (2 * _longestTransaction) + 100) * _weights;

    /// <summary>A pool with clients that ask, are served for a while, think, and ask again; and with one server role.</summary>
    internal sealed class SimulatedPool : IShardClaimant
    {
        private readonly ShardHistory _history;
        private readonly int _connections;
        private readonly int _transaction;
        private readonly int _thinking;
        private readonly List<Server> _idle = [];
        private readonly bool _grows;
        private bool _isClosed;
        private bool _isLooking;
        private int _waiting;
        private int _lent;
        private long _servedUntil;

        public SimulatedPool(ShardHistory history, int weight, int minimum, int connections, int transaction, int thinking, bool grows)
        {
            _history = history;
            _grows = grows;
            Weight = weight;
            Minimum = Math.Min(minimum, connections);
            _connections = connections;
            _transaction = transaction;
            _thinking = thinking;
            Account = new ShardAccount(this);
        }

        public ShardAccount Account { get; }

        public int Weight { get; }

        public int Minimum { get; }

        public int Open { get; private set; }

        public int Opening { get; private set; }

        public int Logins { get; private set; }

        public long? WaitingSince { get; private set; }

        public long LastLook { get; private set; }

        public long Served { get; private set; }

        public int Transactions { get; private set; }

        public long? OldestIdle => _idle.Count > 0 ? _idle[0].IdleSince : null;

        private ShardScheduler Scheduler => _history._scheduler;

        private long Now => _history.Now;

        public void ThinkThenAsk() => _history.At(Now + (_thinking == 0 ? 0 : _history._random.Next(_thinking)), () =>
        {
            if (_isClosed) return;
            if (_idle.Count > 0)
            {
                Server server = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
                NoteIdle();
                Lend(server);
                Grow();
                return;
            }
            _waiting++;
            WaitingSince ??= Now;
            Pump();
        });

        public void Close()
        {
            _isClosed = true;
            _waiting = 0;
            Pump();
            foreach (Server server in _idle.ToArray()) Hangup(server, isYielded: false);
            _idle.Clear();
            NoteIdle();
        }

        public void OnPlace()
        {
            if (_waiting <= Opening || Open + Opening >= _connections)
            {
                Scheduler.Return(Account, isUnused: true, wasLeaving: false, Now);
                return;
            }
            StartOpening();
            Pump();
        }

        public bool YieldIdle()
        {
            bool hasYielded = false;
            LastLook = Now;
            while (_idle.Count > 0)
            {
                int before = Account.Held - Account.Leaving, guaranteed = Scheduler.Guaranteed(Account);
                bool isWaitedFor = Scheduler.InLine > 0 || Scheduler.Leased - Scheduler.Leaving > Scheduler.Limit;
                Server server = _idle[0];
                if (!Scheduler.TryYield(Account, CountServed(), Now - server.IdleSince, Now)) break;
                Assert.True(before > guaranteed, "a tenant lost what it is guaranteed");
                Assert.True(isWaitedFor || Now - server.IdleSince >= _history._policy.Quantum, "growth took a place that was in use a moment ago");
                _idle.RemoveAt(0);
                NoteIdle();
                Hangup(server, isYielded: true);
                hasYielded = true;
            }
            if (_idle.Count > 0 && !_history._isRough && Scheduler.Pressure != SharePressure.None && Account.Held - Account.Leaving > Scheduler.Guaranteed(Account))
                Assert.True(Now - _idle[0].IdleSince < _history._policy.Quantum, "a place that was idle for a quantum is kept from those who wait");
            Look();
            return hasYielded;
        }

        void IShardClaimant.OnShardPlace(ShardPlace place) => throw new InvalidOperationException("the scheduler tells nobody");

        void IShardClaimant.OnEvictionWanted() => throw new InvalidOperationException("the scheduler tells nobody");

        private void Pump()
        {
            while (_waiting > Opening && Open + Opening < _connections)
            {
                Scheduler.Configure(Account, Weight, Minimum);
                if (!Scheduler.Request(Account, CountServed(), Now)) return;
                StartOpening();
            }
            Scheduler.Withdraw(Account);
        }

        /// <summary>One more than it needs.</summary>
        private void Grow()
        {
            if (!_grows || _waiting > 0 || Account.IsWaiting || Open + Opening >= _connections) return;
            int inLine = Scheduler.InLine;
            Scheduler.Configure(Account, Weight, Minimum);
            if (!Scheduler.TryGrow(Account, CountServed(), Now)) return;
            Assert.True(inLine == 0, "growth was given a place that somebody waits for");
            StartOpening();
        }

        private void StartOpening()
        {
            Opening++;
            Logins++;
            long given = Now;
            _history.At(Now + _history._random.Next(1, 20), () =>
            {
                Opening--;
                if (_history._isRough && _history._random.Next(10) == 0)
                {
                    Scheduler.OpenFailed(Account, Now - given, _history._random.Next(2) == 0, Now);
                    Scheduler.Return(Account, isUnused: false, wasLeaving: false, Now);
                    Pump();
                    return;
                }
                Open++;
                Scheduler.Opened(Account, Now - given, Now);
                Checkin(new Server { ShareUntil = Now + _history._policy.Quantum });
            });
        }

        private void Lend(Server server)
        {
            CountServed();
            _lent++;
            WaitingSince = _waiting > 0 ? Now : null;
            _history.At(Now + _history._random.Next(1, _transaction + 1), () =>
            {
                CountServed();
                _lent--;
                Transactions++;
                ThinkThenAsk();
                Checkin(server);
            });
        }

        private void Checkin(Server server)
        {
            if (_isClosed)
            {
                Hangup(server, isYielded: false);
                return;
            }
            SharePressure pressure = Scheduler.Pressure;
            if (pressure == SharePressure.Urgent || (pressure == SharePressure.Wanted && Now >= server.ShareUntil))
            {
                int before = Account.Held - Account.Leaving, guaranteed = Scheduler.Guaranteed(Account);
                bool isWaitedFor = Scheduler.InLine > 0 || Scheduler.Leased - Scheduler.Leaving > Scheduler.Limit;
                if (Scheduler.TryYield(Account, CountServed(), -1, Now))
                {
                    Assert.True(isWaitedFor, "growth took a place that is in use");
                    Assert.True(before > guaranteed, "a tenant lost what it is guaranteed");
                    Hangup(server, isYielded: true);
                    return;
                }
                server.ShareUntil = Now + (_history._policy.Quantum / 4);
            }
            if (_waiting > 0)
            {
                _waiting--;
                Lend(server);
                if (_waiting == 0) Pump();
                return;
            }
            server.IdleSince = Now;
            _idle.Add(server);
            NoteIdle();
            Look();
        }

        private void Look()
        {
            if (_isLooking || _idle.Count == 0 || Scheduler.Pressure == SharePressure.None) return;
            _isLooking = true;
            _history.At(Now + Scheduler.Linger, () =>
            {
                _isLooking = false;
                YieldIdle();
            });
        }

        private void Hangup(Server server, bool isYielded)
        {
            if (!isYielded) Scheduler.Leave(Account);
            _history.At(Now + _history._random.Next(1, 5), () =>
            {
                Open--;
                Scheduler.Return(Account, isUnused: false, wasLeaving: true, Now);
                Pump();
            });
        }

        private void NoteIdle() => Account.IdleSince = _idle.Count > 0 ? _idle[0].IdleSince : ShardAccount.NoneIdle;

        private long CountServed()
        {
            Served += _lent * (Now - _servedUntil);
            _servedUntil = Now;
            return Served;
        }

        private sealed class Server
        {
            public long ShareUntil { get; set; }

            public long IdleSince { get; set; }
        }
    }
}
