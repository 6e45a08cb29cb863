namespace ProxySuite.Proxy.Telemetry;

/// <summary>Which of a tenant's limits held a query or a client back.</summary>
public enum LimitKind : byte
{
    /// <summary>Queries a second.</summary>
    Queries,

    /// <summary>Queries at a time.</summary>
    ConcurrentQueries,

    /// <summary>Seconds of query time a minute.</summary>
    QuerySeconds,

    /// <summary>Bytes a minute, both directions.</summary>
    Bytes,

    /// <summary>New client connections a second.</summary>
    Connections,

    /// <summary>Client connections at a time.</summary>
    Clients,
}
