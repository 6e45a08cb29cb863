using System.Diagnostics;
using System.Net;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The server connections of one tenant on one reactor: idle ones by backend role, those lent, those being opened, and the queue of who waits. Everything
/// here runs on that reactor's thread; only the shard's budget is shared, and the tenant's limit, which it has together with its pools on other reactors.
/// </summary>
/// <remarks>
/// Invariants (checked by tests): every server connection holds one permit from its opening until the server has hung up; while someone waits,
/// no server that could serve the first in line is idle.
/// </remarks>
internal partial class TenantPool : IServerOwner, IServerKeeper, IPlaceUser
{
    private readonly Reactor _reactor;
    private readonly CurrentOptions _options;
    private readonly ServerOpener _opener;
    private readonly ShardBudget _shard;
    private readonly ShardClaim _claim;
    private readonly WaiterQueue _waiters = new();
    private readonly IdleServers[] _idle;
    private readonly int[] _opening;
    private readonly HashSet<ServerConnection> _connections = [];
    private readonly FrameWriter _scratch = new();
    private readonly WheelTimer _queueTimer;
    private readonly WheelTimer _noticeTimer;
    private int _openingTotal;
    private int _idleTotal;
    private int _lent;
    private long _lentAt;
    private int _leaving;
    private int _generation;
    private int _clients;
    private TenantListener? _listener;

    /// <param name="reactor">The tenant's home.</param>
    /// <param name="options">Options in force.</param>
    /// <param name="opener">Opens server connections.</param>
    /// <param name="shard">The budget of the shard that it is on, for life.</param>
    /// <param name="config">What registry and options say about the tenant.</param>
    /// <param name="stats">The tenant's numbers on this reactor.</param>
    /// <param name="shardStats">The shard's, likewise.</param>
    /// <param name="predecessor">The pool that this one takes over from: its clients bring their statements and settings along.</param>
    /// <param name="places">The limit that it shares with the tenant's pools on other reactors; null for one of its own.</param>
    public TenantPool(
        Reactor reactor, CurrentOptions options, ServerOpener opener, ShardBudget shard, PoolConfig config, TenantStats stats, ShardStats shardStats, TenantPool? predecessor = null,
        TenantPlaces? places = null)
    {
        Statements = predecessor?.Statements ?? new StatementCatalog();
        Settings = predecessor?.Settings ?? new Interner<SessionSettings>();
        Parameters = predecessor?.Parameters ?? new Interner<ParameterSnapshot>();
        _reactor = reactor;
        _options = options;
        _opener = opener;
        _shard = shard;
        _claim = new ShardClaim(shard, reactor, this);
        Config = config;
        Stats = stats;
        ShardStats = shardStats;
        Budget = places is null ? new TenantBudget() : new TenantBudget(places, this);
        SetLimit(config.Connections);
        _idle = [.. config.Targets.Select(_ => new IdleServers())];
        _opening = new int[config.Targets.Count];
        Welcome = new ParameterSnapshot?[config.Targets.Count];
        _queueTimer = new WheelTimer(static pool => ((TenantPool)pool!).OnQueueTimer(), this);
        _noticeTimer = new WheelTimer(static pool => ((TenantPool)pool!).OnNoticeTimer(), this);
        _refusedPause = new RetryPause(reactor, RefusedMin, RefusedMax, Pump);
    }

    /// <summary>What registry and options say about it now.</summary>
    public PoolConfig Config { get; private set; }

    /// <summary>The budget of the shard it is on.</summary>
    public ShardBudget Shard => _shard;

    /// <summary>The registry entry that the configuration was made from.</summary>
    public object? Source { get; set; }

    /// <summary>The pool that serves the tenant now, once it has moved to another shard; whoever holds no server of this one goes there.</summary>
    public TenantPool? Successor { get; private set; }

    /// <summary>Asks the registry anew about this pool's tenant, because the shard refused it; <see cref="OnRechecked"/> follows.</summary>
    public Action<TenantPool>? Recheck { get; init; }

    /// <summary>Where it puts itself while it may have servers lent, so that only such pools are looked at.</summary>
    public List<TenantPool>? Busy { get; init; }

    /// <summary>True while it is there.</summary>
    public bool IsWatched { get; set; }

    /// <summary>Where it puts itself while there may be something to tidy, so that only such pools are looked at.</summary>
    public List<TenantPool>? Untidy { get; init; }

    /// <summary>True while it is there.</summary>
    public bool IsUntidy { get; private set; }

