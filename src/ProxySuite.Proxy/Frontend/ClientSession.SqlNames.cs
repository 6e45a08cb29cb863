using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// PREPARE, EXECUTE and DEALLOCATE in SQL. The client's names are one name space with those of the protocol, so a statement prepared in SQL becomes a shared
/// one as if it had come in a Parse, and EXECUTE is sent with its name on the server. PREPARE and DEALLOCATE go out as the client wrote them, so that
/// PostgreSQL judges them: the server is given the names they meet just before, and loses them right behind.
/// </summary>
internal sealed partial class ClientSession
{
    private const StatementTraits NamingTraits = StatementTraits.Prepare | StatementTraits.Execute | StatementTraits.Deallocate;

    // What a text does only when it is executed, and PREPARE does not execute it.
    private const StatementTraits DoneByExecuting = StatementTraits.SetConfig | StatementTraits.SessionAdvisoryLock | StatementTraits.CreatesTemp;

    /// <summary>Names in one text that are looked after; a text with more pins its client.</summary>
    private const int NamesMax = 16;

    private readonly ClientPortals _portals = new();
    private NameWork? _nameWork;      // on its way: nothing more is read until it is answered
    private bool _isAwaitingAnswers;  // a text with names waits for all that was sent before it

    /// <summary>True when a Query that names prepared statements has to wait for what was sent before it: that may fail, and decides what the names stand for.</summary>
    private bool MustWaitForAnswers(ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        if (server.Ledger.IsCopyIn || server.Ledger.Count == 0 || server.OwesSettingsAlone) return false;
        Cut(received, at, ref from, rewritten, 0);
        if (server.Ledger.IsUnsynced) rewritten.WriteEmpty(FrontendMessage.Flush);
        return _isAwaitingAnswers = true;
    }

    /// <summary>A Query that names prepared statements.</summary>
    /// <param name="sql">Its text as it may go out.</param>
    /// <param name="traits">Of the text.</param>
    /// <param name="frameLength">Bytes of the message as it came, to be cut out; 0 when that is done.</param>
    /// <returns>False when it can go out like any other.</returns>
    private bool TryTakeNames(ReadOnlySpan<byte> sql, StatementTraits traits, int frameLength, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        if (server.Ledger.IsCopyIn) return false;
        var names = new StatementNames(sql);
        List<NamedStatement> found = [];
        while (names.TryNext(out NamedStatement named)) found.Add(named);
        if (found.Count == 0) return false;
        if (found.Count == 1 && names.StatementCount == 1 && found[0].Use == NameUse.Execute)
        {
            return TryTakeExecuteText(sql, traits, found[0], frameLength, received, at, ref from, rewritten);
        }
        var work = new NameWork();
        List<byte[]> distinct = [];
        // In a batch without its Sync a question that fails would take what follows with it.
        bool mayAsk = !server.Ledger.IsUnsynced || !found.Exists(static named => named.HasTypes);
        if (_statements.IsFull || !mayAsk || !TryRead(sql, found, work, distinct, out List<byte[]> executed))
        {
            PinForNames(traits);
            return false;
        }
        if (frameLength > 0) Cut(received, at, ref from, rewritten, frameLength);
        foreach (byte[] name in distinct)
        {
            bool isExecuted = Has(executed, name);
            if (isExecuted && _statements.Find(name) is { } binding) traits |= binding.Statement.Traits & ~NamingTraits;
            GiveName(name, isExecuted, server, rewritten);
        }
        Query.Write(rewritten, sql);
        bool isInBatch = server.Ledger.IsUnsynced;
        NoteTraits(Masked(traits, names, isPrepareAlone: found.Count == 1 && names.StatementCount == 1 && found[0].Use == NameUse.Prepare), change: null);
        server.Ledger.Push(Owed.Query, swallow: false, work);
        _isDiscardClosed = _isDiscardSent;
        foreach (NameChange change in work.Changes)
        {
            if (change is not { Use: NameUse.Prepare, HasTypes: true }) continue;
            AskTypes(change, server, rewritten);
            PushSync(server, rewritten);
        }
        foreach (byte[] name in distinct) TakeNameAway(name, server, rewritten);
        // A Sync of ours would end the client's own batch.
        if (isInBatch) rewritten.WriteEmpty(FrontendMessage.Flush);
        else PushSync(server, rewritten);
        Begin(work, server);
        return true;
    }

