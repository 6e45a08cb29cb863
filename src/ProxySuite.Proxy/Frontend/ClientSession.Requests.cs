using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The way from the client to the server: every message is entered into the ledger as it is sent; most bytes go out as they came in.</summary>
internal sealed partial class ClientSession
{
    private static ReadOnlySpan<byte> ParseCompleteFrame => "1\0\0\0\u0004"u8;

    private static ReadOnlySpan<byte> ReadyIdle => "Z\0\0\0\u0005I"u8;

    private int _bodyLeft;            // of a client message that is passed on, or dropped, in parts
    private bool _isBodyDropped;
    private bool _isRefusedToSync;    // the error is out; drop until the Sync that ends the batch
    private bool _isOverOwed;         // too many replies are owed to read on
    private bool _isDiscardSent;      // DISCARD ALL or DEALLOCATE is on its way
    private bool _isDiscardClosed;    // and its Query or Sync is sent: what follows has to wait for the answer
    private bool _isDriverReset;      // the one on its way is a driver's own reset, which takes pins away
    private bool _isCutOff;           // what is in the ledger did not all go out
    private bool _isClientFull;       // what we answer ourselves is not read: read no further either
    private StatementFacts _queryFacts; // of the Query that is being taken
    private bool _isHeldForSeal;      // read no further until the server's seal can be renewed
    private long _requestStarted;     // reactor time in ticks of the oldest unanswered request; 0 when nothing is asked

    /// <inheritdoc/>
    public Consumed OnBytes(ReadOnlySpan<byte> received)
    {
        try
        {
            Consumed consumed = Relay(received);
            _stats.BytesIn += consumed.Bytes;
            return consumed;
        }
        catch (PgErrorException violation)
        {
            _stats.ErrorsClient++;
            _isCutOff = true;
            End(violation.Error);
            return new Consumed(received.Length, KeepReading: false);
        }
    }

