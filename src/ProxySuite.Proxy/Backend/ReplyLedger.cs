using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>What a server owes for one message that was sent to it.</summary>
internal enum Owed : byte
{
    /// <summary>Query: anything of a result, any number of times, until ReadyForQuery.</summary>
    Query,

    /// <summary>FunctionCall: FunctionCallResponse, then ReadyForQuery.</summary>
    FunctionCall,

    /// <summary>Parse: ParseComplete.</summary>
    Parse,

    /// <summary>Bind: BindComplete.</summary>
    Bind,

    /// <summary>Describe of a portal: RowDescription or NoData.</summary>
    DescribePortal,

    /// <summary>Describe of a statement: ParameterDescription, then RowDescription or NoData.</summary>
    DescribeStatement,

    /// <summary>Execute: rows or COPY data, then CommandComplete, EmptyQueryResponse or PortalSuspended.</summary>
    Execute,

    /// <summary>Close: CloseComplete.</summary>
    Close,

    /// <summary>Sync: ReadyForQuery.</summary>
    Sync,

    /// <summary>CopyDone or CopyFail: nothing of its own; marks where a COPY IN of the stream ends.</summary>
    CopyEnd,

    /// <summary>Nothing from the server: the proxy answers this one itself when its turn comes.</summary>
    OwnParseComplete,

    /// <summary>Nothing from the server: the tag is a whole message (<c>byte[]</c>) that the proxy sends when its turn comes, such as a notice.</summary>
    OwnMessage,
}

/// <summary>Who gets a reply.</summary>
internal enum Reply : byte
{
    /// <summary>The client that asked.</summary>
    Forward,

    /// <summary>Nobody: the proxy put the message into the stream.</summary>
    Swallow,

    /// <summary>The message does not belong here: the connection's state is in doubt and it must be closed.</summary>
    Violation,
}

/// <summary>One debt: what is owed, to whom, and what to undo when it is never paid.</summary>
/// <param name="Tag">The statement that a Parse or Close was about, else null.</param>
internal readonly record struct LedgerEntry(Owed Owed, bool Swallow, object? Tag);

/// <summary>The tag of a Parse for a shared statement.</summary>
internal interface IParsedStatement
{
    /// <summary>The statement.</summary>
    SharedStatement Statement { get; }
}

/// <summary>The tag of a message of the proxy's own whose error concerns nobody.</summary>
internal interface IQuietDebt;

/// <summary>The tag of a client's Query that something was put in front of; should that fail, the Query is skipped, and the Sync behind it is the client's answer.</summary>
internal interface IReadyBySync;

/// <summary>Told about debts that the server will not pay because an error made it skip them.</summary>
internal interface ILedgerObserver
{
    /// <summary>The server answered this entry with an error, or skipped it on its way to the next Sync.</summary>
    void OnUnpaid(in LedgerEntry entry);
}

/// <summary>
/// The replies that one server connection owes, in order, as PostgreSQL answers in order (protocol-flow: Extended Query, Pipelining, COPY Operations).
/// Counting what is owed, and not what was seen, is what keeps answers from reaching the wrong client: a server is free only when nothing is owed.
/// </summary>
/// <remarks>
/// Rules of the server that a simple count misses, each observed on a real one: after an error in the extended protocol everything up to Sync is skipped,
/// a Query included; a Sync inside an extended COPY IN is swallowed; CopyData, CopyDone and CopyFail after the copy has failed are ignored.
/// One thing cannot be told from outside: a Sync sent during a COPY IN that fails was swallowed when the server read it before it failed, and is
/// answered when it read it afterwards. From then on the ledger is uncertain, takes either, and is never free again.
/// </remarks>
internal sealed class ReplyLedger
{
    private static ReadOnlySpan<byte> ParseComplete => "1\0\0\0\u0004"u8;

    private LedgerEntry[] _ring = new LedgerEntry[16];
    private int _head;
    private int _count;
    private int _own;
    private int _syncsInCopy;
    private bool _isQueryAnswered;

    /// <summary>Entries owed.</summary>
    public int Count => _count;

    /// <summary>Number of the last entry made, from 1.</summary>
    public long LastPushed { get; private set; }

    /// <summary>Entries up to this number are owed no more; to be asked at a ReadyForQuery.</summary>
    public long LastSettled => LastPushed - _count;

    /// <summary>The status of the last ReadyForQuery.</summary>
    public TransactionStatus Status { get; private set; } = TransactionStatus.Idle;

    /// <summary>Extended-protocol messages were sent and no Sync behind them yet: an implicit transaction is open though nothing may be owed.</summary>
    public bool IsUnsynced { get; private set; }

    /// <summary>An error came before the Sync that ends its batch was sent: the server skips all until then.</summary>
    public bool IsSkippingToSync { get; private set; }

    /// <summary>The entry at the head reads CopyData.</summary>
    public bool IsCopyIn { get; private set; }

    /// <summary>How many ReadyForQuery are to come is not known: nobody but the present user may ever use the connection.</summary>
    public bool IsUncertain { get; private set; }