    // One statement that executes a prepared one: it goes out with the name on the server, where the plan lives on.
    private bool TryTakeExecuteText(
        ReadOnlySpan<byte> sql, StatementTraits traits, in NamedStatement named, int frameLength, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        if (NameOf(sql[named.Name]) is not { } name) return false;
        StatementBinding? binding = _statements.Find(name);
        if (binding is null && !IsReserved(name)) return false;
        if (frameLength > 0) Cut(received, at, ref from, rewritten, frameLength);
        bool isInBatch = server.Ledger.IsUnsynced;
        long before = server.Ledger.LastPushed;
        if (binding is not null) binding = Give(binding, server, rewritten);
        bool isGiven = server.Ledger.LastPushed != before;
        ReadOnlySpan<byte> serverName = binding is null ? NoSuchStatement : binding.Statement.ServerName;
        int mark = rewritten.Begin(FrontendMessage.Query);
        WriteRenamed(rewritten, sql, named.Name, serverName);
        rewritten.WriteByte(0);
        rewritten.End(mark);
        NoteTraits((traits | (binding?.Statement.Traits ?? StatementTraits.None)) & ~NamingTraits, change: null);
        NameWork? work = isGiven ? new NameWork { Executes = binding!.Statement, IsSyncMissing = isInBatch } : null;
        server.Ledger.Push(Owed.Query, swallow: false, work ?? (object?)binding?.Statement);
        _renamed = new Renamed(server.Ledger.LastPushed, Characters(sql[..named.Name.Start.Value]), serverName.Length - Characters(sql[named.Name]));
        _isDiscardClosed = _isDiscardSent;
        if (work is null) return true;
        if (!isInBatch) PushSync(server, rewritten);
        Begin(work, server);
        return true;
    }

    /// <summary>Execute of a portal; what its text leaves behind is noted now and not at its Bind.</summary>
    private void TakeExecute(ReadOnlySpan<byte> body, bool isWhole, ReadOnlySpan<byte> received, int at, int frameLength, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        if (!isWhole)
        {
            server.Ledger.Push(Owed.Execute);
            return;
        }
        PortalFacts facts = _portals.Find(Execute.Read(body).PortalName);
        if (facts.Naming is null)
        {
            NoteTraits(facts.Traits & ~NamingTraits | (facts.Traits & StatementTraits.Deallocate), facts.Change);
            server.Ledger.Push(Owed.Execute);
            return;
        }
        ReadOnlySpan<byte> sql = SqlOf(facts.Naming);
        var names = new StatementNames(sql);
        var work = new NameWork();
        List<byte[]> distinct = [];
        if (!names.TryNext(out NamedStatement named) || !TryRead(sql, [named], work, distinct, out _))
        {
            PinForNames(facts.Traits);
            NoteTraits(facts.Traits, facts.Change);
            server.Ledger.Push(Owed.Execute);
            return;
        }
        NoteTraits(Masked(facts.Traits, names, isPrepareAlone: true), change: null);
        Cut(received, at, ref from, rewritten, 0);
        GiveName(distinct[0], isExecuted: false, server, rewritten);
        Cut(received, at + frameLength, ref from, rewritten, 0);
        server.Ledger.Push(Owed.Execute);
        if (work.Changes[0].HasTypes) AskTypes(work.Changes[0], server, rewritten);
        TakeNameAway(distinct[0], server, rewritten);
        rewritten.WriteEmpty(FrontendMessage.Flush);
        Begin(work, server);
    }

