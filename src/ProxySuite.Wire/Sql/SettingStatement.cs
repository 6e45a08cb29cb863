using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>A SET or RESET taken apart (sql-set, sql-reset; gram.y, VariableSetStmt).</summary>
internal readonly record struct SettingStatement(StatementTraits Traits, SettingForm Form, Range Name, Range Value)
{
    /// <param name="sql">The whole text.</param>
    /// <param name="lexer">Behind the word SET.</param>
    /// <param name="end">Where the last token of the statement ends.</param>
    public static SettingStatement ReadSet(ReadOnlySpan<byte> sql, SqlLexer lexer, int end)
    {
        SqlToken token = lexer.Next();
        SqlKeyword word = FormWord(sql, token, lexer);
        StatementTraits lifetime = StatementTraits.SetsSession;
        if (word == SqlKeyword.Local)
        {
            lifetime = StatementTraits.SetLocal;
            token = lexer.Next();
            word = FormWord(sql, token, lexer);
        }
        else if (word == SqlKeyword.Session && Keyword(sql, lexer.Peek()) is not (SqlKeyword.Authorization or SqlKeyword.Characteristics))
        {
            token = lexer.Next();
            word = FormWord(sql, token, lexer);
        }

        SqlKeyword second = Keyword(sql, lexer.Peek());
        return (word, second) switch
        {
            (SqlKeyword.Session, SqlKeyword.Authorization)
                => Words(SettingForm.SessionAuthorization, lifetime | StatementTraits.SetRoleOrAuthorization, ref lexer, token.Start, words: 2, end),
            (SqlKeyword.Role, _) => Words(SettingForm.Role, lifetime | StatementTraits.SetRoleOrAuthorization, ref lexer, token.Start, words: 1, end),
            (SqlKeyword.Time, SqlKeyword.Zone) => Words(SettingForm.TimeZone, lifetime, ref lexer, token.Start, words: 2, end),
            (SqlKeyword.Names, _) => Words(SettingForm.Names, lifetime | Reading(lifetime), ref lexer, token.Start, words: 1, end),
            (SqlKeyword.Schema, _) => HidingNames(sql, Words(SettingForm.Schema, lifetime, ref lexer, token.Start, words: 1, end)),
            (SqlKeyword.Transaction or SqlKeyword.Constraints, _) => new(StatementTraits.SetLocal, SettingForm.Other, default, default),
            (SqlKeyword.Session, SqlKeyword.Characteristics) => Words(SettingForm.Characteristics, lifetime, ref lexer, token.Start, words: 2, end),
            (SqlKeyword.Xml, _) => Words(SettingForm.XmlOption, lifetime, ref lexer, token.Start, words: 2, end),
            (SqlKeyword.Session or SqlKeyword.Catalog, _) => new(lifetime, SettingForm.Other, default, default),
            _ => Assignment(sql, lifetime, ref lexer, token, end),
        };
    }

    /// <param name="sql">The whole text.</param>
    /// <param name="lexer">Behind the word RESET.</param>
    /// <param name="end">Where the last token of the statement ends.</param>
    public static SettingStatement ReadReset(ReadOnlySpan<byte> sql, SqlLexer lexer, int end)
    {
        SqlToken token = lexer.Next();
        if (token.Kind == SqlTokenKind.End || token.Start >= end)
        {
            return new(StatementTraits.SetsSession, SettingForm.Other, default, default);
        }

        if (Keyword(sql, token) == SqlKeyword.All && token.End == end)
        {
            return new(StatementTraits.SetsSession, SettingForm.ResetAll, default, default);
        }

        bool isAuthorization = Keyword(sql, token) == SqlKeyword.Session && Keyword(sql, lexer.Peek()) == SqlKeyword.Authorization;
        StatementTraits identity = isAuthorization || NamesIdentity(sql[token.Start..end])
            ? StatementTraits.SetRoleOrAuthorization
            : StatementTraits.None;
        return new(StatementTraits.SetsSession | identity, SettingForm.Reset, token.Start..end, default);
    }

    private static SettingStatement Words(SettingForm form, StatementTraits traits, ref SqlLexer lexer, int start, int words, int end)
    {
        int nameEnd = words == 1 ? lexer.Position : lexer.Next().End;
        return new(traits, form, start..nameEnd, ValueFrom(lexer, end));
    }

    private static SettingStatement Assignment(ReadOnlySpan<byte> sql, StatementTraits lifetime, ref SqlLexer lexer, SqlToken first, int end)
    {
        SqlToken last = first;
        SqlToken token = lexer.Next();
        while (token is { Kind: SqlTokenKind.Symbol, First: (byte)'.' })
        {
            last = lexer.Next();
            token = lexer.Next();
        }

        Range name = first.Start..last.End;
        if (first.Start >= end || last.End > end || NamesIdentity(sql[name]))
        {
            lifetime |= StatementTraits.SetRoleOrAuthorization;
        }

        if (NamesReading(sql[name])) lifetime |= Reading(lifetime);
        bool isAssignment = token.End <= end && (token is { Kind: SqlTokenKind.Symbol, First: (byte)'=' } || Keyword(sql, token) == SqlKeyword.To);
        return isAssignment
            ? HidingNames(sql, new(lifetime, SettingForm.Assign, name, ValueFrom(lexer, end)))
            : new(lifetime, SettingForm.Other, default, default);
    }

    private static Range ValueFrom(SqlLexer lexer, int end)
    {
        int start = lexer.Next().Start;
        return start < end ? start..end : end..end;
    }

    // SET search_path = E'pg\x5ftemp' puts what follows into the temporary schema without naming it.
    private static SettingStatement HidingNames(ReadOnlySpan<byte> sql, SettingStatement statement)
        => sql[statement.Value].Contains((byte)'\\') ? statement with { Traits = statement.Traits | StatementTraits.CreatesTemp } : statement;

    // The keyword of a form, unless it is the beginning of a name: SET local.x = 1 sets a setting called local.x for the session.
    private static SqlKeyword FormWord(ReadOnlySpan<byte> sql, SqlToken token, SqlLexer behind)
    {
        SqlToken next = behind.Peek();
        bool isName = next is { Kind: SqlTokenKind.Symbol, First: (byte)'.' or (byte)'=' } || Keyword(sql, next) == SqlKeyword.To;
        return isName ? SqlKeyword.None : Keyword(sql, token);
    }

    private static SqlKeyword Keyword(ReadOnlySpan<byte> sql, SqlToken token)
        => token.Kind == SqlTokenKind.Word ? SqlKeywords.Find(sql[token.Start..token.End]) : SqlKeyword.None;

    // Both are settings as well: SET "Role" = x, SET session_authorization TO x. Names of settings have no case even in quotes.
    private static bool NamesIdentity(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> bare = name.Trim((byte)'"');
        return Ascii.EqualsIgnoreCase(bare, "role"u8) || Ascii.EqualsIgnoreCase(bare, "session_authorization"u8);
    }
    // What lasts longer than the transaction is looked at by value: some of it can be repeated on another server.
    private static StatementTraits Reading(StatementTraits lifetime)
        => lifetime.HasFlag(StatementTraits.SetLocal) ? StatementTraits.ChangesReading : StatementTraits.None;

    private static bool NamesReading(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> bare = name.Trim((byte)'"');
        return Ascii.EqualsIgnoreCase(bare, "standard_conforming_strings"u8) || Ascii.EqualsIgnoreCase(bare, "backslash_quote"u8)
            || Ascii.EqualsIgnoreCase(bare, "client_encoding"u8);
    }
}
