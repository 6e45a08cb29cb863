using System.Globalization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Provisioning;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tenants;

/// <summary>Removes a tenant that was given up, with all it has. There is no way back.</summary>
internal sealed record PurgeTenant : TenantJob
{
    public override string Kind => "tenant.purge";

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        if (await job.Store.FindTenantAsync(Slug, cancellationToken) is not { } entry)
        {
            if (job.IsResumed) return; // a run before this one came to its end, all but its record
            throw new Tenancy.Registry.RegistryException(Tenancy.Registry.RegistryFailure.NotFound, $"there is no tenant \"{Slug}\"");
        }
        if (entry.Tenant.State != TenantState.Deleting)
        {
            throw new ControlException($"tenant \"{Slug}\" is {EnumText.Of(entry.Tenant.State)}", $"Give it up first: proxyctl tenant delete {Slug}");
        }
        job.Before(TenantFacts.Of(entry));
        await PurgeAsync(job, entry, cancellationToken);
        job.Result = entry;
    }

    internal static async Task PurgeAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken)
    {
        Tenant tenant = entry.Tenant;
        await FenceAsync(job, entry, atOnce: true, cancellationToken);
        await job.StepAsync("objects", async () =>
        {
            await using NpgsqlConnection shard = await OpenShardAsync(job, entry, cancellationToken);
            await TenantRemoval.DropObjectsAsync(shard, tenant, cancellationToken);
        }, cancellationToken);
        await job.StepAsync("login-roles", async () =>
        {
            await using NpgsqlConnection shard = await OpenShardAsync(job, entry, cancellationToken);
            await TenantRemoval.DropRolesAsync(shard, tenant, cancellationToken);
        }, cancellationToken);
        // Last: as long as the row stands, somebody knows what there is to remove.
        await job.StepAsync("registry", async () =>
        {
            if (await job.Store.FindTenantAsync(tenant.Id, cancellationToken) is { } last) await job.Store.DeleteTenantAsync(last.Tenant, cancellationToken);
        }, cancellationToken);
    }
}

/// <summary>Purges a tenant when its retention is over; nothing to do when the deletion was taken back, or put off, meanwhile.</summary>
internal sealed record PurgeDue : DueJob
{
    public override string Kind => "tenant.purge-due";

    // A tenant deleted, had back and deleted again has a day for each deletion; only the last one finds something to do.
    public required DateTimeOffset Day { get; init; }

    public override string Subject => $"purge of tenant {Tenant:D} after {Day.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)}";

    protected override bool IsDue(Tenant tenant) => tenant is { State: TenantState.Deleting, DeleteAfter: { } day } && day <= DateTimeOffset.UtcNow.AddSeconds(1);

    protected override Task DoAsync(JobContext job, TenantEntry entry, CancellationToken cancellationToken) => PurgeTenant.PurgeAsync(job, entry, cancellationToken);
}
