namespace ProxySuite.Tenancy.Model;

/// <summary>What one tenant has otherwise than its plan; null leaves the plan's value. Of settings of one name the one here wins.</summary>
public sealed record PlanOverrides : PlanLimits
{
    public static readonly PlanOverrides None = new();

    /// <inheritdoc cref="Plan.StatementTimeout"/>
    public TimeSpan? StatementTimeout { get; init; }

    /// <inheritdoc cref="Plan.WorkMemBytes"/>
    public long? WorkMemBytes { get; init; }

    /// <inheritdoc cref="Plan.Connections"/>
    public int? Connections { get; init; }

    /// <value>No more than <see cref="Connections"/> of the tenant counts.</value>
    public int? ConnectionsMin { get; init; }

    /// <inheritdoc cref="Plan.Weight"/>
    public int? Weight { get; init; }

    /// <inheritdoc cref="Plan.Replication"/>
    public bool? Replication { get; init; }

    /// <summary>All that a plan says, as overrides that would say the same.</summary>
    public static PlanOverrides Of(Plan plan) => (PlanOverrides)None.Under(plan) with
    {
        StatementTimeout = plan.StatementTimeout,
        WorkMemBytes = plan.WorkMemBytes,
        Connections = plan.Connections,
        ConnectionsMin = plan.ConnectionsMin,
        Weight = plan.Weight,
        Replication = plan.Replication,
    };

    /// <summary>A plan that says this and no more. The opposite of <see cref="Of"/>.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>A limit that every plan must have, and that is not here, is zero: such a plan is refused.</returns>
    internal Plan AsPlan(string name)
        => Apply(new Plan { Name = name, StatementTimeout = TimeSpan.Zero, WorkMemBytes = 0, Connections = 0 }) with { ConnectionsMin = ConnectionsMin ?? 0 };

    /// <summary>Why they cannot be, with the limit that they break; null when they can.</summary>
    public string? WhyRefused()
        => (StatementTimeout is { } time ? PlanRules.StatementTimeout(time) : null)
        ?? (WorkMemBytes is { } bytes ? PlanRules.WorkMem(bytes) : null)
        ?? (Connections is { } connections ? PlanRules.Connections(connections) : null)
        ?? (ConnectionsMin is { } minimum ? PlanRules.ConnectionsMin(minimum, Connections ?? int.MaxValue) : null)
        ?? (Weight is { } weight ? PlanRules.Weight(weight) : null)
        ?? WhyLimitsRefused();

    /// <summary>These, with what the other says over them.</summary>
    public PlanOverrides With(PlanOverrides change) => (PlanOverrides)Under(change) with
    {
        StatementTimeout = change.StatementTimeout ?? StatementTimeout,
        WorkMemBytes = change.WorkMemBytes ?? WorkMemBytes,
        Connections = change.Connections ?? Connections,
        ConnectionsMin = change.ConnectionsMin ?? ConnectionsMin,
        Weight = change.Weight ?? Weight,
        Replication = change.Replication ?? Replication,
    };

    /// <summary>The plan as this tenant has it.</summary>
    public Plan Apply(Plan plan) => this == None ? plan : plan.Under(this) with
    {
        StatementTimeout = StatementTimeout ?? plan.StatementTimeout,
        WorkMemBytes = WorkMemBytes ?? plan.WorkMemBytes,
        Connections = Connections ?? plan.Connections,
        // Given apart, the two may contradict each other; what a tenant may have at most is the stronger.
        ConnectionsMin = Math.Min(ConnectionsMin ?? plan.ConnectionsMin, Connections ?? plan.Connections),
        Weight = Weight ?? plan.Weight,
        Replication = Replication ?? plan.Replication,
    };
}
