using System.Diagnostics;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// The limits of one tenant at this proxy: decides from memory whether a query may start, keeps those in line that may not, first come, first served, and counts
/// what is used. Lives on one reactor. What other proxies use comes in by <see cref="LeaseCell"/>, what other reactors of this one do by <see cref="LimiterGroup"/>.
/// </summary>
/// <remarks>
/// A query is held back before it has a server, never inside a transaction: statements there are charged (<see cref="Charge"/>) and paid back by those after it.
/// Query time and bytes are read off the tenant's statistics, so counting them costs a query nothing.
/// </remarks>
internal sealed partial class TenantLimiter
{
    private readonly TenantStats _stats;
    private readonly TimerWheel _timers;
    private readonly Func<long> _clock;
    private readonly CurrentOptions _options;
    private readonly ProxyStats _proxies;
    private readonly WheelTimer _timer;
    private readonly MinuteWindow _milliseconds = new();
    private readonly MinuteWindow _bytes = new();
    private readonly LimiterGroup _group;
    private readonly ReactorPart _part;
    private TokenBucket _queries;
    private TokenBucket _connections;
    private RateLimits _limits = RateLimits.None;
    private Lease? _lease;
    private bool _isLeased;
    private int _shares, _reactors;
    private int _running;
    private long _ticksSeen, _bytesSeen;
    private long _ticksRest; // of query time, below a millisecond

    /// <param name="stats">The tenant's numbers on this reactor.</param>
    /// <param name="timers">The reactor's timers.</param>
    /// <param name="clock">The reactor's time in Stopwatch ticks.</param>
    /// <param name="options">Options in force.</param>
    /// <param name="proxies">Knows how many share the limits where no lease says more.</param>
    /// <param name="cell">Where it leaves word for the others.</param>
    /// <param name="group">All the tenant's, <paramref name="cell"/> among them.</param>
    public TenantLimiter(TenantStats stats, TimerWheel timers, Func<long> clock, CurrentOptions options, ProxyStats proxies, LeaseCell cell, LimiterGroup group)
    {
        Cell = cell;
        _group = group;
        _part = new ReactorPart(Cell);
        _stats = stats;
        _timers = timers;
        _clock = clock;
        _options = options;
        _proxies = proxies;
        EmptySince = clock();
        _timer = new WheelTimer(static limiter => ((TenantLimiter)limiter!).OnTimer(), this);
    }

    /// <summary>Whether queries have to ask; while it is false a query costs no more than reading this.</summary>
    public bool IsLimited { get; private set; }

    /// <summary>The plan that the limits in force are of; null before the first.</summary>
    public Plan? Plan { get; set; }

    /// <summary>The limits in force.</summary>
    public RateLimits Limits => _limits;

    /// <summary>Shared with the exchange between proxies.</summary>
    public LeaseCell Cell { get; }

    /// <summary>Transactions under way that have asked.</summary>
    public int Running => _running;

    /// <summary>Takes over changed limits; they hold from now on, for those in line too.</summary>
    public void Update(RateLimits limits)
    {
        if (limits == _limits) return;
        long now = _clock();
        // What was used while there was no limit is not held against anybody.
        if (_limits.QuerySecondsPerMinute is null) (_ticksSeen, Cell.Milliseconds) = (_stats.QueryTime.SumTicks, 0);
        if (_limits.BytesPerMinute is null) (_bytesSeen, Cell.Bytes) = (_stats.BytesIn + _stats.BytesOut, 0);
        _limits = limits;
        IsLimited = limits.HoldsQueries;
        Cell.QueriesLimit = limits.QueriesPerSecond ?? 0;
        Cell.ConnectionsLimit = limits.ConnectionsPerSecond ?? 0;
        _part.Renew(_group, OfProxy(now), now);
        SetRates(now, isSame: false);
        Pump(now);
    }

