namespace ProxySuite.Proxy.Telemetry;

/// <summary>
/// Where reactors leave the statistics they keep, so that a scrape finds them. Registering takes a short lock and happens once for each tenant and
/// reactor; counting takes none, and reading disturbs nobody.
/// </summary>
public sealed class StatsRegistry
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TenantEntry> _tenants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ShardEntry> _shards = new(StringComparer.Ordinal);

    /// <summary>Numbers of the whole proxy.</summary>
    public ProxyStats Proxy { get; } = new();

    /// <summary>What the last audit of each shard said.</summary>
    public AuditStats Audits { get; } = new();

    /// <summary>The statistics of a tenant on a reactor: the same object each time, also after the tenant was idle, so that its counters never fall back.</summary>
    /// <param name="slug">The tenant's slug, the value of label <c>tenant</c>.</param>
    /// <param name="reactor">0-based number of the reactor that will write them.</param>
    public TenantStats Tenant(string slug, int reactor)
    {
        lock (_gate)
        {
            if (!_tenants.TryGetValue(slug, out TenantEntry? tenant)) _tenants[slug] = tenant = new TenantEntry(slug);
            return Slot(ref tenant.Reactors, reactor);
        }
    }

    /// <summary>As <see cref="Tenant"/>, for a tenant that has statistics on any reactor; null for others, so that a name alone makes no series.</summary>
    public TenantStats? Find(string slug, int reactor)
    {
        lock (_gate) return _tenants.TryGetValue(slug, out TenantEntry? tenant) ? Slot(ref tenant.Reactors, reactor) : null;
    }

    /// <summary>The statistics of a shard on a reactor: the same object each time.</summary>
    /// <param name="name">The shard's name, the value of label <c>shard</c>.</param>
    /// <param name="reactor">0-based number of the reactor that will write them.</param>
    public ShardStats Shard(string name, int reactor)
    {
        lock (_gate)
        {
            if (!_shards.TryGetValue(name, out ShardEntry? shard)) _shards[name] = shard = new ShardEntry(name);
            return Slot(ref shard.Reactors, reactor);
        }
    }

    /// <summary>How a shard's places are shared: one object for all reactors, the same each time.</summary>
    /// <param name="name">The shard's name, the value of label <c>shard</c>.</param>
    public ShardShareStats Shares(string name)
    {
        lock (_gate)
        {
            if (!_shards.TryGetValue(name, out ShardEntry? shard)) _shards[name] = shard = new ShardEntry(name);
            return shard.Shares;
        }
    }

    /// <summary>How often and for how long a shard's servers were lent so far (counts by bucket, then the sum), and its faults, over all reactors.</summary>
    internal (long[] LentTime, long Faults) ShardAnswers(string name)
    {
        var times = new long[LatencyHistogram.BucketCount + 1];
        long faults = 0;
        ShardStats?[] reactors = [];
        lock (_gate)
        {
            if (_shards.TryGetValue(name, out ShardEntry? shard)) reactors = Volatile.Read(ref shard.Reactors);
        }
        foreach (ShardStats? stats in reactors)
        {
            if (stats is null) continue;
            stats.LentTime.AddTo(times);
            faults += Volatile.Read(ref stats.Faults);
        }
        return (times, faults);
    }

    /// <summary>Ends the series of a tenant that was deleted. Nobody may count for it any more; one created anew under the slug starts at 0.</summary>
    public void Forget(string slug)
    {
        lock (_gate)
        {
            if (_tenants.Remove(slug, out TenantEntry? tenant)) tenant.IsForgotten = true;
        }
    }

    internal TenantEntry[] Tenants()
    {
        lock (_gate) return [.. _tenants.Values];
    }

    internal ShardEntry[] Shards()
    {
        lock (_gate) return [.. _shards.Values];
    }

    private static T Slot<T>(ref T?[] reactors, int reactor) where T : class, new()
    {
        if (reactor >= reactors.Length)
        {
            // A fresh array instead of Array.Resize on a field: a scrape may be walking the old one.
            var grown = new T?[reactor + 1];
            reactors.CopyTo(grown, 0);
            Volatile.Write(ref reactors, grown);
        }
        return reactors[reactor] ??= new T();
    }

    /// <summary>A tenant's statistics by reactor.</summary>
    internal sealed class TenantEntry(string slug)
    {
        public readonly string Slug = slug;
        public TenantStats?[] Reactors = [];
        public volatile bool IsForgotten;
    }

    /// <summary>A shard's statistics by reactor.</summary>
    internal sealed class ShardEntry(string name)
    {
        public readonly string Name = name;
        public readonly ShardShareStats Shares = new();
        public ShardStats?[] Reactors = [];
    }
}
