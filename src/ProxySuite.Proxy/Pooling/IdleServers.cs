using ProxySuite.Proxy.Backend;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Idle connections of one backend role, in order of their last use.</summary>
internal sealed class IdleServers
{
    // A ring: the oldest at the head, the most recently used at the tail.
    private ServerConnection?[] _ring = new ServerConnection?[4];
    private int _head;

    /// <summary>Number of connections.</summary>
    public int Count { get; private set; }

    /// <summary>Adds the one that was used last.</summary>
    public void Add(ServerConnection server)
    {
        if (Count == _ring.Length) Grow();
        _ring[(_head + Count) & (_ring.Length - 1)] = server;
        Count++;
    }

    /// <summary>Takes the most recently used: warm caches, and the others age out.</summary>
    public ServerConnection? TakeNewest()
    {
        if (Count == 0) return null;
        Count--;
        ref ServerConnection? slot = ref _ring[(_head + Count) & (_ring.Length - 1)];
        ServerConnection? server = slot;
        slot = null;
        return server;
    }

    /// <summary>Takes the least recently used: each in turn.</summary>
    public ServerConnection? TakeOldest()
    {
        if (Count == 0) return null;
        ServerConnection? server = _ring[_head];
        _ring[_head] = null;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
        return server;
    }

    /// <summary>The least recently used, left where it is.</summary>
    public ServerConnection? PeekOldest() => Count == 0 ? null : _ring[_head];

    /// <summary>Takes out one that was closed while idle.</summary>
    /// <returns>False when it is not here.</returns>
    public bool Remove(ServerConnection server)
    {
        int mask = _ring.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            if (!ReferenceEquals(_ring[(_head + i) & mask], server)) continue;
            for (int j = i; j + 1 < Count; j++) _ring[(_head + j) & mask] = _ring[(_head + j + 1) & mask];
            Count--;
            _ring[(_head + Count) & mask] = null;
            return true;
        }
        return false;
    }

    private void Grow()
    {
        var larger = new ServerConnection?[_ring.Length * 2];
        for (int i = 0; i < Count; i++) larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
        _ring = larger;
        _head = 0;
    }
}
