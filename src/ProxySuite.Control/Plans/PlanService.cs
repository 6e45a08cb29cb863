using ProxySuite.Control.Jobs;
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
        Plan? before = await control.Store.FindPlanAsync(name, cancellationToken);
        Plan plan;
        try
        {
            plan = change(before);
        }
        catch (Exception refused)
        {
            await JobRunner.LogRefusalAsync(control, "plan.set", $"plan {name}", refused.Message, cancellationToken);
            throw;
        }
        return ((Plan, int))(await new JobRunner(control).RunAsync(new SetPlan { Plan = plan with { Version = 0 } }, cancellationToken)).Result!;
    }

    /// <summary>Gives a tenant another plan.</summary>
    /// <exception cref="RegistryException">No such tenant or plan.</exception>
    public async Task<TenantEntry> SetTenantPlanAsync(TenantSlug slug, string plan, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control).RunAsync(new SetTenantPlan { Slug = slug, Plan = plan }, cancellationToken)).Result!;

    /// <summary>Sets what a tenant has otherwise than its plan.</summary>
    /// <param name="change">What to set; what is null stays as it is.</param>
    /// <param name="reset">Take back first what was set before.</param>
    /// <exception cref="ControlException">A limit out of its range.</exception>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> SetOverridesAsync(TenantSlug slug, PlanOverrides change, bool reset, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control).RunAsync(new SetTenantOverrides { Slug = slug, Change = change, Reset = reset }, cancellationToken)).Result!;
}
