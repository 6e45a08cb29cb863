using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What a portal does to the session when it is executed; until then it does nothing.</summary>
/// <param name="Traits">Of its text.</param>
/// <param name="Change">The SET or RESET that it is, if it is one.</param>
/// <param name="Naming">Body of its Parse when the text prepares or drops statements by name; null for all others.</param>
internal readonly record struct PortalFacts(StatementTraits Traits, SessionChange? Change, byte[]? Naming);

/// <summary>The portals of one client that do anything beside returning rows; all others are not kept.</summary>
internal sealed class ClientPortals
{
    private PortalFacts _unnamed;
    private Dictionary<byte[], PortalFacts>? _byName;

    /// <summary>A Bind was sent: the portal is this one now.</summary>
    public void Set(ReadOnlySpan<byte> name, in PortalFacts facts)
    {
        if (name.IsEmpty) _unnamed = facts;
        else if (facts.Traits != StatementTraits.None) (_byName ??= new(BytesComparer.Instance))[name.ToArray()] = facts;
        else if (_byName is { Count: > 0 }) _byName.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name);
    }

    /// <summary>What the portal does; nothing when it is not known.</summary>
    public PortalFacts Find(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty) return _unnamed;
        return _byName is { Count: > 0 } && _byName.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out PortalFacts facts) ? facts : default;
    }

    /// <summary>The transaction is over, and its portals with it.</summary>
    public void Clear()
    {
        _unnamed = default;
        _byName = null;
    }
}