    /// <summary>Why nobody is served, while the tenant is suspended or gone; else null.</summary>
    public PgError? Refusal { get; private set; }

    /// <summary>The version of the tenant by which it was last suspended; 0 for never.</summary>
    public long SuspendedBy { get; set; }

    /// <summary>What a session has before its own settings, where the server's start-up packet cannot say it: nothing, where each tenant logs in for itself.</summary>
    public SessionSettings Base { get; private protected set; } = SessionSettings.None;

    /// <summary>The tenant's permits on this reactor.</summary>
    public TenantBudget Budget { get; }

    /// <summary>The tenant's numbers on this reactor.</summary>
    public TenantStats Stats { get; }

    /// <summary>The shard's numbers on this reactor.</summary>
    public ShardStats ShardStats { get; }

    /// <summary>Prepared statements of all the tenant's clients, by content.</summary>
    public StatementCatalog Statements { get; }

    /// <summary>Equal settings and parameters of this pool are one object.</summary>
    public Interner<SessionSettings> Settings { get; }

    /// <inheritdoc cref="Settings"/>
    public Interner<ParameterSnapshot> Parameters { get; }

    /// <summary>What a server of each role reported at login: what a new client is told.</summary>
    public ParameterSnapshot?[] Welcome { get; }

    /// <summary>Clients that keep a server beyond their transactions.</summary>
    public HashSet<PoolWaiter> Pinned { get; } = [];

    /// <summary>Replication slots of the tenant when they were last counted.</summary>
    public int ReplicationSlots { get; set; }

    /// <summary>Listens for all the tenant's clients.</summary>
    public TenantListener Listener
    {
        get
        {
            if (_listener is null) WantTidying();
            return _listener ??= new TenantListener(this, _reactor, _options, _opener);
        }
    }

    /// <summary>True for a server process of the tenant, on this reactor or another.</summary>
    /// <param name="processId">The server's own id of it.</param>
    /// <param name="origin">The server.</param>
    public bool OwnsProcess(int processId, EndPoint origin)
    {
        foreach (ServerConnection server in _connections)
        {
            if (server.CancelKey.ProcessId == processId && Equals(server.RemoteEndPoint, origin)) return true;
        }
        return Budget.OwnsProcess(processId, origin);
    }

    /// <summary>Client sessions attached to this pool.</summary>
    public int Clients
    {
        get => _clients;
        set
        {
            _clients = value;
            if (value == 0) WantTidying();
        }
    }

    /// <summary>Connections idle, lent, being opened, and queries waiting.</summary>
    public PoolCounts Counts => new(_idleTotal, _lent, _openingTotal, _waiters.Count);

    /// <summary>True when nothing is left that would be lost by forgetting the pool.</summary>
    public bool IsUnused => Clients == 0 && _lent == 0 && Budget.Leased == 0 && _connections.Count == 0 && _openingTotal == 0 && _waiters.Count == 0 && _listener?.IsGone != false;


    /// <summary>Lends an idle server at once when there is one: the common case, no queue, no allocation.</summary>
    public virtual ServerConnection? TryCheckout(int role)
    {
        if (IsPaused) return null;
        // Nobody is passed over: while a server is idle, all who wait need another role's.
        IdleServers idle = _idle[role];
        ServerConnection? server = _options.Value.Pool.ServerChoice == ServerChoice.Lifo ? idle.TakeNewest() : idle.TakeOldest();
        if (server is null) return null;
        server.LentAt = _reactor.NowTicks;
        CountIdle(-1);
        CountLent(+1);
        return server;
    }

    /// <summary>Stands in line; the waiter is called once, with a server or an error, unless <see cref="Leave"/> comes first.</summary>
    /// <returns>The reason when the queue takes no more.</returns>
    public PgError? Enqueue(PoolWaiter waiter, int role)
    {
        PoolOptions options = _options.Value.Pool;
        if (Refusal is { } refusal) return refusal;
        if (_waiters.Count + Shared.WaitingElsewhere >= options.MaxWaiters)
        {
            Stats.WaitersRefused++;
            Stats.ErrorsProxy++;
            return ProxyErrors.QueueFull(options.MaxWaiters);
        }
        waiter.WaiterRole = role;
        waiter.WaitingSince = _reactor.NowTicks;
        waiter.IsNoticeSent = false;
        waiter.WaitDeadline = _reactor.NowMilliseconds + (long)options.QueryWaitTimeout.TotalMilliseconds;
        _waiters.Add(waiter);
        WantTidying();
        Stats.QueueDepth = _waiters.Count;
        // For the first in line it is set anew: one still armed for whoever was first before may be of an older, longer limit.
        if (!_queueTimer.IsArmed || _waiters.Count == 1) _reactor.Timers.Arm(_queueTimer, options.QueryWaitTimeout);
        if (options.QueueNoticeAfter > TimeSpan.Zero && !_noticeTimer.IsArmed) _reactor.Timers.Arm(_noticeTimer, options.QueueNoticeAfter);
        Pump();
        return null;
    }

