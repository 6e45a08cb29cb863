using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Plans;

/// <summary>What tenants may use (A7).</summary>
public sealed class PlanService(ControlPlane control)
{
    /// <summary>Enters or changes a plan, and lets the shards know what each of its tenants' roles may use.</summary>
    /// <param name="change">Makes the new plan from the present one; null stands for a plan that does not exist yet.</param>
    /// <returns>The plan, and how many tenants have it.</returns>
    /// <exception cref="ControlException">A shard cannot be reached: the plan is changed, its roles there are not; the same call again finishes.</exception>
    /// <exception cref="RegistryException">A limit out of its range.</exception>
    public async Task<(Plan Plan, int TenantCount)> SetAsync(string name, Func<Plan?, Plan> change, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"plan {name}", cancellationToken);
        Plan? before = await control.Store.FindPlanAsync(name, cancellationToken);
        Plan after = change(before);
        if (after != before)
        {
            after = await control.Store.SavePlanAsync(after, cancellationToken);
            await control.AuditAsync("plan.set", $"plan {name}", new { Before = before, After = after }, cancellationToken);
        }
        List<TenantEntry> tenants = await AllTenants.OfPlanAsync(control.Store, name, cancellationToken);
        foreach (IGrouping<string, TenantEntry> shard in tenants.GroupBy(entry => entry.Shard.Name)) await SetLimitsAsync(shard.Key, shard, cancellationToken);
        return (after, tenants.Count);
    }

    /// <summary>Gives a tenant another plan.</summary>
    /// <exception cref="RegistryException">No such tenant or plan.</exception>
    public async Task<TenantEntry> SetTenantPlanAsync(TenantSlug slug, string plan, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable mine = await control.LockAsync($"tenant {slug}", cancellationToken);
        if (await control.Store.FindPlanAsync(plan, cancellationToken) is null) throw new ControlException($"there is no plan \"{plan}\"", "See: proxyctl plan list");
        TenantEntry before = await control.Store.GetTenantAsync(slug, cancellationToken);
        TenantEntry after = before;
        if (before.Tenant.Plan.Name != plan)
        {
            after = await control.Store.SetTenantPlanAsync(before.Tenant, plan, cancellationToken);
            await control.AuditAsync("tenant.set-plan", $"tenant {slug}", new { Before = before.Tenant.Plan.Name, After = plan }, cancellationToken);
        }
        await SetLimitsAsync(after.Shard.Name, [after], cancellationToken);
        return after;
    }

    private async Task SetLimitsAsync(string shard, IEnumerable<TenantEntry> tenants, CancellationToken cancellationToken)
    {
        var servers = new ShardConnections(await control.Store.GetShardAsync(shard, cancellationToken));
        await using NpgsqlConnection connection = await servers.OpenSharedAsync(cancellationToken);
        // A tenant that is still being made gets its limits with its roles.
        foreach (TenantEntry[] some in tenants.Where(entry => entry.Tenant.State != TenantState.Creating).Chunk(100))
        {
            await connection.ExecuteAsync(string.Concat(some.Select(entry => TenantRoles.Limits(entry.Tenant))), cancellationToken);
        }
    }
}
