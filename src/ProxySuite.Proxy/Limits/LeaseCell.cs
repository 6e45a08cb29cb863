namespace ProxySuite.Proxy.Limits;

/// <summary>
/// Where a tenant's limiter, on its reactor, and the exchange with other proxies, on another thread, leave word for each other: counts one way, leases the other.
/// Each field has one writer; neither side ever waits.
/// </summary>
internal sealed class LeaseCell
{
    private Lease? _lease;
    private long _queriesWanted, _queriesAdmitted, _connectionsWanted, _backlog, _milliseconds, _bytes, _queriesLimit, _connectionsLimit;

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
}
