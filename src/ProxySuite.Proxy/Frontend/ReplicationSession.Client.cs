using System.Text;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The way from the client: commands one at a time, and its half of a stream.</summary>
internal sealed partial class ReplicationSession
{
    // A text is judged as a whole; none that a subscriber sends comes near.
    private const int TextMax = TransportConnection.ReceiveSize - FrameHeader.Size;

    // A function of the tenant's own may have switched it off for transactions to come; one that is under way cannot be changed once it has read anything.
    private const string ReadOnlyAgain = "SET default_transaction_read_only = on";

    private int _clientBodyLeft;
    private bool _isBodyDropped;
    private bool _isClientDone;       // it has ended its half of the stream
    private ReplicationCommand? _command;

    /// <inheritdoc/>
    public Consumed OnBytes(ReadOnlySpan<byte> received)
    {
        Consumed consumed = Relay(received);
        _stats.BytesIn += consumed.Bytes;
        return consumed;
    }

    private Consumed Relay(ReadOnlySpan<byte> received)
    {
        int at = 0;
        try
        {
            while (at < received.Length && !IsClosing)
            {
                if (_clientBodyLeft > 0)
                {
                    int part = Math.Min(_clientBodyLeft, received.Length - at);
                    bool isTaken = _isBodyDropped || _server.Send(received.Slice(at, part));
                    at += part;
                    _clientBodyLeft -= part;
                    if (!isTaken) return Hold(at);
                    continue;
                }
                if (!FrameHeader.TryRead(received[at..], _context.Options.Value.Limits.MaxMessageBytes, out FrameHeader header)) break;
                var type = (FrontendMessage)header.Type;
                if (type == FrontendMessage.CopyData)
                {
                    // What comes behind the end of a stream is dropped, as PostgreSQL does (protocol-flow: COPY Operations).
                    _isBodyDropped = _state != ReplicationState.Streaming || _isClientDone;
                    _clientBodyLeft = header.BodyLength;
                    bool isTaken = _isBodyDropped || _server.Send(received.Slice(at, FrameHeader.Size));
                    at += FrameHeader.Size;
                    if (!isTaken) return Hold(at);
                    continue;
                }
                if (header.BodyLength > TextMax)
                {
                    End(ProxyErrors.ReplicationTextTooLong(TextMax));
                    break;
                }
                if (header.FrameLength > received.Length - at) break;
                // One command at a time: the next waits in the client's socket.
                if (type == FrontendMessage.Query && _state != ReplicationState.Ready) return Hold(at);
                ReadOnlySpan<byte> frame = received.Slice(at, header.FrameLength);
                at += header.FrameLength;
                Take(type, frame);
            }
        }
        catch (PgProtocolException broken)
        {
            End(broken.Error.AsFatal());
        }
        return IsClosing ? new Consumed(received.Length, KeepReading: false) : new Consumed(at, KeepReading: true);
    }

    private Consumed Hold(int at)
    {
        _isClientHeld = true;
        return new Consumed(at, KeepReading: false);
    }

    private void Take(FrontendMessage type, ReadOnlySpan<byte> frame)
    {
        switch (type)
        {
            case FrontendMessage.Query:
                TakeCommand(ReplicationCommand.Read(Query.Read(frame[FrameHeader.Size..]).Sql));
                break;
            case FrontendMessage.CopyDone or FrontendMessage.CopyFail:
                if (_state != ReplicationState.Streaming || _isClientDone) break;
                _isClientDone = true;
                _server.Send(frame);
                break;
            case FrontendMessage.Terminate:
                Leave();
                _link.Close(FlushDeadline);
                break;
            case FrontendMessage.Parse or FrontendMessage.Bind or FrontendMessage.Execute or FrontendMessage.Describe or FrontendMessage.Close or FrontendMessage.FunctionCall
                or FrontendMessage.Sync or FrontendMessage.Flush:
                End(ProxyErrors.ReplicationProtocol());
                break;
            default:
                End(ProxyErrors.MessageNotSupported((byte)type));
                break;
        }
    }