    /// <summary>Lets a query start, and whatever else is sent with it, if it may at once. To be ended by <see cref="Exit"/>.</summary>
    /// <param name="hasPlace">It follows another one that has not ended, and takes no place of its own.</param>
    public bool TryEnter(bool hasPlace = false)
    {
        if (_first is not null) return false; // who came first goes first
        long now = _clock();
        if (Look(now, ahead: 0, out _, hasPlace) is not null) return false;
        Cell.QueriesWanted++;
        Admit(now);
        if (hasPlace) Cell.Running = --_running;
        _stats.RateAllowed++;
        return true;
    }

    /// <summary>
    /// Counts what was used since the last look, by now and not when the next query comes: what a tenant used before a pause is forgiven in the pause.
    /// </summary>
    public void Settle()
    {
        if (IsLimited) Renew(_clock());
    }

    /// <summary>Something was used within the last minute that counts; it grows old by <see cref="Settle"/>.</summary>
    public bool HasUsed => _limits.HasMinuteBudgets && (Cell.Milliseconds > 0 || Cell.Bytes > 0);

    /// <summary>What was let in by <see cref="TryEnter"/> or from the line holds no server any more.</summary>
    public void Exit()
    {
        Cell.Running = --_running;
        if (_limits.ConcurrentQueries is null) return;
        if (_first is not null) Pump(_clock());
        if (_group.Count > 1) _group.WakeBeside(Cell);
    }

    /// <summary>Another reactor has left something.</summary>
    public void OnWoken()
    {
        if (_first is not null) Pump(_clock());
    }

    /// <summary>Counts statements that are not held back: more than one sent together, or those of an open transaction.</summary>
    public void Charge(int statements)
    {
        Cell.QueriesWanted += statements;
        Cell.QueriesAdmitted += statements;
        _stats.RateAllowed += statements;
        if (_limits.QueriesPerSecond is not null) _queries.Charge(statements, _clock());
    }

    private void Admit(long now)
    {
        Cell.Running = ++_running;
        if (_limits.ConcurrentQueries is not null) Cell.ServedAt = now;
        Cell.QueriesAdmitted++;
        if (_limits.QueriesPerSecond is not null) _queries.Charge(1, now);
    }

    /// <summary>The limit that holds the next query back; null when none does.</summary>
    /// <param name="ahead">Queries before it.</param>
    /// <param name="wait">How long that will be, as far as one can tell.</param>
    /// <param name="hasPlace">It needs no place among the transactions under way.</param>
    private LimitKind? Look(long now, int ahead, out TimeSpan wait, bool hasPlace = false)
    {
        Renew(now);
        LimitKind? reason = null;
        wait = TimeSpan.Zero;
        if (!hasPlace && _limits.ConcurrentQueries is { } most && !_group.MayRun(Cell, most)) reason = LimitKind.ConcurrentQueries;
        LeaseSum beside = _limits.HasMinuteBudgets ? LeaseSum.Of(_group.Cells, except: Cell) : default;
        if (_limits.QuerySecondsPerMinute is { } seconds) Compare(LimitKind.QuerySeconds, _milliseconds.WaitUntilBelow(PartOf(seconds * 1000L, _lease?.MillisecondsElsewhere) - beside.Milliseconds, now), ref reason, ref wait);
        if (_limits.BytesPerMinute is { } bytes) Compare(LimitKind.Bytes, _bytes.WaitUntilBelow(PartOf(bytes, _lease?.BytesElsewhere) - beside.Bytes, now), ref reason, ref wait);
        if (_limits.QueriesPerSecond is not null) Compare(LimitKind.Queries, _queries.WaitFor(1 + ahead, now), ref reason, ref wait);
        return reason;
    }

    private static void Compare(LimitKind limit, TimeSpan until, ref LimitKind? reason, ref TimeSpan wait)
    {
        if (until <= wait) return;
        (reason, wait) = (limit, until);
    }

    /// <summary>What of a minute's budget is for this proxy: what others have not used, or its share where nobody says.</summary>
    private long PartOf(long limit, long? elsewhere) => _isLeased && elsewhere is { } used ? limit - used : Math.Max(1, limit / _shares);

