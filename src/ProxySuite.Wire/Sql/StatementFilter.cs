using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>
/// Decides which statements of a client may reach the server as they are. It protects plans and neighbours; that nobody reads another tenant's rows
/// never depends on it, as SQL run inside functions is out of its sight.
/// </summary>
/// <remarks>Off the hot path: only texts in which <see cref="SqlScanner"/> has seen one of <see cref="Matters"/> are read by it, a second time.</remarks>
public static class StatementFilter
{
    /// <summary>Traits of texts that have to be judged; all others pass under any rules.</summary>
    public const StatementTraits Matters = StatementTraits.Guarded | StatementTraits.SetConfig | StatementTraits.SetsSession | StatementTraits.SetLocal
        | StatementTraits.SetRoleOrAuthorization;

    /// <summary>Judges a text; allocates only when it does not pass, or sets something.</summary>
    /// <returns>Null when it may go to the server as it is.</returns>
    public static StatementVerdict? Judge(ReadOnlySpan<byte> sql, StatementRules rules)
    {
        List<LimitedSetting>? limited = null;
        var lexer = new SqlLexer(sql);
        while (true)
        {
            SqlToken first = lexer.Next();
            if (first.Kind == SqlTokenKind.End) break;
            if (first is { Kind: SqlTokenKind.Symbol, First: (byte)';' }) continue;
            StatementTokens statement = StatementTokens.Read(sql, ref lexer, first);
            ReadOnlySpan<byte> upToEnd = sql[..lexer.Position];
            while (first is { Kind: SqlTokenKind.Symbol, First: (byte)'(' }) first = new SqlLexer(upToEnd, first.End).Next();
            var refusal = new StatementReader(upToEnd, first).WhyRefused(statement, rules);
            if (refusal.Refusal != StatementRefusal.None) return new StatementVerdict(refusal.Refusal, refusal.Subject);
            StatementVerdict? setting = statement.Kind == StatementKind.Set
                ? JudgeSet(sql, statement.Setting, rules, ref limited)
                : JudgeSetConfig(upToEnd, first, rules, ref limited);
            if (setting is not null) return setting;
        }
        return limited is null ? null : new StatementVerdict(limited);
    }

    private static StatementVerdict? JudgeSet(ReadOnlySpan<byte> sql, SettingStatement set, StatementRules rules, ref List<LimitedSetting>? limited)
    {
        ReadOnlySpan<byte> value = sql[set.Value];
        switch (set.Form)
        {
            case SettingForm.Role:
                return IsWord(value, "none") ? null : new(StatementRefusal.SetRole, "SET ROLE");
            case SettingForm.SessionAuthorization:
                return IsWord(value, "default") ? null : new(StatementRefusal.SetRole, "SET SESSION AUTHORIZATION");
            case SettingForm.Names:
                return JudgeValue("client_encoding", value, set.Value, rules, ref limited);
            case SettingForm.Assign:
                return SettingName.TryRead(sql[set.Name], out string name)
                    ? JudgeValue(name, value, set.Value, rules, ref limited)
                    : new(StatementRefusal.EscapedName, "SET");
            default:
                return null;
        }
    }

    // Where it stands does not matter: in a SELECT, a VALUES, a CALL's argument, a prepared statement.
    private static StatementVerdict? JudgeSetConfig(ReadOnlySpan<byte> statement, SqlToken first, StatementRules rules, ref List<LimitedSetting>? limited)
    {
        var lexer = new SqlLexer(statement, first.Start);
        for (SqlToken token = lexer.Next(); token.Kind != SqlTokenKind.End; token = lexer.Next())
        {
            bool isCall = token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier
                && IsWord(statement[token.Start..token.End].Trim((byte)'"'), "set_config") && lexer.Peek() is { Kind: SqlTokenKind.Symbol, First: (byte)'(' };
            if (!isCall) continue;
            lexer.Next();
            SqlToken nameToken = lexer.Next();
            // A name that is worked out is anybody's guess here; what it sets is bounded by the proxy's clock, and gone when the server is handed on.
            if (nameToken.Kind != SqlTokenKind.String || !SettingNumber.TryUnquote(statement[nameToken.Start..nameToken.End], out string name)) continue;
            while (lexer.Peek() is { Kind: not SqlTokenKind.End } next && next is not { Kind: SqlTokenKind.Symbol, First: (byte)',' or (byte)')' }) lexer.Next();
            lexer.Next();
            SqlLexer behindComma = lexer;
            SqlToken valueToken = behindComma.Next();
            bool isLiteral = valueToken.Kind == SqlTokenKind.String && behindComma.Peek() is { Kind: SqlTokenKind.Symbol, First: (byte)',' };
            ReadOnlySpan<byte> value = isLiteral ? statement[valueToken.Start..valueToken.End] : default;
            StatementVerdict? verdict = JudgeValue(name.ToLowerInvariant(), value, valueToken.Start..valueToken.End, rules, ref limited, isLiteral);
            if (verdict is not null) return verdict;
        }
        return null;
    }

