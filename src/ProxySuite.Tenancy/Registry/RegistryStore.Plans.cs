using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

public sealed partial class RegistryStore
{
    private static readonly string PlanSelect = $"SELECT {PlanRow.Columns} FROM system.plans p";

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
        object?[] values = [plan.Name, .. PlanRow.Values(PlanOverrides.Of(plan))];
        NpgsqlCommand command = plan.Version == 0
            ? Command($"INSERT INTO system.plans (name, {PlanRow.Written}) VALUES ($1, {PlanRow.Parameters})", values)
            : Command($"UPDATE system.plans SET ({PlanRow.Written}) = ({PlanRow.Parameters}) WHERE name = $1 AND version = {PlanRow.NextParameter}", [.. values, plan.Version]);
        await ChangeOneAsync(command, RegistryFailure.VersionChanged, $"plan \"{plan.Name}\" was changed by somebody else", cancellationToken);
        return await FindPlanAsync(plan.Name, cancellationToken)
            ?? throw new RegistryException(RegistryFailure.VersionChanged, $"plan \"{plan.Name}\" was removed by somebody else");
    }

    /// <exception cref="RegistryException">InUse, while tenants have it.</exception>
    public Task DeletePlanAsync(string name, CancellationToken cancellationToken = default)
        => ChangeOneAsync(Command("DELETE FROM system.plans WHERE name = $1", name),
            RegistryFailure.NotFound, $"there is no plan \"{name}\"", cancellationToken);
}
