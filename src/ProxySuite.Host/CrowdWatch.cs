namespace ProxySuite.Host;

/// <summary>
/// Tells when a crowd of clients has come, has left, or has come and left again, so that what their logins allocated is worth collecting. Looks at numbers alone; its
/// caller has the clock.
/// </summary>
/// <param name="allocated">Bytes that the process has allocated so far.</param>
internal sealed class CrowdWatch(long allocated)
{
    /// <summary>Fewer clients than this leave less behind than giving it back is worth.</summary>
    private const int CrowdMin = 500;

    /// <summary>Bytes allocated since the last time that count as a crowd that came and went in between: a login allocates some 3 to 6 kB.</summary>
    private const long AllocatedMin = 16 << 20;

    private long _clients, _peak, _allocated = allocated;

    /// <summary>To be asked every few seconds.</summary>
    /// <param name="clients">Client connections now.</param>
    /// <param name="allocated">Bytes that the process has allocated so far.</param>
    /// <param name="isQuiet">
    /// The process has next to nothing to do. A collection stops everything, for 80 ms with 10,000 tenants in memory: where queries are under way it waits.
    /// </param>
    /// <returns>True when it is over and quiet: the memory is to be given back now.</returns>
    public bool IsOver(long clients, long allocated, bool isQuiet)
    {
        _peak = Math.Max(_peak, clients);
        // By half as many again, so that clients who keep coming cost few collections, each of which walks through all that are there.
        bool hasCome = clients - _clients >= Math.Max(CrowdMin, _clients / 2);
        bool hasLeft = _peak >= CrowdMin && clients <= _peak / 2;
        if (!isQuiet || !(hasCome || hasLeft || allocated - _allocated >= AllocatedMin)) return false;
        (_clients, _peak, _allocated) = (clients, clients, allocated);
        return true;
    }
}
