namespace ProxySuite.Tenancy.Model;

/// <summary>When a server connection goes back to its pool (A3).</summary>
public enum PoolMode
{
    Transaction, // when no transaction is open
    Session,     // when the client leaves
    Statement,   // after every statement; transactions over several are refused
}

/// <summary>What a tenant may use: limits that the engine and the proxy hold it to (A5 to A8).</summary>
public sealed record Plan : PlanLimits
{
    /// <value>1 to 63 characters: lower-case letters, digits, '-' and '_'.</value>
    public required string Name { get; init; }

    /// <value>Longest time one statement runs; 1 ms to 24 h.</value>
    public required TimeSpan StatementTimeout { get; init; }

    /// <value>Memory of one sort or hash, in bytes; 64 kB to 1 TB, a multiple of 1 kB as PostgreSQL counts in kB.</value>
    public required long WorkMemBytes { get; init; }

    /// <value>Most server connections of one tenant, over all its users; 1 to 10 000.</value>
    public required int Connections { get; init; }

    /// <value>Share of a crowded shard relative to other tenants; 1 to 1000.</value>
    public int Weight { get; init; } = 1;

    /// <value>Server connections that a tenant is given on a crowded shard whatever the others want, 0 to <see cref="Connections"/>.</value>
    public int ConnectionsMin { get; init; }

    /// <value>Whether clients may open logical replication connections; only in the database model.</value>
    public bool Replication { get; init; }

    /// <value>Rises with every change of the plan.</value>
    public long Version { get; init; }

    /// <summary>Why the plan cannot be, with the limit that it breaks; null when it can.</summary>
    public string? WhyRefused()
        => PlanRules.Name(Name)
        ?? PlanRules.StatementTimeout(StatementTimeout)
        ?? PlanRules.WorkMem(WorkMemBytes)
        ?? PlanRules.Connections(Connections)
        ?? PlanRules.Weight(Weight)
        ?? PlanRules.ConnectionsMin(ConnectionsMin, Connections)
        ?? WhyLimitsRefused();

    /// <inheritdoc cref="PlanLimits.Under"/>
    internal Plan Under(PlanOverrides above) => (Plan)base.Under(above);
}