    private static StatementVerdict? JudgeValue(
        string name, ReadOnlySpan<byte> value, Range at, StatementRules rules, ref List<LimitedSetting>? limited, bool isKnown = true)
    {
        name = SettingName.Current(name);
        if (isKnown && IsWord(value, "default")) return null;
        switch (name)
        {
            case "role":
                return isKnown && IsText(value, "none") ? null : new(StatementRefusal.SetRole, "SET ROLE");
            case "session_authorization":
                return new(StatementRefusal.SetRole, "SET SESSION AUTHORIZATION");
            case "client_encoding":
                bool isServed = isKnown && (value.IsEmpty || (SettingNumber.TryUnquote(value, out string encoding) && ClientEncodings.IsSafe(encoding)));
                return isServed ? null : new(StatementRefusal.ClientEncoding, isKnown ? Encoding.UTF8.GetString(value).Trim('\'', '"') : "");
            case "standard_conforming_strings":
                return isKnown && IsOn(value) ? null : new(StatementRefusal.StandardConformingStrings, name);
        }
        if (rules.Guarded.TryGetValue(name, out string? own))
        {
            // An application that sets what is set already changes nothing.
            return isKnown && own is not null && IsText(value, own) ? null : new(StatementRefusal.IdentitySetting, name);
        }
        if (!rules.Limits.TryGetValue(name, out SettingLimit? limit)) return null;
        if (!isKnown) return new(StatementRefusal.ComputedSetting, name);
        if (limit.IsExceededBy(value)) (limited ??= []).Add(new LimitedSetting(at, name, limit));
        return null;
    }

    private static bool IsOn(ReadOnlySpan<byte> value)
        => IsText(value, "on") || IsText(value, "true") || IsText(value, "yes") || IsText(value, "1") || IsText(value, "t") || IsText(value, "y");

    private static bool IsText(ReadOnlySpan<byte> value, string expected)
        => SettingNumber.TryUnquote(value, out string text) && text.Equals(expected, StringComparison.OrdinalIgnoreCase);

    internal static bool IsWord(ReadOnlySpan<byte> word, string expected) => Ascii.EqualsIgnoreCase(word, expected);
}

/// <summary>Names of settings as PostgreSQL compares them.</summary>
public static class SettingName
{
    /// <summary>Reads a name as written: parts in quotes or not, blanks and comments between them.</summary>
    /// <returns>False when a part is written with escapes (U&amp;"…"), so that only a server can read it.</returns>
    public static bool TryRead(ReadOnlySpan<byte> written, out string name)
    {
        name = "";
        var lexer = new SqlLexer(written);
        for (SqlToken token = lexer.Next(); token.Kind != SqlTokenKind.End; token = lexer.Next())
        {
            ReadOnlySpan<byte> part = written[token.Start..token.End];
            if (token.Kind == SqlTokenKind.QuotedIdentifier)
            {
                if (part[0] != '"') return false;
                part = part.Trim((byte)'"');
            }
            name += Encoding.UTF8.GetString(part).ToLowerInvariant();
        }
        return true;
    }

    /// <summary>The name that a setting has today for one that it had (guc.c, map_old_guc_names).</summary>
    public static string Current(string name) => name switch
    {
        "sort_mem" => "work_mem",
        "vacuum_mem" => "maintenance_work_mem",
        _ => name,
    };
}
