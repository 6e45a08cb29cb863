using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

public sealed partial class RegistryStore
{
    private const string PlanSelect = $"SELECT {PlanRow.Columns} FROM system.plans p";

    public Task<IReadOnlyList<Plan>> ListPlansAsync(CancellationToken cancellationToken = default)
        => QueryAsync(Command(PlanSelect + " ORDER BY p.connections, p.name"), reader => PlanRow.Read(reader, 0), cancellationToken);

    /// <returns>Null when there is none of that name.</returns>
    public Task<Plan?> FindPlanAsync(string name, CancellationToken cancellationToken = default)
        => QueryOneAsync(Command(PlanSelect + " WHERE p.name = $1", name), reader => PlanRow.Read(reader, 0), cancellationToken);

    /// <summary>Enters a plan whose version is 0; changes one that was read, if nobody changed it since.</summary>
    /// <returns>The plan with its new version.</returns>
    public async Task<Plan> SavePlanAsync(Plan plan, CancellationToken cancellationToken = default)
    {
        if (plan.WhyRefused() is { } reason) throw new RegistryException(RegistryFailure.Refused, reason);
        const string Insert =
            """
            INSERT INTO system.plans (name, statement_timeout_ms, work_mem_kb, connections, queries_per_second, weight, pool_mode, settings, pins_max, pinned_idle_ms,
              burst, connections_per_second, concurrent_queries, query_seconds_per_minute, bytes_per_minute, clients_max, connections_min, replication)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
            """;
        const string Update =
            """
            UPDATE system.plans SET statement_timeout_ms = $2, work_mem_kb = $3, connections = $4, queries_per_second = $5, weight = $6,
              pool_mode = $7, settings = $8::jsonb, pins_max = $9, pinned_idle_ms = $10, burst = $11, connections_per_second = $12, concurrent_queries = $13,
              query_seconds_per_minute = $14, bytes_per_minute = $15, clients_max = $16, connections_min = $17, replication = $18
            WHERE name = $1 AND version = $19
            """;
        object?[] values =
        [
            plan.Name, (long)plan.StatementTimeout.TotalMilliseconds, plan.WorkMemBytes / 1024, plan.Connections, plan.QueriesPerSecond, plan.Weight,
            plan.PoolMode is { } mode ? EnumText.Of(mode) : null, PlanRow.SettingsText(plan.Settings),
            plan.PinsMax, plan.PinnedIdleTimeout is { } idle ? (long)idle.TotalMilliseconds : null,
            plan.Burst, plan.ConnectionsPerSecond, plan.ConcurrentQueries, plan.QuerySecondsPerMinute, plan.BytesPerMinute, plan.ClientsMax, plan.ConnectionsMin, plan.Replication,
        ];
        await ChangeOneAsync(plan.Version == 0 ? Command(Insert, values) : Command(Update, [.. values, plan.Version]),
            RegistryFailure.VersionChanged, $"plan \"{plan.Name}\" was changed by somebody else", cancellationToken);
        return await FindPlanAsync(plan.Name, cancellationToken)
            ?? throw new RegistryException(RegistryFailure.VersionChanged, $"plan \"{plan.Name}\" was removed by somebody else");
    }

    /// <exception cref="RegistryException">InUse, while tenants have it.</exception>
    public Task DeletePlanAsync(string name, CancellationToken cancellationToken = default)
        => ChangeOneAsync(Command("DELETE FROM system.plans WHERE name = $1", name),
            RegistryFailure.NotFound, $"there is no plan \"{name}\"", cancellationToken);
}
