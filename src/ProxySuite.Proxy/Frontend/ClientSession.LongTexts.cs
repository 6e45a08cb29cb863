using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Statements longer than a receive buffer: they pass by in parts, and are kept on the way up to a bound, so that other servers can be given them.</summary>
internal sealed partial class ClientSession
{
    /// <summary>Longest text that is kept, in bytes. A longer one stays on its server, and its client with it.</summary>
    private const int KeptTextMax = 1 << 20;

    private LongParse? _longParse; // passing by, and kept

    private void TakeLongParse(FrameHeader header, ReadOnlySpan<byte> start, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        int nameLength = start.IndexOf((byte)0);
        if (nameLength < 0) PgProtocolException.ThrowMalformed(nameof(Parse), "its name does not end");
        ServerConnection server = _server!;
        ReadOnlySpan<byte> name = start[..nameLength];
        start = start[(nameLength + 1)..];
        BeginLongText(start);
        if (_isNative)
        {
            NoteUnscanned();
            if (nameLength == 0) (_unnamedTraits, _unnamedChange) = (StatementTraits.None, null);
            server.Ledger.Push(Owed.Parse);
            return;
        }
        int contentLength = header.BodyLength - nameLength - 1;
        bool isKept = contentLength <= KeptTextMax;
        if (!isKept) NoteUnscanned();
        if (nameLength == 0)
        {
            (_unnamedTraits, _unnamedChange, _unnamedTarget) = (StatementTraits.None, null, null);
            if (isKept) Keep(new byte[contentLength], statement: null, start);
            else _statements.SetUnnamed([]);
            server.Statements.Unnamed = MyUnnamed;
            server.Ledger.Push(Owed.Parse, swallow: false, UnnamedParse.Instance);
            return;
        }
        Cut(received, at, ref from, rewritten, FrameHeader.Size + nameLength);
        StatementBinding? binding = null;
        SharedStatement statement;
        if (_statements.Find(name) is { } taken)
        {
            // As in TakeParse: the server refuses its own name of it.
            statement = taken.Statement;
            Ensure(statement, server, rewritten);
        }
        else
        {
            statement = isKept ? _pool.Statements.MakeLong(new byte[contentLength]) : _pool.Statements.MakeUnshared();
            binding = _statements.Add(name, statement);
            if (isKept) Keep(statement.Content, statement, start);
            else Pin(Telemetry.PinReason.Other);
            MakeRoom(statement, server, rewritten);
        }
        rewritten.WriteByte((byte)FrontendMessage.Parse);
        rewritten.WriteInt32(header.BodyLength + 4 - nameLength + statement.ServerName.Length);
        rewritten.WriteBytes(statement.ServerName);
        server.Ledger.Push(Owed.Parse, swallow: false, binding);
    }

    private void Keep(byte[] content, SharedStatement? statement, ReadOnlySpan<byte> start)
    {
        if (statement is null) _statements.SetLongUnnamed(content);
        _longParse = new LongParse(content, statement);
        KeepPart(start, isLast: false);
    }

    private void KeepPart(ReadOnlySpan<byte> part, bool isLast)
    {
        LongParse parse = _longParse!;
        part.CopyTo(parse.Content.AsSpan(parse.Length));
        parse.Length += part.Length;
        if (!isLast) return;
        _longParse = null;
        ReadOnlySpan<byte> sql = SqlOf(parse.Content);
        StatementFacts facts = SqlScanner.Scan(sql);
        SessionChange? change = facts.Traits == StatementTraits.None ? null : SessionChange.From(sql, facts);
        if (parse.Statement is not null) parse.Statement.Learn(facts.Traits, change);
        else (_unnamedTraits, _unnamedChange) = (facts.Traits, change);
    }

    /// <param name="content">Where it is put together.</param>
    /// <param name="statement">The named statement that it is the text of; null for the unnamed one.</param>
    private sealed class LongParse(byte[] content, SharedStatement? statement)
    {
        public byte[] Content { get; } = content;

        public SharedStatement? Statement { get; } = statement;

        /// <summary>Bytes that have come.</summary>
        public int Length { get; set; }
    }
}
