using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Prepared statements that survive a change of server (A4): a client's names stand for shared statements, a server that lacks one is given it in
/// front of the message that needs it, and the unnamed statement belongs to the client that parsed it.
/// </summary>
internal sealed partial class ClientSession
{
    // Close of a name that no server knows is answered with CloseComplete (protocol-flow: Extended Query), which is all that a client's Close needs.
    private static ReadOnlySpan<byte> NoSuchStatement => "proxysuite_none"u8;

    private SessionChange? _unnamedChange;
    private StatementTraits _unnamedTraits;
    private SharedStatement? _unnamedTarget;

    /// <summary>Handles Query, Parse, Bind, Describe and Close.</summary>
    /// <returns>False for other messages.</returns>
    private bool TryTakeStatementMessage(
        FrontendMessage type, FrameHeader header, ReadOnlySpan<byte> body, bool isWhole, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        switch (type)
        {
            case FrontendMessage.Query:
                TakeQuery(body, isWhole, received, at, ref from, rewritten);
                return true;
            case FrontendMessage.Parse:
                if (!isWhole) TakeLongParse(header, body, received, at, ref from, rewritten);
                else TakeParse(body, received, at, ref from, rewritten);
                return true;
            case FrontendMessage.Bind:
                Bind bind;
                if (isWhole) bind = Bind.Read(body);
                else if (!Bind.TryReadNames(body, out bind)) PgProtocolException.ThrowMalformed(nameof(Bind), "its names do not end");
                if (_isNative) TakeNativeBind(bind);
                else TakeBind(bind, header, body, received, at, ref from, rewritten);
                return true;
            case FrontendMessage.Describe:
                Describe describe = Describe.Read(body);
                if (_isNative && describe.Target == StatementOrPortal.Statement) _server!.Ledger.Push(Owed.DescribeStatement);
                else if (describe.Target == StatementOrPortal.Statement) TakeDescribe(describe.Name, received, at, header.FrameLength, ref from, rewritten);
                else _server!.Ledger.Push(Owed.DescribePortal);
                return true;
            case FrontendMessage.Close:
                Close close = Close.Read(body);
                if (close.Target == StatementOrPortal.Statement && !_isNative) TakeClose(close.Name, received, at, header.FrameLength, ref from, rewritten);
                else _server!.Ledger.Push(Owed.Close);
                return true;
            case FrontendMessage.Execute when _isNative:
                if (isWhole) Execute.Read(body);
                _server!.Ledger.Push(Owed.Execute);
                return true;
            case FrontendMessage.Execute:
                TakeExecute(body, isWhole, received, at, header.FrameLength, ref from, rewritten);
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// A named Parse of what a server has parsed before needs no server: it is answered here, and whichever server runs the statement later is given it
    /// then. Drivers prepare each statement on each connection, so this is the common case; it also lets a client prepare while all servers are busy.
    /// </summary>
    private bool TryParseWithoutServer(ReadOnlySpan<byte> body)
    {
        Parse parse = Parse.Read(body);
        if (parse.StatementName.IsEmpty || _statements.Find(parse.StatementName) is not null) return false;
        SharedStatement statement = _pool.Statements.Intern(body[(parse.StatementName.Length + 1)..], _settings.ForParsing);
        // What the filter has to judge goes its way every time, as rules change with the plan; and what a name inside the text stands for differs from client to client.
        if (!statement.IsProven || (statement.Traits & (StatementFilter.Matters | NamingTraits)) != 0) return false;
        _statements.Add(parse.StatementName, statement);
        ToClient(ParseCompleteFrame);
        return true;
    }

    private void TakeParse(ReadOnlySpan<byte> body, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten, int? insteadOf = null)
    {
        int length = insteadOf ?? body.Length; // of the message as the client sent it
        Parse parse = Parse.Read(body);
        if (_isNative)
        {
            TakeNativeParse(parse, insteadOf, length, received, at, ref from, rewritten);
            return;
        }
        ServerConnection server = _server!;
        ReadOnlySpan<byte> content = body[(parse.StatementName.Length + 1)..];
        if (parse.StatementName.IsEmpty)
        {
            // Drivers repeat a text, in a pipeline many times in a row: what does nothing but read and write rows is not looked at again.
            bool isKnown = _unnamedTraits == StatementTraits.None && content.SequenceEqual(_statements.Unnamed);
            StatementFacts facts = isKnown ? default : SqlScanner.Scan(parse.Sql);
            if ((facts.Traits & StatementFilter.Matters) != 0 && TryTakeFilteredParse(parse, length, received, at, ref from, rewritten)) return;
            ForgetForeignSequences(facts.Traits, received, at, ref from, rewritten);
            _statements.SetUnnamed(content);
            _unnamedTraits = facts.Traits;
            _unnamedChange = facts.Traits == StatementTraits.None ? null : SessionChange.From(parse.Sql, facts);
            _unnamedTarget = null;
            if ((facts.Traits & StatementTraits.Execute) != 0 && Resolve(content, out _unnamedTarget) is { } resolved)
            {
                Cut(received, at, ref from, rewritten, FrameHeader.Size + length);
                if (_unnamedTarget is not null) Ensure(_unnamedTarget, server, rewritten);
                WriteParse(rewritten, default, resolved);
            }
            // As it came it passes by, and what stands for it is written.
            else if (insteadOf is not null) WriteParse(rewritten, default, content);
            server.Statements.Unnamed = MyUnnamed;
            server.Ledger.Push(Owed.Parse, swallow: false, UnnamedParse.Instance);
            return;
        }
        SharedStatement statement;
        if (_statements.Find(parse.StatementName) is { } taken)
        {
            // Whether its own Parse was taken is not known yet: if not, the name is free. In parts it has passed by and cannot wait.
            if (insteadOf is null && server.Ledger.Holds(taken) && MustWaitForAnswers(received, at, ref from, rewritten)) return;
            // The name is in use: the server says so in PostgreSQL's words when it is asked to parse its own name of it a second time.
            statement = taken.Statement;
            Cut(received, at, ref from, rewritten, FrameHeader.Size + length);
            Ensure(statement, server, rewritten);
            Parse.Write(rewritten, statement.ServerName, parse.Sql, parse.ParameterTypes);
            server.Ledger.Push(Owed.Parse);
            return;
        }
        statement = InternHere(content);
        if ((statement.Traits & StatementFilter.Matters) != 0 && TryTakeFilteredParse(parse, length, received, at, ref from, rewritten)) return;
        ForgetForeignSequences(statement.Traits, received, at, ref from, rewritten);
        byte[]? original = null;
        SharedStatement? target = null;
        Cut(received, at, ref from, rewritten, FrameHeader.Size + length);
        if ((statement.Traits & StatementTraits.Execute) != 0)
        {
            original = content.ToArray();
            if (Resolve(content, out target) is { } resolved) statement = InternHere(resolved);
            if (target is not null) Ensure(target, server, rewritten);
        }
        StatementBinding binding = _statements.Add(parse.StatementName, statement, original, target);
        if (server.Statements.Touch(statement))
        {
            server.Ledger.Push(Owed.OwnParseComplete, swallow: false, binding);
            return;
        }
        MakeRoom(statement, server, rewritten);
        WriteParse(rewritten, statement.ServerName, statement.Content);
        server.Ledger.Push(Owed.Parse, swallow: false, binding);
    }

    private void TakeBind(Bind bind, FrameHeader header, ReadOnlySpan<byte> body, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        if (bind.StatementName.IsEmpty)
        {
            ForgetForeignSequences(_unnamedTraits, received, at, ref from, rewritten);
            EnsureUnnamed(server, received, at, ref from, rewritten);
            SetPortal(bind.PortalName, _unnamedTraits, _unnamedChange, _statements.Unnamed, _unnamedTarget);
            server.Ledger.Push(Owed.Bind);
            return;
        }
        StatementBinding? binding = _statements.Find(bind.StatementName);
        if (binding is not null) ForgetForeignSequences(binding.Statement.Traits, received, at, ref from, rewritten);
        // What follows the names goes out as it came, whether all of it is here or not.
        Cut(received, at, ref from, rewritten, FrameHeader.Size + bind.NamesEnd);
        int restLength = header.BodyLength - bind.NamesEnd;
        if (binding is null)
        {
            Bind.WriteStart(rewritten, bind.PortalName, ForeignName(bind.StatementName), restLength);
            _portals.Set(bind.PortalName, default);
        }
        else
        {
            binding = Give(binding, server, rewritten);
            SetPortal(bind.PortalName, binding.Statement.Traits, binding.Statement.Change, binding.Statement.Content, binding.Target);
            Bind.WriteStart(rewritten, bind.PortalName, binding.Statement.ServerName, restLength);
        }
        server.Ledger.Push(Owed.Bind, swallow: false, binding?.Statement);
    }

    private void TakeDescribe(ReadOnlySpan<byte> name, ReadOnlySpan<byte> received, int at, int frameLength, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        StatementBinding? binding = null;
        if (name.IsEmpty)
        {
            EnsureUnnamed(server, received, at, ref from, rewritten);
        }
        else
        {
            Cut(received, at, ref from, rewritten, frameLength);
            binding = _statements.Find(name);
            if (binding is not null) binding = Give(binding, server, rewritten);
            Describe.Write(rewritten, StatementOrPortal.Statement, binding is null ? ForeignName(name) : binding.Statement.ServerName);
        }
        server.Ledger.Push(Owed.DescribeStatement, swallow: false, binding?.Statement);
    }

    private void TakeClose(ReadOnlySpan<byte> name, ReadOnlySpan<byte> received, int at, int frameLength, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        if (name.IsEmpty)
        {
            _statements.ForgetUnnamed();
            server.Statements.Unnamed = default;
            server.Ledger.Push(Owed.Close);
            return;
        }
        StatementBinding? binding = _statements.Find(name);
        if (binding is not null) _statements.Remove(binding);
        Cut(received, at, ref from, rewritten, frameLength);
        Close.Write(rewritten, StatementOrPortal.Statement, NoSuchStatement);
        server.Ledger.Push(Owed.Close, swallow: false, binding is null ? null : new ClosedBinding(binding));
    }

    /// <summary>True while the server's settings are not those of the journal: what is parsed now must not be shared.</summary>
    private bool HasSettingsInFlux => _pendingChanges is { Count: > 0 } || _pins.Any
        || (_batchTraits & (StatementTraits.SetLocal | StatementTraits.SetsSession | StatementTraits.SetConfig | StatementTraits.Do | StatementTraits.Call)) != 0;

    private SharedStatement InternHere(ReadOnlySpan<byte> content)
        => HasSettingsInFlux ? _pool.Statements.MakePrivate(content) : _pool.Statements.Intern(content, _settings.ForParsing);

    /// <summary>
    /// Gives the server what a name stands for. Where the server has it, that is used, as PostgreSQL keeps what it parsed; else, when it would be parsed under
    /// other settings than all who share it expect, the name gets the statement of those settings.
    /// </summary>
    private StatementBinding Give(StatementBinding binding, ServerConnection server, FrameWriter rewritten)
    {
        if (binding.Original is not null) binding = ResolveAgain(binding, server, rewritten);
        SharedStatement statement = binding.Statement;
        if (server.Statements.Touch(statement) || statement.Content.Length == 0) return binding;
        bool isShared = statement.ParsedUnder is not null;
        if (isShared && (HasSettingsInFlux || !statement.ParsedUnder!.Equals(_settings.ForParsing))) binding = _statements.Rebind(binding, InternHere(statement.Content));
        Ensure(binding.Statement, server, rewritten);
        return binding;
    }

    // The name in its text means what the client last gave it.
    private StatementBinding ResolveAgain(StatementBinding binding, ServerConnection server, FrameWriter rewritten)
    {
        byte[]? resolved = Resolve(binding.Original, out SharedStatement? target);
        if (!ReferenceEquals(target, binding.Target)) binding = _statements.Rebind(binding, InternHere(resolved ?? binding.Original), target);
        if (target is not null) Ensure(target, server, rewritten);
        return binding;
    }

    private UnnamedStatement MyUnnamed => new(_number, _statements.UnnamedVersion);

    /// <summary>Makes the server's unnamed statement this client's latest: another client's, or an older one of this client, must never run instead.</summary>
    private void EnsureUnnamed(ServerConnection server, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        UnnamedStatement held = server.Statements.Unnamed;
        byte[]? resolved = null;
        if ((_unnamedTraits & StatementTraits.Execute) != 0 && _statements.HasUnnamed)
        {
            SharedStatement? before = _unnamedTarget;
            resolved = Resolve(_statements.Unnamed, out _unnamedTarget);
            if (!ReferenceEquals(before, _unnamedTarget)) held = default;
            Cut(received, at, ref from, rewritten, 0);
            if (_unnamedTarget is not null) Ensure(_unnamedTarget, server, rewritten);
        }
        if (held == MyUnnamed && held.Session != 0) return;
        if (_statements.HasUnnamed)
        {
            Cut(received, at, ref from, rewritten, 0);
            WriteParse(rewritten, default, resolved ?? _statements.Unnamed);
            server.Statements.Unnamed = MyUnnamed;
            server.Ledger.Push(Owed.Parse, swallow: true, UnnamedParse.Injected);
        }
        else if (held != default)
        {
            // This client has none: with the other's out of the way the server says so itself (26000).
            Cut(received, at, ref from, rewritten, 0);
            Close.Write(rewritten, StatementOrPortal.Statement, default);
            server.Statements.Unnamed = default;
            server.Ledger.Push(Owed.Close, swallow: true);
        }
    }

    /// <summary>Gives the server a statement that it lacks.</summary>
    private static void Ensure(SharedStatement statement, ServerConnection server, FrameWriter rewritten)
    {
        if (server.Statements.Touch(statement) || statement.Content.Length == 0) return;
        MakeRoom(statement, server, rewritten);
        WriteParse(rewritten, statement.ServerName, statement.Content);
        server.Ledger.Push(Owed.Parse, swallow: true, new InjectedParse(server, statement));
    }

    private static void MakeRoom(SharedStatement statement, ServerConnection server, FrameWriter rewritten)
    {
        if (server.Statements.TakeOutdated(statement)) Evict(statement, isOutdated: true, server, rewritten);
        if (server.Statements.Add(statement) is { } oldest) Evict(oldest, isOutdated: false, server, rewritten);
    }

    private static void Evict(SharedStatement statement, bool isOutdated, ServerConnection server, FrameWriter rewritten)
    {
        Close.Write(rewritten, StatementOrPortal.Statement, statement.ServerName);
        server.Ledger.Push(Owed.Close, swallow: true, new Eviction(server, statement, isOutdated));
    }

    /// <summary>A name that this client never prepared, as the server shall complain about it; one of the proxy's own names is made to miss.</summary>
    private static ReadOnlySpan<byte> ForeignName(ReadOnlySpan<byte> name) => name.StartsWith(SharedStatement.NamePrefix) ? NoSuchStatement : name;

    /// <summary>Moves what came before a message into the rewritten stream and passes over part of the message.</summary>
    private static void Cut(ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten, int length)
    {
        if (at > from) rewritten.WriteBytes(received[from..at]);
        from = at + length;
    }

    /// <inheritdoc/>
    public void OnUnpaid(in LedgerEntry entry)
    {
        // The server skipped or refused it, so what was noted when it was sent is not true.
        switch (entry.Tag)
        {
            case UnnamedParse parse:
                // A later one may be on its way already.
                if (parse == UnnamedParse.Instance && _server?.Ledger.Holds(parse) != true) _statements.ForgetUnnamed();
                break;
            case StatementBinding binding:
                _statements.Remove(binding);
                if (entry.Owed == Owed.Parse) _server?.Statements.Remove(binding.Statement);
                break;
            case ClosedBinding closed:
                _statements.Restore(closed.Binding);
                break;
            case NameLeft when _server is not null:
                _server.IsDirty = true;
                break;
            case InjectedParse injected:
                injected.Server.Statements.Remove(injected.Statement);
                break;
            case Eviction eviction:
                eviction.Server.Statements.Restore(eviction.Statement, eviction.IsOutdated);
                break;
        }
    }

    /// <summary>Marks the Parse of an unnamed statement in the ledger.</summary>
    private sealed class UnnamedParse
    {
        public static readonly UnnamedParse Instance = new();

        // One that the proxy repeated: when it is skipped the client still has the statement.
        public static readonly UnnamedParse Injected = new();
    }

    /// <summary>Marks a Close that was to make room on a server.</summary>
    private sealed record Eviction(ServerConnection Server, SharedStatement Statement, bool IsOutdated);

    /// <summary>Marks a Parse that the proxy sent on its own account.</summary>
    private sealed record InjectedParse(ServerConnection Server, SharedStatement Statement) : IParsedStatement;
}
