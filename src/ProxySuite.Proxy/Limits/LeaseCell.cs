namespace ProxySuite.Proxy.Limits;

/// <summary>
/// Where a tenant's limiter, on its reactor, and the exchange with other proxies, on another thread, leave word for each other: counts one way, leases the other.
/// The limiters of the tenant on other reactors read it as well. Each field has one writer; nobody ever waits.
/// </summary>
internal sealed class LeaseCell
{
    private Lease? _lease;
    private long _queriesWanted, _queriesAdmitted, _connectionsWanted, _backlog, _milliseconds, _bytes, _queriesLimit, _connectionsLimit, _measuredAt, _servedAt;
    private double _queriesRate, _connectionsRate, _queriesSpilled, _queriesTaken;
    private int _running;
    private bool _lacksPlace;

    /// <summary>The last lease; null before the first.</summary>
    public Lease? Lease
    {
        get => Volatile.Read(ref _lease);
        set => Volatile.Write(ref _lease, value);
    }

    /// <summary>Statements that clients have asked for, those refused included.</summary>
    public long QueriesWanted { get => Volatile.Read(ref _queriesWanted); set => Volatile.Write(ref _queriesWanted, value); }

    /// <summary>Statements let through.</summary>
    public long QueriesAdmitted { get => Volatile.Read(ref _queriesAdmitted); set => Volatile.Write(ref _queriesAdmitted, value); }

    /// <summary>Statements that might have been let through here, by the rate, and that nobody asked for: others may have them.</summary>
    public double QueriesSpilled { get => Volatile.Read(ref _queriesSpilled); set => Volatile.Write(ref _queriesSpilled, value); }

    /// <summary>Of what the tenant's other reactors spilled, what was taken here.</summary>
    public double QueriesTaken { get => Volatile.Read(ref _queriesTaken); set => Volatile.Write(ref _queriesTaken, value); }

    /// <summary>Client connections asked for.</summary>
    public long ConnectionsWanted { get => Volatile.Read(ref _connectionsWanted); set => Volatile.Write(ref _connectionsWanted, value); }

    /// <summary>Queries that wait for their turn.</summary>
    public long Backlog { get => Volatile.Read(ref _backlog); set => Volatile.Write(ref _backlog, value); }

    /// <summary>Query time of the last minute here.</summary>
    public long Milliseconds { get => Volatile.Read(ref _milliseconds); set => Volatile.Write(ref _milliseconds, value); }

    /// <summary>Bytes of the last minute here.</summary>
    public long Bytes { get => Volatile.Read(ref _bytes); set => Volatile.Write(ref _bytes, value); }

    /// <summary>The plan's queries a second; 0 for no limit.</summary>
    public long QueriesLimit { get => Volatile.Read(ref _queriesLimit); set => Volatile.Write(ref _queriesLimit, value); }

    /// <summary>The plan's connections a second; 0 for no limit.</summary>
    public long ConnectionsLimit { get => Volatile.Read(ref _connectionsLimit); set => Volatile.Write(ref _connectionsLimit, value); }

    /// <summary>Statements a second that clients of this reactor asked for lately; kept where several reactors serve the tenant.</summary>
    public double QueriesRate { get => Volatile.Read(ref _queriesRate); set => Volatile.Write(ref _queriesRate, value); }

    /// <summary>Client connections likewise.</summary>
    public double ConnectionsRate { get => Volatile.Read(ref _connectionsRate); set => Volatile.Write(ref _connectionsRate, value); }

    /// <summary>When these were measured, in Stopwatch ticks.</summary>
    public long MeasuredAt { get => Volatile.Read(ref _measuredAt); set => Volatile.Write(ref _measuredAt, value); }

    /// <summary>Transactions under way that have asked.</summary>
    public int Running { get => Volatile.Read(ref _running); set => Volatile.Write(ref _running, value); }

    /// <summary>Queries wait here for one of these to end, and for nothing else.</summary>
    public bool LacksPlace { get => Volatile.Read(ref _lacksPlace); set => Volatile.Write(ref _lacksPlace, value); }

    /// <summary>When a query was last let through, in Stopwatch ticks; kept where their number is limited.</summary>
    public long ServedAt { get => Volatile.Read(ref _servedAt); set => Volatile.Write(ref _servedAt, value); }

    /// <summary>Has the limiter look again at who may go, on its own reactor.</summary>
    public Action? Wake { get; set; }
}