    private void TakeCommand(ReplicationCommand command)
    {
        if (WhyRefused(command) is { } refusal)
        {
            _stats.ErrorsClient++;
            Answer(refusal);
            return;
        }
        _command = command;
        _stats.Queries++;
        // Between BEGIN and a slot that takes over the transaction's snapshot nothing may be asked: the slots are counted before.
        bool counts = command.Kind is ReplicationKind.CreateSlot or ReplicationKind.Begin && _status == TransactionStatus.Idle;
        if (counts) _ = CountThenSendAsync();
        else if (command.Kind is ReplicationKind.Select or ReplicationKind.Copy && _status == TransactionStatus.Idle) _ = AskThenSendAsync(ReadOnlyAgain);
        else SendCommand();
    }

    private PgError? WhyRefused(ReplicationCommand command)
    {
        if (command.Kind == ReplicationKind.Refused) return ProxyErrors.ReplicationCommandRefused(command);
        if (command.Slot is { } slot && slot.Length > ReplicationCommand.SlotNameMax && !slot.StartsWith(_prefix, StringComparison.Ordinal))
        {
            return ProxyErrors.ReplicationCommandRefused(ReplicationCommand.Refuse(ReplicationRefusal.SlotName, slot));
        }
        if (command.Kind is not (ReplicationKind.Select or ReplicationKind.Copy or ReplicationKind.Set)) return null;
        return StatementFilter.Judge(Encoding.UTF8.GetBytes(command.Words), _pool.Config.Rules[(int)UserRole.Owner]) switch
        {
            null => null,
            { Refusal: not StatementRefusal.None } verdict => ProxyErrors.StatementRefused(verdict),
            _ => ProxyErrors.ReplicationCommandRefused(ReplicationCommand.Refuse(ReplicationRefusal.Statement, "a setting above the plan's limit")),
        };
    }

    private async Task CountThenSendAsync()
    {
        // What belongs to the platform itself, such as a move's, has another prefix.
        PgError? failed = await AskAsync($"SELECT pg_catalog.count(*) FROM proxysuite.replication_slots WHERE pg_catalog.starts_with(slot_name::pg_catalog.text, '{_prefix}')");
        if (IsClosing) return;
        if (failed is not null || !int.TryParse(_answer, out int slots))
        {
            Answer(ProxyErrors.ReplicationNotPrepared());
            return;
        }
        _pool.ReplicationSlots = slots;
        SendCommand();
    }

    private async Task AskThenSendAsync(string sql)
    {
        PgError? failed = await AskAsync(sql);
        if (IsClosing) return;
        if (failed is not null) Answer(failed);
        else SendCommand();
    }

    private void SendCommand()
    {
        ReplicationCommand command = _command!;
        if (command.Kind == ReplicationKind.CreateSlot && _pool.ReplicationSlots >= _context.Options.Value.Limits.ReplicationSlotsMax)
        {
            _stats.ErrorsProxy++;
            Answer(ProxyErrors.ReplicationSlotsExhausted(_context.Options.Value.Limits.ReplicationSlotsMax));
            return;
        }
        _state = ReplicationState.Busy;
        _isClientDone = false;
        // A stream and the copy of a table take as long as they take; a query has the plan's statement time.
        if (command.Kind == ReplicationKind.Select && _pool.Config.Limits.Statement is { } limit && limit > TimeSpan.Zero) _context.Reactor.Timers.Arm(_statementTimer, limit);
        SendQuery(command.ToServer(_prefix));
    }

    /// <summary>Answers in the server's place.</summary>
    private void Answer(PgError error)
    {
        // Inside a transaction an error ends it: the server has to know.
        if (_status == TransactionStatus.InTransaction) _ = FailTransactionAsync(error);
        else AnswerReady(error);
    }

    private async Task FailTransactionAsync(PgError error)
    {
        await AskAsync("SELECT 1/0");
        if (!IsClosing) AnswerReady(error);
    }

    private void AnswerReady(PgError error)
    {
        var answer = new FrameWriter();
        ErrorResponse.Write(answer, error);
        ReadyForQuery.Write(answer, _status);
        _link.Send(answer.WrittenSpan);
        BeReady();
    }

    private void SendQuery(string sql)
    {
        FrameWriter scratch = _context.Scratch;
        scratch.Clear();
        Query.Write(scratch, sql);
        _server.Send(scratch.WrittenSpan);
    }
}
