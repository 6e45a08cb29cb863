using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>Reads one statement's words for what the rules say of it; settings are another matter.</summary>
/// <param name="statement">A text that ends where the statement does.</param>
/// <param name="first">The statement's first word.</param>
internal readonly ref struct StatementReader(ReadOnlySpan<byte> statement, SqlToken first)
{
    // What an owner's migrations are made of, and what a subscriber to its tables needs. Functions, triggers and rules run text that nobody sees, and are not among them.
    private static readonly string[] MadeOnStrictShards =
        ["table", "unlogged", "index", "unique", "view", "recursive", "materialized", "sequence", "type", "domain", "statistics", "policy", "collation", "publication"];

    private static readonly string[] Upkeep = ["comment", "reindex", "cluster", "refresh"];

    private readonly ReadOnlySpan<byte> _statement = statement;
    private readonly SqlToken _first = first;

    /// <summary>Why it does not pass, with its first words; None when it does.</summary>
    public (StatementRefusal Refusal, string Subject) WhyRefused(StatementTokens tokens, StatementRules rules)
    {
        switch (tokens.Kind)
        {
            case StatementKind.Alter when IsAlterRole():
                return (StatementRefusal.AlterRole, Words(2));
            case StatementKind.Lock when !rules.AllowsTableLocks:
                return (StatementRefusal.LockTable, Words(1));
            case StatementKind.Copy when IsCopyOfServerFile():
                return (StatementRefusal.CopyFile, Words(1));
            case StatementKind.Load:
                return (StatementRefusal.Load, Words(1));
            case StatementKind.Prepare when !rules.AllowsTwoPhase && tokens.Traits.HasFlag(StatementTraits.EndsTransaction):
                return (StatementRefusal.PrepareTransaction, Words(2));
        }
        return rules.IsStrict && !IsOnTheList(tokens.Kind, rules) ? (StatementRefusal.NotOnTheList, Words(2)) : default;
    }

    private bool IsOnTheList(StatementKind kind, StatementRules rules)
    {
        switch (kind)
        {
            case StatementKind.Explain:
                return rules.AllowsExplain;
            case StatementKind.Listen or StatementKind.Unlisten or StatementKind.Notify:
                return rules.AllowsNotifications;
            case StatementKind.Do or StatementKind.Load:
                return false;
            case StatementKind.Truncate or StatementKind.Grant or StatementKind.Revoke or StatementKind.Vacuum or StatementKind.Analyze:
                return rules.AllowsDdl;
            case StatementKind.Create or StatementKind.Alter or StatementKind.Drop:
                return rules.AllowsDdl && IsMadeOnStrictShards();
            case StatementKind.Other:
                return rules.AllowsDdl && IsAny(_first, Upkeep);
            default:
                return true;
        }
    }

    private bool IsMadeOnStrictShards()
    {
        var lexer = new SqlLexer(_statement, _first.End);
        SqlToken token = lexer.Next();
        if (Is(token, "or"))
        {
            lexer.Next();
            token = lexer.Next();
        }
        return IsAny(token, MadeOnStrictShards);
    }

    private bool IsAny(SqlToken token, string[] words)
    {
        foreach (string word in words)
        {
            if (Is(token, word)) return true;
        }
        return false;
    }

    // ALTER USER MAPPING is about foreign servers.
    private bool IsAlterRole()
    {
        var lexer = new SqlLexer(_statement, _first.End);
        SqlToken token = lexer.Next();
        return Is(token, "role") || Is(token, "group") || (Is(token, "user") && !Is(lexer.Next(), "mapping"));
    }

    // COPY … FROM and TO are followed by STDIN, STDOUT, PROGRAM, or the name of a file.
    private bool IsCopyOfServerFile()
    {
        var lexer = new SqlLexer(_statement, _first.End);
        int depth = 0;
        for (SqlToken token = lexer.Next(); token.Kind != SqlTokenKind.End; token = lexer.Next())
        {
            if (token.Kind == SqlTokenKind.Symbol) depth += token.First == '(' ? 1 : token.First == ')' ? -1 : 0;
            if (depth > 0 || !(Is(token, "from") || Is(token, "to"))) continue;
            SqlToken target = lexer.Next();
            return target.Kind == SqlTokenKind.String || Is(target, "program");
        }
        return false;
    }

    private bool Is(SqlToken token, string word) => token.Kind == SqlTokenKind.Word && StatementFilter.IsWord(_statement[token.Start..token.End], word);

    /// <summary>The first words in capitals; none longer than any keyword is, so that nobody writes the message's text.</summary>
    private string Words(int count)
    {
        var lexer = new SqlLexer(_statement, _first.Start);
        var words = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            SqlToken token = lexer.Next();
            ReadOnlySpan<byte> word = _statement[token.Start..token.End];
            if (token.Kind != SqlTokenKind.Word || word.Length > 20 || word.ContainsAnyExceptInRange((byte)'A', (byte)'z')) break;
            if (i > 0) words.Append(' ');
            words.Append(Encoding.ASCII.GetString(word).ToUpperInvariant());
        }
        return words.Length == 0 ? "this statement" : words.ToString();
    }
}