    private Consumed Relay(ReadOnlySpan<byte> received)
    {
        if (_isReadyKept || _isDelayed) return new Consumed(0, KeepReading: false);
        FrameWriter rewritten = _context.Scratch; // what has been put together so far; what lies behind `from` goes out as it came
        rewritten.Clear();
        int at = 0;
        int from = 0;
        int bodyLengthMax = _context.Options.Value.Limits.MaxMessageBytes - 4;
        while (at < received.Length && !_isClientFull)
        {
            if (_bodyLeft > 0)
            {
                int part = Math.Min(_bodyLeft, received.Length - at);
                if (_longText is not null) FeedLongText(received.Slice(at, part), isLast: part == _bodyLeft);
                if (_longParse is not null) KeepPart(received.Slice(at, part), isLast: part == _bodyLeft);
                at += part;
                _bodyLeft -= part;
                if (_isBodyDropped) from = at;
                continue;
            }
            if (_nameWork is not null || _isAwaitingAnswers || _isAskingAgain)
            {
                // What names mean is known only when it is answered.
                SendOut(received[from..at], rewritten);
                return new Consumed(at, KeepReading: false);
            }
            if (!FrameHeader.TryRead(received[at..], bodyLengthMax, out FrameHeader header)) break;
            var type = (FrontendMessage)header.Type;
            FrontendAction action = SessionMachine.OnFrontend(_state, type);
            int end = Math.Min(at + header.FrameLength, received.Length);
            // Whole in hand, or as much of it as there can be: a header with a huge length and nothing behind it gets no server.
            if (end - at < header.FrameLength && end - at < TransportConnection.ReceiveSize && action != FrontendAction.Refuse
                && !(type == FrontendMessage.CopyData && action is FrontendAction.Forward or FrontendAction.Drop))
            {
                break;
            }
            if (_isDiscardClosed && action == FrontendAction.Forward)
            {
                // It takes away what was there before it, and nothing that comes after: only its answer tells the two apart.
                SendOut(received[from..at], rewritten);
                if (_server!.Ledger.Count > 0) return new Consumed(at, KeepReading: false);
                rewritten.Clear();
                from = at;
                _isDiscardSent = _isDiscardClosed = false;
            }
            if (action == FrontendAction.Forward && MustWaitForSeal(_server!, type))
            {
                SendOut(received[from..at], rewritten);
                _isHeldForSeal = true;
                return new Consumed(at, KeepReading: false);
            }
            if (action == FrontendAction.Forward && _limiter.IsLimited)
            {
                Start start = MayStartHere(type);
                if (start == Start.Never)
                {
                    RefuseHere(type, header, isWhole: end - at == header.FrameLength, end, received, ref at, ref from, rewritten);
                    continue;
                }
                if (start == Start.Later)
                {
                    SendOut(received[from..at], rewritten);
                    return new Consumed(at, KeepReading: false);
                }
            }
            switch (action)
            {
                case FrontendAction.Hold:
                    return new Consumed(at, KeepReading: false);
                case FrontendAction.Terminate:
                    SendOut(received[from..at], rewritten);
                    CloseFromHere();
                    return new Consumed(received.Length, KeepReading: false);
                case FrontendAction.Refuse:
                    Refuse(type);
                    return new Consumed(received.Length, KeepReading: false);
                case FrontendAction.AnswerReady:
                    if (header.BodyLength > 0) PgProtocolException.ThrowMalformed(nameof(Sync), "it has no body");
                    _stats.Queries++;
                    ToClient(ReadyIdle);
                    Skip(header, end, received, ref at, ref from, rewritten);
                    continue;
                case FrontendAction.Drop:
                    Skip(header, end, received, ref at, ref from, rewritten);
                    continue;
                case FrontendAction.AnswerError:
                    AnswerRefusal(type);
                    Skip(header, end, received, ref at, ref from, rewritten);
                    continue;
                // What has its turn at the rate limit takes it, though another client has proven the text meanwhile: only work for a server gives the turn back.
                case FrontendAction.LinkAndForward when !_isRateGranted && type == FrontendMessage.Parse && end - at == header.FrameLength
                    && TryParseWithoutServer(received[(at + FrameHeader.Size)..end]):
                    Skip(header, end, received, ref at, ref from, rewritten);
                    continue;
                case FrontendAction.LinkAndForward when _limiter.IsLimited && !MayStart():
                    return new Consumed(at, KeepReading: _state == SessionState.Refused);
                case FrontendAction.LinkAndForward when !TryLink():
                    return new Consumed(at, KeepReading: _state == SessionState.Refused);
            }
            if (NeedsContext(_server!)) ApplySettings(received, at, ref from, rewritten);
            if (_requestStarted == 0) _requestStarted = _context.Reactor.NowTicks;
            ReadOnlySpan<byte> body = received[(at + FrameHeader.Size)..end];
            bool isWhole = end - at == header.FrameLength;
            // Behind an error the server skips all but a Sync: what it never reads must leave no trace here either.
            bool isBatchStart = !_server!.Ledger.IsUnsynced && (_server.Ledger.Count == 0 || _server.OwesSettingsAlone);
            bool isSkipped = _server.Ledger.IsSkippingToSync && type != FrontendMessage.Sync;
            PgError? refusal = null;
            Admission admission = !isSkipped && isWhole && type is FrontendMessage.Query or FrontendMessage.Bind or FrontendMessage.FunctionCall ? Admit(type, body, out refusal) : Admission.Pass;
            if (admission == Admission.Hold)
            {
                SendOut(received[from..at], rewritten);
                // Nothing of it has gone out: others may have the server meanwhile.
                if (_server.Ledger.IsFree) TryRelease(_server);
                return new Consumed(at, KeepReading: false);
            }
            if (admission == Admission.Refuse)
            {
                _stats.ErrorsClient++;
                RefuseStatement(type, refusal!, header, received, at, ref from, rewritten);
            }
            else if (!isSkipped && !TryTakeStatementMessage(type, header, body, isWhole, received, at, ref from, rewritten)) Track(type, body, isWhole);
            if (_isAwaitingAnswers) continue;
            if ((_limiter.IsLimited || _isRateGranted) && !isSkipped) CountStatements(type, isWhole);
            // Drivers close in front of what they ask.
            _isServerForeign &= type == FrontendMessage.Close;
            if (!_isNative && admission == Admission.Pass && (isBatchStart || _kept is not null)) Keep(type, received[at..end], isWhole, isBatchStart);
            at = end;
            _bodyLeft = header.FrameLength - (int)(isWhole ? header.FrameLength : body.Length + FrameHeader.Size);
            _isBodyDropped = false;
        }
        bool roomy = SendOut(received[from..Math.Min(at, received.Length)], rewritten);
        if (_server is { } server)
        {
            while (server.Ledger.TryTakeOwn(out ReadOnlySpan<byte> answer)) ToClient(answer);
            if (server.Ledger.Count > OwedMax) _isOverOwed = true;
            // A late CopyData, or the rest of one, owes nothing: the server may have become free before its last byte.
            if (_bodyLeft == 0 && _isReleaseHeldBack) TryRelease(server);
        }
        return new Consumed(Math.Min(at, received.Length), KeepReading: roomy && !_isOverOwed && !_isClientFull && _state is SessionState.Idle or SessionState.Linked or SessionState.Refused);
    }