    /// <summary>The waiter gives up: its client has gone.</summary>
    /// <returns>False when it was no longer in line: what came first counts.</returns>
    public bool Leave(PoolWaiter waiter)
    {
        if (!_waiters.Remove(waiter)) return false;
        CountWaiters();
        return true;
    }

    /// <summary>Takes a server back. Its state decides: lent again, reset first, or closed.</summary>
    public virtual void Checkin(ServerConnection server)
    {
        server.Unlink();
        CountLent(-1);
        ShardStats.LentTime.Record(_reactor.NowTicks - server.LentAt);
        if (server.IsClosed) return;
        server.LastUsedAt = _reactor.NowMilliseconds;
        if (!server.Ledger.IsFree || server.IsCondemned || server.Generation != _generation || Refusal is not null || IsOverdrawn || IsTooOld(server))
        {
            CloseServer(server);
            return;
        }
        if (server.CancelsUnderWay > 0)
        {
            server.Park(Deadline());
            return;
        }
        if (server.IsDirty || _options.Value.Pool.ServerReset == ServerReset.Always)
        {
            if (IsToYield(server)) CloseServer(server);
            else Reset(server);
            return;
        }
        Offer(server);
    }

    /// <summary>Takes back a server whose client left in the middle of something: cancelled by the caller if it is busy, closed in any case.</summary>
    /// <param name="server">The server.</param>
    /// <param name="isAtBoundary">False when a message was cut off, so that not even a good-bye can follow.</param>
    public virtual void Abandon(ServerConnection server, bool isAtBoundary)
    {
        server.Unlink();
        CountLent(-1);
        if (server.State == ServerState.Closed) return;
        CloseServer(server, isAtBoundary);
    }

    /// <inheritdoc/>
    void IServerOwner.OnCancelsOver(ServerConnection server)
    {
        if (server.IsCondemned) CloseServer(server);
        else Reset(server);
    }

    /// <inheritdoc/>
    void IServerOwner.OnReset(ServerConnection server)
    {
        server.OverdueAt = 0;
        if (server.IsCondemned || server.Generation != _generation || IsOverdrawn) CloseServer(server);
        else Offer(server);
    }

    /// <inheritdoc/>
    void IServerOwner.OnServerClosed(ServerConnection server)
    {
        if (_idle[server.RoleIndex].Remove(server)) CountIdle(-1);
        if (server.IsLeaving) Budget.Leaving = --_leaving;
        else ShardStats.Faults++;
        _listener?.NoteClosed(server);
        Budget.NoteEnded(server.CancelKey.ProcessId, server.RemoteEndPoint);
        if (_connections.Remove(server)) PermitOf(server).Dispose();
        Pump();
    }

    private static ServerPermit PermitOf(ServerConnection server) => (ServerPermit)server.Kept!;

    private void Reset(ServerConnection server)
    {
        server.OverdueAt = Deadline();
        server.Reset(_scratch);
    }

    private void CloseServer(ServerConnection server, bool isAtBoundary = true)
    {
        if (server.State != ServerState.Open) return;
        server.OverdueAt = Deadline();
        server.IsLeaving = true;
        Budget.Leaving = ++_leaving;
        // One that is at rest is gone in a moment; one that has to be cancelled may take its time, and those who wait had better not count on it.
        if (isAtBoundary && server.Ledger.IsFree && server.Kept is ServerPermit permit) permit.Place.Leave();
        if (isAtBoundary) server.Close();
        else server.Cut();
    }

    private bool IsOverdrawn => Budget.IsOverdrawn;

    private long Deadline() => _reactor.NowMilliseconds + (long)_options.Value.Pool.CancelTimeout.TotalMilliseconds;

    private bool IsTooOld(ServerConnection server)
    {
        TimeSpan lifetime = _options.Value.Pool.ServerLifetime;
        return lifetime > TimeSpan.Zero && _reactor.NowMilliseconds - server.OpenedAt > lifetime.TotalMilliseconds;
    }

