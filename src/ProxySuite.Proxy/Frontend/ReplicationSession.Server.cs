using System.Text;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The way from the server: data passes as the slices it came in; what names a slot loses the prefix that the tenant does not know of.</summary>
internal sealed partial class ReplicationSession
{
    private int _serverBodyLeft;
    private bool _isBodyForwarded;
    private bool _hasServerSaidWhy;
    private TaskCompletionSource<PgError?>? _answered; // of the proxy's own question
    private PgError? _failure;
    private string? _answer;

    /// <inheritdoc/>
    public Consumed OnServerBytes(ReadOnlySpan<byte> received)
    {
        int at = 0, from = 0;
        bool isTaken = true;
        while (at < received.Length && !IsClosing)
        {
            if (_serverBodyLeft > 0)
            {
                int part = Math.Min(_serverBodyLeft, received.Length - at);
                at += part;
                _serverBodyLeft -= part;
                if (!_isBodyForwarded) from = at;
                continue;
            }
            if (_ending is { } ending)
            {
                isTaken &= Pass(received[from..at]);
                End(ending);
                break;
            }
            if (!FrameHeader.TryRead(received[at..], FrameHeader.BodyLengthLimit, out FrameHeader header)) break;
            var type = (BackendMessage)header.Type;
            if (!IsOwed(type)) PgProtocolException.Throw("a message that a walsender does not owe");
            bool passesInParts = type == BackendMessage.CopyData || (type == BackendMessage.DataRow && _state == ReplicationState.Busy && _command!.Kind != ReplicationKind.CreateSlot);
            if (passesInParts)
            {
                _serverBodyLeft = header.BodyLength;
                _isBodyForwarded = true;
                at += FrameHeader.Size;
                continue;
            }
            if (header.FrameLength > TransportConnection.ReceiveSize) PgProtocolException.Throw("a message that is too long for a walsender's");
            if (header.FrameLength > received.Length - at) break;
            ReadOnlySpan<byte> body = received.Slice(at + FrameHeader.Size, header.BodyLength);
            if (_state == ReplicationState.Asking)
            {
                at += header.FrameLength;
                from = at;
                TakeAnswer(type, body);
                continue;
            }
            if (Rewrite(type, body) is { } instead)
            {
                isTaken &= Pass(received[from..at]) & Pass(instead);
                from = at + header.FrameLength;
            }
            at += header.FrameLength;
            Note(type, body);
            if (type != BackendMessage.ReadyForQuery) continue;
            isTaken &= Pass(received[from..at]);
            from = at;
            BeReady();
        }
        if (IsClosing) return new Consumed(received.Length, KeepReading: true);
        isTaken &= Pass(received[from..at]);
        _isServerHeld = !isTaken;
        return new Consumed(at, KeepReading: isTaken);
    }

    private bool Pass(ReadOnlySpan<byte> bytes)
    {
        _stats.BytesOut += bytes.Length;
        return bytes.IsEmpty || _link.Send(bytes);
    }

    /// <summary>What may come now; anything else puts the connection in doubt.</summary>
    private bool IsOwed(BackendMessage type) => type switch
    {
        BackendMessage.NoticeResponse or BackendMessage.ParameterStatus or BackendMessage.ErrorResponse => true,
        BackendMessage.ReadyForQuery or BackendMessage.CommandComplete or BackendMessage.EmptyQueryResponse => _state is ReplicationState.Busy or ReplicationState.Asking or ReplicationState.Streaming,
        BackendMessage.RowDescription or BackendMessage.DataRow => _state is ReplicationState.Busy or ReplicationState.Asking or ReplicationState.Streaming,
        BackendMessage.CopyBothResponse => _state == ReplicationState.Busy && _command!.Kind == ReplicationKind.Start,
        BackendMessage.CopyOutResponse => _state == ReplicationState.Busy && _command!.Kind == ReplicationKind.Copy,
        BackendMessage.CopyData or BackendMessage.CopyDone => _state == ReplicationState.Streaming || (_state == ReplicationState.Busy && _command!.Kind is ReplicationKind.Copy or ReplicationKind.Start),
        _ => false,
    };

