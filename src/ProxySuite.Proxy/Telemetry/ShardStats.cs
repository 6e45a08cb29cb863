using System.Diagnostics.CodeAnalysis;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>Numbers of one shard on one reactor, under the same rule as <see cref="TenantStats"/>: one thread writes, any thread reads.</summary>
[SuppressMessage("Design", "CA1051", Justification = "the relay bumps plain fields: a property would hide that nothing else happens")]
public sealed class ShardStats
{
    /// <summary>Gauge: server connections lent to a client.</summary>
    public long ServersActive;

    /// <summary>Gauge: server connections in the pools.</summary>
    public long ServersIdle;

    /// <summary>Gauge: server connections being opened.</summary>
    public long ServersOpening;

    /// <summary>Counter: server connections that could not be opened.</summary>
    public long ConnectFailures;

    /// <summary>Counter: connections that the shard did not let be opened, or ended unasked; one tenant's refused login is none.</summary>
    public long Faults;

    /// <summary>Counter: shared server connections that were reset to be lent to another tenant.</summary>
    public long ChangesOfHands;

    // The Stopwatch time of the last attempt, negative if it failed: one field, so that a reader never pairs one attempt's time with another's outcome.
    private long _lastAttempt;

    /// <summary>Time from connect to the first ReadyForQuery, of the connections that got there.</summary>
    public LatencyHistogram ConnectTime { get; } = new();

    /// <summary>For how long servers were lent, each time: a transaction, as a rule.</summary>
    public LatencyHistogram LentTime { get; } = new();

    /// <summary>Time of the last attempt to open a connection, negative if it failed, 0 before the first; in <see cref="System.Diagnostics.Stopwatch"/> ticks.</summary>
    internal long LastAttempt => Volatile.Read(ref _lastAttempt);

    /// <summary>A connection was opened.</summary>
    /// <param name="nowTicks">Monotonic time, in Stopwatch ticks.</param>
    /// <param name="tookTicks">How long it took, in Stopwatch ticks.</param>
    public void Connected(long nowTicks, long tookTicks)
    {
        ConnectTime.Record(tookTicks);
        Volatile.Write(ref _lastAttempt, Math.Max(1, nowTicks));
    }

    /// <summary>A connection could not be opened, or the shard ended one unasked (57P01, reset).</summary>
    /// <param name="nowTicks">Monotonic time, in Stopwatch ticks.</param>
    public void Failed(long nowTicks)
    {
        ConnectFailures++;
        Volatile.Write(ref _lastAttempt, -Math.Max(1, nowTicks));
    }
}
