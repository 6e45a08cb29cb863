namespace ProxySuite.Proxy.Telemetry;

/// <summary>
/// Numbers of log events: a hundred for each subsystem, never reused, so that a filter written today holds tomorrow.
/// A subsystem's log class declares its own constants on these bases: <c>EventIds.Pooling + 3</c>.
/// </summary>
public static class EventIds
{
    /// <summary>Start, configuration, reload, signals, drain, stop: 1000 to 1099.</summary>
    public const int Host = 1000;

    /// <summary>Reactors and sockets: 1100 to 1199.</summary>
    public const int Transport = 1100;

    /// <summary>Accepting: 1200 to 1299.</summary>
    public const int Listening = 1200;

    /// <summary>Client sessions, login, the connection log: 1300 to 1399.</summary>
    public const int Frontend = 1300;

    /// <summary>Server connections: 1400 to 1499.</summary>
    public const int Backend = 1400;

    /// <summary>Pools and queues: 1500 to 1599.</summary>
    public const int Pooling = 1500;

    /// <summary>Placement and failover: 1600 to 1699.</summary>
    public const int Routing = 1600;

    /// <summary>Rate limits and deadlines: 1700 to 1799.</summary>
    public const int Limits = 1700;

    /// <summary>The slow-query log: 1800 to 1899.</summary>
    public const int SlowQuery = 1800;

    /// <summary>Metrics and health pages: 1900 to 1999.</summary>
    public const int Metrics = 1900;

    /// <summary>The admin console: 2000 to 2099.</summary>
    public const int Admin = 2000;
}
