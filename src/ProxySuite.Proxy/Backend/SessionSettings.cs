using System.Text;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Backend;

/// <summary>
/// The settings that a client has on top of its tenant's: from its start-up packet and, later, from its own SETs. Immutable; equal values of a pool
/// are one object, so a server that already carries a client's settings is recognised by reference.
/// </summary>
internal sealed class SessionSettings : IEquatable<SessionSettings>
{
    /// <summary>Nothing beyond what the tenant's start-up packet gives every server.</summary>
    public static readonly SessionSettings None = new([]);

    // What PostgreSQL reads while it turns a text into a parse tree: input of date, time, money and text search literals, and the lexer's own rules.
    // search_path is not among them: a plan made under another one is made anew.
    private static readonly string[] ReadByParsing =
    [
        "array_nulls", "backslash_quote", "client_encoding", "datestyle", "default_text_search_config", "intervalstyle", "lc_monetary", "lc_numeric", "lc_time",
        "standard_conforming_strings", "timezone", "timezone_abbreviations", "transform_null_equals", "xmloption",
    ];

    // Sorted by name; names in lower case, values as SQL text that can stand behind "SET name = ".
    private readonly KeyValuePair<string, string>[] _sorted;
    private readonly int _hash;
    private SessionSettings? _forParsing;

    private SessionSettings(KeyValuePair<string, string>[] sorted)
    {
        _sorted = sorted;
        var hash = new HashCode();
        foreach ((string name, string value) in sorted)
        {
            hash.Add(name);
            hash.Add(value);
        }
        _hash = hash.ToHashCode();
    }

    /// <summary>Number of settings.</summary>
    public int Count => _sorted.Length;

    /// <summary>Those of these settings that change what a text means when it is parsed; custom settings never do.</summary>
    public SessionSettings ForParsing => _forParsing ??= MakeForParsing();

    private SessionSettings MakeForParsing()
    {
        KeyValuePair<string, string>[] read = Array.FindAll(_sorted, static setting => ReadByParsing.Contains(setting.Key));
        return read.Length == 0 ? None : read.Length == _sorted.Length ? this : new SessionSettings(read);
    }

    /// <summary>Those of these settings whose names are among <paramref name="names"/>.</summary>
    public SessionSettings Only(IReadOnlySet<string> names) => new(Array.FindAll(_sorted, setting => names.Contains(setting.Key)));

    /// <summary>These settings with one changed; a null value takes the setting away.</summary>
    /// <param name="name">Setting name; lower case.</param>
    /// <param name="sqlValue">SQL text of the value, quoted as needed, e.g. <c>'UTC'</c> or <c>"a", "b"</c>.</param>
    public SessionSettings With(string name, string? sqlValue)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string n, string v) in _sorted) settings[n] = v;
        if (sqlValue is null) settings.Remove(name);
        else settings[name] = sqlValue;
        return settings.Count == 0 ? None : new SessionSettings([.. settings]);
    }

    /// <summary>These settings on top of others.</summary>
    public SessionSettings Over(SessionSettings below)
    {
        if (below.Count == 0) return this;
        SessionSettings both = below;
        foreach ((string name, string value) in _sorted) both = both.With(name, value);
        return both;
    }

    /// <summary>These settings with another base: what is as the former base had it becomes as the new one has it.</summary>
    public SessionSettings Rebased(SessionSettings former, SessionSettings below)
    {
        SessionSettings own = this;
        foreach ((string name, string value) in former._sorted)
        {
            if (own.Find(name) == value) own = own.With(name, null);
        }
        return own.Over(below);
    }

    /// <summary>These settings with none above its limit.</summary>
    public SessionSettings Within(IReadOnlyDictionary<string, SettingLimit> limits)
    {
        SessionSettings within = this;
        foreach ((string name, string value) in _sorted)
        {
            if (limits.TryGetValue(name, out SettingLimit? limit) && limit.IsExceededBy(Encoding.UTF8.GetBytes(value))) within = within.With(name, $"'{limit.MaxText}'");
        }
        return within;
    }

    /// <summary>The SQL that brings a server with the settings <paramref name="carried"/> to these, or an empty string when they are equal.</summary>
    public string SqlFrom(SessionSettings carried)
    {
        var sql = new StringBuilder();
        foreach ((string name, string _) in carried._sorted)
        {
            if (Find(name) is null) sql.Append("RESET ").Append(Sql.Name(name)).Append(';');
        }
        foreach ((string name, string value) in _sorted)
        {
            if (carried.Find(name) == value) continue;
            // An interval is a value of this one setting alone, and of this form of SET alone.
            if (name == "timezone" && value.StartsWith("interval", StringComparison.OrdinalIgnoreCase)) sql.Append("SET TIME ZONE ").Append(value).Append(';');
            else sql.Append("SET ").Append(Sql.Name(name)).Append(" = ").Append(value).Append(';');
        }
        return sql.ToString();
    }

    /// <summary>The SQL text of a setting's value, or null.</summary>
    public string? Find(string name)
    {
        foreach ((string n, string v) in _sorted)
        {
            if (n == name) return v;
        }
        return null;
    }

    /// <inheritdoc/>
    public bool Equals(SessionSettings? other) => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && Pairs.AreEqual(_sorted, other._sorted));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SessionSettings);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}

/// <summary>Quoting of what the proxy itself puts into SQL.</summary>
internal static class Sql
{
    /// <summary>A string literal that is right whatever standard_conforming_strings says.</summary>
    public static string Literal(string value)
        => value.Contains('\\', StringComparison.Ordinal)
            ? "E'" + value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal) + "'"
            : "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>An identifier, always quoted.</summary>
    public static string Identifier(string value) => "\"" + value.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>A list of names as a setting's text has it, each made an identifier; null when its quotes do not match.</summary>
    /// <remarks>Names in double quotes keep their case, others lose it, as in SQL (varlena.c, SplitIdentifierString).</remarks>
    public static string? NameList(string text)
    {
        var names = new List<string>();
        int at = 0;
        while (at < text.Length)
        {
            if (text[at] is ' ' or ',' or '\t' or '\n' or '\r' or '\f' or '\v')
            {
                at++;
                continue;
            }
            int end;
            if (text[at] != '"')
            {
                end = text.IndexOf(',', at);
                if (end < 0) end = text.Length;
                names.Add(Identifier(text[at..end].Trim().ToLowerInvariant()));
                at = end;
                continue;
            }
            end = at;
            do
            {
                end = text.IndexOf('"', end + 1);
                if (end < 0) return null;
                if (end + 1 < text.Length && text[end + 1] == '"') end++;
                else break;
            }
            while (true);
            names.Add(Identifier(text[(at + 1)..end].Replace("\"\"", "\"", StringComparison.Ordinal)));
            at = end + 1;
        }
        return names.Count == 0 ? "''" : string.Join(", ", names);
    }

    /// <summary>The name of a setting, each part of a dotted name quoted.</summary>
    public static string Name(string name) => string.Join('.', name.Split('.').Select(Identifier));
}