    /// <summary>Takes over a new lease, the end of one, and what was used since the last look.</summary>
    private void Renew(long now)
    {
        Lease? lease = Cell.Lease;
        bool isLeased = lease is not null && now < lease.ValidUntil;
        bool isOther = !ReferenceEquals(lease, _lease) || isLeased != _isLeased || (!isLeased && _shares != _proxies.ProxiesAlive);
        if (_part.Renew(_group, OfProxy(now), now) || isOther) SetRates(now);
        if (_limits.QuerySecondsPerMinute is not null)
        {
            _ticksRest += _stats.QueryTime.SumTicks - _ticksSeen;
            _ticksSeen = _stats.QueryTime.SumTicks;
            long milliseconds = _ticksRest / (Stopwatch.Frequency / 1000);
            _ticksRest -= milliseconds * (Stopwatch.Frequency / 1000);
            _milliseconds.Add(milliseconds, now);
            Cell.Milliseconds = _milliseconds.Total;
        }
        if (_limits.BytesPerMinute is not null)
        {
            long bytes = _stats.BytesIn + _stats.BytesOut;
            _bytes.Add(bytes - _bytesSeen, now);
            _bytesSeen = bytes;
            Cell.Bytes = _bytes.Total;
        }
    }

    /// <summary>Takes over this limiter's part of the rates, and what others have left for it.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isSame">The limits have not changed.</param>
    private void SetRates(long now, bool isSame = true)
    {
        (Lease? before, _lease) = (_lease, Cell.Lease);
        (bool wasLeased, _isLeased) = (_isLeased, _lease is not null && now < _lease.ValidUntil);
        // Between the same proxies and reactors parts only move, and what was saved up may move with them. Where the number of parts changes each begins anew, and nothing moves.
        bool isMove = isSame && _reactors == _part.Count && _isLeased == wasLeased
            && (_isLeased ? now < before!.ValidUntil && _lease!.Proxies == before.Proxies : _shares == _proxies.ProxiesAlive);
        (_shares, _reactors) = (_proxies.ProxiesAlive, _part.Count);
        double offered = _part.TakeOffered(), handed = isMove && _isLeased ? Math.Max(0, _lease!.QueriesHanded - before!.QueriesHanded) * _part.Queries : 0;
        (double queries, double connections) = OfProxy(now);
        (queries, connections) = (queries * _part.Queries, connections * _part.Connections);
        if (_limits.QueriesPerSecond is { } rate)
        {
            _queries.Set(rate * queries, (_limits.Burst ?? rate) * queries, now, isMove);
            if (offered > 0) Cell.QueriesTaken += _queries.Add(offered, now);
            if (handed > 0) _queries.Add(handed, now);
            double spilled = _queries.TakeSpilled();
            if (isMove && spilled > 0) Cell.QueriesSpilled += spilled;
        }
        if (_limits.ConnectionsPerSecond is { } logins) _connections.Set(logins * connections, logins * connections, now);
    }

    /// <summary>This proxy's fractions of the rates.</summary>
    private (double Queries, double Connections) OfProxy(long now)
    {
        if (Cell.Lease is { } lease && now < lease.ValidUntil) return (lease.Queries, lease.Connections);
        double even = 1.0 / _proxies.ProxiesAlive;
        return (even, even);
    }

    private PgError ErrorFor(LimitKind reason, TimeSpan wait) => reason switch
    {
        LimitKind.ConcurrentQueries => ProxyErrors.TooManyConcurrentQueries(_limits.ConcurrentQueries ?? 0, _options.Value.Limits.MaxRateDelay),
        LimitKind.QuerySeconds => ProxyErrors.QuerySecondsUsedUp(_limits.QuerySecondsPerMinute ?? 0, wait),
        LimitKind.Bytes => ProxyErrors.BytesUsedUp(_limits.BytesPerMinute ?? 0, wait),
        _ => ProxyErrors.RateLimited(_limits.QueriesPerSecond ?? 0, wait),
    };
}
