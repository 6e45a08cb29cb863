using System.Text;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Backend;

/// <summary>The way from the server to the client: headers are read, the ledger is ticked off, bodies pass as the slices they came in.</summary>
internal sealed partial class ServerConnection
{
    private Consumed Relay(ReadOnlySpan<byte> received)
    {
        int at = 0;       // where the next header, or the rest of a body, begins
        int from = 0;     // first byte not yet forwarded
        bool roomy = true;
        while (at < received.Length)
        {
            if (_bodyLeft > 0)
            {
                int part = Math.Min(_bodyLeft, received.Length - at);
                at += part;
                _bodyLeft -= part;
                if (!_isBodyForwarded) from = at;
                continue;
            }
            if (!FrameHeader.TryRead(received[at..], FrameHeader.BodyLengthLimit, out FrameHeader header)) break;
            var type = (BackendMessage)header.Type;
            int end = at + FrameHeader.Size + header.BodyLength;

            // Rows and COPY data are nearly all of the traffic and need no look at the body; they pass in parts as well.
            if (type is BackendMessage.DataRow or BackendMessage.CopyData)
            {
                Reply rowReply = Ledger.OnBackend(type, default, Observer);
                if (rowReply == Reply.Violation) return Doubt(received.Length);
                Cut(rowReply == Reply.Forward, received, ref at, ref from, end, ref roomy);
                // A result is a long run of them, and what holds for the first holds for all: nothing in between could change what is owed.
                if (rowReply == Reply.Forward && _bodyLeft == 0) at = FrameHeader.EndOfRun(received, at, header.Type);
                continue;
            }

            bool isWhole = end <= received.Length;
            // All other messages that we read must be whole; what is larger than a receive buffer can only be text for the client.
            if (!isWhole && header.FrameLength <= TransportConnection.ReceiveSize) break;
            if (!isWhole && type is BackendMessage.ReadyForQuery or BackendMessage.CommandComplete or BackendMessage.ParameterStatus) return Doubt(received.Length);
            ReadOnlySpan<byte> body = isWhole ? received.Slice(at + FrameHeader.Size, header.BodyLength) : default;

            if (type is BackendMessage.NoticeResponse or BackendMessage.ParameterStatus or BackendMessage.NotificationResponse)
            {
                bool forward = _user is not null && !Ledger.IsHeadSwallowed && type != BackendMessage.NotificationResponse;
                if (type == BackendMessage.ParameterStatus) NoteParameter(body, forward);
                Cut(forward, received, ref at, ref from, end, ref roomy);
                // Behind what came before it; whether it is for this client, or for any of this tenant, is not for the server to say.
                if (type == BackendMessage.NotificationResponse && isWhole) _user?.OnNotification(this, NotificationResponse.Read(body));
                continue;
            }
            if (type == BackendMessage.ErrorResponse && Ledger.Count == 0)
            {
                // The server says why it is about to close (57P01 and the like); its end-of-stream follows. Nobody may be lent it in between.
                if (_user is null) return Doubt(received.Length);
                IsCondemned = true;
                HasSaidWhy = true;
                Cut(_user is not null, received, ref at, ref from, end, ref roomy);
                continue;
            }

            if (type == BackendMessage.ErrorResponse && ReferenceEquals(Ledger.HeadTag, ServerSeal.Mark)) return SealRefused(received.Length, body);

            TransactionStatus status = type == BackendMessage.ReadyForQuery ? ReadyForQuery.Read(body) : default;
            byte[]? instead = type == BackendMessage.ErrorResponse && isWhole ? (Ledger.HeadTag as RefusedStatement)?.Frame ?? _user?.InPlaceOf(ErrorResponse.Read(body)) : null;
            if (type == BackendMessage.ErrorResponse && isWhole && instead is null && _user is not null && !_user.OnErrorComing(this, body, out instead))
            {
                // The client asks again by itself: neither this error nor the end of its batch is for anybody.
                if (Ledger.OnBackend(type, status, Observer) == Reply.Violation) return Doubt(received.Length);
                Ledger.SwallowSync();
                Cut(forward: false, received, ref at, ref from, end, ref roomy);
                continue;
            }
            Reply reply = Ledger.OnBackend(type, status, Observer);
            if (reply == Reply.Violation) return Doubt(received.Length);
            if (reply == Reply.Swallow)
            {
                if (at > from) roomy &= Forward(received[from..at]);
                from = at;
                if (!OnSwallowed(type, status, received.Slice(at, Math.Min(end, received.Length) - at), body)) return new Consumed(received.Length, KeepReading: State == ServerState.Closing);
            }
            bool isKept = reply == Reply.Forward && type == BackendMessage.ReadyForQuery && _user?.KeepsReady(this, status) == true;
            Cut(reply == Reply.Forward && instead is null && !isKept, received, ref at, ref from, end, ref roomy);
            if (instead is not null && reply == Reply.Forward) roomy &= Forward(instead);

            if (reply == Reply.Forward)
            {
                switch (type)
                {
                    case BackendMessage.CommandComplete:
                        Work.Completed++;
                        TagMeaning meaning = CommandTags.Classify(body);
                        if (meaning != TagMeaning.Plain) NoteTag(meaning);
                        break;
                    case BackendMessage.ErrorResponse:
                        HasSaidWhy |= isWhole && instead is null && IsFatal(body);
                        _user?.OnError(this);
                        break;
                    case BackendMessage.ReadyForQuery:
                        Work.Completed++;
                        if (status == TransactionStatus.Idle) Work.Transactions++;
                        roomy &= Forward(received[from..at]);
                        from = at;
                        EmitOwn(ref roomy);
                        // From here on the connection may belong to somebody else, or to nobody.
                        IServerUser? before = _user;
                        before?.OnReadyForQuery(this, status);
                        if (IsClosed) return new Consumed(received.Length, KeepReading: State == ServerState.Closing);
                        if (!ReferenceEquals(before, _user)) roomy = true;
                        continue;
                }
            }
            if (Ledger.HasOwnAtHead)
            {
                if (at > from) roomy &= Forward(received[from..at]);
                from = at;
                EmitOwn(ref roomy);
            }
        }
        int whole = Math.Min(at, received.Length);
        if (whole > from) roomy &= Forward(received[from..whole]);
        return new Consumed(whole, KeepReading: roomy || _user is null);
    }

