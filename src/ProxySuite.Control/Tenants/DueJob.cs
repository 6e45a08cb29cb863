using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tenants;

/// <summary>Something done to a tenant on a day that was named before; nothing to do when somebody thought otherwise meanwhile.</summary>
internal abstract record DueJob : ControlJob
{
    // By id: the tenant may be called otherwise by then.
    public required Guid Tenant { get; init; }

    /// <summary>Whether the tenant, as it is now, is what the day was named for.</summary>
    protected abstract bool IsDue(Tenant tenant);

    protected abstract Task DoAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken);

    public sealed override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        job.IsUnchanged = true;
        if (await job.Store.FindTenantAsync(new TenantId(Tenant), cancellationToken) is not { } found) return;
        // Interactive verbs hold the tenant by its slug.
        await using IAsyncDisposable mine = await job.Control.LockAsync($"tenant {found.Tenant.Slug}", cancellationToken);
        TenantEntry? entry = await job.Store.FindTenantAsync(new TenantId(Tenant), cancellationToken);
        if (entry is null || !IsDue(entry.Tenant)) return;
        job.IsUnchanged = false;
        job.Before(TenantFacts.Of(entry));
        await DoAsync(job, entry, cancellationToken);
    }
}