    /// <summary>True when another client could use the connection as far as the protocol is concerned.</summary>
    public bool IsFree => _count == 0 && Status == TransactionStatus.Idle && !IsUnsynced && !IsSkippingToSync && !IsUncertain;

    /// <summary>True when the next reply goes to nobody.</summary>
    public bool IsHeadSwallowed => _count > 0 && _ring[_head].Swallow;

    /// <summary>Notes that a message was sent.</summary>
    public void Push(Owed owed, bool swallow = false, object? tag = null)
    {
        if (IsSkippingToSync)
        {
            if (owed != Owed.Sync) return;
            IsSkippingToSync = false;
        }
        // The server is reading CopyData and takes a Sync for part of it, unless the client has already ended the copy.
        if (IsCopyIn && owed == Owed.Sync && _count == 1)
        {
            _syncsInCopy++;
            return;
        }
        if (_count == _ring.Length) Grow();
        _ring[(_head + _count) & (_ring.Length - 1)] = new LedgerEntry(owed, swallow, tag);
        _count++;
        LastPushed++;
        if (_count == 1) DropCopyEnds();
        if (owed is Owed.OwnParseComplete or Owed.OwnMessage) _own++;
        // A Query or FunctionCall commits what came before it without a Sync, as a Sync does.
        if (owed is Owed.Sync or Owed.Query or Owed.FunctionCall) IsUnsynced = false;
        else if (owed != Owed.CopyEnd) IsUnsynced = true;
    }

    /// <summary>Ticks off one backend message.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="status">For ReadyForQuery, the status it carries.</param>
    /// <param name="observer">Told about entries that will never be paid.</param>
    public Reply OnBackend(BackendMessage type, TransactionStatus status, ILedgerObserver observer)
    {
        if (IsUncertain && type == BackendMessage.ReadyForQuery && !CanBeReady)
        {
            Status = status;
            IsSkippingToSync = false;
            return Reply.Forward;
        }
        if (_count == 0) return Reply.Violation;
        ref LedgerEntry head = ref _ring[_head];
        Reply reply = head.Swallow ? Reply.Swallow : Reply.Forward;
        switch (type)
        {
            case BackendMessage.DataRow or BackendMessage.CopyData:
                return head.Owed is Owed.Query or Owed.Execute ? reply : Reply.Violation;
            case BackendMessage.ReadyForQuery:
                // A Query is answered by a tag or an error at least: without one this is the ReadyForQuery of something else.
                if (!CanBeReady) return Reply.Violation;
                Status = status;
                Pop();
                return reply;
            case BackendMessage.CommandComplete or BackendMessage.EmptyQueryResponse:
                if (head.Owed is not (Owed.Query or Owed.Execute)) return Reply.Violation;
                if (IsCopyIn) EndCopy();
                if (head.Owed == Owed.Execute) Pop();
                else _isQueryAnswered = true;
                return reply;
            case BackendMessage.RowDescription or BackendMessage.NoData:
                if (head.Owed is Owed.DescribePortal or Owed.DescribeStatement) Pop();
                else if (head.Owed != Owed.Query) return Reply.Violation;
                return reply;
            case BackendMessage.FunctionCallResponse:
                if (head.Owed != Owed.FunctionCall) return Reply.Violation;
                _isQueryAnswered = true;
                return reply;
            case BackendMessage.ParseComplete:
                if (head is { Owed: Owed.Parse, Tag: IParsedStatement parsed }) parsed.Statement.IsProven = true;
                return PopIf(head.Owed == Owed.Parse, reply);
            case BackendMessage.BindComplete: return PopIf(head.Owed == Owed.Bind, reply);
            case BackendMessage.CloseComplete: return PopIf(head.Owed == Owed.Close, reply);
            case BackendMessage.PortalSuspended: return PopIf(head.Owed == Owed.Execute, reply);
            case BackendMessage.ParameterDescription: return head.Owed == Owed.DescribeStatement ? reply : Reply.Violation;
            case BackendMessage.CopyOutResponse or BackendMessage.CopyDone:
                return head.Owed is Owed.Query or Owed.Execute ? reply : Reply.Violation;
            case BackendMessage.CopyInResponse:
                if (head.Owed is not (Owed.Query or Owed.Execute)) return Reply.Violation;
                IsCopyIn = true;
                DropSyncsInsideCopy();
                return reply;
            case BackendMessage.ErrorResponse:
                IsUncertain |= IsCopyIn && _syncsInCopy > 0;
                if (IsCopyIn) EndCopy();
                if (head.Owed is Owed.Query or Owed.Sync or Owed.FunctionCall)
                {
                    _isQueryAnswered = true;
                    return reply;
                }
                // The failure of a message that the proxy put in front of the client's own is the client's: it makes the server skip that one too.
                bool isQuiet = head.Tag is IQuietDebt;
                SkipToSync(observer);
                return isQuiet ? Reply.Swallow : Reply.Forward;
            default:
                return Reply.Violation;
        }
    }

