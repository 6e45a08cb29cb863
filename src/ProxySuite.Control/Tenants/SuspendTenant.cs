using System.Globalization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Tenants;

/// <summary>Keeps everything of a tenant and serves nothing.</summary>
internal sealed record SuspendTenant : TenantJob
{
    public override string Kind => "tenant.suspend";

    /// <summary>How long the command waits for transactions that are open; what is open longer is left to the worker.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public string? Reason { get; init; }

    public DateTimeOffset? Until { get; init; }

    public bool Now { get; init; }

    public override void Validate()
    {
        if (Until <= DateTimeOffset.UtcNow) throw new ControlException("the suspension would be over before it begins", "Name a time to come.");
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        RequireState(entry, TenantState.Active, TenantState.Suspended);
        job.Before(TenantFacts.Of(entry));
        // The proxies hear of it with this; what they do not end by themselves, the shard does.
        await job.StepAsync("registry", async () =>
        {
            Tenant tenant = entry.Tenant;
            if (tenant.State != TenantState.Suspended || tenant.SuspendReason != Reason || tenant.SuspendedUntil != Until)
            {
                entry = await job.Store.SuspendTenantAsync(tenant, Reason, Until, cancellationToken);
            }
            else
            {
                job.IsUnchanged = true;
            }
        }, cancellationToken);
        job.After(TenantFacts.Of(entry));
        await FenceAsync(job, entry, Now, cancellationToken);
        await job.StepAsync("left", () => EndLeftAsync(job, entry, cancellationToken), cancellationToken);
        if (Until is { } until) await job.StepAsync("schedule", () => ScheduleAsync(job, entry.Tenant.Id, until, cancellationToken), cancellationToken);
        job.Result = entry;
    }

    // Proxies that have heard end a session with its transaction. One that has not would go on using it: so the shard ends it, now or when the worker comes by.
    private static async Task EndLeftAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken)
    {
        await using (NpgsqlConnection shard = await OpenShardAsync(job, entry, cancellationToken))
        {
            if (await TenantSessions.EndAsync(shard, entry.Tenant, atOnce: false, Patience, cancellationToken) == 0) return;
        }
        var rest = new EndSessions { Tenant = entry.Tenant.Id.Value };
        await job.Store.EnqueueJobAsync(new NewJob(rest.Kind, rest.Key, JobKinds.Payload(rest), entry.Tenant.Id) { Subject = rest.Subject, Actor = job.Owner }, cancellationToken);
    }

    private static Task<Job> ScheduleAsync(JobContext job, TenantId tenant, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var due = new ResumeDue { Tenant = tenant.Value, Until = until };
        return job.Store.EnqueueJobAsync(new NewJob(due.Kind, due.Key, JobKinds.Payload(due), tenant) { Subject = due.Subject, Actor = job.Owner, RunAfter = until }, cancellationToken);
    }
}

/// <summary>Serves a suspended tenant again.</summary>
internal sealed record ResumeTenant : TenantJob
{
    public override string Kind => "tenant.resume";

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        RequireState(entry, TenantState.Active, TenantState.Suspended);
        job.Before(TenantFacts.Of(entry));
        job.Result = await ResumeAsync(job, entry, cancellationToken);
    }

    /// <summary>First the shard, then the registry: what is let in finds the door open.</summary>
    internal static async Task<TenantEntry> ResumeAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken)
    {
        await TenantDoor.OpenAsync(job, entry, cancellationToken);
        await job.StepAsync("registry", async () =>
        {
            if (entry.Tenant.State == TenantState.Active) job.IsUnchanged = true;
            else entry = await job.Store.SetTenantStateAsync(entry.Tenant, TenantState.Active, cancellationToken: cancellationToken);
        }, cancellationToken);
        job.After(TenantFacts.Of(entry));
        return entry;
    }
}

/// <summary>Resumes a tenant on the day that its suspension named; nothing to do when it was resumed, or suspended otherwise, meanwhile.</summary>
internal sealed record ResumeDue : DueJob
{
    public override string Kind => "tenant.resume-due";

    public required DateTimeOffset Until { get; init; }

    public override string Subject => $"tenant {Tenant:D} until {Until.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)}";

    protected override bool IsDue(Tenant tenant) => tenant is { State: TenantState.Suspended, SuspendedUntil: { } until } && until <= Until.AddMilliseconds(1);

    protected override async Task DoAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken)
        => job.Result = await ResumeTenant.ResumeAsync(job, entry, cancellationToken);
}
