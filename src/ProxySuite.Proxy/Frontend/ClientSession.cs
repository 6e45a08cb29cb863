using System.Net;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// An authenticated client on its tenant's reactor: hands its bytes to a server connection for as long as a transaction, a pin or the pool mode
/// asks for, and keeps what has to survive between two servers (settings, prepared statements, what it was told).
/// </summary>
/// <remarks>Files: this one holds state and life; .Requests.cs the way to the server, .Filter.cs and .Limits.cs what may not go there, or not yet, .Replies.cs the way back, .Statements.cs prepared statements.</remarks>
internal sealed partial class ClientSession : PoolWaiter, IConnectionHandler, IServerUser
{
    /// <summary>Replies owed at which a client that pipelines is read no further until half of them have come.</summary>
    private const int OwedMax = 10_000;

    /// <summary>Settings, and SETs of a transaction that is not over, that are carried from server to server; a client with more is pinned.</summary>
    private const int JournalMax = 100;

    /// <summary>CancelRequests on their way to one server; each is a connection to the shard, so a client that sends more gets no more of them.</summary>
    private const int CancelsMax = 2;

    private static readonly TimeSpan FlushDeadline = TimeSpan.FromSeconds(5);
    private static long s_numbers;

    private readonly TransportConnection _link;
    private readonly FrontendContext _context;
    private TenantPool _pool;
    private TenantStats _stats;
    private readonly long _number = Interlocked.Increment(ref s_numbers);
    private SessionSettings _startup;
    private SessionSettings _base; // of the pool, as it was when it was last looked at
    private readonly ClientStatements _statements = new();
    private SessionPins _pins;
    private SessionSettings _settings;
    private ParameterSnapshot _told;
    private SessionState _state = SessionState.Idle;
    private ServerConnection? _server;
    private readonly ClientSeat _seat;
    private readonly TenantLimiter _limiter;
    private PgError? _refusal;
    private PgError? _ending;           // why it ends when its transaction is over

    /// <param name="link">The client's connection, still in pipe mode.</param>
    /// <param name="context">Its reactor's shared parts.</param>
    /// <param name="pool">Its tenant's pool.</param>
    /// <param name="login">What the handshake found out.</param>
    /// <param name="told">The parameters that the client was told at login.</param>
    /// <param name="seat">Its places in the counts of clients; the session gives them back.</param>
    /// <param name="limiter">Its tenant's limits.</param>
    /// <param name="own">In session mode the server that is its own; <see cref="TakeOver"/> follows.</param>
    public ClientSession(TransportConnection link, FrontendContext context, TenantPool pool, ClientLogin login, ParameterSnapshot told, ClientSeat seat, TenantLimiter limiter, ServerConnection? own = null)
    {
        _isNative = own is not null;
        _link = link;
        _context = context;
        _seat = seat;
        _limiter = limiter;
        _pool = pool;
        _stats = pool.Stats;
        _pins = new SessionPins(_stats);
        User = login.User;
        Role = (int)login.Role;
        _base = pool.Base;
        _startup = _settings = pool.Settings.Intern(login.Settings.Over(_base));
        _told = told;
        KeepWithinLimits();
        // Drivers compare it with pg_backend_pid() and with what notifications say; in session mode it is the server's own.
        ProcessId = own?.CancelKey.ProcessId ?? context.Sessions.NewId();
        CancelSecret = Wire.Scram.RandomBytes.Get(login.CancelKeyLength);
        LastAnswerAt = context.Reactor.NowMilliseconds;
        pool.Clients++;
        _stats.ClientsIdle++;
        context.Reactor.Pace.CountLogin();
        context.Sessions.Add(this);
    }

    /// <summary>The process id that the client was given.</summary>
    public int ProcessId { get; }

    /// <summary>The key that goes with it.</summary>
    public byte[] CancelSecret { get; }

    /// <summary>The user it logged in as.</summary>
    public string User { get; }

    /// <summary>Which of the tenant's backend roles it works as.</summary>
    public int Role { get; }

    /// <summary>Where it connects from.</summary>
    public EndPoint RemoteEndPoint => _link.RemoteEndPoint;

    /// <summary>Bytes that the client has not taken yet.</summary>
    public int QueuedBytes => _link.QueuedBytes;

    /// <summary>The tenant's pool.</summary>
    public TenantPool Pool => _pool;

    /// <summary>The server it holds, or null.</summary>
    public ServerConnection? Server => _server;

    /// <summary>True when it can be closed without cutting anything off: nothing is asked and no transaction is open, though a pin may hold a server.</summary>
    public bool IsIdle => _bodyLeft == 0 && !_isReadyKept && !_isDelayed && !_isRateGranted && !_isHeldForChannels
        && (_state == SessionState.Idle || (_state == SessionState.Linked && _server!.Ledger.IsFree));

    /// <summary>Reactor time in milliseconds of the last answer, or of the login.</summary>
    public long LastAnswerAt { get; private set; }

    // As it was at the login: a plan that changes meanwhile is for those who come after.
    private PoolMode Mode => _isNative ? PoolMode.Session : _pool.Config.Mode == PoolMode.Session ? PoolMode.Transaction : _pool.Config.Mode;

    /// <summary>Ends the session from inside the proxy: the client is told why, as far as it still reads.</summary>
    public void End(PgError error)
    {
        if (_state == SessionState.Closing) return;
        SendError(error);
        CloseFromHere();
    }

    /// <summary>Ends the session when its transaction is over, and at once when none is under way.</summary>
    public void EndAtBoundary(PgError error)
    {
        if (_state != SessionState.Linked || IsIdle || _isDelayed) End(error);
        else _ending = error;
    }

    /// <summary>Takes back an <see cref="EndAtBoundary"/> that has not come about.</summary>
    public void Stay() => _ending = null;

