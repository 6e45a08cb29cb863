using System.Collections.Frozen;
using System.Security.Cryptography;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Where a replication session stands.</summary>
internal enum ReplicationState : byte
{
    Asking,    // the proxy's own question is under way; nobody is shown the answer
    Ready,     // nothing is owed
    Busy,      // the client's command is under way
    Streaming, // CopyBoth: data goes both ways until one side ends it
    Closing,
}

/// <summary>
/// A client with a walsender of its own, from its login to its end. Each command is read in full, judged by list and written anew with the tenant's own slot names
/// (<see cref="ReplicationCommand"/>); streams pass as they come. It counts as a pinned client: a tenant's other clients keep a connection.
/// </summary>
/// <remarks>Files: this one holds login, life and limits; .Client.cs what the client says, .Server.cs what the server answers. The home reactor's thread alone.</remarks>
internal sealed partial class ReplicationSession : PoolWaiter, IConnectionHandler, IServerTap
{
    private static readonly TimeSpan FlushDeadline = TimeSpan.FromSeconds(5);

    // What a subscriber wants of its connection string; the rest would be statement limits and the like, which are not the client's here.
    private static readonly FrozenSet<string> StartupNames = FrozenSet.Create(StringComparer.Ordinal,
        "application_name", "client_encoding", "datestyle", "timezone", "intervalstyle", "extra_float_digits", "bytea_output");

    private readonly TransportConnection _link;
    private readonly FrontendContext _context;
    private readonly TenantPool _pool;
    private readonly TenantStats _stats;
    private readonly ServerConnection _server;
    private readonly ClientSeat _seat;
    private readonly string _prefix;
    private readonly byte[] _prefixBytes;
    private readonly byte[] _cancelSecret;
    private readonly WheelTimer _statementTimer;
    private ReplicationState _state = ReplicationState.Ready;
    private TransactionStatus _status = TransactionStatus.Idle;
    private ParameterSnapshot _told;
    private PgError? _ending;
    private long _readySince;
    private bool _isClientHeld;      // its bytes wait for the server to take more, or for an answer
    private bool _isServerHeld;      // its bytes wait for the client to take more

    private ReplicationSession(TransportConnection link, FrontendContext context, TenantPool pool, ServerConnection server, ClientSeat seat, int cancelKeyLength)
    {
        (_link, _context, _pool, _stats, _server, _seat, _told) = (link, context, pool, pool.Stats, server, seat, server.Parameters);
        _prefix = BackendNames.SlotPrefix(pool.Config.TenantId);
        _prefixBytes = System.Text.Encoding.ASCII.GetBytes(_prefix);
        _cancelSecret = RandomNumberGenerator.GetBytes(cancelKeyLength);
        _statementTimer = new WheelTimer(static session => ((ReplicationSession)session!).OnStatementOverdue(), this);
        _readySince = context.Reactor.NowMilliseconds;
        pool.Clients++;
        pool.AddPinned(this);
        _stats.ClientsActive++;
        context.Replications.Add(this);
        server.Tap(this);
    }

    private bool IsClosing => _state == ReplicationState.Closing;

    /// <summary>Ends a login that asked for a replication connection: the client gets a walsender, or is told why not.</summary>
    /// <exception cref="PgErrorException">The tenant, the plan or the user may not, or there is no server connection to be had.</exception>
    /// <exception cref="IOException">The client left meanwhile.</exception>
    /// <remarks>The seat is the session's as soon as there is one, and the caller's while this throws.</remarks>
    public static async Task StartAsync(TransportConnection link, FrontendContext home, TenantPool pool, ClientLogin login, ClientSeat seat, StartupMessage startup, MessagePipe pipe)
    {
        if (WhyRefused(pool, login.Role) is { } refusal) throw new PgErrorException(refusal);
        (pool, ServerConnection server) = await LoginWaiter.ServerAsync(pool, PoolConfig.ReplicationTarget);
        // While it waited the plan may have changed, and others may have come.
        PgError? late = pool.Refusal ?? WhyRefused(pool, login.Role);
        if (link.IsClosed || late is not null)
        {
            pool.Checkin(server);
            throw late is not null ? new PgErrorException(late.AsFatal()) : new IOException("the client left while it waited for a server");
        }
        var session = new ReplicationSession(link, home, pool, server, seat, login.CancelKeyLength);
        SessionSettings settings = login.Settings.Only(StartupNames);
        if (settings.Count > 0 && await session.AskAsync(settings.SqlFrom(SessionSettings.None)) is { } failed) session.End(failed.AsFatal());
        if (session.IsClosing) return;
        if (link.IsClosed)
        {
            session.Leave();
            return;
        }
        session.Welcome(login, startup, pipe);
    }

    /// <summary>True when a CancelRequest is for this session.</summary>
    public bool IsMeantBy(CancelRequest request)
        => request.ProcessId == _server.CancelKey.ProcessId && CryptographicOperations.FixedTimeEquals(_cancelSecret, request.Key);

    /// <summary>Passes a CancelRequest on, if the server works for this session.</summary>
    public async Task<CancelResult> CancelAsync()
    {
        if (_state is not (ReplicationState.Busy or ReplicationState.Streaming) || _server.CancelsUnderWay > 1) return CancelResult.Idle;
        return await CancelServerAsync() ? CancelResult.Sent : CancelResult.Failed;
    }