    /// <summary>Enters a message that goes out as it came.</summary>
    private void Track(FrontendMessage type, ReadOnlySpan<byte> body, bool isWhole)
    {
        ReplyLedger ledger = _server!.Ledger;
        switch (type)
        {
            case FrontendMessage.Sync:
                if (body.Length > 0) PgProtocolException.ThrowMalformed(nameof(Sync), "it has no body");
                ledger.Push(Owed.Sync);
                _isDiscardClosed = _isDiscardSent;
                break;
            case FrontendMessage.FunctionCall:
                // With arguments longer than a receive buffer its OID, at the front, is all that was not looked at.
                if (!isWhole && !LargeObjectCalls.Has(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(body))) throw new PgErrorException(ProxyErrors.FunctionCallRefused().AsFatal());
                ledger.Push(Owed.FunctionCall);
                break;
            case FrontendMessage.CopyDone or FrontendMessage.CopyFail:
                ledger.Push(Owed.CopyEnd);
                break;
        }
    }

    /// <summary>Looks at the text that a whole Query brings, or that a Bind is about to run.</summary>
    private Admission Admit(FrontendMessage type, ReadOnlySpan<byte> body, out PgError? refusal)
    {
        refusal = null;
        if (type == FrontendMessage.Query)
        {
            ReadOnlySpan<byte> sql = Query.Read(body).Sql;
            StatementFacts facts = SqlScanner.Scan(sql);
            _queryFacts = facts;
            return facts.Traits == StatementTraits.None || DriverReset.Is(sql) ? Admission.Pass : AdmitText(facts.Traits, SessionChange.From(sql, facts), out refusal);
        }
        if (type == FrontendMessage.FunctionCall)
        {
            // Who shares a role with others shares its large objects, too.
            bool isAllowed = LargeObjectCalls.Has(FunctionCall.Read(body).FunctionOid) && _pool.Config.Notifications != NotificationReach.None;
            if (!isAllowed) refusal = ProxyErrors.FunctionCallRefused();
            return isAllowed ? Admission.Pass : Admission.Refuse;
        }
        if (!Bind.TryReadNames(body, out Bind bind)) return Admission.Pass;
        if (bind.StatementName.IsEmpty) return AdmitText(_unnamedTraits, _unnamedChange, out refusal);
        return _statements.Find(bind.StatementName) is { } binding ? AdmitText(binding.Statement.Traits, binding.Statement.Change, out refusal) : Admission.Pass;
    }

    /// <summary>Puts what must fail in the place of a statement, so that the server's state is what the client has to believe it is.</summary>
    private void RefuseStatement(FrontendMessage type, PgError error, FrameHeader header, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        Cut(received, at, ref from, rewritten, header.FrameLength);
        server.Statements.Unnamed = UnnamedStatement.Unknown;
        if (type is FrontendMessage.Query or FrontendMessage.FunctionCall)
        {
            _statements.ForgetUnnamed();
            Query.Write(rewritten, RefusedStatement.Text);
            server.Ledger.Push(Owed.Query, swallow: false, new RefusedStatement(error));
            _isDiscardClosed = _isDiscardSent;
            return;
        }
        Parse.Write(rewritten, default, RefusedStatement.Text, default);
        server.Ledger.Push(Owed.Parse, swallow: false, new RefusedStatement(error));
    }

    private void NoteQuery(ReadOnlySpan<byte> sql, in StatementFacts facts)
    {
        if (facts.Traits == StatementTraits.None) return;
        if (DriverReset.Is(sql)) NoteDriverReset(facts.Traits);
        else NoteTraits(facts.Traits, SessionChange.From(sql, facts));
    }

    private void NoteDriverReset(StatementTraits traits)
    {
        _batchTraits |= traits;
        (_pendingChanges ??= []).Add(new SentChange(_server!.Ledger.LastPushed + 1, SettingChange.ResetAll));
        _pendingChanges.Add(new SentChange(_server.Ledger.LastPushed + 1, ChannelChange.UnlistenAll));
        // Only a pin makes it worth waiting for the answer, as with DISCARD ALL.
        _isDriverReset = _pins.Any;
        _isDiscardSent |= _isDriverReset;
    }

    /// <summary>A text too long to look at as a whole: what it leaves behind is found by its tags, or cleaned away unseen.</summary>
    private void NoteUnscanned()
    {
        _isBatchUnscanned = true;
        _server!.IsDirty = true;
    }

    private void EndDiscard()
    {
        _isDriverReset = _isDiscardSent = _isDiscardClosed = false;
        _link.ResumeReading();
    }

    private bool TryLink()
    {
        FollowPool();
        if (_pool.TryCheckout(Role) is { } server)
        {
            _context.Reactor.Pace.Count(isQueued: false);
            Attach(server);
            return true;
        }
        if (_pool.Enqueue(this, Role) is { } full)
        {
            _refusal = full;
            Enter(SessionState.Refused);
            _link.ResumeReading();
            return false;
        }
        _context.Reactor.Pace.Count(IsWaiting);
        if (!IsWaiting) return _state == SessionState.Linked;
        Enter(SessionState.Waiting);
        return false;
    }

