using System.Collections.Frozen;
using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>
/// The SQL that subscribers send on a replication connection, by list: one SELECT, COPY … TO STDOUT, a read-only transaction, a few settings. Such a session has the attribute REPLICATION, so
/// nothing that writes or defines is served there; what a function in a SELECT does is for the engine to bound.
/// </summary>
internal static class ReplicationSql
{
    private static readonly FrozenSet<string> Settings = FrozenSet.Create(StringComparer.Ordinal,
        "application_name", "client_encoding", "datestyle", "intervalstyle", "extra_float_digits", "timezone", "bytea_output", "client_min_messages", "search_path");

    public static ReplicationCommand Read(ReadOnlySpan<byte> sql)
    {
        var lexer = new SqlLexer(sql);
        var tokens = new List<SqlToken>();
        int depth = 0;
        for (SqlToken token = lexer.Next(); token.Kind != SqlTokenKind.End; token = lexer.Next())
        {
            // A comment in front is not what any subscriber sends, and the walsender's own scanner does not know them.
            if (tokens.Count == 0 && token.Start != 0) return Refuse(ReplicationRefusal.Statement, "a statement behind a comment");
            depth += token is { Kind: SqlTokenKind.Symbol, First: (byte)'(' } ? 1 : token is { Kind: SqlTokenKind.Symbol, First: (byte)')' } ? -1 : 0;
            bool isSemicolon = token is { Kind: SqlTokenKind.Symbol, First: (byte)';' };
            if (isSemicolon && depth == 0 && tokens.Count > 0 && lexer.Peek().Kind == SqlTokenKind.End) break;
            if (isSemicolon || depth < 0) return Refuse(ReplicationRefusal.Statement, "more than one statement");
            tokens.Add(token);
        }
        if (tokens.Count == 0) return Refuse(ReplicationRefusal.Statement, "an empty statement");
        string first = Word(sql, tokens[0]);
        return first switch
        {
            "SELECT" => FunctionIn(sql, tokens) is { } function ? Refuse(ReplicationRefusal.Function, function)
                : new ReplicationCommand(ReplicationKind.Select, Words: IsClearingSearchPath(sql, tokens) ? "SET search_path = ''; SELECT '' AS set_config" : Text(sql, tokens)),
            "COPY" => !IsCopyOut(sql, tokens) ? Refuse(ReplicationRefusal.Statement, "COPY other than TO STDOUT")
                : FunctionIn(sql, tokens) is { } function ? Refuse(ReplicationRefusal.Function, function) : new ReplicationCommand(ReplicationKind.Copy, Words: Text(sql, tokens)),
            "BEGIN" or "START" => Begin(sql, tokens),
            "COMMIT" or "END" => Plain(sql, tokens, "COMMIT"),
            "ROLLBACK" or "ABORT" => Plain(sql, tokens, "ROLLBACK"),
            "SET" => Set(sql, tokens),
            _ => Refuse(ReplicationRefusal.Statement, first.Length > 0 ? first : "this statement"),
        };
    }

    /// <summary>Every walsender client of libpq begins with it. Under lockdown strict set_config is closed, and this one call is harmless.</summary>
    private static bool IsClearingSearchPath(ReadOnlySpan<byte> sql, List<SqlToken> tokens)
    {
        string[] expected = ["SELECT", "PG_CATALOG", ".", "SET_CONFIG", "(", "'SEARCH_PATH'", ",", "''", ",", "FALSE", ")"];
        if (tokens.Count != expected.Length) return false;
        for (int i = 0; i < expected.Length; i++)
        {
            if (!Ascii.EqualsIgnoreCase(sql[tokens[i].Start..tokens[i].End], expected[i])) return false;
        }
        return true;
    }

    // The engine refuses them (EXECUTE is taken from everybody); said here in words.
    private static string? FunctionIn(ReadOnlySpan<byte> sql, List<SqlToken> tokens)
    {
        for (int i = 0; i + 1 < tokens.Count; i++)
        {
            if (tokens[i].Kind is not (SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier) || tokens[i + 1] is not { Kind: SqlTokenKind.Symbol, First: (byte)'(' }) continue;
            string name = Encoding.UTF8.GetString(sql[tokens[i].Start..tokens[i].End]).Trim('"').ToLowerInvariant();
            if (name.Contains("replication_slot", StringComparison.Ordinal) || name.Contains("logical_slot", StringComparison.Ordinal) || name == "pg_logical_emit_message") return name;
        }
        return null;
    }