    /// <summary>Moves behind a message: kept in the run that is forwarded, or cut out of it. A message that is not whole yet leaves its rest for the next call.</summary>
    private void Cut(bool forward, ReadOnlySpan<byte> received, ref int at, ref int from, int end, ref bool roomy)
    {
        int whole = Math.Min(end, received.Length);
        if (!forward)
        {
            if (at > from) roomy &= Forward(received[from..at]);
            from = whole;
        }
        at = whole;
        _bodyLeft = end - whole;
        _isBodyForwarded = forward;
    }

    private bool Forward(ReadOnlySpan<byte> run) => run.IsEmpty || _user is null || _user.OnReplies(run);

    private void EmitOwn(ref bool roomy)
    {
        while (Ledger.TryTakeOwn(out ReadOnlySpan<byte> answer)) roomy &= Forward(answer);
    }

    /// <returns>False when the connection was closed.</returns>
    private bool OnSwallowed(BackendMessage type, TransactionStatus status, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.CommandComplete when _isResetting:
                _sawDiscardAll |= CommandTags.Classify(body) == TagMeaning.DiscardAll;
                return true;
            case BackendMessage.CommandComplete when IsProbing:
                if (_probed >= 0 && SessionProbe.HasRow(body)) _remains |= (SessionRemains)(1 << _probed);
                if (_probed >= 0) _probed++;
                return true;
            case BackendMessage.ErrorResponse when IsProbing:
                _probed = -1;
                return true;
            case BackendMessage.ReadyForQuery when IsProbing:
                IsProbing = false;
                _user?.OnProbed(this, _probed == SessionProbe.Count ? _remains : null);
                return !IsClosed;
            case BackendMessage.ErrorResponse when _settingsUnderWay is not null:
                IServerUser? user = _user;
                _user = null;
                user?.OnSettingsRefused(this, frame);
                Fail(ServerLoss.Closed);
                return false;
            case BackendMessage.ErrorResponse when _isResetting:
                Fail(ServerLoss.Violation);
                return false;
            case BackendMessage.ReadyForQuery when _isResetting:
                return FinishReset(status);
            case BackendMessage.ReadyForQuery when _settingsUnderWay is not null:
                Settings = _settingsUnderWay;
                _settingsUnderWay = null;
                _user?.OnSettingsApplied(this);
                return true;
            default:
                _user?.OnOwnReply(this, type, body);
                return !IsClosed;
        }
    }

    private bool FinishReset(TransactionStatus status)
    {
        _isResetting = false;
        if (!_sawDiscardAll || status != TransactionStatus.Idle || Ledger.Count > 0)
        {
            Fail(ServerLoss.Violation);
            return false;
        }
        ForgetSession();
        IsDirty = false;
        _owner.OnReset(this);
        return !IsClosed;
    }

    /// <summary>The session is as after its login.</summary>
    private void ForgetSession()
    {
        Settings = SessionSettings.None;
        Statements.Clear();
        Seal?.Forget();
    }

    private void NoteTag(TagMeaning meaning)
    {
        // What was sent behind it is not undone by it, and which of that is state cannot be told any more: nobody else gets this connection.
        if (meaning is TagMeaning.DiscardAll or TagMeaning.DeallocateAll && Ledger.Count > 1) IsCondemned = true;
        switch (meaning)
        {
            case TagMeaning.DiscardAll:
                ForgetSession();
                IsDirty = false;
                break;
            case TagMeaning.DeallocateAll:
                Statements.Clear();
                Seal?.ForgetStatement();
                break;
            case TagMeaning.Set:
                Seal?.Expire();
                break;
            case TagMeaning.MayLeaveState:
                IsDirty = true;
                break;
        }
        _user?.OnTag(this, meaning);
    }

    private void NoteParameter(ReadOnlySpan<byte> body, bool isForwarded)
    {
        ParameterStatus parameter = ParameterStatus.Read(body);
        string name = Encoding.UTF8.GetString(parameter.Name), value = Encoding.UTF8.GetString(parameter.Value);
        // Who the session is cannot change on a connection of ours; if the server says otherwise, nobody may use it again.
        if (name is "session_authorization" or "is_superuser" && Parameters[name] != value) PgProtocolException.Throw("the session's identity changed");
        // Set by SQL that ran inside a function: from here on the server would read texts otherwise than the proxy does.
        bool isMisread = name switch { "standard_conforming_strings" => value != "on", "client_encoding" => !ClientEncodings.IsSafe(value), _ => false };
        if (isMisread) PgProtocolException.Throw($"{name} became {value}");
        Parameters = _parameters.Intern(Parameters.With(name, value));
        if (isForwarded) _user?.OnParameter(name, value);
    }

    /// <summary>The shard does not take the seal. What was sent behind it finds none: policies refuse it, and nobody uses this session again.</summary>
    private Consumed SealRefused(int length, ReadOnlySpan<byte> body)
    {
        string code = ErrorResponse.Read(body).TryGet((byte)'C', out ReadOnlySpan<byte> state) ? Encoding.ASCII.GetString(state) : "";
        IServerUser? user = _user;
        _user = null;
        user?.OnSealRefused(this, code);
        Fail(ServerLoss.Closed);
        return new Consumed(length, KeepReading: false);
    }

    private static bool IsFatal(ReadOnlySpan<byte> body)
        => ErrorResponse.Read(body).TryGet((byte)'V', out ReadOnlySpan<byte> severity) && (severity.SequenceEqual("FATAL"u8) || severity.SequenceEqual("PANIC"u8));

    private Consumed Doubt(int length)
    {
        Fail(ServerLoss.Violation);
        return new Consumed(length, KeepReading: false);
    }

    private ILedgerObserver Observer => _user is not null ? _user : NoObserver.Instance;

    private sealed class NoObserver : ILedgerObserver
    {
        public static readonly NoObserver Instance = new();

        public void OnUnpaid(in LedgerEntry entry)
        {
        }
    }
}
