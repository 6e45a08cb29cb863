using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// The limiters of one tenant on the reactors that serve it: what they read of each other, so that together they let through no more than one would. Any thread; nothing
/// here waits. Two that take the last place among the concurrent queries at the same instant may both have it; all other limits hold over the sum.
/// </summary>
internal sealed class LimiterGroup
{
    private readonly Lock _gate = new();
    private LeaseCell[] _cells = []; // a fresh array at each change
    private int _clients;

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _cells).Length;

    /// <summary>What each leaves word in.</summary>
    public ReadOnlySpan<LeaseCell> Cells => Volatile.Read(ref _cells);

    public void Add(LeaseCell cell)
    {
        lock (_gate) Volatile.Write(ref _cells, [.. _cells, cell]);
    }

    public void Remove(LeaseCell cell)
    {
        lock (_gate) Volatile.Write(ref _cells, [.. _cells.Where(other => !ReferenceEquals(other, cell))]);
    }

    /// <summary>Takes a place among the tenant's clients.</summary>
    /// <param name="most">So many are allowed; 0 for any number.</param>
    public bool TryEnter(int most)
    {
        if (Interlocked.Increment(ref _clients) <= most || most == 0) return true;
        Interlocked.Decrement(ref _clients);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _clients);

    /// <summary>Whether another transaction may be under way, as far as this limit goes. A place goes first to whoever lacks one and has fewer, or was served longer ago.</summary>
    public bool MayRun(LeaseCell cell, int most)
    {
        int running = 0;
        bool standsBack = false;
        foreach (LeaseCell other in Cells)
        {
            running += other.Running;
            if (!other.LacksPlace || ReferenceEquals(other, cell)) continue;
            standsBack |= other.Running < cell.Running || (other.Running == cell.Running && other.ServedAt < cell.ServedAt);
        }
        return running < most && !standsBack;
    }

    /// <summary>A place among the concurrent queries is free, or somebody stood back.</summary>
    public void WakeBeside(LeaseCell cell)
    {
        foreach (LeaseCell other in Cells)
        {
            if (other.LacksPlace && !ReferenceEquals(other, cell)) other.Wake?.Invoke();
        }
    }
}

/// <summary>The groups of all tenants that have limiters now. Any thread.</summary>
internal sealed class LimiterGroups
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TenantId, LimiterGroup> _all = [];

    /// <summary>Makes a limiter's cell one of its tenant's.</summary>
    public LimiterGroup Join(TenantId tenant, LeaseCell cell)
    {
        lock (_gate)
        {
            if (!_all.TryGetValue(tenant, out LimiterGroup? group)) _all[tenant] = group = new LimiterGroup();
            group.Add(cell);
            return group;
        }
    }

    /// <summary>The limiter is forgotten.</summary>
    public void Leave(TenantId tenant, LeaseCell cell)
    {
        lock (_gate)
        {
            if (!_all.TryGetValue(tenant, out LimiterGroup? group)) return;
            group.Remove(cell);
            if (group.Count == 0) _all.Remove(tenant);
        }
    }
}
