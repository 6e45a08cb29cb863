using System.Runtime.InteropServices;
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
    internal SharedRing? Ring;
    internal bool IsIdle;
}

/// <summary>The idle servers of one tenant, or of nobody. There while a server is the tenant's, idle or lent, so that coming and going writes to it alone.</summary>
internal sealed class SharedRing(TenantId? tenant)
{
    public TenantId? Tenant { get; } = tenant;

    /// <summary>The most recently used of the idle ones; behind it comes the oldest.</summary>
    public SharedLease? Newest { get; set; }

    /// <summary>Servers that are the tenant's, idle or not.</summary>
    public int Members { get; set; }
}

/// <summary>Idle shared servers in order of last use, of all and of each tenant that had them last. Each step in O(1), however many there are.</summary>
internal sealed class SharedIdle
{
    private readonly Dictionary<TenantId, SharedRing> _rings = [];
    private readonly SharedRing _clean = new(null); // of those that are nobody's
    private SharedLease? _newest;

    /// <summary>Tenants that a server is remembered for.</summary>
    public int Rings => _rings.Count;

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

        SharedRing ring = Join(lease, tenant);
        if (ring.Newest is { } head)
        {
            (lease.RingOlder, lease.RingNewer) = (head, head.RingNewer);
            head.RingNewer!.RingOlder = lease;
            head.RingNewer = lease;
        }
        else lease.RingOlder = lease.RingNewer = lease;
        ring.Newest = lease;
    }

    /// <summary>Takes one of a tenant's, or one that is nobody's.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="newest">The most recently used of them; else the least.</param>
    public SharedLease? Take(TenantId tenant, bool newest)
    {
        // Behind the newest of the ring comes its oldest.
        if (((_rings.TryGetValue(tenant, out SharedRing? ring) ? ring.Newest : null) ?? _clean.Newest) is not { } found) return null;
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

        SharedRing ring = lease.Ring!;
        if (ReferenceEquals(lease.RingOlder, lease)) ring.Newest = null;
        else
        {
            lease.RingNewer!.RingOlder = lease.RingOlder;
            lease.RingOlder!.RingNewer = lease.RingNewer;
            if (ReferenceEquals(ring.Newest, lease)) ring.Newest = lease.RingOlder;
        }
        lease.Older = lease.Newer = lease.RingOlder = lease.RingNewer = null;
        return true;
    }

    /// <summary>Takes one out for good: it is closed.</summary>
    /// <returns>False when it was not idle.</returns>
    public bool Forget(SharedLease lease)
    {
        bool wasIdle = Remove(lease);
        Part(lease);
        return wasIdle;
    }

    private SharedRing Join(SharedLease lease, TenantId? tenant)
    {
        if (lease.Ring is { } own && own.Tenant == tenant) return own;
        Part(lease);
        SharedRing ring = tenant is not { } id ? _clean : CollectionsMarshal.GetValueRefOrAddDefault(_rings, id, out _) ??= new SharedRing(id);
        ring.Members++;
        return lease.Ring = ring;
    }

    private void Part(SharedLease lease)
    {
        if (lease.Ring is { } ring && --ring.Members == 0 && ring.Tenant is { } tenant) _rings.Remove(tenant);
        lease.Ring = null;
    }
}
