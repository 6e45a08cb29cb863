using System.Text;
using System.Text.RegularExpressions;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Backend;

/// <summary>A SET or RESET of the client that can be repeated on another server.</summary>
/// <param name="Name">Setting in lower case; null for RESET ALL.</param>
/// <param name="SqlValue">Value as SQL takes it behind <c>SET name =</c>; null for a reset.</param>
internal sealed partial record SettingChange(string? Name, string? SqlValue) : SessionChange
{
    public static readonly SettingChange ResetAll = new(null, null);

    /// <summary>Longest value that is repeated, in bytes: the journal is kept as long as its client is there.</summary>
    private const int ValueMax = 4096;

    // A random seed is consumed by use, and a transaction's own characteristics end with it: repeating either would change results.
    // What changes how the server reads a text is not carried either: the scanner reads it as the default has it, so such a session stays by itself.
    // Of the two that are identities set_config knows them as settings, too.
    private static readonly string[] NotRepeatable =
        ["seed", "transaction_isolation", "transaction_read_only", "transaction_deferrable", "backslash_quote", "role", "session_authorization"];

    // A list of names: in one literal it would be one name, whatever commas are in it (GUC_LIST_QUOTE).
    private static readonly string[] ListsOfNames = ["search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"];

    /// <inheritdoc/>
    public override bool HasSetting => true;

    /// <summary>Reads the change out of one statement.</summary>
    /// <returns>Null when it cannot be repeated as it stands.</returns>
    public static SessionChange? From(ReadOnlySpan<byte> sql, in SessionStatement statement)
    {
        (int _, int valueLength) = statement.Value.GetOffsetAndLength(sql.Length);
        if (valueLength > ValueMax) return null;
        string written = Encoding.UTF8.GetString(sql[statement.Name]);
        string name = SettingName.Current(written.Replace("\"", "", StringComparison.Ordinal).ToLowerInvariant());
        string value = Encoding.UTF8.GetString(sql[statement.Value]);
        // A name that the scanner takes for the temporary schema's pins; see SettingStatement.
        return statement.Form switch
        {
            SettingForm.Assign when IsRepeatable(name, value) => Of(name, value),
            SettingForm.TimeZone when IsWord(value, "DEFAULT") || IsWord(value, "LOCAL") => new SettingChange("timezone", null),
            SettingForm.TimeZone when value.Length > 0 => new SettingChange("timezone", value),
            SettingForm.Names when IsRepeatable("client_encoding", value) => Of("client_encoding", value),
            SettingForm.Schema when value.StartsWith('\'') => new SettingChange("search_path", value),
            SettingForm.XmlOption when value.Length > 0 => new SettingChange("xmloption", value),
            SettingForm.Characteristics => Characteristics(value),
            SettingForm.SetConfig => SetConfig(SettingName.Current(Unquoted(written).ToLowerInvariant()), Unquoted(value)),
            SettingForm.Reset when IsWord(name, "time zone") => new SettingChange("timezone", null),
            SettingForm.Reset when IsRepeatable(name, "") => new SettingChange(name, null),
            SettingForm.ResetAll => ResetAll,
            _ => null,
        };
    }

    /// <summary>Settings after this change.</summary>
    /// <param name="settings">Settings before.</param>
    /// <param name="resetTo">What a reset falls back to.</param>
    public SessionSettings Apply(SessionSettings settings, SessionSettings resetTo)
        => Name is null ? resetTo : settings.With(Name, SqlValue ?? resetTo.Find(Name));

    private static SettingChange Of(string name, string value) => new(name, value.Length == 0 || IsWord(value, "DEFAULT") ? null : value);

    private static SettingChange? SetConfig(string name, string value)
    {
        if (name == "search_path") return Sql.NameList(value) is { } list ? new SettingChange(name, list) : null;
        return !ListsOfNames.Contains(name) && IsRepeatable(name, value) ? new SettingChange(name, Sql.Literal(value)) : null;
    }

    // AS TRANSACTION mode [, …]: three settings by another name (sql-set-transaction). Drivers write it so.
    private static SessionChange? Characteristics(string value)
    {
        string modes = Blanks().Replace(value, " ").ToUpperInvariant();
        if (!modes.StartsWith("AS TRANSACTION ", StringComparison.Ordinal)) return null;
        var changes = new List<SessionChange>();
        for (string rest = modes["AS TRANSACTION ".Length..].TrimStart(' ', ','); rest.Length > 0;)
        {
            (string Words, string Name, string Value) mode = Array.Find(Modes, mode => rest.StartsWith(mode.Words, StringComparison.Ordinal));
            if (mode.Words is null) return null;
            changes.Add(new SettingChange(mode.Name, mode.Value));
            rest = rest[mode.Words.Length..];
            if (rest.Length > 0 && rest[0] is not (' ' or ',')) return null;
            rest = rest.TrimStart(' ', ',');
        }
        return changes.Count switch { 0 => null, 1 => changes[0], _ => new SessionChanges(changes) };
    }

    private static readonly (string Words, string Name, string Value)[] Modes =
    [
        ("ISOLATION LEVEL SERIALIZABLE", "default_transaction_isolation", "'serializable'"),
        ("ISOLATION LEVEL REPEATABLE READ", "default_transaction_isolation", "'repeatable read'"),
        ("ISOLATION LEVEL READ COMMITTED", "default_transaction_isolation", "'read committed'"),
        ("ISOLATION LEVEL READ UNCOMMITTED", "default_transaction_isolation", "'read uncommitted'"),
        ("READ ONLY", "default_transaction_read_only", "on"),
        ("READ WRITE", "default_transaction_read_only", "off"),
        ("NOT DEFERRABLE", "default_transaction_deferrable", "off"),
        ("DEFERRABLE", "default_transaction_deferrable", "on"),
    ];

    private static bool IsRepeatable(string name, string value)
        => name.Length > 0 && !NotRepeatable.Contains(name) && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '.')
        && (name != "client_encoding" || ClientEncodings.IsSafe(value))
        // As it is by default: drivers set it all the same, and nothing is read otherwise than before.
        && (name != "standard_conforming_strings" || value.Trim('\'').ToLowerInvariant() is "on" or "true" or "1" or "yes");

    private static bool IsWord(string text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);

    private static string Unquoted(string literal) => literal.Length < 2 ? "" : literal[1..^1].Replace("''", "'", StringComparison.Ordinal);

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
