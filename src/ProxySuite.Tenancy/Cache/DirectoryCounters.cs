namespace ProxySuite.Tenancy.Cache;

/// <summary>How look-ups were answered since the start; any thread may read and add.</summary>
public sealed class DirectoryCounters
{
    private long _memory;
    private long _negative;
    private long _registry;
    private long _shared;
    private long _stale;
    private long _failures;
    private long _evictions;

    /// <summary>Answered from memory, within the time to live.</summary>
    public long Memory => Volatile.Read(ref _memory);

    /// <summary>Answered "unknown" from memory.</summary>
    public long Negative => Volatile.Read(ref _negative);

    /// <summary>Look-ups that the registry answered; refreshing in the background is not counted.</summary>
    public long Registry => Volatile.Read(ref _registry);

    /// <summary>Look-ups that the cache shared between proxies answered.</summary>
    public long Shared => Volatile.Read(ref _shared);

    /// <summary>Answered from memory beyond the time to live, as the registry was down.</summary>
    public long Stale => Volatile.Read(ref _stale);

    /// <summary>Requests to the registry, of look-ups and of the refresher, that failed.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Entries dropped to stay within the bound.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    internal void CountMemory() => Interlocked.Increment(ref _memory);

    internal void CountNegative() => Interlocked.Increment(ref _negative);

    internal void CountRegistry() => Interlocked.Increment(ref _registry);

    internal void CountShared() => Interlocked.Increment(ref _shared);

    internal void CountStale() => Interlocked.Increment(ref _stale);

    internal void CountFailure() => Interlocked.Increment(ref _failures);

    internal void CountEvictions(int evicted) => Interlocked.Add(ref _evictions, evicted);
}
