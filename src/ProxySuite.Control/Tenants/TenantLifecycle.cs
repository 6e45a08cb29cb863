using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Tenants;

/// <summary>The life of a tenant after it was made (B3). Every call may be cut off and repeated; two at once on one tenant work one after the other.</summary>
public sealed class TenantLifecycle(ControlPlane control)
{
    /// <summary>Longest time that a deleted tenant is kept.</summary>
    public static readonly TimeSpan RetentionMax = TimeSpan.FromDays(365);

    /// <summary>Keeps everything and serves nothing: the proxies refuse its clients and end its sessions, its roles cannot log in.</summary>
    /// <param name="reason">For operators; null for none.</param>
    /// <param name="until">When it is resumed by itself (<see cref="ControlPlane.RunDueAsync"/> does it); null for never.</param>
    /// <param name="now">Ends transactions that are open; else each session ends with 57P01 when its transaction does.</param>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> SuspendAsync(TenantSlug slug, string? reason, CancellationToken cancellationToken, DateTimeOffset? until = null, bool now = false)
    {
        // As the registry keeps it.
        until = until is { } time ? new DateTimeOffset(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero) : null;
        JobContext job = await new JobRunner(control).RunAsync(new SuspendTenant { Slug = slug, Reason = reason, Until = until, Now = now }, cancellationToken);
        return (TenantEntry)job.Result!;
    }

    /// <summary>Undoes <see cref="SuspendAsync"/>.</summary>
    /// <exception cref="ControlException">The master key is another than the tenant was made with.</exception>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public async Task<TenantEntry> ResumeAsync(TenantSlug slug, MasterKey masterKey, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control, masterKey).RunAsync(new ResumeTenant { Slug = slug }, cancellationToken)).Result!;

    /// <summary>Gives a tenant up: it is served no more, and everything is kept for the retention, after which <see cref="ControlPlane.RunDueAsync"/> removes it.</summary>
    /// <param name="retention">0 to 365 d.</param>
    public async Task<TenantEntry> DeleteAsync(TenantSlug slug, TimeSpan retention, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control).RunAsync(new DeleteTenant { Slug = slug, Retention = retention }, cancellationToken)).Result!;

    /// <summary>Undoes <see cref="DeleteAsync"/> while the retention lasts; a tenant that was suspended before is so again.</summary>
    public async Task<TenantEntry> UndeleteAsync(TenantSlug slug, MasterKey masterKey, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control, masterKey).RunAsync(new UndeleteTenant { Slug = slug }, cancellationToken)).Result!;

    /// <summary>Removes a deleted tenant with all it has, before its retention is over.</summary>
    public Task PurgeAsync(TenantSlug slug, CancellationToken cancellationToken)
        => new JobRunner(control).RunAsync(new PurgeTenant { Slug = slug }, cancellationToken);

    /// <summary>Gives a tenant another slug. Sessions under the old one end; nobody else can take it for 30 days.</summary>
    /// <exception cref="RegistryException">The new slug is taken, or was lately.</exception>
    public async Task<TenantEntry> RenameAsync(TenantSlug slug, TenantSlug to, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control).RunAsync(new RenameTenant { Slug = slug, To = to }, cancellationToken)).Result!;
}
