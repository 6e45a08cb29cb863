namespace ProxySuite.Proxy.Routing;

/// <summary>Tenants whose queries wait until an operator resumes them, on one reactor; those whose pool is made later are among them. Touched by the reactor's thread alone.</summary>
internal sealed class PausedTenants
{
    private readonly HashSet<string> _slugs = [];

    /// <summary>True while all are paused.</summary>
    public bool All { get; private set; }

    /// <summary>Tenants paused one by one.</summary>
    public int Count => _slugs.Count;

    /// <summary>Whether a tenant is paused, by itself or with all others.</summary>
    public bool Contains(string slug) => All || _slugs.Contains(slug);

    /// <summary>Pauses a tenant; null for all.</summary>
    /// <returns>False when that had been said before.</returns>
    public bool Add(string? slug)
    {
        if (slug is not null) return _slugs.Add(slug);
        bool isNew = !All;
        All = true;
        return isNew;
    }

    /// <summary>Takes one pause back, and no other: that of a tenant, or of all (null).</summary>
    public void TakeBack(string? slug)
    {
        if (slug is null) All = false;
        else _slugs.Remove(slug);
    }

    /// <summary>Resumes a tenant; null for all, those paused one by one among them.</summary>
    public void Remove(string? slug)
    {
        if (slug is not null)
        {
            _slugs.Remove(slug);
            return;
        }
        All = false;
        _slugs.Clear();
    }
}
