using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>A line of the maps.</summary>
/// <param name="Map">The map it belongs to.</param>
/// <param name="Name">The name in the certificate; of no meaning where there is a pattern.</param>
/// <param name="Pattern">What the name fits; null for exactly <paramref name="Name"/>.</param>
/// <param name="User">Whom the name may log in as; <c>\1</c> stands for the pattern's first group.</param>
internal sealed record IdentLine(string Map, string Name, Regex? Pattern, string User)
{
    /// <returns>Null when the line is not for this name.</returns>
    public string? UserOf(string name)
    {
        if (Pattern is null) return Name == name ? User : null;
        Match match = Pattern.Match(name);
        if (!match.Success) return null;
        int at = User.IndexOf("\\1", StringComparison.Ordinal);
        return at < 0 ? User : string.Concat(User.AsSpan(0, at), match.Groups[1].ValueSpan, User.AsSpan(at + 2));
    }
}

/// <summary>
/// Whether a name in a certificate stands for a user. Here a user belongs to a tenant, and one authority signs for many: so the name, or what a map makes of
/// it, is <c>user@tenant</c>. The user alone is enough only under a rule for exactly one tenant, which says then whose user it is.
/// </summary>
internal sealed class IdentMaps
{
    private readonly FrozenDictionary<string, IdentLine[]> _maps;

    public IdentMaps(IEnumerable<IdentLine> lines)
        => _maps = lines.GroupBy(line => line.Map, StringComparer.Ordinal).ToFrozenDictionary(map => map.Key, map => map.ToArray(), StringComparer.Ordinal);

    public static IdentMaps Empty { get; } = new([]);

    public bool Contains(string map) => _maps.ContainsKey(map);

    /// <param name="rule">Its map, where it has one, is between the name and the user.</param>
    /// <param name="name">Common name of a valid certificate.</param>
    /// <param name="tenant">Slug that the client named.</param>
    /// <param name="user">User within the tenant.</param>
    public bool Allows(HostRule rule, string name, string tenant, string user)
    {
        if (rule.Map.Length == 0) return IsUser(name);
        return _maps.TryGetValue(rule.Map, out IdentLine[]? lines) && lines.Any(line => line.UserOf(name) is { } mapped && IsUser(mapped));

        bool IsUser(string mapped) => mapped == $"{user}@{tenant}" || (rule.Tenants is { Count: 1 } && mapped == user);
    }
}
