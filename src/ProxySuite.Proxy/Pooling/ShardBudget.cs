using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Who takes part in a shard's sharing. What it is and has had is asked on the thread that calls the budget.</summary>
internal interface IShardClaimant
{
    /// <summary>Share beside others, from 1.</summary>
    int Weight { get; }

    /// <summary>Connections guaranteed, from 0.</summary>
    int Minimum { get; }

    /// <summary>Time for which its connections have served somebody so far, in Stopwatch ticks; only differences count.</summary>
    long Served { get; }

    /// <summary>It stood in line and has a place now. Called on any thread.</summary>
    void OnShardPlace(ShardPlace place);

    /// <summary>Somebody waits: close one idle connection if there is one. Called on any thread.</summary>
    void OnEvictionWanted();
}

/// <summary>
/// The cap on real connections to one shard, shared by all reactors: <see cref="ShardScheduler"/> behind a lock, which is taken when a connection is opened or closed
/// and when a place is contested, never for a query otherwise.
/// </summary>
internal sealed class ShardBudget : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CurrentOptions? _options;
    private readonly ShardScheduler _scheduler;
    private readonly ShardShareStats _stats;
    private readonly Timer _timer;
    private PoolOptions? _optionsSeen;
    private int _total;
    private int? _protected;
    private int _mostLeased;
    private int _pressure;
    private long _lingerMilliseconds = 1;
    private bool _isFailing;

    /// <param name="connectionsMax">The cap, from 1.</param>
    /// <param name="options">Options in force; null for the defaults.</param>
    /// <param name="stats">Where its numbers go.</param>
    /// <param name="name">The shard's.</param>
    public ShardBudget(int connectionsMax, CurrentOptions? options = null, ShardShareStats? stats = null, string name = "")
    {
        Name = name;
        _options = options;
        _stats = stats ?? new ShardShareStats();
        _total = connectionsMax;
        _optionsSeen = options?.Value.Pool ?? new PoolOptions();
        _scheduler = new ShardScheduler(connectionsMax, SharePolicy.From(_optionsSeen), new Random());
        _stats.Limit = connectionsMax;
        _timer = new Timer(static budget => ((ShardBudget)budget!).Do(static (scheduler, now) => scheduler.Tick(now)), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>The shard's name.</summary>
    public string Name { get; }

    /// <summary>What tenants that hold or want connections are guaranteed together.</summary>
    public int Guaranteed
    {
        get
        {
            lock (_gate) return (int)Math.Min(int.MaxValue, _scheduler.Minima);
        }
    }

    /// <summary>Connections open, opening, or reserved.</summary>
    public int Leased
    {
        get
        {
            lock (_gate) return _scheduler.Leased;
        }
    }

    /// <summary>Most connections now: the cap, or less while the shard is protected.</summary>
    public int MostNow => (int)Volatile.Read(ref _stats.Limit);

    /// <summary>The cap.</summary>
    public int Total
    {
        get => Volatile.Read(ref _total);
        set
        {
            Volatile.Write(ref _total, value);
            Limit();
        }
    }

    /// <summary>How much holders are asked to give up; one read, without a lock.</summary>
    public SharePressure Pressure => (SharePressure)Volatile.Read(ref _pressure);

    /// <summary>For how long an idle connection is kept under pressure, in milliseconds, from 1.</summary>
    public long LingerMilliseconds => Volatile.Read(ref _lingerMilliseconds);

    /// <summary>How long a connection serves its tenant before others have a claim on it.</summary>
    public TimeSpan Quantum => (_options?.Value.Pool ?? _optionsSeen!).ShareQuantum;

    /// <summary>True while no connection can be opened because the last attempts failed.</summary>
    public bool IsFailing => Volatile.Read(ref _isFailing);

    private static long Now => Stopwatch.GetTimestamp();

    /// <summary>Gives fewer connections than the cap, for a shard that suffers.</summary>
    /// <param name="connections">From 1; null for the cap.</param>
    public void Protect(int? connections)
    {
        if (_protected == connections) return;
        _protected = connections;
        Limit();
    }

    /// <summary>Most connections held at a time since the last call.</summary>
    public int TakeMostLeased()
    {
        lock (_gate)
        {
            int most = _mostLeased;
            _mostLeased = _scheduler.Leased;
            return most;
        }
    }

    /// <summary>Takes a place, or puts the account in line for one.</summary>
    /// <returns>False when it stands in line; <see cref="IShardClaimant.OnShardPlace"/> follows.</returns>
    public bool TryTake(ShardAccount account, [NotNullWhen(true)] out ShardPlace? place) => (place = Ask(account, isGrowth: false)) is not null;

    /// <summary>Takes a place that nobody waits for, and never puts the account in line. <see cref="ShardScheduler.TryGrow"/>.</summary>
    public bool TryGrow(ShardAccount account, [NotNullWhen(true)] out ShardPlace? place) => (place = Ask(account, isGrowth: true)) is not null;

    /// <summary>The account no longer waits. A place may be on its way to it all the same.</summary>
    public void StepOut(ShardAccount account)
    {
        lock (_gate)
        {
            _scheduler.Withdraw(account);
            Publish();
        }
    }

    /// <summary>An account that was asked for an idle connection has none.</summary>
    public void AskNext() => Do(static (scheduler, _) => scheduler.AskNext());

    internal bool TryYield(ShardAccount account, long idleForTicks)
    {
        Effects effects;
        bool isYielded;
        lock (_gate)
        {
            _scheduler.Configure(account, account.Owner.Weight, account.Owner.Minimum);
            isYielded = _scheduler.TryYield(account, account.Owner.Served, idleForTicks, Now);
            effects = Publish();
        }
        effects.Run();
        return isYielded;
    }

    internal void Leave(ShardAccount account)
    {
        lock (_gate)
        {
            _scheduler.Leave(account);
            Publish();
        }
    }

    internal void Opened(ShardAccount account, long givenAt)
    {
        Effects effects;
        lock (_gate)
        {
            _scheduler.Opened(account, Now - givenAt, Now);
            effects = Publish();
        }
        effects.Run();
    }

    internal void Return(ShardAccount account, bool isUnused, bool wasLeaving, (bool IsShardsFault, long GivenAt)? failure = null)
    {
        Effects effects;
        lock (_gate)
        {
            if (failure is { } failed) _scheduler.OpenFailed(account, Now - failed.GivenAt, failed.IsShardsFault, Now);
            _scheduler.Return(account, isUnused, wasLeaving, Now);
            effects = Publish();
        }
        effects.Run();
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private ShardPlace? Ask(ShardAccount account, bool isGrowth)
    {
        Effects effects;
        bool isGranted;
        long now = Now;
        lock (_gate)
        {
            Refresh();
            _scheduler.Configure(account, account.Owner.Weight, account.Owner.Minimum);
            isGranted = isGrowth ? _scheduler.TryGrow(account, account.Owner.Served, now) : _scheduler.Request(account, account.Owner.Served, now);
            effects = Publish();
        }
        effects.Run();
        return isGranted ? new ShardPlace(this, account, now) : null;
    }

    private void Limit() => Do((scheduler, now) => scheduler.SetLimit(Math.Min(Total, _protected ?? int.MaxValue), now));

    private void Do(Action<ShardScheduler, long> what)
    {
        Effects effects;
        lock (_gate)
        {
            what(_scheduler, Now);
            effects = Publish();
        }
        effects.Run();
    }

    private void Refresh()
    {
        if (_options?.Value.Pool is not { } options || ReferenceEquals(options, _optionsSeen)) return;
        _optionsSeen = options;
        _scheduler.SetPolicy(SharePolicy.From(options));
    }

    /// <summary>Shows what others read without the lock, and takes along what they are to be told once it is let go.</summary>
    private Effects Publish()
    {
        SharePressure pressure = _scheduler.Pressure, before = (SharePressure)_pressure;
        if (pressure != before) Volatile.Write(ref _pressure, (int)pressure);
        if (pressure != SharePressure.None && before == SharePressure.None)
        {
            // A reactor that makes a server idle writes that down and then reads the pressure, without a barrier of its own: it would cost every query.
            // So this side, which runs rarely, pays for both: after it each reactor sees the pressure, or its idle server is seen here.
            Interlocked.MemoryBarrierProcessWide();
            _scheduler.AskIdle();
        }
        Volatile.Write(ref _lingerMilliseconds, Math.Max(1, _scheduler.Linger * 1000 / Stopwatch.Frequency));
        Volatile.Write(ref _isFailing, _scheduler.IsFailing);
        _mostLeased = Math.Max(_mostLeased, _scheduler.Leased);
        _stats.Leased = _scheduler.Leased;
        _stats.Limit = _scheduler.Limit;
        _stats.InLine = _scheduler.InLine;
        _stats.Evictions = _scheduler.Evictions;
        _stats.HandOvers = _scheduler.HandOvers;
        _stats.HeldBack = _scheduler.HeldBack;
        _stats.IsBackedOff = _scheduler.IsFailing ? 1 : 0;
        if (_scheduler.WakeAt is { } wakeAt) _timer.Change((long)Math.Max(1, Stopwatch.GetElapsedTime(Now, wakeAt).TotalMilliseconds + 1), Timeout.Infinite);
        if (_scheduler.Granted.Count == 0 && _scheduler.Asked.Count == 0) return default;
        var granted = new ShardPlace[_scheduler.Granted.Count];
        for (int i = 0; i < granted.Length; i++) granted[i] = new ShardPlace(this, _scheduler.Granted[i], Now);
        var effects = new Effects(granted, [.. _scheduler.Asked]);
        _scheduler.Granted.Clear();
        _scheduler.Asked.Clear();
        return effects;
    }

    /// <summary>Whom to tell what, without the lock.</summary>
    private readonly record struct Effects(ShardPlace[]? Granted, ShardAccount[]? Asked)
    {
        public void Run()
        {
            foreach (ShardPlace place in Granted ?? []) place.Account.Owner.OnShardPlace(place);
            foreach (ShardAccount account in Asked ?? []) account.Owner.OnEvictionWanted();
        }
    }
}

/// <summary>
/// One place on a shard: the right to one connection. Owned by whoever got it, who says what becomes of it and gives it back exactly once, by
/// <see cref="Dispose"/>. One thread at a time.
/// </summary>
internal sealed class ShardPlace : IDisposable
{
    private readonly ShardBudget _shard;
    private readonly long _givenAt;
    private State _state = State.Given;

    internal ShardPlace(ShardBudget shard, ShardAccount account, long givenAt)
    {
        _shard = shard;
        Account = account;
        _givenAt = givenAt;
    }

    private enum State : byte
    {
        Given,
        Open,
        Leaving,
        Returned,
    }

    /// <summary>Whose it is.</summary>
    internal ShardAccount Account { get; }

    /// <summary>The claim that it was given to.</summary>
    internal ShardClaim Claim => (ShardClaim)Account.Owner;

    /// <summary>The connection is open.</summary>
    public void Opened()
    {
        _state = State.Open;
        _shard.Opened(Account, _givenAt);
    }

    /// <summary>Gives it back: the connection could not be opened.</summary>
    /// <param name="isShardsFault">False when one login was refused, which says nothing about others.</param>
    public void Failed(bool isShardsFault)
    {
        if (_state != State.Given) throw new InvalidOperationException("a place that is in use cannot fail");
        _state = State.Returned;
        _shard.Return(Account, isUnused: false, wasLeaving: false, (isShardsFault, _givenAt));
    }

    /// <summary>Asks whether the connection is to be given up for others. When it is, the caller closes it.</summary>
    /// <param name="idleForTicks">How long it has been idle, in Stopwatch ticks; negative when it is about to be lent.</param>
    public bool TryYield(long idleForTicks)
    {
        if (_state != State.Open || !_shard.TryYield(Account, idleForTicks)) return false;
        _state = State.Leaving;
        return true;
    }

    /// <summary>The connection is being closed; the place will come back in a moment.</summary>
    public void Leave()
    {
        if (_state != State.Open) return;
        _state = State.Leaving;
        _shard.Leave(Account);
    }

    /// <summary>Gives it back.</summary>
    /// <exception cref="InvalidOperationException">It was given back before: two owners believe that it is theirs.</exception>
    public void Dispose()
    {
        if (_state == State.Returned) throw new InvalidOperationException("a place on a shard was returned twice");
        State was = _state;
        _state = State.Returned;
        _shard.Return(Account, isUnused: was == State.Given, wasLeaving: was == State.Leaving);
    }
}
