using System.Collections.Immutable;

namespace ProxySuite.Tenancy.Model;

/// <summary>When a server connection goes back to its pool (A3).</summary>
public enum PoolMode
{
    Transaction, // when no transaction is open
    Session,     // when the client leaves
    Statement,   // after every statement; transactions over several are refused
}

/// <summary>What a tenant may use: limits that the engine and the proxy hold it to (A5 to A8).</summary>
public sealed record Plan
{
    /// <value>1 to 63 characters: lower-case letters, digits, '-' and '_'.</value>
    public required string Name { get; init; }

    /// <value>Longest time one statement runs; 1 ms to 24 h.</value>
    public required TimeSpan StatementTimeout { get; init; }

    /// <value>Memory of one sort or hash, in bytes; 64 kB to 1 TB, a multiple of 1 kB as PostgreSQL counts in kB.</value>
    public required long WorkMemBytes { get; init; }

    /// <value>Most server connections of one tenant, over all its users; 1 to 10 000.</value>
    public required int Connections { get; init; }

    /// <value>Most queries a second, 1 to 1 000 000; null for no limit.</value>
    public int? QueriesPerSecond { get; init; }

    /// <value>Queries that may come at once before <see cref="QueriesPerSecond"/> holds, 1 to 1 000 000; null for one second's worth.</value>
    public int? Burst { get; init; }

    /// <value>Most new client connections a second, 1 to 100 000; null for no limit.</value>
    public int? ConnectionsPerSecond { get; init; }

    /// <value>Most queries under way at a time, 1 to 10 000; null for no limit beyond <see cref="Connections"/>.</value>
    public int? ConcurrentQueries { get; init; }

    /// <value>Most server time of a tenant's queries in any 60 seconds, in seconds, 1 to 1 000 000; null for no limit.</value>
    public int? QuerySecondsPerMinute { get; init; }

    /// <value>Most bytes from and to a tenant's clients in any 60 seconds, 64 kB to 1 PB; null for no limit.</value>
    public long? BytesPerMinute { get; init; }

    /// <value>Most client connections of one tenant at one proxy, 1 to 1 000 000; null for the proxy's own setting.</value>
    public int? ClientsMax { get; init; }

    /// <value>Share of a crowded shard relative to other tenants; 1 to 1000.</value>
    public int Weight { get; init; } = 1;

    /// <value>Server connections that a tenant is given on a crowded shard whatever the others want, 0 to <see cref="Connections"/>.</value>
    public int ConnectionsMin { get; init; }

    /// <value>Whether clients may open logical replication connections; only in the database model.</value>
    public bool Replication { get; init; }

    /// <value>The pool mode of the plan; null for the proxy's own setting <c>Pool:Mode</c>.</value>
    public PoolMode? PoolMode { get; init; }

    /// <value>Clients of one tenant that may keep a server connection for session state at a time, 1 to 10 000; null for all connections but one.</value>
    public int? PinsMax { get; init; }

    /// <value>How long such a client may be idle, 1 s to 7 d, or zero for any time; null for the proxy's own setting <c>Pool:PinnedIdleTimeout</c>.</value>
    public TimeSpan? PinnedIdleTimeout { get; init; }

    /// <value>Further run-time parameters set on every server connection; see <see cref="PlanSettings"/> for what is refused.</value>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = PlanSettings.None;

    /// <value>Rises with every change of the plan.</value>
    public long Version { get; init; }

    /// <summary>Why the plan cannot be, with the limit that it breaks; null when it can.</summary>
    public string? WhyRefused()
        => PlanRules.Name(Name)
        ?? PlanRules.StatementTimeout(StatementTimeout)
        ?? PlanRules.WorkMem(WorkMemBytes)
        ?? PlanRules.Connections(Connections)
        ?? PlanRules.QueriesPerSecond(QueriesPerSecond)
        ?? PlanRules.Burst(Burst)
        ?? PlanRules.ConnectionsPerSecond(ConnectionsPerSecond)
        ?? PlanRules.ConcurrentQueries(ConcurrentQueries)
        ?? PlanRules.QuerySecondsPerMinute(QuerySecondsPerMinute)
        ?? PlanRules.BytesPerMinute(BytesPerMinute)
        ?? PlanRules.ClientsMax(ClientsMax)
        ?? PlanRules.Weight(Weight)
        ?? PlanRules.ConnectionsMin(ConnectionsMin, Connections)
        ?? PlanRules.PinsMax(PinsMax)
        ?? PlanRules.PinnedIdleTimeout(PinnedIdleTimeout)
        ?? PlanSettings.WhyRefused(Settings);
}

/// <summary>What one tenant has otherwise than its plan; null leaves the plan's value.</summary>
public sealed record PlanOverrides
{
    public static readonly PlanOverrides None = new();

    public TimeSpan? StatementTimeout { get; init; }

    public long? WorkMemBytes { get; init; }

    public int? Connections { get; init; }

    public int? QueriesPerSecond { get; init; }

    public int? Burst { get; init; }

