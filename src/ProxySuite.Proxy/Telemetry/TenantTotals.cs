namespace ProxySuite.Proxy.Telemetry;

/// <summary>One tenant's numbers summed over its reactors, or many tenants' summed under <c>_other</c>; the constants say what stands where.</summary>
internal sealed class TenantTotals
{
    public const int Queries = 0, Transactions = 1, ErrorsClient = 2, ErrorsServer = 3, ErrorsProxy = 4, ErrorsRegistry = 5, BytesIn = 6, BytesOut = 7,
        WaitersTimedOut = 8, WaitersRefused = 9, RateAllowed = 10, RateDelayed = 11, RateRefused = 12, LentTime = 13, QueryTime = 14;

    public const int ClientsActive = 0, ClientsWaiting = 1, ClientsIdle = 2, ServersActive = 3, ServersIdle = 4, ServersOpening = 5, QueueDepth = 6, Pinned = 7;

    /// <summary>Where the waiting times start: behind the query times' buckets and their sum.</summary>
    public static readonly int WaitTime = QueryTime + LatencyHistogram.BucketCount + 1;

    /// <summary>Where the counts by limit start: for each <see cref="LimitKind"/> those delayed, then those refused.</summary>
    public static readonly int Limited = WaitTime + LatencyHistogram.BucketCount + 1;

    private static readonly int CounterCount = Limited + (2 * TenantStats.Limits);

    /// <summary>Numbers that only grow.</summary>
    public long[] Counters { get; } = new long[CounterCount];

    /// <summary>Numbers that say how things stand.</summary>
    public long[] Gauges { get; } = new long[Pinned + TenantStats.PinReasons];

    /// <summary>A bit for each <see cref="PinReason"/> that was ever above 0, for the page that writes them; <see cref="Clear"/> leaves it.</summary>
    public int PinsSeen { get; set; }

    public void Clear()
    {
        Array.Clear(Counters);
        Array.Clear(Gauges);
    }
}