    /// <inheritdoc/>
    public void OnClosed(CloseCause cause)
    {
        if (_state == SessionState.Closing) return;
        if (_server is not null && !_server.Ledger.IsFree) _stats.ErrorsClient++;
        Leave(cancel: true);
    }

    /// <inheritdoc/>
    public void OnDrained()
    {
        if (_isHoldingServerBack)
        {
            _isHoldingServerBack = false;
            _server?.ResumeReplies();
        }
        if (_isClientFull)
        {
            _isClientFull = false;
            _link.ResumeReading();
            Deliver();
        }
    }

    private void CloseFromHere()
    {
        // Whoever says good-bye behind a statement expects it to be carried out, as PostgreSQL does; only a client that vanished is cancelled.
        Leave(cancel: false);
        _link.Close(FlushDeadline);
    }

    /// <summary>Gives up what the session holds. A server in the middle of something is closed, never repaired.</summary>
    /// <param name="cancel">What it runs is cancelled as well.</param>
    private void Leave(bool cancel)
    {
        CountState(-1);
        if (_state == SessionState.Waiting) _pool.Leave(this);
        _state = SessionState.Closing;
        LeaveLine();
        EndRated();
        if (_server is { } server)
        {
            _server = null;
            if (_pins.Any || _isNative) server.IsDirty = true;
            bool isAtBoundary = !_isCutOff && (_bodyLeft == 0 || _isBodyDropped);
            if (server.Ledger.IsFree && isAtBoundary) _pool.Checkin(server);
            else
            {
                if (cancel && server.Ledger.Count > 0 && server.State == ServerState.Open) _ = CancelUntilGoneAsync(server);
                _pool.Abandon(server, isAtBoundary);
            }
        }
        _pins.Clear();
        CountPin();
        _isReadyKept = false;
        _channels?.Leave();
        ForgetKept();
        _pool.Clients--;
        _context.Sessions.Remove(this);
        _seat.Return();
    }

    /// <summary>Passes a CancelRequest on, if this session holds a server that works for it; a query that waits for one is answered here.</summary>
    public async Task<CancelResult> CancelAsync()
    {
        if (_state == SessionState.Waiting && _pool.Leave(this))
        {
            _stats.ErrorsProxy++;
            OnWaitFailed(ProxyErrors.CanceledByUser());
            return CancelResult.Sent;
        }
        if (FailDelayed(ProxyErrors.CanceledWhileDelayed())) return CancelResult.Sent;
        if (FailHeldChannels(ProxyErrors.CanceledByUser())) return CancelResult.Sent;
        if (_server is not { } server || server.Ledger.Count == 0 || server.IsClosed || (server.IsProbing && server.Ledger.Count == 1)) return CancelResult.Idle;
        // What is put in front of the query must not be hit: a tenant's identity that was not set ends the session. It is answered in a moment.
        long patience = _context.Reactor.NowMilliseconds + (long)_context.Options.Value.Pool.CancelTimeout.TotalMilliseconds;
        while (ReferenceEquals(server, _server) && server.Ledger.IsHeadSwallowed && _context.Reactor.NowMilliseconds < patience) await Task.Delay(1);
        if (!ReferenceEquals(server, _server) || server.Ledger.Count == 0 || server.IsClosed) return CancelResult.Idle;
        if (server.CancelsUnderWay >= CancelsMax) return CancelResult.Sent;
        return await CancelAsync(server) ? CancelResult.Sent : CancelResult.Failed;
    }

    /// <summary>A cancel that overtakes its query finds an idle backend and is lost, and the query would run on with nobody to answer: asked again until the server
    /// has hung up, at the latest until its pool gives it up.</summary>
    private async Task CancelUntilGoneAsync(ServerConnection server)
    {
        for (int milliseconds = 50; server.State != ServerState.Closed; milliseconds = Math.Min(2 * milliseconds, 1000))
        {
            await CancelAsync(server);
            await Task.Delay(milliseconds);
        }
    }

    private async Task<bool> CancelAsync(ServerConnection server)
    {
        bool isOver = false;
        server.CancelsUnderWay++;
        try
        {
            return isOver = await _context.Canceller.CancelAsync(_context.Reactor, server.EndPoint, server.CancelTls, server.CancelKey, _context.Options.Value);
        }
        finally
        {
            server.OnCancelDone(isOver);
        }
    }

    /// <inheritdoc/>
    internal override void OnPoolReplaced(TenantPool successor)
    {
        Enter(SessionState.Idle);
        // What was held is looked at again, and finds its way to the new pool.
        _link.ResumeReading();
    }

    /// <summary>Goes over to the pool that serves the tenant now. Only while no server is held.</summary>
    private void FollowPool()
    {
        while (_pool.Successor is { } successor)
        {
            CountState(-1);
            _pool.Clients--;
            (_pool, _stats) = (successor, successor.Stats);
            _pool.Clients++;
            CountState(+1);
            _pins = new SessionPins(_stats);
        }
    }

    private void SendError(PgError error)
    {
        Wire.Frames.FrameWriter scratch = new();
        ErrorResponse.Write(scratch, error);
        ToClient(scratch.WrittenSpan);
    }

    private void Enter(SessionState state)
    {
        CountState(-1);
        _state = state;
        CountState(+1);
    }

    private void CountState(int change)
    {
        switch (_state)
        {
            case SessionState.Idle when _isDelayed:
                _stats.ClientsWaiting += change;
                break;
            case SessionState.Idle or SessionState.Refused:
                _stats.ClientsIdle += change;
                break;
            case SessionState.Waiting:
                _stats.ClientsWaiting += change;
                break;
            case SessionState.Linked:
                _stats.ClientsActive += change;
                break;
        }
    }
}