    private void Note(BackendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.CopyBothResponse:
                _state = ReplicationState.Streaming;
                break;
            case BackendMessage.ErrorResponse:
                _stats.ErrorsServer++;
                if (_state == ReplicationState.Streaming) _state = ReplicationState.Busy;
                _hasServerSaidWhy = ErrorResponse.Read(body).TryGet((byte)'V', out ReadOnlySpan<byte> severity) && !severity.SequenceEqual("ERROR"u8);
                break;
            case BackendMessage.CommandComplete:
                if (_command!.Kind == ReplicationKind.CreateSlot) _pool.ReplicationSlots++;
                break;
            case BackendMessage.ParameterStatus:
                RequireHarmless(body);
                break;
            case BackendMessage.ReadyForQuery:
                _status = ReadyForQuery.Read(body);
                break;
        }
    }

    // Nobody becomes another in such a session; a server that says so is not in the state that it was left in.
    private static void RequireHarmless(ReadOnlySpan<byte> body)
    {
        ParameterStatus status = ParameterStatus.Read(body);
        if (status.Name.SequenceEqual("is_superuser"u8) || status.Name.SequenceEqual("session_authorization"u8)) PgProtocolException.Throw("a walsender became another user");
    }

    /// <summary>The same message without the prefix; null when it goes as it is.</summary>
    private byte[]? Rewrite(BackendMessage type, ReadOnlySpan<byte> body)
    {
        if (type is not (BackendMessage.ErrorResponse or BackendMessage.NoticeResponse or BackendMessage.DataRow) || body.IndexOf(_prefixBytes) < 0) return null;
        var without = new FrameWriter();
        if (type == BackendMessage.DataRow)
        {
            var values = new List<string?>();
            foreach (DataRow.Value value in DataRow.Read(body)) values.Add(value.IsNull ? null : Encoding.UTF8.GetString(value.Bytes).Replace(_prefix, "", StringComparison.Ordinal));
            DataRow.Write(without, [.. values]);
        }
        else
        {
            int mark = without.Begin(type);
            for (int next = body.IndexOf(_prefixBytes); next >= 0; next = body.IndexOf(_prefixBytes))
            {
                without.WriteBytes(body[..next]);
                body = body[(next + _prefixBytes.Length)..];
            }
            without.WriteBytes(body);
            without.End(mark);
        }
        return without.WrittenSpan.ToArray();
    }

    /// <summary>Asks something of the proxy's own; the client waits meanwhile.</summary>
    /// <returns>The server's error, or null; the last value of the answer is in <see cref="_answer"/>.</returns>
    private async Task<PgError?> AskAsync(string sql)
    {
        (_failure, _answer) = (null, null);
        _state = ReplicationState.Asking;
        // Whoever waits goes on within this turn of the reactor, as nothing is awaited by the transport.
        var answered = _answered = new TaskCompletionSource<PgError?>();
        SendQuery(sql);
        PgError? failure = await answered.Task;
        return failure;
    }

    private void TakeAnswer(BackendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.ParameterStatus:
                RequireHarmless(body);
                ParameterStatus status = ParameterStatus.Read(body);
                _told = _told.With(Encoding.UTF8.GetString(status.Name), Encoding.UTF8.GetString(status.Value));
                break;
            case BackendMessage.DataRow:
                foreach (DataRow.Value value in DataRow.Read(body)) _answer = value.IsNull ? null : Encoding.UTF8.GetString(value.Bytes);
                break;
            case BackendMessage.ErrorResponse:
                ErrorFields fields = ErrorResponse.Read(body);
                _failure = new PgError(Text(fields, 'C'), Text(fields, 'M'));
                break;
            case BackendMessage.ReadyForQuery:
                _status = ReadyForQuery.Read(body);
                TaskCompletionSource<PgError?> answered = _answered!;
                _answered = null;
                _state = ReplicationState.Ready;
                answered.TrySetResult(_failure);
                break;
        }
    }

    private void BeReady()
    {
        _state = ReplicationState.Ready;
        _command = null;
        _readySince = _context.Reactor.NowMilliseconds;
        _context.Reactor.Timers.Disarm(_statementTimer);
        ReadClient();
    }

    private static string Text(ErrorFields fields, char code) => fields.TryGet((byte)code, out ReadOnlySpan<byte> value) ? Encoding.UTF8.GetString(value) : "";
}
