using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Tenants;

/// <summary>Gives a tenant up: nobody gets in from now on, and everything is kept until its retention is over.</summary>
internal sealed record DeleteTenant : TenantJob
{
    public override string Kind => "tenant.delete";

    public required TimeSpan Retention { get; init; }

    public override void Validate()
    {
        if (Retention < TimeSpan.Zero || Retention > TenantLifecycle.RetentionMax) throw new ControlException("a deleted tenant is kept for 0 to 365 days");
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        job.Before(TenantFacts.Of(entry));
        await job.StepAsync("registry", async () =>
        {
            // Asked again, the day stays what it was said to be.
            if (entry.Tenant.State == TenantState.Deleting) job.IsUnchanged = !job.IsResumed;
            else entry = await job.Store.GiveUpTenantAsync(entry.Tenant, DateTimeOffset.UtcNow + Retention, cancellationToken);
        }, cancellationToken);
        job.After(TenantFacts.Of(entry));
        await FenceAsync(job, entry, atOnce: true, cancellationToken);
        await job.StepAsync("schedule", () => ScheduleAsync(job, entry.Tenant, cancellationToken), cancellationToken);
        job.Result = entry;
    }

    private static Task<Job> ScheduleAsync(JobContext job, Tenant tenant, CancellationToken cancellationToken)
    {
        var due = new PurgeDue { Tenant = tenant.Id.Value, Day = tenant.DeleteAfter!.Value };
        return job.Store.EnqueueJobAsync(
            new NewJob(due.Kind, due.Key, JobKinds.Payload(due), tenant.Id) { Subject = due.Subject, Actor = job.Owner, RunAfter = tenant.DeleteAfter }, cancellationToken);
    }
}

/// <summary>Takes a deletion back while the retention lasts: the tenant is what it was before.</summary>
internal sealed record UndeleteTenant : TenantJob
{
    public override string Kind => "tenant.undelete";

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        if (!job.IsResumed) RequireState(entry, TenantState.Deleting);
        job.Before(TenantFacts.Of(entry));
        if (entry.Tenant is { State: TenantState.Deleting, DeletedFrom: null })
        {
            throw new ControlException($"tenant \"{Slug}\" was never whole", $"Purge it and make it anew: proxyctl tenant purge {Slug}");
        }
        if (entry.Tenant.DeletedFrom == TenantState.Active) await TenantDoor.OpenAsync(job, entry, cancellationToken);
        await job.StepAsync("registry", async () =>
        {
            if (entry.Tenant.State == TenantState.Deleting) entry = await job.Store.UndeleteTenantAsync(entry.Tenant, cancellationToken);
        }, cancellationToken);
        job.After(TenantFacts.Of(entry));
        job.Result = entry;
    }
}

/// <summary>Gives a tenant another slug. Under the old one nobody is found from now on, and nobody else may have it for 30 days.</summary>
internal sealed record RenameTenant : TenantJob
{
    public override string Kind => "tenant.rename";

    public required TenantSlug To { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry? entry = await job.Store.FindTenantAsync(Slug, cancellationToken);
        // A run before this one may have come as far as that.
        if (entry is null && job.IsResumed && await job.Store.FindTenantAsync(To, cancellationToken) is { } renamed)
        {
            job.Result = renamed;
            return;
        }
        if (entry is null) throw new RegistryException(RegistryFailure.NotFound, $"there is no tenant \"{Slug}\"");
        RequireState(entry, TenantState.Active, TenantState.Suspended);
        job.Before(new { Slug });
        job.After(new { Slug = To });
        await job.StepAsync("registry", async () => entry = await job.Store.RenameTenantAsync(entry.Tenant, To, cancellationToken), cancellationToken);
        job.Result = entry;
    }
}
