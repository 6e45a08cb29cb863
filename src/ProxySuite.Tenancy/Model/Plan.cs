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

    /// <value>Share of a crowded shard relative to other tenants; 1 to 1000.</value>
    public int Weight { get; init; } = 1;

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
        ?? PlanRules.Weight(Weight)
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

    public int? Weight { get; init; }

    public PoolMode? PoolMode { get; init; }

    /// <value>Settings beside the plan's; the same name here wins.</value>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = PlanSettings.None;

    /// <summary>Why they cannot be, with the limit that they break; null when they can.</summary>
    public string? WhyRefused()
        => (StatementTimeout is { } time ? PlanRules.StatementTimeout(time) : null)
        ?? (WorkMemBytes is { } bytes ? PlanRules.WorkMem(bytes) : null)
        ?? (Connections is { } connections ? PlanRules.Connections(connections) : null)
        ?? PlanRules.QueriesPerSecond(QueriesPerSecond)
        ?? (Weight is { } weight ? PlanRules.Weight(weight) : null)
        ?? PlanSettings.WhyRefused(Settings);

    /// <summary>The plan as this tenant has it.</summary>
    public Plan Apply(Plan plan) => this == None ? plan : plan with
    {
        StatementTimeout = StatementTimeout ?? plan.StatementTimeout,
        WorkMemBytes = WorkMemBytes ?? plan.WorkMemBytes,
        Connections = Connections ?? plan.Connections,
        QueriesPerSecond = QueriesPerSecond ?? plan.QueriesPerSecond,
        Weight = Weight ?? plan.Weight,
        PoolMode = PoolMode ?? plan.PoolMode,
        Settings = plan.Settings.SetItems(Settings),
    };
}