    /// <summary>The text of an extended statement that executes another by name, with that one's name on the server.</summary>
    /// <param name="content">Body of its Parse behind the name.</param>
    /// <param name="target">What the name stands for; null when it stands for nothing.</param>
    /// <returns>The body to send; null when it goes as it is.</returns>
    private byte[]? Resolve(ReadOnlySpan<byte> content, out SharedStatement? target)
    {
        target = null;
        ReadOnlySpan<byte> sql = SqlOf(content);
        var names = new StatementNames(sql);
        if (!names.TryNext(out NamedStatement named) || named.Use != NameUse.Execute || NameOf(sql[named.Name]) is not { } name) return null;
        target = _statements.Find(name)?.Statement;
        if (target is null && !IsReserved(name)) return null;
        FrameWriter resolved = new();
        WriteRenamed(resolved, sql, named.Name, target is null ? NoSuchStatement : target.ServerName);
        resolved.WriteBytes(content[sql.Length..]);
        return resolved.WrittenSpan.ToArray();
    }

    /// <summary>Notes what a portal will do once it is executed.</summary>
    private void SetPortal(ReadOnlySpan<byte> name, StatementTraits traits, SessionChange? change, ReadOnlySpan<byte> content, SharedStatement? target)
    {
        if ((traits & (StatementTraits.Listen | StatementTraits.Unlisten)) != 0)
        {
            // A channel was made ready for it in front of the Bind.
            NoteTraits(traits, change);
            traits = StatementTraits.None;
        }
        _portals.Set(name, FactsOf(traits, change, content, target));
    }

    /// <summary>What a portal will do, from the text of its statement.</summary>
    private static PortalFacts FactsOf(StatementTraits traits, SessionChange? change, ReadOnlySpan<byte> content, SharedStatement? target)
    {
        if (traits == StatementTraits.None) return default;
        if ((traits & (StatementTraits.Prepare | StatementTraits.Deallocate)) == 0) return new PortalFacts(traits | (target?.Traits ?? StatementTraits.None) & ~NamingTraits, change, null);
        var names = new StatementNames(SqlOf(content));
        return new PortalFacts(traits, change, names.TryNext(out _) ? content.ToArray() : null);
    }

    private static ReadOnlySpan<byte> SqlOf(ReadOnlySpan<byte> content) => content[..Math.Max(0, content.IndexOf((byte)0))];

    private void Begin(NameWork work, ServerConnection server)
    {
        work.UpTo = server.Ledger.LastPushed;
        _nameWork = work;
    }

    /// <summary>Reads on when what names mean is known again.</summary>
    private void SettleNames()
    {
        if (_server is not { } server) return;
        if (_isAwaitingAnswers && (server.Ledger.Count == 0 || server.Ledger.IsCopyIn))
        {
            _isAwaitingAnswers = false;
            _link.ResumeReading();
        }
        if (_nameWork is not { } work || server.Ledger.LastSettled < work.UpTo) return;
        _nameWork = null;
        foreach (NameChange change in work.Changes)
        {
            if (change.IsDone) Apply(change);
        }
        if (server.Ledger.Count == 0) _requestStarted = 0;
        _link.ResumeReading();
    }

    private void Apply(NameChange change)
    {
        if (_statements.Find(change.Name) is { } taken) _statements.Remove(taken);
        if (change.Use != NameUse.Prepare || (change.HasTypes && change.Types is null) || _statements.IsFull) return;
        byte[] content = [.. change.Body, 0, .. change.Types ?? [0, 0]];
        SharedStatement statement = InternHere(content);
        statement.IsProven = true;
        _statements.Add(change.Name, statement);
    }

    /// <inheritdoc/>
    public void OnOwnReply(ServerConnection server, BackendMessage type, ReadOnlySpan<byte> body)
    {
        if (type == BackendMessage.ParameterDescription) _nameWork?.NoteTypes(body);
        else if (type == BackendMessage.ErrorResponse) _nameWork?.SkipTypes();
        SettleNames();
        if (type != BackendMessage.ReadyForQuery) return;
        if (_isAskingAgain) AskAgain();
        else TryRelease(server);
    }

