using System.Buffers;
using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>
/// Says what a text of SQL does to the session that runs it, with just enough lexing and no grammar. Allocates nothing. An ordinary
/// SELECT, INSERT, UPDATE, DELETE, BEGIN or COMMIT costs two vectorised passes over its bytes; only others are cut into tokens.
/// </summary>
/// <remarks>Expects UTF-8 and standard_conforming_strings = on; the proxy keeps both as they are.</remarks>
public static class SqlScanner
{
    private static readonly SearchValues<byte> BlanksAndSemicolons = SearchValues.Create(" \t\r\n\f\v;"u8);

    /// <summary>Scans the text of a Query or Parse.</summary>
    /// <param name="sql">Without terminator; any bytes.</param>
    public static StatementFacts Scan(ReadOnlySpan<byte> sql)
    {
        StatementTraits traits = SuspectSearch.Find(sql, out bool hasTempWord);
        return !hasTempWord && TryScanOrdinary(sql, traits, out StatementFacts facts) ? facts : ScanTokens(sql, traits);
    }

    // One statement of a kind whose words beyond the first change nothing for the session: names in it were looked for already.
    private static bool TryScanOrdinary(ReadOnlySpan<byte> sql, StatementTraits traits, out StatementFacts facts)
    {
        facts = default;
        int semicolon = sql.IndexOf((byte)';');
        int end = semicolon < 0 ? sql.Length : semicolon;
        if (semicolon >= 0 && sql[end..].ContainsAnyExcept(BlanksAndSemicolons))
        {
            return false;
        }

        var lexer = new SqlLexer(sql[..end]);
        SqlToken first = lexer.Next();
        if (first.Kind != SqlTokenKind.Word)
        {
            return false;
        }

        StatementKind kind = OrdinaryKind(sql[first.Start..first.End]);
        switch (kind)
        {
            case StatementKind.None:
                return false;
            case StatementKind.Begin:
                traits |= StatementTraits.BeginsTransaction;
                break;
            case StatementKind.Commit or StatementKind.Rollback:
                // AND CHAIN, PREPARED, TO SAVEPOINT: to be looked at.
                if (first.End != end)
                {
                    return false;
                }

                traits |= StatementTraits.EndsTransaction;
                break;
        }

        facts = new StatementFacts { StatementCount = 1, FirstKind = kind, Traits = traits };
        return true;
    }

    private static StatementKind OrdinaryKind(ReadOnlySpan<byte> word) => word.Length switch
    {
        4 when Ascii.EqualsIgnoreCase(word, "with"u8) => StatementKind.With,
        5 when Ascii.EqualsIgnoreCase(word, "begin"u8) => StatementKind.Begin,
        6 when Ascii.EqualsIgnoreCase(word, "select"u8) => StatementKind.Select,
        6 when Ascii.EqualsIgnoreCase(word, "insert"u8) => StatementKind.Insert,
        6 when Ascii.EqualsIgnoreCase(word, "update"u8) => StatementKind.Update,
        6 when Ascii.EqualsIgnoreCase(word, "delete"u8) => StatementKind.Delete,
        6 when Ascii.EqualsIgnoreCase(word, "commit"u8) => StatementKind.Commit,
        8 when Ascii.EqualsIgnoreCase(word, "rollback"u8) => StatementKind.Rollback,
        _ => StatementKind.None,
    };

    private static StatementFacts ScanTokens(ReadOnlySpan<byte> sql, StatementTraits traits)
    {
        int count = 0;
        var lexer = new SqlLexer(sql);
        StatementKind firstKind = StatementKind.None;
        SettingStatement setting = default;
        while (true)
        {
            SqlToken first = lexer.Next();
            if (first.Kind == SqlTokenKind.End)
            {
                break;
            }

            if (first is { Kind: SqlTokenKind.Symbol, First: (byte)';' })
            {
                continue;
            }

            count++;
            StatementTokens statement = StatementTokens.Read(sql, ref lexer, first);
            traits |= statement.Traits;
            setting = statement.Setting;
            if (count == 1)
            {
                firstKind = statement.Kind;
            }
        }

        return new StatementFacts
        {
            StatementCount = count,
            FirstKind = firstKind,
            Traits = traits,
            SettingForm = count == 1 ? setting.Form : SettingForm.None,
            SettingName = count == 1 ? setting.Name : default,
            SettingValue = count == 1 ? setting.Value : default,
        };
    }
}