    /// <inheritdoc/>
    internal override void OnServerLent(ServerConnection server)
    {
        Attach(server);
        _link.ResumeReading();
    }

    /// <inheritdoc/>
    internal override void OnLongWait(PgError notice)
    {
        FrameWriter scratch = new();
        NoticeResponse.Write(scratch, notice);
        ToClient(scratch.WrittenSpan);
    }

    /// <inheritdoc/>
    internal override void OnWaitFailed(PgError error)
    {
        _refusal = error;
        Enter(SessionState.Refused);
        _link.ResumeReading();
    }

    private void Attach(ServerConnection server)
    {
        _server = server;
        if (!ReferenceEquals(_base, _pool.Base)) Rebase();
        KeepWithinLimits();
        _readyUpTo = server.Ledger.LastPushed;
        server.Link(this);
        _isServerForeign = server.LastSession != _number;
        server.LastSession = _number;
        Enter(SessionState.Linked);
        if (ReferenceEquals(server.Settings, _settings)) TellParameters(server);
    }

    /// <summary>The plan has changed: where servers are shared its settings travel with the session's own.</summary>
    private void Rebase()
    {
        _startup = _pool.Settings.Intern(_startup.Rebased(_base, _pool.Base));
        _settings = _pool.Settings.Intern(_settings.Rebased(_base, _pool.Base));
        _base = _pool.Base;
    }

    private bool NeedsContext(ServerConnection server)
        => server.Ledger.IsFree && (!ReferenceEquals(server.Settings, _settings) || server.Seal?.IsDue(_context.Reactor.NowMilliseconds) == true);

    private void ApplySettings(ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        rewritten.WriteBytes(received[from..at]);
        from = at;
        if (!ReferenceEquals(_server!.Settings, _settings)) _server.WriteSettings(rewritten, _settings);
        // Behind the settings, always: they say which tenant it is, and a RESET among them may have taken the seal that was there.
        if (_server.Seal is not null) _server.WriteSeal(rewritten, _context.Reactor.NowMilliseconds);
    }

    /// <summary>A client that pipelines without a gap leaves no place for a new seal: before it gets too old one is made, at the end of a transaction.</summary>
    private bool MustWaitForSeal(ServerConnection server, FrontendMessage type)
        => server.Seal is { } seal && server.Ledger is { Count: > 0, IsUnsynced: false, IsSkippingToSync: false, IsCopyIn: false }
            && type is FrontendMessage.Query or FrontendMessage.Parse or FrontendMessage.Bind && seal.IsStale(_context.Reactor.NowMilliseconds);

    /// <summary>Answers a message of a batch for which no server came: a Query with error and ReadyForQuery, an extended batch with one error, at its Sync ready.</summary>
    private void AnswerRefusal(FrontendMessage type)
    {
        // Behind the error of an extended batch a Query is skipped too, as a server would.
        if (type == FrontendMessage.Sync || (type is FrontendMessage.Query or FrontendMessage.FunctionCall && !_isRefusedToSync))
        {
            if (!_isRefusedToSync) SendError(_refusal!);
            ToClient(ReadyIdle);
            _isRefusedToSync = false;
            _refusal = null;
            EndRated();
            Enter(SessionState.Idle);
            return;
        }
        if (_isRefusedToSync) return;
        SendError(_refusal!);
        _isRefusedToSync = true;
    }

    private void Refuse(FrontendMessage type)
    {
        _stats.ErrorsClient++;
        End(ProxyErrors.MessageNotSupported((byte)type));
    }

    /// <summary>Cuts a message out of what goes to the server.</summary>
    private void Skip(FrameHeader header, int end, ReadOnlySpan<byte> received, ref int at, ref int from, FrameWriter rewritten)
    {
        if (at > from) rewritten.WriteBytes(received[from..at]);
        _bodyLeft = at + header.FrameLength - end;
        _isBodyDropped = true;
        at = from = end;
    }

    /// <summary>One send for all that came together.</summary>
    /// <returns>False while the server takes no more.</returns>
    private bool SendOut(ReadOnlySpan<byte> asItCame, FrameWriter rewritten)
    {
        if (_server is not { } server) return true;
        if (rewritten.WrittenCount == 0) return asItCame.IsEmpty || server.Send(asItCame);
        rewritten.WriteBytes(asItCame);
        return server.Send(rewritten.WrittenSpan);
    }

    private void ToClient(ReadOnlySpan<byte> bytes)
    {
        _stats.BytesOut += bytes.Length;
        if (!_link.Send(bytes)) _isClientFull = true;
    }
}