    /// <summary>Gives the server a name as the client has it, for the text that follows; what is executed must be the statement itself, for the rest any will do.</summary>
    private void GiveName(byte[] name, bool isExecuted, ServerConnection server, FrameWriter rewritten)
    {
        TakeNameAway(name, server, rewritten);
        if (_statements.Find(name) is not { } binding) return;
        ReadOnlySpan<byte> content = isExecuted && binding.Statement.Content.Length > 0 ? binding.Statement.Content : "\0\0\0"u8;
        WriteParse(rewritten, name, content);
        server.Ledger.Push(Owed.Parse, swallow: true);
    }

    private static void TakeNameAway(byte[] name, ServerConnection server, FrameWriter rewritten)
    {
        Close.Write(rewritten, StatementOrPortal.Statement, name);
        server.Ledger.Push(Owed.Close, swallow: true, NameLeft.Instance);
    }

    private static void AskTypes(NameChange change, ServerConnection server, FrameWriter rewritten)
    {
        Describe.Write(rewritten, StatementOrPortal.Statement, change.Name);
        server.Ledger.Push(Owed.DescribeStatement, swallow: true, change);
    }

    private static void PushSync(ServerConnection server, FrameWriter rewritten)
    {
        rewritten.WriteEmpty(FrontendMessage.Sync);
        server.Ledger.Push(Owed.Sync, swallow: true);
    }

    private static void WriteParse(FrameWriter to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        int mark = to.Begin(FrontendMessage.Parse);
        to.WriteCString(name);
        to.WriteBytes(content);
        to.End(mark);
    }

    private static void WriteRenamed(FrameWriter to, ReadOnlySpan<byte> sql, Range name, ReadOnlySpan<byte> serverName)
    {
        to.WriteBytes(sql[..name.Start.Value]);
        to.WriteBytes(serverName);
        to.WriteBytes(sql[name.End.Value..]);
    }

    /// <returns>False when a name cannot be told, is one of the proxy's, or there are too many.</returns>
    private static bool TryRead(ReadOnlySpan<byte> sql, List<NamedStatement> found, NameWork work, List<byte[]> distinct, out List<byte[]> executed)
    {
        executed = [];
        if (found.Count > NamesMax) return false;
        foreach (NamedStatement named in found)
        {
            if (NameOf(sql[named.Name]) is not { } name || IsReserved(name)) return false;
            if (!Has(distinct, name)) distinct.Add(name);
            if (named.Use == NameUse.Execute) executed.Add(name);
            else work.Changes.Add(new NameChange(named.Use, name, sql[named.Body].ToArray(), named.HasTypes));
        }
        return true;
    }

    private static bool Has(List<byte[]> names, byte[] name)
    {
        foreach (byte[] other in names)
        {
            if (other.AsSpan().SequenceEqual(name)) return true;
        }
        return false;
    }

    private void PinForNames(StatementTraits traits)
    {
        // As it stands in the text it lives on this server alone; it may even be one of the proxy's own, so all are cleaned away before the next client.
        if ((traits & (StatementTraits.Prepare | StatementTraits.Deallocate)) == 0) return;
        Pin(PinReason.SqlPrepare);
        _server!.IsDirty = true;
    }

    private static StatementTraits Masked(StatementTraits traits, in StatementNames names, bool isPrepareAlone)
    {
        traits &= ~(StatementTraits.Prepare | StatementTraits.Execute);
        if (!names.HasAll) traits &= ~StatementTraits.Deallocate;
        return isPrepareAlone ? traits & ~DoneByExecuting : traits;
    }

    private static byte[]? NameOf(ReadOnlySpan<byte> written)
    {
        byte[] name = new byte[written.Length];
        int length = StatementNames.Decode(written, name);
        return length == 0 ? null : name[..length];
    }

    /// <summary>Marks a Close that takes a client's name away from a server again: when it is skipped, the name is left there.</summary>
    private sealed class NameLeft
    {
        public static readonly NameLeft Instance = new();
    }

    private static bool IsReserved(ReadOnlySpan<byte> name) => name.StartsWith(SharedStatement.NamePrefix);
}
