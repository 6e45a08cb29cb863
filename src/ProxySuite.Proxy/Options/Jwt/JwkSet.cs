using System.Collections.Frozen;

namespace ProxySuite.Proxy.Options.Jwt;

/// <summary>The keys that tokens may be signed with, by <c>kid</c>.</summary>
internal sealed class JwkSet
{
    private readonly FrozenDictionary<string, JwtKey> _keys;

    public JwkSet(IEnumerable<JwtKey> keys) => _keys = keys.ToFrozenDictionary(key => key.Id, StringComparer.Ordinal);

    /// <summary>No key: no token is valid.</summary>
    public static JwkSet Empty { get; } = new([]);

    public int Count => _keys.Count;

    public JwtKey? Find(string id) => _keys.GetValueOrDefault(id);
}
