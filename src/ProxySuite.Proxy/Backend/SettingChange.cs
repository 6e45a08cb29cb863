using System.Text;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Backend;

/// <summary>A SET or RESET of the client that can be repeated on another server: what the session journal holds.</summary>
/// <param name="Name">Setting in lower case; null for RESET ALL.</param>
/// <param name="SqlValue">Value as the client wrote it; null for a reset.</param>
internal sealed record SettingChange(string? Name, string? SqlValue)
{
    public static readonly SettingChange ResetAll = new(null, null);

    /// <summary>Longest statement that is repeated, in bytes: the journal is kept as long as its client is there.</summary>
    private const int TextMax = 4096;

    // A random seed is consumed by use, and a transaction's own characteristics end with it: repeating either would change results.
    // What changes how the server reads a text is not carried either: the scanner reads it as the default has it, so such a session stays by itself.
    private static readonly string[] NotRepeatable =
        ["seed", "transaction_isolation", "transaction_read_only", "transaction_deferrable", "standard_conforming_strings", "backslash_quote"];

    /// <summary>Reads the change out of a statement that is one SET or RESET.</summary>
    /// <returns>Null when it is none, or one that cannot be repeated as it stands: the client is pinned then.</returns>
    public static SettingChange? From(ReadOnlySpan<byte> sql, in StatementFacts facts)
    {
        if (facts.SettingForm == SettingForm.None || sql.Length > TextMax || facts.Traits.HasFlag(StatementTraits.SetLocal) || facts.Traits.HasFlag(StatementTraits.SetRoleOrAuthorization)) return null;
        string name = NameOf(sql[facts.SettingName]);
        string value = Encoding.UTF8.GetString(sql[facts.SettingValue]);
        return facts.SettingForm switch
        {
            SettingForm.Assign or SettingForm.Names when (name == "client_encoding" || facts.SettingForm == SettingForm.Names) && !ClientEncodings.IsSafe(value) => null,
            SettingForm.Assign when IsRepeatable(name) => new SettingChange(name, IsWord(value, "DEFAULT") ? null : value),
            SettingForm.TimeZone when IsWord(value, "DEFAULT") || IsWord(value, "LOCAL") => new SettingChange("timezone", null),
            SettingForm.TimeZone when value.StartsWith('\'') => new SettingChange("timezone", value),
            SettingForm.Names => new SettingChange("client_encoding", value.Length == 0 || IsWord(value, "DEFAULT") ? null : value),
            SettingForm.Schema when value.StartsWith('\'') => new SettingChange("search_path", value),
            SettingForm.Reset when IsWord(name, "time zone") => new SettingChange("timezone", null),
            SettingForm.Reset when IsRepeatable(name) => new SettingChange(name, null),
            SettingForm.ResetAll => ResetAll,
            _ => null,
        };
    }

    /// <summary>Settings after this change.</summary>
    /// <param name="settings">Settings before.</param>
    /// <param name="resetTo">What a reset falls back to.</param>
    public SessionSettings Apply(SessionSettings settings, SessionSettings resetTo)
        => Name is null ? resetTo : settings.With(Name, SqlValue ?? resetTo.Find(Name));

    private static bool IsRepeatable(string name)
        => name.Length > 0 && !NotRepeatable.Contains(name) && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '.');

    private static bool IsWord(string text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);

    // Setting names do not care about case, quoted or not.
    private static string NameOf(ReadOnlySpan<byte> written)
        => Encoding.UTF8.GetString(written).Replace("\"", "", StringComparison.Ordinal).ToLowerInvariant();
}
