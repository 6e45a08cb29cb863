using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The way from the server to the client, and the moment at which the server goes back to its pool.</summary>
internal sealed partial class ClientSession
{
    private bool _isHoldingServerBack;
    private bool _isReleaseHeldBack;
    private bool _sawError;             // since the last ReadyForQuery
    private int _rollbacks;             // tags of that kind, likewise
    private bool _sawCommit;            // likewise
    private bool _sawOther;             // likewise: a tag of what may commit by itself (PREPARE TRANSACTION, VACUUM, CREATE INDEX CONCURRENTLY)
    private long _readyUpTo;            // number in the server's ledger of what the last ReadyForQuery answered
    private bool _isBatchUnscanned;     // a text was too long to look at
    private StatementTraits _batchTraits; // of what was sent since the session was last idle
    private List<SentChange>? _pendingChanges; // SETs whose transaction has not ended

    /// <inheritdoc/>
    public bool OnReplies(ReadOnlySpan<byte> replies)
    {
        _stats.BytesOut += replies.Length;
        if (_kept is not null) ForgetKept();
        // Not only at a ReadyForQuery: a pipeline may have its only Sync behind what is not read yet.
        if (_isOverOwed && _server is { } server && server.Ledger.Count < OwedMax / 2)
        {
            _isOverOwed = false;
            _link.ResumeReading();
        }
        if (_nameWork is not null || _isAwaitingAnswers) SettleNames();
        if (_isHeldForSeal || _isHeldForRate)
        {
            _isHeldForSeal = _isHeldForRate = false;
            _link.ResumeReading();
        }
        if (_link.Send(replies)) return true;
        _isHoldingServerBack = true;
        return false;
    }

    /// <inheritdoc/>
    public void OnReadyForQuery(ServerConnection server, TransactionStatus status)
    {
        _stats.Queries++;
        _stats.QueryTime.Record(_context.Reactor.NowTicks - _requestStarted);
        LastAnswerAt = _context.Reactor.NowMilliseconds;
        _requestStarted = server.Ledger.Count > 0 ? _context.Reactor.NowTicks : 0;
        if (status == TransactionStatus.Idle) _stats.Transactions++;
        if (_pendingChanges is { Count: > 0 }) SettleChanges(server, status);
        if (_isDriverReset && _isDiscardClosed && server.Ledger.Count == 0 && status == TransactionStatus.Idle && !_sawError)
        {
            foreach (PinReason undone in DriverReset.Undoes) _pins.Remove(undone);
            CountPin();
        }
        _sawError = _sawCommit = _sawOther = _isOutOfTime = false;
        _rollbacks = 0;
        _readyUpTo = server.Ledger.LastSettled;
        if (_isDiscardClosed && server.Ledger.Count == 0) EndDiscard();
        if (status != TransactionStatus.Idle && Mode == PoolMode.Statement)
        {
            _stats.ErrorsClient++;
            End(ProxyErrors.TransactionInStatementMode());
            return;
        }
        _hasActed = true;
        if (_pinRefusal is { } tooMany)
        {
            _isReadyKept = false;
            _stats.ErrorsClient++;
            End(tooMany);
            return;
        }
        if (_isReadyKept)
        {
            SendReadyBehindNotifications();
            return;
        }
        TryRelease(server);
        Deliver();
    }

    private void TryRelease(ServerConnection server)
    {
        if (_isAskingAgain) return;
        ReplyLedger ledger = server.Ledger;
        bool isMidMessage = _bodyLeft > 0 && !_isBodyDropped;
        var facts = new ReleaseFacts(ledger.Status, ledger.IsSkippingToSync || ledger.IsUncertain ? 1 : ledger.Count, ledger.IsUnsynced, isMidMessage, _pins.Any || _statements.IsUnnamedOnServerOnly);
        _isReleaseHeldBack = isMidMessage;
        if (!SessionMachine.MayRelease(Mode, facts))
        {
            // A pin or the pool mode holds the server; the transaction is over all the same.
            if (_hasRatePlace && IsIdle) EndRated();
            if (_ending is not null && IsIdle) End(_ending);
            return;
        }
        _server = null;
        if (!_isRateGranted) EndRated();
        _isReleaseHeldBack = false;
        _isHoldingServerBack = false;
        _batchTraits = StatementTraits.None;
        _isBatchUnscanned = false;
        _isDriverReset = _isDiscardSent = _isDiscardClosed = false;
        _portals.Clear();
        ledger.Shrink();
        Enter(SessionState.Idle);
        _pool.Checkin(server);
        if (_ending is not null) End(_ending);
    }

