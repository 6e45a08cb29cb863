using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>One statement of a text, as far as it changes what its session keeps: settings, channels, savepoints.</summary>
/// <param name="Kind">By its first keyword.</param>
/// <param name="Form">How it names a setting; None for what is no SET, RESET, or plain set_config.</param>
/// <param name="Name">The setting's name as written; of set_config the literal, quotes and all.</param>
/// <param name="Value">The value, likewise.</param>
/// <param name="IsLocal">SET LOCAL and its like: gone at the end of the transaction.</param>
/// <param name="Identifier">The channel of LISTEN and UNLISTEN, the name of SAVEPOINT, RELEASE and ROLLBACK TO, as the server reads it; null for none, or one
/// that is not read here.</param>
/// <param name="IsForAll">UNLISTEN *.</param>
/// <param name="IsToSavepoint">ROLLBACK TO.</param>
public readonly record struct SessionStatement(
    StatementKind Kind, SettingForm Form, Range Name, Range Value, bool IsLocal, string? Identifier, bool IsForAll, bool IsToSavepoint)
{
    // NAMEDATALEN less its terminator: longer names are cut off, with a notice.
    private const int IdentifierBytesMax = 63;

    /// <summary>Takes a text apart. Allocates: for texts whose traits say that there is something to find.</summary>
    /// <param name="sql">As scanned by <see cref="SqlScanner.Scan"/>.</param>
    public static List<SessionStatement> ReadAll(ReadOnlySpan<byte> sql)
    {
        var all = new List<SessionStatement>();
        var lexer = new SqlLexer(sql);
        while (true)
        {
            SqlToken first = lexer.Next();
            if (first.Kind == SqlTokenKind.End) return all;
            if (first is { Kind: SqlTokenKind.Symbol, First: (byte)';' }) continue;
            SqlLexer behindFirst = lexer;
            StatementTokens tokens = StatementTokens.Read(sql, ref lexer, first);
            all.Add(Read(sql, behindFirst, tokens));
        }
    }

    private static SessionStatement Read(ReadOnlySpan<byte> sql, SqlLexer lexer, StatementTokens tokens)
    {
        SettingStatement setting = tokens.Setting;
        var statement = new SessionStatement(
            tokens.Kind, setting.Form, setting.Name, setting.Value, setting.Traits.HasFlag(StatementTraits.SetLocal), null, false, false);
        switch (tokens.Kind)
        {
            case StatementKind.Listen:
                return statement with { Identifier = LastIdentifier(sql, lexer.Next(), lexer) };
            case StatementKind.Unlisten:
                SqlToken channel = lexer.Next();
                return channel is { Kind: SqlTokenKind.Symbol, First: (byte)'*' } ? statement with { IsForAll = true } : statement with { Identifier = LastIdentifier(sql, channel, lexer) };
            case StatementKind.Savepoint:
                return statement with { Identifier = LastIdentifier(sql, lexer.Next(), lexer) };
            case StatementKind.Release:
                return statement with { Identifier = Named(sql, lexer) };
            case StatementKind.Rollback when !tokens.Traits.HasFlag(StatementTraits.EndsTransaction):
                SqlToken word = lexer.Next();
                if (Is(sql, word, SqlKeyword.Work) || Is(sql, word, SqlKeyword.Transaction)) word = lexer.Next();
                return Is(sql, word, SqlKeyword.To) ? statement with { IsToSavepoint = true, Identifier = Named(sql, lexer) } : statement;
            case StatementKind.Select:
                return SetConfig(sql, statement, lexer);
            default:
                return statement;
        }
    }

    // [ SAVEPOINT ] name: a savepoint may itself be called savepoint.
    private static string? Named(ReadOnlySpan<byte> sql, SqlLexer lexer)
    {
        SqlToken token = lexer.Next();
        if (Is(sql, token, SqlKeyword.Savepoint) && !IsEnd(lexer.Peek())) token = lexer.Next();
        return LastIdentifier(sql, token, lexer);
    }

    /// <summary>An identifier that ends its statement.</summary>
    private static string? LastIdentifier(ReadOnlySpan<byte> sql, SqlToken token, SqlLexer lexer)
    {
        string? text = null;
        if (token.Kind == SqlTokenKind.Word)
        {
            // Only ASCII letters lose their case where the database's encoding has characters of several bytes (scansup.c).
            text = Encoding.UTF8.GetString(sql[token.Start..token.End]);
            text = string.Concat(text.Select(c => c is >= 'A' and <= 'Z' ? (char)(c | 0x20) : c));
        }
        else if (token.Kind == SqlTokenKind.QuotedIdentifier && token.First == '"')
        {
            int end = token.End;
            // A doubled quote is cut into two tokens without a gap.
            while (lexer.Peek() is { Kind: SqlTokenKind.QuotedIdentifier, First: (byte)'"' } more && more.Start == end) end = lexer.Next().End;
            if (end - token.Start < 3 || sql[end - 1] != '"') return null;
            text = Encoding.UTF8.GetString(sql[(token.Start + 1)..(end - 1)]).Replace("\"\"", "\"", StringComparison.Ordinal);
        }
        return text is null || !IsEnd(lexer.Peek()) ? null : Truncate(text);
    }

    private static string Truncate(string text)
    {
        while (Encoding.UTF8.GetByteCount(text) > IdentifierBytesMax) text = text[..^(char.IsLowSurrogate(text[^1]) ? 2 : 1)];
        return text;
    }

    /// <summary>SELECT [pg_catalog.]set_config('name', 'value', false) and nothing else: what pg_dump and Django send.</summary>
    private static SessionStatement SetConfig(ReadOnlySpan<byte> sql, SessionStatement statement, SqlLexer lexer)
    {
        SqlToken name = lexer.Next();
        if (IsWord(sql, name, "pg_catalog"u8))
        {
            if (!IsSymbol(lexer.Next(), '.')) return statement;
            name = lexer.Next();
        }
        if (!IsWord(sql, name, "set_config"u8) || !IsSymbol(lexer.Next(), '(')) return statement;
        if (!TryLiteral(ref lexer, out Range setting) || !IsSymbol(lexer.Next(), ',')) return statement;
        if (!TryLiteral(ref lexer, out Range value) || !IsSymbol(lexer.Next(), ',')) return statement;
        if (!IsWord(sql, lexer.Next(), "false"u8) || !IsSymbol(lexer.Next(), ')') || !IsEnd(lexer.Next())) return statement;
        return statement with { Form = SettingForm.SetConfig, Name = setting, Value = value };
    }

    private static bool TryLiteral(ref SqlLexer lexer, out Range literal)
    {
        SqlToken token = lexer.Next();
        literal = default;
        if (token is not { Kind: SqlTokenKind.String, First: (byte)'\'' }) return false;
        int end = token.End;
        while (lexer.Peek() is { Kind: SqlTokenKind.String, First: (byte)'\'' } more && more.Start == end) end = lexer.Next().End;
        literal = token.Start..end;
        return true;
    }

    private static bool IsEnd(SqlToken token) => token.Kind == SqlTokenKind.End || IsSymbol(token, ';');

    private static bool IsSymbol(SqlToken token, char symbol) => token.Kind == SqlTokenKind.Symbol && token.First == symbol;

    private static bool IsWord(ReadOnlySpan<byte> sql, SqlToken token, ReadOnlySpan<byte> lower)
        => token.Kind == SqlTokenKind.Word && Ascii.EqualsIgnoreCase(sql[token.Start..token.End], lower);

    private static bool Is(ReadOnlySpan<byte> sql, SqlToken token, SqlKeyword keyword)
        => token.Kind == SqlTokenKind.Word && SqlKeywords.Find(sql[token.Start..token.End]) == keyword;
}
