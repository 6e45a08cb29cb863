namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Limits</c>: what one proxy or one client may use.</summary>
public sealed record LimitsOptions
{
    /// <summary>Client connections of this proxy; the next one is refused with 53300.</summary>
    /// <value>1 to 1000000; default 20000. Reloadable. Each needs a descriptor: see the process limit of open files.</value>
    public int MaxClients { get; init; } = 20_000;

    /// <summary>Client connections of one tenant at this proxy, where its plan does not say (clients-max); the next one is refused with 53300.</summary>
    /// <value>1 to 1000000, or 0 for any number; default 0. Reloadable.</value>
    public int MaxClientsPerTenant { get; init; }

    /// <summary>Client connections from one address at this proxy, logged in or not; the next one is refused with 53300. IPv6 addresses count by their /64 network; Unix sockets are exempt.</summary>
    /// <value>1 to 1000000, or 0 for any number; default 0: behind a load balancer all clients have its address. Reloadable.</value>
    public int MaxClientsPerAddress { get; init; }

    /// <summary>Longest time that a query above one of its tenant's limits (rate, queries at a time, query time, bytes) waits for its turn before it is refused with 53400.</summary>
    /// <value>10 ms to 1 min, or 0 to refuse at once; default 1 s. Reloadable, for waits that start afterwards.</value>
    public TimeSpan MaxRateDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Largest message in bytes that a client may send; a larger one ends its connection with 08P01.</summary>
    /// <value>64kB to 1073741823 bytes (PostgreSQL's own limit, just below 1 GB); default 1073741823. Reloadable. Messages are streamed: the limit does not cost memory.</value>
    public int MaxMessageBytes { get; init; } = 0x3fff_ffff;

    /// <summary>Largest start-up packet in bytes, and largest message before authentication is done.</summary>
    /// <value>1kB to 1MB; default 10000 bytes (MAX_STARTUP_PACKET_LENGTH in PostgreSQL). Reloadable.</value>
    public int MaxStartupBytes { get; init; } = 10_000;

    /// <summary>A client idle outside a transaction for longer is closed with 57P05; a plan's setting idle_session_timeout wins over it.</summary>
    /// <value>1 s to 30 d, or 0 for never; default 0. Reloadable.</value>
    public TimeSpan ClientIdleTimeout { get; init; }

    /// <summary>A client whose transaction is idle for longer is closed with 25P03; a plan's setting idle_in_transaction_session_timeout wins over it.</summary>
    /// <value>100 ms to 24 h, or 0 for never; default 5 min. Reloadable, for tenants looked up afterwards.</value>
    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A client whose transaction is open for longer is closed with 57014; a plan's setting transaction_timeout wins over it.</summary>
    /// <value>100 ms to 24 h, or 0 for never; default 0. Reloadable, for tenants looked up afterwards.</value>
    public TimeSpan TransactionTimeout { get; init; }

    /// <summary>Whether a shard that gets slower than it usually is, or fails more often, gets fewer connections until it has recovered.</summary>
    /// <value>on or off; default off. Reloadable.</value>
    public bool AdaptiveProtection { get; init; }

    /// <summary>Part of the shard's cap that is left in any case, in percent; the guaranteed connections of tenants are left as well.</summary>
    /// <value>1 to 100; default 25. Reloadable.</value>
    public int AdaptiveProtectionMin { get; init; } = 25;

    /// <summary>From which median time of a transaction on a shard is slow, in percent of the usual one.</summary>
    /// <value>110 to 10000; default 200. Reloadable.</value>
    public int AdaptiveProtectionLatency { get; init; } = 200;

    /// <summary>Logical replication slots that a tenant may have; CREATE_REPLICATION_SLOT for one more is refused with 53400. The cluster's are limited too (max_replication_slots), and each keeps WAL.</summary>
    /// <value>1 to 1000; default 5: a subscription's own and one for each table that is being copied. Reloadable.</value>
    public int ReplicationSlotsMax { get; init; } = 5;

    internal static LimitsOptions Read(SectionReader section)
    {
        var defaults = new LimitsOptions();
        return new()
        {
            MaxClients = section.Integer(nameof(MaxClients), defaults.MaxClients, 1, 1_000_000, Reload.Live),
            MaxClientsPerTenant = section.Integer(nameof(MaxClientsPerTenant), defaults.MaxClientsPerTenant, 0, 1_000_000, Reload.Live),
            MaxClientsPerAddress = section.Integer(nameof(MaxClientsPerAddress), defaults.MaxClientsPerAddress, 0, 1_000_000, Reload.Live),
            MaxRateDelay = section.DurationOrOff(nameof(MaxRateDelay), defaults.MaxRateDelay, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1), Reload.Live),
            MaxMessageBytes = (int)section.Bytes(nameof(MaxMessageBytes), defaults.MaxMessageBytes, 64 * 1024, 0x3fff_ffff, Reload.Live),
            MaxStartupBytes = (int)section.Bytes(nameof(MaxStartupBytes), defaults.MaxStartupBytes, 1024, 1024 * 1024, Reload.Live),
            ClientIdleTimeout = section.DurationOrOff(nameof(ClientIdleTimeout), defaults.ClientIdleTimeout,
                TimeSpan.FromSeconds(1), TimeSpan.FromDays(30), Reload.Live),
            IdleInTransactionTimeout = section.DurationOrOff(nameof(IdleInTransactionTimeout), defaults.IdleInTransactionTimeout,
                TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(24), Reload.Live),
            TransactionTimeout = section.DurationOrOff(nameof(TransactionTimeout), defaults.TransactionTimeout,
                TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(24), Reload.Live),
            AdaptiveProtection = section.OnOff(nameof(AdaptiveProtection), defaults.AdaptiveProtection, Reload.Live),
            AdaptiveProtectionMin = section.Integer(nameof(AdaptiveProtectionMin), defaults.AdaptiveProtectionMin, 1, 100, Reload.Live),
            AdaptiveProtectionLatency = section.Integer(nameof(AdaptiveProtectionLatency), defaults.AdaptiveProtectionLatency, 110, 10_000, Reload.Live),
            ReplicationSlotsMax = section.Integer(nameof(ReplicationSlotsMax), defaults.ReplicationSlotsMax, 1, 1000, Reload.Live),
        };
    }
}
