using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

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
        request.Validate();
        await using IAsyncDisposable mine = await control.LockAsync($"tenant {request.Slug}", cancellationToken);
        TenantEntry? entry = await control.Store.FindTenantAsync(request.Slug, cancellationToken);
        if (entry is not null) RequireSame(request, entry);
        if (entry is { Tenant.State: TenantState.Active }) return Existing(request, entry);

        if (entry is null && await control.Store.FindPlanAsync(request.Plan, cancellationToken) is null)
        {
            throw new ControlException($"there is no plan \"{request.Plan}\"", "See: proxyctl plan list");
        }
        entry ??= await control.Store.InsertTenantAsync(new NewTenant
        {
            Slug = request.Slug,
            Plan = request.Plan,
            Isolation = request.Isolation,
            Identity = request.Identity,
            ShardName = request.Shard,
            Region = request.Region,
        }, cancellationToken);
        await Reached(ProvisioningStep.Registered);

        // What the registry hands to proxies lacks the administrator's login.
        Shard shard = await control.Store.GetShardAsync(entry.Shard.Name, cancellationToken);
        await new TenantObjects(shard, entry.Tenant, masterKey, request.Template, Reached).MakeAsync(cancellationToken);

        // Nobody has been told a password before the tenant is active, so one set by a run that was cut off may be replaced.
        Secret password = request.Password ?? Passwords.Generate();
        var verifier = ScramVerifier.Create(password.Reveal());
        if (entry.Tenant.Users.ContainsKey(request.User)) await control.Store.SetUserPasswordAsync(entry.Tenant.Id, request.User, verifier, null, cancellationToken);
        else await control.Store.InsertUserAsync(entry.Tenant.Id, new TenantUser(request.User, UserRole.App, verifier), cancellationToken);
        await Reached(ProvisioningStep.UserEntered);

        entry = await control.Store.GetTenantAsync(request.Slug, cancellationToken);
        entry = await control.Store.SetTenantStateAsync(entry.Tenant, TenantState.Active, cancellationToken: cancellationToken);
        await control.AuditAsync("tenant.create", $"tenant {request.Slug}", new { After = TenantFacts.Of(entry), request.User }, cancellationToken);
        return new TenantCreated(entry, request.User, request.Password is null ? password : null, Created: true);
    }

    private static void RequireSame(TenantRequest request, TenantEntry entry)
    {
        Tenant tenant = entry.Tenant;
        if (tenant.State is TenantState.Suspended or TenantState.Deleting)
        {
            throw new ControlException($"tenant \"{tenant.Slug}\" exists and is {EnumText.Of(tenant.State)}", "Take another slug, or resume that tenant.");
        }
        string?[] differences =
        [
            tenant.Plan.Name != request.Plan ? $"plan {tenant.Plan.Name}" : null,
            tenant.Isolation != request.Isolation ? $"isolation {EnumText.Of(tenant.Isolation)}" : null,
            tenant.Identity != request.Identity ? $"identity {EnumText.Of(tenant.Identity)}" : null,
            request.Shard is not null && entry.Shard.Name != request.Shard ? $"shard {entry.Shard.Name}" : null,
            request.Region is not null && entry.Shard.Region != request.Region ? $"region {entry.Shard.Region}" : null,
        ];
        string found = string.Join(", ", differences.OfType<string>());
        if (found.Length > 0) throw new ControlException($"tenant \"{tenant.Slug}\" exists already, with {found}", "Take another slug, or ask for it as it is.");
    }

    private static TenantCreated Existing(TenantRequest request, TenantEntry entry)
    {
        string slug = entry.Tenant.Slug.Value;
        if (!entry.Tenant.Users.TryGetValue(request.User, out TenantUser? user))
        {
            throw new ControlException($"tenant \"{slug}\" exists already, without a user \"{request.User}\"", $"Add the user: proxyctl tenant add-user {slug} {request.User}");
        }
        if (request.Password is not null && !user.Verifier.Matches(user.Name, request.Password.Reveal()))
        {
            throw new ControlException($"tenant \"{slug}\" exists already, and user \"{request.User}\" has another password",
                $"Set a new one: proxyctl tenant rotate-password {slug} {request.User}");
        }
        return new TenantCreated(entry, request.User, GeneratedPassword: null, Created: false);
    }
}
