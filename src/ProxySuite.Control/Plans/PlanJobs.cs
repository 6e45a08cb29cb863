using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Plans;

/// <summary>Enters or changes a plan, and lets the shards know what each of its tenants' roles may use.</summary>
internal sealed record SetPlan : ControlJob
{
    public override string Kind => "plan.set";

    [JsonIgnore]
    public override string Subject => $"plan {Plan.Name}";

    /// <value>As it is to be.</value>
    public required Plan Plan { get; init; }

    public override void Validate()
    {
        if (Plan.WhyRefused() is { } reason) throw new ControlException(reason);
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Plan? before = await job.Store.FindPlanAsync(Plan.Name, cancellationToken);
        if (before is not null) job.Before(before);
        Plan after = Plan with { Version = before?.Version ?? 0 };
        if (Plan.Replication && before is { Replication: false })
        {
            await RoleLimits.RequireReplicableAsync(job, await AllTenants.OfPlanAsync(job.Store, Plan.Name, cancellationToken), isAsked: false, cancellationToken);
        }
        await job.StepAsync("registry", async () =>
        {
            if (before is not null && IsSame(after, before)) job.IsUnchanged = true;
            else after = await job.Store.SavePlanAsync(after, cancellationToken);
        }, cancellationToken);
        job.After(after);
        List<TenantEntry> tenants = await AllTenants.OfPlanAsync(job.Store, Plan.Name, cancellationToken);
        foreach (IGrouping<string, TenantEntry> shard in tenants.GroupBy(entry => entry.Shard.Name))
        {
            await job.StepAsync($"limits on {shard.Key}", () => RoleLimits.SetAsync(job, shard.Key, shard, cancellationToken), cancellationToken);
        }
        job.Result = (after, tenants.Count);
    }

    // A record compares its settings by reference.
    private static bool IsSame(Plan left, Plan right) => left with { Settings = right.Settings } == right && left.Settings.SequenceEqual(right.Settings);
}

/// <summary>Gives a tenant another plan.</summary>
internal sealed record SetTenantPlan : TenantJob
{
    public override string Kind => "tenant.set-plan";

    public required string Plan { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Plan wanted = await job.Store.FindPlanAsync(Plan, cancellationToken) ?? throw new ControlException($"there is no plan \"{Plan}\"", "See: proxyctl plan list");
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        if (wanted.Replication) await RoleLimits.RequireReplicableAsync(job, [entry], isAsked: false, cancellationToken);
        job.Before(entry.Tenant.Plan.Name);
        job.After(Plan);
        await job.StepAsync("registry", async () =>
        {
            if (entry.Tenant.Plan.Name == Plan) job.IsUnchanged = true;
            else entry = await job.Store.SetTenantPlanAsync(entry.Tenant, Plan, cancellationToken);
        }, cancellationToken);
        await job.StepAsync("limits", () => RoleLimits.SetAsync(job, entry.Shard.Name, [entry], cancellationToken), cancellationToken);
        job.Result = entry;
    }
}

/// <summary>Sets what a tenant has otherwise than its plan.</summary>
internal sealed record SetTenantOverrides : TenantJob
{
    public override string Kind => "tenant.set";

    /// <value>Take back what was set before.</value>
    public bool Reset { get; init; }

    /// <value>What to set; what is null here stays as it is.</value>
    public required PlanOverrides Change { get; init; }

    public override void Validate()
    {
        if (Change.WhyRefused() is { } reason) throw new ControlException(reason);
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        PlanOverrides before = await job.Store.GetOverridesAsync(entry.Tenant.Id, cancellationToken);
        job.Before(before);
        PlanOverrides after = (Reset ? PlanOverrides.None : before).With(Change);
        job.After(after);
        if (Change.Replication == true) await RoleLimits.RequireReplicableAsync(job, [entry], isAsked: true, cancellationToken);
        await job.StepAsync("registry", () => job.Store.SetOverridesAsync(entry.Tenant.Id, after, cancellationToken), cancellationToken);
        entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        await job.StepAsync("limits", () => RoleLimits.SetAsync(job, entry.Shard.Name, [entry], cancellationToken), cancellationToken);
        job.Result = entry;
    }
}

/// <summary>What the servers themselves hold a tenant's roles to.</summary>
internal static class RoleLimits
{
    /// <summary>Looks, before anything is changed, whether the tenants may be let replicate.</summary>
    /// <param name="isAsked">Asked for these very tenants; a plan may have tenants of all models, and means those that can.</param>
    /// <exception cref="ControlException">One of them, or its shard, is not fit for it.</exception>
    public static async Task RequireReplicableAsync(JobContext job, IReadOnlyCollection<TenantEntry> tenants, bool isAsked, CancellationToken cancellationToken)
    {
        if (isAsked && tenants.FirstOrDefault(entry => !ReplicationRole.CanHave(entry.Tenant)) is { } other)
        {
            throw new ControlException($"tenant \"{other.Tenant.Slug}\" is of model {EnumText.Of(other.Tenant.Isolation)}, and a replication connection reads a whole database",
                "Only tenants of model database can replicate.");
        }
        foreach (string shard in tenants.Where(entry => ReplicationRole.CanHave(entry.Tenant)).Select(entry => entry.Shard.Name).Distinct())
        {
            await using NpgsqlConnection shared = await new ShardConnections(await job.Store.GetShardAsync(shard, cancellationToken)).OpenSharedAsync(cancellationToken);
            await ReplicationRole.RequireBoundsAsync(shared, shard, cancellationToken);
        }
    }

    public static async Task SetAsync(JobContext job, string shard, IEnumerable<TenantEntry> tenants, CancellationToken cancellationToken)
    {
        var servers = new ShardConnections(await job.Store.GetShardAsync(shard, cancellationToken));
        await using NpgsqlConnection connection = await servers.OpenSharedAsync(cancellationToken);
        // A tenant that is still being made gets its limits with its roles.
        TenantEntry[] made = [.. tenants.Where(entry => entry.Tenant.State != TenantState.Creating)];
        int done = 0;
        foreach (TenantEntry[] some in made.Chunk(100))
        {
            job.Control.Tell($"limits on {shard}", done, made.Length);
            done += some.Length;
            await connection.ExecuteAsync(string.Concat(some.Select(entry => TenantRoles.Limits(entry.Tenant))), cancellationToken);
            foreach (TenantEntry entry in some) await ReplicationRole.SetAsync(connection, servers, entry.Tenant, shard, () => job.MasterKey, cancellationToken);
        }
    }
}
