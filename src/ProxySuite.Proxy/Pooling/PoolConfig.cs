using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Pooling;

/// <summary>All that a pool takes from registry and options, at one moment. Immutable; a change is a new value.</summary>
internal sealed record PoolConfig
{
    /// <summary>The tenant's slug, for errors, logs and metrics.</summary>
    public required string Tenant { get; init; }

    /// <summary>The shard's name, likewise.</summary>
    public required string Shard { get; init; }

    /// <summary>Server connections of the tenant on this reactor; from 1.</summary>
    public required int Connections { get; init; }

    /// <summary>For how long a client holds a server connection.</summary>
    public required PoolMode Mode { get; init; }

    /// <summary>Clients that may keep a server beyond their transactions at a time; from 1.</summary>
    public int PinsMax { get; init; } = int.MaxValue;

    /// <summary>How long such a client may be idle; zero for any time.</summary>
    public TimeSpan PinnedIdle { get; init; }

    /// <summary>How far NOTIFY reaches.</summary>
    public NotificationReach Notifications { get; init; } = NotificationReach.SharedDatabase;

    /// <summary>Where and as whom to log in, by <see cref="UserRole"/>; behind them, where tenants have roles of their own, that of replication connections.</summary>
    public required IReadOnlyList<BackendTarget> Targets { get; init; }

    /// <summary>Index in <see cref="Targets"/> of replication connections.</summary>
    public const int ReplicationTarget = 3;

    /// <summary>The tenant's database holds nobody else's tables.</summary>
    public bool HasOwnDatabase { get; init; }

    /// <summary>The tenant has a database of its own and its plan allows replication connections.</summary>
    public bool Replication { get; init; }

    /// <summary>The tenant's id.</summary>
    public TenantId TenantId { get; init; }

    /// <summary>Share of a crowded shard beside other tenants, from 1.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>Server connections that no other tenant takes from it, from 0.</summary>
    public int ConnectionsMin { get; init; }

    /// <summary>What every session of the tenant has, where servers are shared and cannot be started with it.</summary>
    public SessionSettings Base { get; init; } = SessionSettings.None;

    /// <summary>What clients' statements may be, by <see cref="UserRole"/>.</summary>
    public required IReadOnlyList<StatementRules> Rules { get; init; }

    /// <summary>For how long server connections may work.</summary>
    public required WorkLimits Limits { get; init; }

    /// <summary>What a server connection was opened for: database, settings, placement, credentials. One of another value is not used again.</summary>
    public required string Fingerprint { get; init; }
}
