using ProxySuite.Proxy.Backend;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Pooling;

/// <summary>A shared server connection: its permit, whose place it takes while it is lent or, given up by its client, has not hung up yet, and its place among the idle ones.</summary>
internal sealed class SharedLease(ServerConnection server, ServerPermit permit)
{
    public ServerConnection Server { get; } = server;

    public ServerPermit Permit { get; } = permit;

    public SharedSeat? Holder { get; set; }

    public SharedSeat? Last { get; set; }

    public bool IsResetting { get; set; }

    /// <summary>Reactor time in milliseconds until which it stays with its tenant if that has a use for it.</summary>
    public long SliceUntil { get; set; }

    // Its neighbours while it is idle: among all, and in the ring of those that the same tenant had last.
    internal SharedLease? Older, Newer, RingOlder, RingNewer;
    internal TenantId? Tenant;
    internal bool IsIdle;
}

/// <summary>Idle shared servers in order of last use, of all and of each tenant that had them last. Each step in O(1), however many there are.</summary>
internal sealed class SharedIdle
{
    private readonly Dictionary<TenantId, SharedLease> _newestOf = [];
    private SharedLease? _newestClean; // of those that are nobody's
    private SharedLease? _newest;

    /// <summary>How many are idle.</summary>
    public int Count { get; private set; }

    /// <summary>The least recently used, left where it is; <see cref="SharedLease.Newer"/> leads on to the others.</summary>
    public SharedLease? Oldest { get; private set; }

    /// <summary>Adds the one that was used last.</summary>
    /// <param name="lease">The server.</param>
    /// <param name="tenant">Whose session it is; null for nobody's.</param>
    public void Add(SharedLease lease, TenantId? tenant)
    {
        if (lease.IsIdle) throw new InvalidOperationException("a shared server is idle twice");
        lease.IsIdle = true;
        lease.Older = _newest;
        if (_newest is null) Oldest = lease;
        else _newest.Newer = lease;
        _newest = lease;
        Count++;

        lease.Tenant = tenant;
        if (NewestOf(lease.Tenant) is { } head)
        {
            (lease.RingOlder, lease.RingNewer) = (head, head.RingNewer);
            head.RingNewer!.RingOlder = lease;
            head.RingNewer = lease;
        }
        else lease.RingOlder = lease.RingNewer = lease;
        SetNewestOf(lease.Tenant, lease);
    }

    /// <summary>Takes one of a tenant's, or one that is nobody's.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="newest">The most recently used of them; else the least.</param>
    public SharedLease? Take(TenantId tenant, bool newest)
    {
        // Behind the newest of the ring comes its oldest.
        if ((_newestOf.TryGetValue(tenant, out SharedLease? head) ? head : _newestClean) is not { } found) return null;
        if (!newest) found = found.RingNewer!;
        Remove(found);
        return found;
    }

    /// <summary>Takes the least recently used.</summary>
    public SharedLease? TakeOldest()
    {
        if (Oldest is { } oldest) Remove(oldest);
        else return null;
        return oldest;
    }

    /// <summary>Takes one out, wherever it stands.</summary>
    /// <returns>False when it is not idle.</returns>
    public bool Remove(SharedLease lease)
    {
        if (!lease.IsIdle) return false;
        lease.IsIdle = false;
        if (lease.Older is null) Oldest = lease.Newer;
        else lease.Older.Newer = lease.Newer;
        if (lease.Newer is null) _newest = lease.Older;
        else lease.Newer.Older = lease.Older;
        Count--;

        if (ReferenceEquals(lease.RingOlder, lease)) SetNewestOf(lease.Tenant, null);
        else
        {
            lease.RingNewer!.RingOlder = lease.RingOlder;
            lease.RingOlder!.RingNewer = lease.RingNewer;
            if (ReferenceEquals(NewestOf(lease.Tenant), lease)) SetNewestOf(lease.Tenant, lease.RingOlder);
        }
        lease.Older = lease.Newer = lease.RingOlder = lease.RingNewer = null;
        return true;
    }

    private SharedLease? NewestOf(TenantId? tenant) => tenant is not { } id ? _newestClean : _newestOf.GetValueOrDefault(id);

    private void SetNewestOf(TenantId? tenant, SharedLease? lease)
    {
        if (tenant is not { } id) _newestClean = lease;
        else if (lease is null) _newestOf.Remove(id);
        else _newestOf[id] = lease;
    }
}