    /// <inheritdoc/>
    public void OnTag(ServerConnection server, TagMeaning meaning)
    {
        _sawOther |= meaning is TagMeaning.MayLeaveState or TagMeaning.Ddl;
        switch (meaning)
        {
            case TagMeaning.Rollback:
                _rollbacks++;
                break;
            case TagMeaning.Commit:
                _sawCommit = true;
                break;
            case TagMeaning.DiscardAll:
                _statements.Clear();
                _statements.ForgetUnnamed();
                _settings = _startup;
                _channels?.Clear();
                _nameWork?.ForgetDone();
                // State that was sent behind it in one batch is not gone.
                if (server.Ledger.Count <= 1) _pins.Clear();
                CountPin();
                break;
            case TagMeaning.DeallocateAll:
                _statements.Clear();
                _nameWork?.ForgetDone();
                break;
            case TagMeaning.Prepare when _nameWork is null || !_nameWork.NoteDone(NameUse.Prepare):
                // In a text too long to look at: the name is the server's alone.
                server.IsDirty = true;
                Pin(PinReason.SqlPrepare);
                break;
            case TagMeaning.Deallocate:
                _nameWork?.NoteDone(NameUse.Deallocate);
                break;
            case TagMeaning.Set when (_batchTraits & (StatementTraits.SetsSession | StatementTraits.SetLocal | StatementTraits.SetRoleOrAuthorization)) == 0:
                // Not in any text that was looked at: an EXECUTE, or a text too long to scan. The tag gives it away.
                Pin(PinReason.SessionSetting);
                break;
            case TagMeaning.MayLeaveState when _isBatchUnscanned:
                Pin(PinReason.Other);
                break;
        }
    }

    /// <inheritdoc/>
    public void OnError(ServerConnection server)
    {
        _stats.ErrorsServer++;
        _sawError = true;
        server.Statements.Unnamed = UnnamedStatement.Unknown;
        if (_nameWork is { IsSyncMissing: true } && server.Ledger.IsSkippingToSync)
        {
            server.Ledger.Push(Owed.Sync);
            server.Send("S\0\0\0\u0004"u8);
        }
        SettleNames();
    }

    /// <inheritdoc/>
    public void OnParameter(string name, string value) => _told = _pool.Parameters.Intern(_told.With(name, value));

    /// <inheritdoc/>
    public void OnSettingsApplied(ServerConnection server)
    {
        TellParameters(server);
        SettleNames();
    }

    /// <summary>Tells the client what this server reports otherwise than the last one did, so that its view holds whatever server it is on.</summary>
    private void TellParameters(ServerConnection server)
    {
        if (ReferenceEquals(_told, server.Parameters)) return;
        if (server.Parameters.IsKnownTo(_told))
        {
            _told = server.Parameters;
            return;
        }
        FrameWriter? changes = null;
        foreach ((string name, string value) in server.Parameters.All)
        {
            // The backend role's name stays with us: the client was told its own.
            if (_told[name] == value || name == "session_authorization") continue;
            changes ??= new FrameWriter();
            ParameterStatus.Write(changes, name, value);
        }
        _told = server.Parameters;
        if (changes is not null) ToClient(changes.WrittenSpan);
    }

    /// <inheritdoc/>
    public void OnSettingsRefused(ServerConnection server, ReadOnlySpan<byte> errorResponse)
    {
        // A value from the connection string that PostgreSQL does not take: it says so as it would have at login, and the session ends.
        _stats.ErrorsClient++;
        _server = null;
        ToClient(errorResponse);
        CountState(-1);
        _state = SessionState.Idle;
        CountState(+1);
        _pool.Abandon(server, isAtBoundary: false);
        CloseFromHere();
    }

    /// <inheritdoc/>
    public void OnSealRefused(ServerConnection server, string sqlState)
    {
        _stats.ErrorsProxy++;
        _context.Logger.SealRefused(_pool.Config.Tenant, _pool.Config.Shard, sqlState);
        _pool.OnNotServedHere();
        _server = null;
        _pool.Abandon(server, isAtBoundary: false);
        Enter(SessionState.Idle);
        End(ProxyErrors.ContextRefused());
    }

    /// <inheritdoc/>
    public void OnServerDrained() => _link.ResumeReading();

    /// <inheritdoc/>
    public void OnServerLost(ServerConnection server, ServerLoss loss)
    {
        _stats.ErrorsServer++;
        if (_isReadyKept)
        {
            // Its query was answered before.
            _isReadyKept = false;
            ToClient(ReadyIdle);
        }
        _server = null;
        _pool.Abandon(server, isAtBoundary: false);
        Enter(SessionState.Idle);
        // The server has told the client why itself when it ended the session in order.
        if (loss == ServerLoss.Closed && server.HasSaidWhy) CloseFromHere();
        else End(loss == ServerLoss.Closed ? ProxyErrors.ServerLost() : ProxyErrors.ServerStateInDoubt());
    }
}
