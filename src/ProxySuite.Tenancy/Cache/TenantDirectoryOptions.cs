namespace ProxySuite.Tenancy.Cache;

/// <summary>Bounds of the tenant cache (B2).</summary>
public sealed record TenantDirectoryOptions
{
    /// <value>How long an entry counts without being compared with the registry; 1 s to 1 h, default 60 s.</value>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(60);

    /// <value>The same while the tenant is being moved to another shard; 1 s to 1 min, default 5 s.</value>
    public TimeSpan MovingTimeToLive { get; init; } = TimeSpan.FromSeconds(5);

    /// <value>How long an unknown tenant stays unknown; 0 to 1 min, default 5 s. A tenant made meanwhile is known at once where invalidations arrive.</value>
    public TimeSpan NegativeTimeToLive { get; init; } = TimeSpan.FromSeconds(5);

    /// <value>How long a known tenant is served from its last entry while the registry is down; 0 to 30 d, default 24 h.</value>
    public TimeSpan StaleMax { get; init; } = TimeSpan.FromHours(24);

    /// <value>Most tenants kept; 100 to 1 000 000, default 20 000. Tenants that have pools are kept beyond it.</value>
    public int EntriesMax { get; init; } = 20_000;

    /// <value>Most unknown names kept; 100 to 1 000 000, default 10 000.</value>
    public int NegativeMax { get; init; } = 10_000;

    /// <value>Most tenants read ahead at the start, where the registry can list them; 0 to half of <see cref="EntriesMax"/>, default 0 for none.</value>
    public int WarmUpMax { get; init; }

    /// <value>Most look-ups sent to the registry at once; 1 to 100, default 8.</value>
    public int LookupsMax { get; init; } = 8;

    /// <value>Longest wait for one look-up, its queueing included; 100 ms to 1 min, default 5 s.</value>
    public TimeSpan LookupTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <value>After a look-up that the registry did not answer, how long it is not asked again; 100 ms to 1 min, default 1 s.</value>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromSeconds(1);
}
