using ProxySuite.Control.Jobs;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Provisioning;

/// <summary>Makes tenants (B3).</summary>
public sealed class TenantProvisioning(ControlPlane control, MasterKey masterKey)
{
    /// <summary>Called after each step, where a test cuts the work off.</summary>
    internal Func<ProvisioningStep, Task> Reached { get; init; } = _ => Task.CompletedTask;

    /// <summary>Makes a tenant with its first user, or goes on with one whose making was cut off, or finds that it stands as asked for.</summary>
    /// <remarks>Safe to repeat and to run at the same time: of two with one slug the second waits, and then finds what the first made.</remarks>
    /// <exception cref="ControlException">The slug belongs to a tenant that is otherwise than asked for; the template failed; the shard does not answer.</exception>
    /// <exception cref="RegistryException">No such plan or shard, or no room.</exception>
    public async Task<TenantCreated> CreateAsync(TenantRequest request, CancellationToken cancellationToken)
    {
        var work = new CreateTenant
        {
            Slug = request.Slug,
            Plan = request.Plan,
            Shard = request.Shard,
            Region = request.Region,
            Isolation = request.Isolation,
            Identity = request.Identity,
            User = request.User,
            ValidUntil = ValidUntil.Rounded(request.ValidUntil),
            Template = request.Template,
            Password = request.Password,
            Reached = Reached,
        };
        return (TenantCreated)(await new JobRunner(control, masterKey).RunAsync(work, cancellationToken)).Result!;
    }
}
