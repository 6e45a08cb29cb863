using System.Diagnostics.CodeAnalysis;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>Why a client keeps its server connection between transactions (A4).</summary>
public enum PinReason : byte
{
    /// <summary>A temporary table lives.</summary>
    TempTable,

    /// <summary>A cursor WITH HOLD is open.</summary>
    HoldCursor,

    /// <summary>A session advisory lock is held.</summary>
    AdvisoryLock,

    /// <summary>A setting was changed in a way that cannot be replayed, such as set_config(…, false).</summary>
    SessionSetting,

    /// <summary>A statement was prepared in SQL and is not virtualised.</summary>
    SqlPrepare,

    /// <summary>LISTEN without virtualisation.</summary>
    Listen,

    /// <summary>A library was loaded.</summary>
    Load,

    /// <summary>Something else that the scanner does not know to be harmless.</summary>
    Other,
}

/// <summary>
/// Counters and gauges of one tenant on one reactor. The reactor's thread alone writes them, with plain additions; the scrape reads them from
/// another thread. Counters only grow for as long as the process lives; a gauge says how things stand now.
/// </summary>
[SuppressMessage("Design", "CA1051", Justification = "the relay bumps plain fields: a property would hide that nothing else happens")]
public sealed class TenantStats
{
    internal static readonly int PinReasons = Enum.GetValues<PinReason>().Length;

    internal static readonly int Limits = Enum.GetValues<LimitKind>().Length;

    /// <summary>Counter: requests answered by a ReadyForQuery.</summary>
    public long Queries;

    /// <summary>Counter: transactions finished, a statement outside a block being one.</summary>
    public long Transactions;

    /// <summary>Counter: errors caused by the client: protocol violations, refused statements, lost connections.</summary>
    public long ErrorsClient;

    /// <summary>Counter: ErrorResponses of the server, and lost server connections.</summary>
    public long ErrorsServer;

    /// <summary>Counter: errors that the proxy raised, such as a full queue or a wait that took too long.</summary>
    public long ErrorsProxy;

    /// <summary>Counter: the registry could not say what it was asked.</summary>
    public long ErrorsRegistry;

    /// <summary>Counter: bytes received from clients.</summary>
    public long BytesIn;

    /// <summary>Counter: bytes sent to clients.</summary>
    public long BytesOut;

    /// <summary>Counter: queries refused with 53300 because they waited too long.</summary>
    public long WaitersTimedOut;

    /// <summary>Counter: queries refused with 53300 because the queue was full.</summary>
    public long WaitersRefused;

    /// <summary>Counter: queries that the rate limit let pass at once. Stays 0 for a tenant without a limit.</summary>
    public long RateAllowed;

    /// <summary>Counter: queries that the rate limit delayed.</summary>
    public long RateDelayed;

    /// <summary>Counter: queries that the rate limit refused with 53400.</summary>
    public long RateRefused;

    /// <summary>Counter: time that server connections were lent, in Stopwatch ticks; a loan counts when it ends, or when the next one of the pool begins or ends.</summary>
    public long LentTicks;

    /// <summary>Gauge: clients that hold a server connection.</summary>
    public long ClientsActive;

    /// <summary>Gauge: clients whose query waits for a server connection.</summary>
    public long ClientsWaiting;

    /// <summary>Gauge: clients without a query.</summary>
    public long ClientsIdle;

    /// <summary>Gauge: server connections lent to a client.</summary>
    public long ServersActive;

    /// <summary>Gauge: server connections in the pool.</summary>
    public long ServersIdle;

    /// <summary>Gauge: server connections being opened.</summary>
    public long ServersOpening;

    /// <summary>Gauge: entries of the tenant's queue for server connections.</summary>
    public long QueueDepth;

    private readonly long[] _pinned = new long[PinReasons];

    private readonly long[] _limited = new long[2 * Limits];

    /// <summary>From the first byte of a request to the last byte of its answer, as the client sees it.</summary>
    public LatencyHistogram QueryTime { get; } = new();

    /// <summary>From the request for a server connection to its checkout; 0 for one that was free.</summary>
    public LatencyHistogram WaitTime { get; } = new();

    /// <summary>Gauge: clients pinned for a reason; a client with two reasons counts twice.</summary>
    public ref long Pinned(PinReason reason) => ref _pinned[(int)reason];

    /// <summary>Counter: queries and clients that a limit delayed, or refused.</summary>
    public ref long Limited(LimitKind limit, bool isRefused) => ref _limited[(2 * (int)limit) + (isRefused ? 1 : 0)];

    /// <summary>Adds this reactor's numbers to <paramref name="totals"/>, in the order of <see cref="TenantTotals"/>.</summary>
    internal void AddTo(TenantTotals totals)
    {
        Span<long> counters = totals.Counters;
        counters[TenantTotals.Queries] += Volatile.Read(ref Queries);
        counters[TenantTotals.Transactions] += Volatile.Read(ref Transactions);
        counters[TenantTotals.ErrorsClient] += Volatile.Read(ref ErrorsClient);
        counters[TenantTotals.ErrorsServer] += Volatile.Read(ref ErrorsServer);
        counters[TenantTotals.ErrorsProxy] += Volatile.Read(ref ErrorsProxy);
        counters[TenantTotals.ErrorsRegistry] += Volatile.Read(ref ErrorsRegistry);
        counters[TenantTotals.BytesIn] += Volatile.Read(ref BytesIn);
        counters[TenantTotals.BytesOut] += Volatile.Read(ref BytesOut);
        counters[TenantTotals.WaitersTimedOut] += Volatile.Read(ref WaitersTimedOut);
        counters[TenantTotals.WaitersRefused] += Volatile.Read(ref WaitersRefused);
        counters[TenantTotals.RateAllowed] += Volatile.Read(ref RateAllowed);
        counters[TenantTotals.RateDelayed] += Volatile.Read(ref RateDelayed);
        counters[TenantTotals.RateRefused] += Volatile.Read(ref RateRefused);
        counters[TenantTotals.LentTime] += Volatile.Read(ref LentTicks);
        for (int index = 0; index < _limited.Length; index++) counters[TenantTotals.Limited + index] += Volatile.Read(ref _limited[index]);
        QueryTime.AddTo(counters[TenantTotals.QueryTime..]);
        WaitTime.AddTo(counters[TenantTotals.WaitTime..]);

        Span<long> gauges = totals.Gauges;
        gauges[TenantTotals.ClientsActive] += Volatile.Read(ref ClientsActive);
        gauges[TenantTotals.ClientsWaiting] += Volatile.Read(ref ClientsWaiting);
        gauges[TenantTotals.ClientsIdle] += Volatile.Read(ref ClientsIdle);
        gauges[TenantTotals.ServersActive] += Volatile.Read(ref ServersActive);
        gauges[TenantTotals.ServersIdle] += Volatile.Read(ref ServersIdle);
        gauges[TenantTotals.ServersOpening] += Volatile.Read(ref ServersOpening);
        gauges[TenantTotals.QueueDepth] += Volatile.Read(ref QueueDepth);
        for (int reason = 0; reason < _pinned.Length; reason++) gauges[TenantTotals.Pinned + reason] += Volatile.Read(ref _pinned[reason]);
    }
}