    private bool CanBeReady => _count > 0 && (_ring[_head].Owed == Owed.Sync || (_ring[_head].Owed is Owed.Query or Owed.FunctionCall && _isQueryAnswered));

    /// <summary>What the entry at the head is about; null for nothing in particular.</summary>
    public object? HeadTag => _count > 0 ? _ring[_head].Tag : null;

    /// <summary>True when the entry at the head is one that the proxy answers itself.</summary>
    public bool HasOwnAtHead => _own > 0 && _ring[_head].Owed is Owed.OwnParseComplete or Owed.OwnMessage;

    /// <summary>Takes the entry at the head if it is one that the proxy answers itself.</summary>
    /// <param name="answer">The message that answers it.</param>
    public bool TryTakeOwn(out ReadOnlySpan<byte> answer)
    {
        answer = default;
        if (!HasOwnAtHead) return false;
        answer = _ring[_head].Tag is byte[] message ? message : ParseComplete;
        _own--;
        Pop();
        return true;
    }

    /// <summary>What is owed next is for nobody: the batch that it ends is sent again.</summary>
    public void SwallowSync()
    {
        if (_count > 0) _ring[_head] = _ring[_head] with { Swallow = true };
    }

    /// <summary>Notes the status of the ReadyForQuery that ended the login.</summary>
    public void StartAt(TransactionStatus status) => Status = status;

    private Reply PopIf(bool expected, Reply reply)
    {
        if (!expected) return Reply.Violation;
        Pop();
        return reply;
    }

    private void Pop()
    {
        _ring[_head] = default;
        _head = (_head + 1) & (_ring.Length - 1);
        _count--;
        _isQueryAnswered = false;
        DropCopyEnds();
    }

    // The mark of the copy that is over stands behind a Query, which may go on with another one.
    private void EndCopy()
    {
        IsCopyIn = false;
        _syncsInCopy = 0;
        if (_count > 1 && _ring[(_head + 1) & (_ring.Length - 1)].Owed == Owed.CopyEnd) RemoveBehindHead(1);
    }

    // The server ignores CopyDone and CopyFail outside a copy, so a mark that reaches the head has done its work.
    private void DropCopyEnds()
    {
        while (_count > 0 && _ring[_head].Owed == Owed.CopyEnd)
        {
            _head = (_head + 1) & (_ring.Length - 1);
            _count--;
        }
    }

    private void SkipToSync(ILedgerObserver observer)
    {
        int mask = _ring.Length - 1;
        int skipped = 0;
        while (skipped < _count && _ring[(_head + skipped) & mask].Owed != Owed.Sync) skipped++;
        bool isReadyOwed = false;
        // Last first, so that what was noted when they were sent is undone in the opposite order.
        for (int i = skipped - 1; i >= 0; i--)
        {
            ref LedgerEntry entry = ref _ring[(_head + i) & mask];
            LedgerEntry unpaid = entry;
            entry = default;
            if (unpaid.Owed is Owed.OwnParseComplete or Owed.OwnMessage) _own--;
            isReadyOwed |= unpaid.Tag is IReadyBySync;
            if (unpaid.Tag is not null) observer.OnUnpaid(unpaid);
        }
        _head = (_head + skipped) & mask;
        _count -= skipped;
        _isQueryAnswered = false;
        IsSkippingToSync = _count == 0;
        if (isReadyOwed && _count > 0) _ring[_head] = _ring[_head] with { Swallow = false };
    }

    // Sent before the client knew that its Execute had become a COPY: the server reads and ignores them (copyfromparse.c, CopyGetData).
    private void DropSyncsInsideCopy()
    {
        int syncs = 0;
        while (syncs + 1 < _count && _ring[(_head + 1 + syncs) & (_ring.Length - 1)].Owed == Owed.Sync) syncs++;
        if (syncs == 0) return;
        _syncsInCopy += syncs;
        RemoveBehindHead(syncs);
        if (_count == 1 && _ring[_head].Owed == Owed.Execute) IsUnsynced = true;
    }

    private void RemoveBehindHead(int removed)
    {
        int mask = _ring.Length - 1;
        for (int i = 1; i + removed < _count; i++) _ring[(_head + i) & mask] = _ring[(_head + i + removed) & mask];
        for (int i = 0; i < removed; i++) _ring[(_head + _count - 1 - i) & mask] = default;
        _count -= removed;
    }

    private void Grow()
    {
        var larger = new LedgerEntry[_ring.Length * 2];
        for (int i = 0; i < _count; i++) larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
        _ring = larger;
        _head = 0;
    }

    /// <summary>True when a debt with this tag is still open.</summary>
    public bool Holds(object tag)
    {
        for (int i = 0; i < _count; i++)
        {
            if (ReferenceEquals(_ring[(_head + i) & (_ring.Length - 1)].Tag, tag)) return true;
        }
        return false;
    }

    /// <summary>Gives back the memory of an unusually long pipeline once it is over.</summary>
    public void Shrink()
    {
        if (_count == 0 && _ring.Length > 1024) (_ring, _head) = (new LedgerEntry[16], 0);
    }
}
