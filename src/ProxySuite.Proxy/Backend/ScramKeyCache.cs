using System.Collections.Concurrent;
using System.Net;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Backend;

/// <summary>
/// SCRAM keys by backend role: deriving them costs thousands of hashes where a verifier has the usual iteration count, and they stay right until
/// the role's password or salt changes. They live here and not with a connection, so that the second connection does not need them anew.
/// </summary>
internal sealed class ScramKeyCache
{
    private const int KeysMax = 100_000;

    private readonly ConcurrentDictionary<RoleKey, Entry> _byRole = new();

    /// <summary>The keys of a role, if they were derived from this very password.</summary>
    public ScramKeys? Find(BackendTarget target)
        => _byRole.TryGetValue(Key(target), out Entry? entry) && entry.Password == target.Password.Reveal() ? entry.Keys : null;

    /// <summary>Keeps keys with which a login has passed.</summary>
    public void Keep(BackendTarget target, ScramKeys keys)
    {
        if (_byRole.Count >= KeysMax) _byRole.Clear();
        _byRole[Key(target)] = new Entry(target.Password.Reveal(), keys);
    }

    private static RoleKey Key(BackendTarget target) => new(target.EndPoints[0], target.Role);

    private readonly record struct RoleKey(EndPoint Shard, string Role);

    private sealed record Entry(string Password, ScramKeys Keys);
}
