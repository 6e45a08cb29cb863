using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>What a statement does with the name of a prepared one.</summary>
public enum NameUse : byte
{
    /// <summary><c>PREPARE name [(types)] AS …</c></summary>
    Prepare,

    /// <summary><c>EXECUTE name</c>, also in EXPLAIN and CREATE TABLE … AS.</summary>
    Execute,

    /// <summary><c>DEALLOCATE [PREPARE] name</c>; ALL is no name.</summary>
    Deallocate,
}

/// <summary>The name of a prepared statement in a text. Ranges index the text.</summary>
/// <param name="Name">The name as written, quotes and all.</param>
/// <param name="Body">For PREPARE, what it prepares: from behind AS to its last token.</param>
/// <param name="HasTypes">For PREPARE, parameter types stand behind the name.</param>
public readonly record struct NamedStatement(NameUse Use, Range Name, Range Body, bool HasTypes);

/// <summary>
/// Walks through the statements of a text and finds those that name a prepared statement, with as little grammar as that takes. PostgreSQL keeps one
/// name space for PREPARE and for the protocol's Parse.
/// </summary>
/// <param name="sql">Without terminator; any bytes.</param>
public ref struct StatementNames(ReadOnlySpan<byte> sql)
{
    /// <summary>Bytes of a name that count (NAMEDATALEN − 1); SQL and the protocol's hash table both look no further.</summary>
    public const int NameBytesMax = 63;

    private readonly ReadOnlySpan<byte> _sql = sql;
    private SqlLexer _lexer = new(sql);

    /// <summary>Statements walked through so far, empty ones not counted.</summary>
    public int StatementCount { get; private set; }

    /// <summary>DEALLOCATE ALL was among them.</summary>
    public bool HasAll { get; private set; }

    /// <summary>Goes on to the next statement that names one.</summary>
    /// <returns>False at the end of the text.</returns>
    public bool TryNext(out NamedStatement found)
    {
        while (true)
        {
            found = default;
            SqlToken first = _lexer.Next();
            if (first.Kind == SqlTokenKind.End) return false;
            if (IsSymbol(first, ';')) continue;
            StatementCount++;
            SqlLexer statement = _lexer;
            int end = SkipStatement(first);
            bool isFound = Keyword(first) switch
            {
                SqlKeyword.Prepare => Prepare(statement, end, out found),
                SqlKeyword.Execute => TakeName(ref statement, end, NameUse.Execute, out found),
                SqlKeyword.Deallocate => Deallocate(statement, end, out found),
                SqlKeyword.Explain => Explain(statement, end, out found),
                SqlKeyword.Create => CreateTableAs(statement, end, out found),
                _ => false,
            };
            if (isFound) return true;
        }
    }

    /// <summary>The name that a written one stands for: folded to lower case or without its quotes, cut where PostgreSQL cuts it.</summary>
    /// <param name="written">As in <see cref="NamedStatement.Name"/>.</param>
    /// <param name="name">Room for the name, at least as long as <paramref name="written"/>.</param>
    /// <returns>Its length; 0 when it cannot be told: <c>U&amp;"…"</c>, or nothing between the quotes.</returns>
    public static int Decode(ReadOnlySpan<byte> written, Span<byte> name)
    {
        int length = 0;
        if (written.Length > 0 && written[0] == '"')
        {
            if (written.Length < 2 || written[^1] != '"') return 0;
            ReadOnlySpan<byte> inner = written[1..^1];
            for (int at = 0; at < inner.Length; at++)
            {
                name[length++] = inner[at];
                if (inner[at] == '"') at++;
            }
        }
        else
        {
            if (written.Contains((byte)'"')) return 0;
            foreach (byte b in written) name[length++] = b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
        }
        if (length <= NameBytesMax) return length;
        // A character of several bytes is kept whole or not at all (truncate_identifier).
        length = NameBytesMax;
        while (length > 0 && (name[length] & 0xC0) == 0x80) length--;
        return length;
    }

    private bool Prepare(SqlLexer lexer, int end, out NamedStatement found)
    {
        SqlLexer ahead = lexer;
        // PREPARE TRANSACTION 'id' is two-phase commit; PREPARE transaction AS … is not.
        if (Keyword(ahead.Next()) == SqlKeyword.Transaction && ahead.Next().Kind == SqlTokenKind.String)
        {
            found = default;
            return false;
        }
        if (!TakeName(ref lexer, end, NameUse.Prepare, out found)) return false;
        int depth = 0;
        while (true)
        {
            SqlToken token = lexer.Next();
            if (token.Kind == SqlTokenKind.End || token.Start >= end) return true;
            if (IsSymbol(token, '('))
            {
                found = found with { HasTypes = true };
                depth++;
            }
            else if (IsSymbol(token, ')')) depth--;
            else if (depth == 0 && Keyword(token) == SqlKeyword.As) break;
        }
        int start = lexer.Next().Start;
        if (start < end) found = found with { Body = start..end };
        return true;
    }

    private bool Deallocate(SqlLexer lexer, int end, out NamedStatement found)
    {
        SqlLexer behindPrepare = lexer;
        // PREPARE is no reserved word: alone it is the name.
        if (Keyword(behindPrepare.Next()) == SqlKeyword.Prepare && IsName(behindPrepare.Peek(), end)) lexer = behindPrepare;
        if (Keyword(lexer.Peek()) != SqlKeyword.All) return TakeName(ref lexer, end, NameUse.Deallocate, out found);
        HasAll = true;
        found = default;
        return false;
    }

    private bool Explain(SqlLexer lexer, int end, out NamedStatement found)
    {
        found = default;
        int depth = 0;
        while (true)
        {
            SqlToken token = lexer.Next();
            if (token.Kind == SqlTokenKind.End || token.Start >= end) return false;
            if (IsSymbol(token, '(')) depth++;
            else if (IsSymbol(token, ')')) depth--;
            else if (depth == 0)
            {
                SqlKeyword keyword = Keyword(token);
                if (keyword == SqlKeyword.Execute) return TakeName(ref lexer, end, NameUse.Execute, out found);
                if (keyword == SqlKeyword.Create) return CreateTableAs(lexer, end, out found);
                bool isOption = keyword == SqlKeyword.Analyze || Ascii.EqualsIgnoreCase(_sql[token.Start..token.End], "verbose"u8);
                if (!isOption) return false;
            }
        }
    }

    // The first AS outside parentheses is the one in front of the query; EXECUTE further on is a name of something else.
    private bool CreateTableAs(SqlLexer lexer, int end, out NamedStatement found)
    {
        found = default;
        bool isTable = false;
        int depth = 0;
        while (true)
        {
            SqlToken token = lexer.Next();
            if (token.Kind == SqlTokenKind.End || token.Start >= end) return false;
            if (IsSymbol(token, '(')) depth++;
            else if (IsSymbol(token, ')')) depth--;
            SqlKeyword keyword = depth == 0 ? Keyword(token) : SqlKeyword.None;
            isTable |= keyword == SqlKeyword.Table;
            if (keyword != SqlKeyword.As) continue;
            return isTable && Keyword(lexer.Next()) == SqlKeyword.Execute && TakeName(ref lexer, end, NameUse.Execute, out found);
        }
    }

    private static bool IsName(SqlToken token, int end) => token.Start < end && token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier;

    private static bool TakeName(ref SqlLexer lexer, int end, NameUse use, out NamedStatement found)
    {
        found = default;
        SqlToken token = lexer.Next();
        if (!IsName(token, end)) return false;
        int nameEnd = token.End;
        // A doubled quote inside comes as the border of two tokens.
        while (lexer.Peek() is { Kind: SqlTokenKind.QuotedIdentifier } more && more.Start == nameEnd && token.Kind == SqlTokenKind.QuotedIdentifier)
        {
            nameEnd = lexer.Next().End;
        }
        found = new NamedStatement(use, token.Start..nameEnd, default, HasTypes: false);
        return true;
    }

    /// <returns>Where the last token of the statement ends.</returns>
    private int SkipStatement(SqlToken first)
    {
        int depth = IsSymbol(first, '(') ? 1 : 0;
        int end = first.End;
        while (true)
        {
            SqlToken token = _lexer.Next();
            if (token.Kind == SqlTokenKind.End || (depth == 0 && IsSymbol(token, ';'))) return end;
            if (IsSymbol(token, '(')) depth++;
            else if (IsSymbol(token, ')') && depth > 0) depth--;
            end = token.End;
        }
    }

    private static bool IsSymbol(SqlToken token, char symbol) => token.Kind == SqlTokenKind.Symbol && token.First == symbol;

    private readonly SqlKeyword Keyword(SqlToken token) => token.Kind == SqlTokenKind.Word ? SqlKeywords.Find(_sql[token.Start..token.End]) : SqlKeyword.None;
}