    public int? ConnectionsPerSecond { get; init; }

    public int? ConcurrentQueries { get; init; }

    public int? QuerySecondsPerMinute { get; init; }

    public long? BytesPerMinute { get; init; }

    public int? ClientsMax { get; init; }

    public int? Weight { get; init; }

    /// <value>No more than <see cref="Connections"/> of the tenant counts.</value>
    public int? ConnectionsMin { get; init; }

    public bool? Replication { get; init; }

    public PoolMode? PoolMode { get; init; }

    public int? PinsMax { get; init; }

    public TimeSpan? PinnedIdleTimeout { get; init; }

    /// <value>Settings beside the plan's; the same name here wins.</value>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = PlanSettings.None;

    /// <summary>Why they cannot be, with the limit that they break; null when they can.</summary>
    public string? WhyRefused()
        => (StatementTimeout is { } time ? PlanRules.StatementTimeout(time) : null)
        ?? (WorkMemBytes is { } bytes ? PlanRules.WorkMem(bytes) : null)
        ?? (Connections is { } connections ? PlanRules.Connections(connections) : null)
        ?? PlanRules.QueriesPerSecond(QueriesPerSecond)
        ?? PlanRules.Burst(Burst)
        ?? PlanRules.ConnectionsPerSecond(ConnectionsPerSecond)
        ?? PlanRules.ConcurrentQueries(ConcurrentQueries)
        ?? PlanRules.QuerySecondsPerMinute(QuerySecondsPerMinute)
        ?? PlanRules.BytesPerMinute(BytesPerMinute)
        ?? PlanRules.ClientsMax(ClientsMax)
        ?? (Weight is { } weight ? PlanRules.Weight(weight) : null)
        ?? (ConnectionsMin is { } minimum ? PlanRules.ConnectionsMin(minimum, Connections ?? int.MaxValue) : null)
        ?? PlanRules.PinsMax(PinsMax)
        ?? PlanRules.PinnedIdleTimeout(PinnedIdleTimeout)
        ?? PlanSettings.WhyRefused(Settings);

    /// <summary>These, with what the other says over them.</summary>
    public PlanOverrides With(PlanOverrides change) => new()
    {
        StatementTimeout = change.StatementTimeout ?? StatementTimeout,
        WorkMemBytes = change.WorkMemBytes ?? WorkMemBytes,
        Connections = change.Connections ?? Connections,
        QueriesPerSecond = change.QueriesPerSecond ?? QueriesPerSecond,
        Burst = change.Burst ?? Burst,
        ConnectionsPerSecond = change.ConnectionsPerSecond ?? ConnectionsPerSecond,
        ConcurrentQueries = change.ConcurrentQueries ?? ConcurrentQueries,
        QuerySecondsPerMinute = change.QuerySecondsPerMinute ?? QuerySecondsPerMinute,
        BytesPerMinute = change.BytesPerMinute ?? BytesPerMinute,
        ClientsMax = change.ClientsMax ?? ClientsMax,
        Weight = change.Weight ?? Weight,
        ConnectionsMin = change.ConnectionsMin ?? ConnectionsMin,
        Replication = change.Replication ?? Replication,
        PoolMode = change.PoolMode ?? PoolMode,
        PinsMax = change.PinsMax ?? PinsMax,
        PinnedIdleTimeout = change.PinnedIdleTimeout ?? PinnedIdleTimeout,
        Settings = Settings.SetItems(change.Settings),
    };

    /// <summary>The plan as this tenant has it.</summary>
    public Plan Apply(Plan plan) => this == None ? plan : plan with
    {
        StatementTimeout = StatementTimeout ?? plan.StatementTimeout,
        WorkMemBytes = WorkMemBytes ?? plan.WorkMemBytes,
        Connections = Connections ?? plan.Connections,
        QueriesPerSecond = QueriesPerSecond ?? plan.QueriesPerSecond,
        Burst = Burst ?? plan.Burst,
        ConnectionsPerSecond = ConnectionsPerSecond ?? plan.ConnectionsPerSecond,
        ConcurrentQueries = ConcurrentQueries ?? plan.ConcurrentQueries,
        QuerySecondsPerMinute = QuerySecondsPerMinute ?? plan.QuerySecondsPerMinute,
        BytesPerMinute = BytesPerMinute ?? plan.BytesPerMinute,
        ClientsMax = ClientsMax ?? plan.ClientsMax,
        Weight = Weight ?? plan.Weight,
        // Given apart, the two may contradict each other; what a tenant may have at most is the stronger.
        ConnectionsMin = Math.Min(ConnectionsMin ?? plan.ConnectionsMin, Connections ?? plan.Connections),
        Replication = Replication ?? plan.Replication,
        PoolMode = PoolMode ?? plan.PoolMode,
        PinsMax = PinsMax ?? plan.PinsMax,
        PinnedIdleTimeout = PinnedIdleTimeout ?? plan.PinnedIdleTimeout,
        Settings = plan.Settings.SetItems(Settings),
    };
}