    /// <summary>Ends the session from inside the proxy; the client is told why between two messages of the server.</summary>
    /// <param name="atOnce">Also in the middle of a message, where it cannot be told.</param>
    public void End(PgError error, bool atOnce = false)
    {
        if (IsClosing) return;
        if (_serverBodyLeft > 0 && _isBodyForwarded && !atOnce)
        {
            _ending = error;
            return;
        }
        if (_serverBodyLeft == 0 || !_isBodyForwarded) SendError(error);
        Leave();
        _link.Close(FlushDeadline);
    }

    /// <inheritdoc/>
    public void OnClosed(CloseCause cause)
    {
        if (IsClosing) return;
        if (_state != ReplicationState.Ready) _stats.ErrorsClient++;
        Leave();
    }

    /// <inheritdoc/>
    public void OnDrained()
    {
        if (!_isServerHeld) return;
        _isServerHeld = false;
        _server.ResumeReplies();
    }

    /// <inheritdoc/>
    public void OnServerDrained() => ReadClient();

    /// <inheritdoc/>
    public void OnServerLost(ServerLoss loss)
    {
        if (IsClosing) return;
        _stats.ErrorsServer++;
        if (!_hasServerSaidWhy && !(_serverBodyLeft > 0 && _isBodyForwarded)) SendError(loss == ServerLoss.Closed ? ProxyErrors.ServerLost() : ProxyErrors.ServerStateInDoubt());
        Leave();
        _link.Close(FlushDeadline);
    }

    /// <inheritdoc/>
    internal override void OnPinTick(long now)
    {
        TimeSpan idle = _pool.Config.Limits.IdleInTransaction;
        if (_pool.Refusal is { } refusal) End(refusal with { SqlState = SqlState.AdminShutdown });
        else if (_pool.Successor is not null || !_pool.Config.Replication) End(ProxyErrors.ReplicationEnded());
        else if (_state == ReplicationState.Ready && _status != TransactionStatus.Idle && idle > TimeSpan.Zero && now - _readySince > idle.TotalMilliseconds)
        {
            End(ProxyErrors.IdleInTransactionTooLong(idle));
        }
    }

    internal override void OnServerLent(ServerConnection server) => throw new InvalidOperationException("a replication session waits for no server");

    internal override void OnWaitFailed(PgError error) => throw new InvalidOperationException("a replication session waits for no server");

    internal override void OnPoolReplaced(TenantPool successor) => throw new InvalidOperationException("a replication session waits for no server");

    private static PgError? WhyRefused(TenantPool pool, UserRole role)
    {
        if (!pool.Config.HasOwnDatabase) return ProxyErrors.ReplicationNotInThisModel();
        if (!pool.Config.Replication) return ProxyErrors.ReplicationRefused();
        if (role != UserRole.Owner) return ProxyErrors.ReplicationForOwners();
        return pool.PinnedInAll >= pool.Config.PinsMax ? ProxyErrors.ReplicationsExhausted(pool.Config.PinsMax) : null;
    }

    private void Welcome(ClientLogin login, StartupMessage startup, MessagePipe pipe)
    {
        foreach ((string name, string value) in startup.Parameters)
        {
            if (_told[name] is not null) _told = _told.With(name, value);
        }
        Authentication.WriteOk(pipe.Out);
        foreach ((string name, string value) in _told.With("session_authorization", login.User).All) ParameterStatus.Write(pipe.Out, name, value);
        BackendKeyData.Write(pipe.Out, _server.CancelKey.ProcessId, _cancelSecret);
        ReadyForQuery.Write(pipe.Out, TransactionStatus.Idle);
        _context.Logger.ReplicationStarted(_pool.Config.Tenant, login.User, _link.RemoteEndPoint.ToString() ?? "", _server.CancelKey.ProcessId);
        _link.SetHandler(this);
        _link.Send(pipe.Out.WrittenSpan);
    }

    // The permit stays out until the server has hung up. Whatever it does by then is cancelled: a walsender that decodes a large transaction would else go on for nobody.
    private void Leave()
    {
        if (IsClosing) return;
        bool isBusy = _state != ReplicationState.Ready;
        _state = ReplicationState.Closing;
        _context.Reactor.Timers.Disarm(_statementTimer);
        _pool.Clients--;
        _pool.RemovePinned(this);
        _stats.ClientsActive--;
        _context.Replications.Remove(this);
        _seat.Return();
        _answered?.TrySetResult(ProxyErrors.ServerLost());
        _pool.Abandon(_server, isAtBoundary: _clientBodyLeft == 0 || _isBodyDropped);
        if (isBusy) _ = CancelUntilGoneAsync();
    }

    private async Task CancelUntilGoneAsync()
    {
        for (int milliseconds = 50; _server.State != ServerState.Closed; milliseconds = Math.Min(2 * milliseconds, 1000))
        {
            await Task.Delay(milliseconds);
            if (_server.State != ServerState.Closed) await CancelServerAsync();
        }
    }

    private async Task<bool> CancelServerAsync()
    {
        bool isOver = false;
        _server.CancelsUnderWay++;
        try
        {
            return isOver = await _context.Canceller.CancelAsync(_context.Reactor, _server.EndPoint, _server.CancelTls, _server.CancelKey, _context.Options.Value);
        }
        finally
        {
            _server.OnCancelDone(isOver);
        }
    }

    private void OnStatementOverdue()
    {
        if (_state == ReplicationState.Busy) _ = CancelServerAsync();
    }

    private void SendError(PgError error)
    {
        var answer = new FrameWriter();
        ErrorResponse.Write(answer, error);
        _link.Send(answer.WrittenSpan);
    }

    private void ReadClient()
    {
        if (!_isClientHeld || IsClosing) return;
        _isClientHeld = false;
        _link.ResumeReading();
    }
}