    /// <summary>A clean server: to another tenant if it has served this one for its share, else straight to the first in line who can use it, else idle.</summary>
    private void Offer(ServerConnection server)
    {
        if (IsToYield(server))
        {
            CloseServer(server);
            return;
        }
        PoolWaiter? first = IsPaused ? null : _waiters.First;
        // The first in line may need another role and have a connection of its own on the way; then the next one of this role goes.
        if (first is not null && first.WaiterRole != server.RoleIndex)
        {
            if ((Budget.Free == 0 || _claim.IsInLine) && _opening[first.WaiterRole] == 0 && _leaving == 0)
            {
                CloseServer(server);
                return;
            }
            if (_waiters.CountOf(server.RoleIndex) == 0) first = null;
            while (first is not null && first.WaiterRole != server.RoleIndex) first = first.NextWaiter;
        }
        if (first is null)
        {
            _idle[server.RoleIndex].Add(server);
            CountIdle(+1);
            // Whoever has a use for it comes back within a moment, or it goes to those who wait.
            if (_shard.Pressure != SharePressure.None || Budget.IsWantedElsewhere) _claim.ArmYield();
            return;
        }
        Lend(first, server);
    }

    /// <summary>Ends a wait with a server.</summary>
    private protected void Lend(PoolWaiter waiter, ServerConnection server)
    {
        _waiters.Remove(waiter);
        CountWaiters();
        Stats.WaitTime.Record(_reactor.NowTicks - waiter.WaitingSince);
        server.LentAt = _reactor.NowTicks;
        CountLent(+1);
        waiter.OnServerLent(server);
    }

    private protected PoolWaiter? FirstWaiter => _waiters.First;

    private protected int CountOf(int role) => _waiters.CountOf(role);

    private protected int WaitingCount => _waiters.Count;

    private void OnQueueTimer()
    {
        while (_waiters.First is { } first)
        {
            long left = first.WaitDeadline - _reactor.NowMilliseconds;
            if (left > 0)
            {
                _reactor.Timers.Arm(_queueTimer, TimeSpan.FromMilliseconds(left));
                return;
            }
            Stats.WaitersTimedOut++;
            Fail(first, IsPaused ? ProxyErrors.TenantPaused() : LastFailure ?? ProxyErrors.WaitedTooLong(_options.Value.Pool.QueryWaitTimeout, Config.Connections));
        }
    }

    /// <summary>Lets those know who wait for long: what looks like a hanging database is a full budget.</summary>
    private void OnNoticeTimer()
    {
        TimeSpan after = _options.Value.Pool.QueueNoticeAfter;
        if (after == TimeSpan.Zero) return;
        for (PoolWaiter? waiter = _waiters.First; waiter is not null; waiter = waiter.NextWaiter)
        {
            if (waiter.IsNoticeSent) continue;
            TimeSpan left = after - Stopwatch.GetElapsedTime(waiter.WaitingSince, _reactor.NowTicks);
            if (left > TimeSpan.Zero)
            {
                // First come, first told: who stands behind has waited for less.
                _reactor.Timers.Arm(_noticeTimer, left);
                return;
            }
            waiter.IsNoticeSent = true;
            waiter.OnLongWait(ProxyErrors.StillWaiting(after, Config.Connections));
        }
    }

    private protected void Fail(PoolWaiter waiter, PgError error)
    {
        _waiters.Remove(waiter);
        CountWaiters();
        Stats.WaitTime.Record(_reactor.NowTicks - waiter.WaitingSince);
        Stats.ErrorsProxy++;
        waiter.OnWaitFailed(error);
    }

    /// <summary>Fewer wait: no other reactor is to give up a server for those who do not any more.</summary>
    private void CountWaiters()
    {
        Stats.QueueDepth = _waiters.Count;
        if (Shared.Wanted > _waiters.Count) Shared.Want(_waiters.Count);
    }

    private void CountIdle(int change)
    {
        _idleTotal += change;
        _claim.NoteIdle(_idleTotal > 0);
        Stats.ServersIdle += change;
        ShardStats.ServersIdle += change;
    }

    private protected void CountLent(int change)
    {
        Stats.LentTicks += _lent * (_reactor.NowTicks - _lentAt);
        _lentAt = _reactor.NowTicks;
        _lent += change;
        if (!IsWatched && Busy is not null)
        {
            IsWatched = true;
            Busy.Add(this);
        }
        Stats.ServersActive += change;
        ShardStats.ServersActive += change;
    }
}

/// <summary>How many server connections are where, and how many queries wait.</summary>
internal readonly record struct PoolCounts(int Idle, int Linked, int Opening = 0, int Waiting = 0);