    private static bool IsCopyOut(ReadOnlySpan<byte> sql, List<SqlToken> tokens)
    {
        int depth = 0;
        for (int i = 1; i < tokens.Count; i++)
        {
            depth += tokens[i] is { Kind: SqlTokenKind.Symbol, First: (byte)'(' } ? 1 : tokens[i] is { Kind: SqlTokenKind.Symbol, First: (byte)')' } ? -1 : 0;
            if (depth > 0) continue;
            string word = Word(sql, tokens[i]);
            if (word is "FROM" or "PROGRAM") return false;
            if (word == "TO") return i + 1 < tokens.Count && Word(sql, tokens[i + 1]) == "STDOUT";
        }
        return false;
    }

    // Written anew: a transaction here reads, whatever was asked for.
    private static ReplicationCommand Begin(ReadOnlySpan<byte> sql, List<SqlToken> tokens)
    {
        string said = "";
        for (int i = 1; i < tokens.Count; i++)
        {
            if (tokens[i] is { Kind: SqlTokenKind.Symbol, First: (byte)',' }) continue;
            if (tokens[i].Kind != SqlTokenKind.Word) return Refuse(ReplicationRefusal.Statement, "this form of BEGIN");
            string word = Word(sql, tokens[i]);
            if (i == 1 && word is "WORK" or "TRANSACTION") continue;
            said += said.Length == 0 ? word : ' ' + word;
        }
        string? level = said.Replace("READ ONLY", "", StringComparison.Ordinal).Trim() switch
        {
            "" => "",
            "ISOLATION LEVEL REPEATABLE READ" => " ISOLATION LEVEL REPEATABLE READ",
            "ISOLATION LEVEL SERIALIZABLE" => " ISOLATION LEVEL SERIALIZABLE",
            "ISOLATION LEVEL READ COMMITTED" or "ISOLATION LEVEL READ UNCOMMITTED" => " ISOLATION LEVEL READ COMMITTED",
            _ => null,
        };
        return level is null ? Refuse(ReplicationRefusal.Statement, "a transaction that does not only read") : new ReplicationCommand(ReplicationKind.Begin, Words: $"BEGIN READ ONLY{level}");
    }

    private static ReplicationCommand Plain(ReadOnlySpan<byte> sql, List<SqlToken> tokens, string word)
        => tokens.Count == 1 || (tokens.Count == 2 && Word(sql, tokens[1]) is "WORK" or "TRANSACTION")
            ? new ReplicationCommand(ReplicationKind.EndTransaction, Words: word) : Refuse(ReplicationRefusal.Statement, $"this form of {word}");

    // SET [SESSION] name = value, one value: written anew.
    private static ReplicationCommand Set(ReadOnlySpan<byte> sql, List<SqlToken> tokens)
    {
        int at = 1;
        if (at < tokens.Count && Word(sql, tokens[at]) == "SESSION") at++;
        if (at + 2 >= tokens.Count) return Refuse(ReplicationRefusal.Statement, "this form of SET");
        string name = Word(sql, tokens[at]).ToLowerInvariant();
        bool isAssigned = tokens[at + 1] is { Kind: SqlTokenKind.Symbol, First: (byte)'=' } || Word(sql, tokens[at + 1]) == "TO";
        string value = Encoding.UTF8.GetString(sql[tokens[at + 2].Start..tokens[^1].End]);
        // A word, a number, or a plain string; a number comes digit by digit.
        bool isPlain = value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') || (at + 3 == tokens.Count && tokens[at + 2] is { Kind: SqlTokenKind.String, First: (byte)'\'' });
        if (!isAssigned || !isPlain || !Settings.Contains(name)) return Refuse(ReplicationRefusal.Statement, $"SET {name}".TrimEnd());
        return new ReplicationCommand(ReplicationKind.Set, Words: $"SET {name} = {value}");
    }

    private static string Text(ReadOnlySpan<byte> sql, List<SqlToken> tokens) => Encoding.UTF8.GetString(sql[..tokens[^1].End]);

    private static string Word(ReadOnlySpan<byte> sql, SqlToken token)
        => token.Kind == SqlTokenKind.Word ? Encoding.UTF8.GetString(sql[token.Start..token.End]).ToUpperInvariant() : "";

    private static ReplicationCommand Refuse(ReplicationRefusal refusal, string subject) => ReplicationCommand.Refuse(refusal, subject);
}
