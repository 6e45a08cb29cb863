using System.Diagnostics.CodeAnalysis;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>How the places of one shard are shared, over all reactors. Written under the shard's own lock, read by any thread.</summary>
[SuppressMessage("Design", "CA1051", Justification = "plain fields, as in ShardStats")]
public sealed class ShardShareStats
{
    /// <summary>Gauge: most connections now; less than the shard's cap while it is protected.</summary>
    public long Limit;

    /// <summary>Gauge: connections open, opening, or reserved.</summary>
    public long Leased;

    /// <summary>Gauge: pools that wait for a place.</summary>
    public long InLine;

    /// <summary>Counter: idle connections that were closed for another tenant.</summary>
    public long Evictions;

    /// <summary>Counter: connections that were closed for another tenant when they had served theirs for its share.</summary>
    public long HandOvers;

    /// <summary>Counter: requests for a connection that waited although a place was free, for the pace of openings or a pause after a failure.</summary>
    public long HeldBack;

    /// <summary>Gauge: 1 while openings pause, or go one at a time, because the last one failed.</summary>
    public long IsBackedOff;
}
