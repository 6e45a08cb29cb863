using System.Text.Json.Serialization;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Tenants;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Provisioning;

/// <summary>Makes a tenant with its first user.</summary>
internal sealed record CreateTenant : TenantJob
{
    public override string Kind => "tenant.create";

    public required string Plan { get; init; }

    public string? Shard { get; init; }

    public string? Region { get; init; }

    public IsolationModel Isolation { get; init; }

    public TenantIdentity Identity { get; init; }

    public string User { get; init; } = "app";

    public string? Template { get; init; }

    /// <value>Until when the user may log in; null for ever.</value>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <value>Null to have one made.</value>
    [JsonIgnore]
    public Secret? Password { get; init; }

    [JsonIgnore]
    internal Func<ProvisioningStep, Task> Reached { get; init; } = _ => Task.CompletedTask;

    public override void Validate()
    {
        if (Identity == TenantIdentity.Sealed && Isolation != IsolationModel.Pool)
        {
            throw new ControlException("identity sealed is for shared tables", "Give --isolation pool, or leave --identity out: the tenant then has login roles of its own.");
        }
        TenantUsers.RequireName(User);
        Users.ValidUntil.Require(ValidUntil);
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry? entry = await job.Store.FindTenantAsync(Slug, cancellationToken);
        if (entry is not null) RequireSame(entry);
        if (entry is { Tenant.State: TenantState.Active } && (!job.IsResumed || job.Note("active") is null))
        {
            job.IsUnchanged = true;
            job.Result = Existing(entry);
            return;
        }
        if (entry is null && await job.Store.FindPlanAsync(Plan, cancellationToken) is null)
        {
            throw new ControlException($"there is no plan \"{Plan}\"", "See: proxyctl plan list");
        }
        await job.StepAsync("registered", async () => entry ??= await InsertAsync(job, cancellationToken), cancellationToken);
        await Reached(ProvisioningStep.Registered);

        await job.StepAsync("objects", async () =>
        {
            // What the registry hands to proxies lacks the administrator's login.
            Shard shard = await job.Store.GetShardAsync(entry!.Shard.Name, cancellationToken);
            await new TenantObjects(shard, entry.Tenant, job.MasterKey, Template, Reached).MakeAsync(cancellationToken);
        }, cancellationToken);

        // Nobody has been told a password before this ends, so one set by a run that was cut off is replaced.
        Secret password = Password ?? Passwords.Generate();
        await job.AlwaysAsync("user", () => EnterUserAsync(job, entry!, password, cancellationToken), cancellationToken);
        await Reached(ProvisioningStep.UserEntered);

        await job.NoteAsync("active", "soon", cancellationToken);
        await job.StepAsync("active", async () =>
        {
            entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
            if (entry.Tenant.State != TenantState.Active) entry = await job.Store.SetTenantStateAsync(entry.Tenant, TenantState.Active, cancellationToken: cancellationToken);
        }, cancellationToken);
        job.After(new { Tenant = TenantFacts.Of(entry!), User, ValidUntil });
        job.Result = new TenantCreated(entry!, User, Password is null ? password : null, Created: true);
    }

    private Task<TenantEntry> InsertAsync(JobContext job, CancellationToken cancellationToken) => job.Store.InsertTenantAsync(new NewTenant
    {
        Slug = Slug,
        Plan = Plan,
        Isolation = Isolation,
        Identity = Identity,
        ShardName = Shard,
        Region = Region,
    }, cancellationToken);

    private Task EnterUserAsync(JobContext job, TenantEntry entry, Secret password, CancellationToken cancellationToken)
    {
        var verifier = ScramVerifier.Create(password.Reveal());
        return entry.Tenant.Users.ContainsKey(User)
            ? job.Store.SetUserPasswordAsync(entry.Tenant.Id, User, verifier, cancellationToken)
            : job.Store.InsertUserAsync(entry.Tenant.Id, new TenantUser(User, UserRole.App, verifier, ValidUntil), cancellationToken);
    }

    private void RequireSame(TenantEntry entry)
    {
        Tenant tenant = entry.Tenant;
        if (tenant.State is TenantState.Suspended or TenantState.Deleting)
        {
            throw new ControlException($"tenant \"{tenant.Slug}\" exists and is {EnumText.Of(tenant.State)}", "Take another slug, or resume that tenant.");
        }
        string?[] differences =
        [
            tenant.Plan.Name != Plan ? $"plan {tenant.Plan.Name}" : null,
            tenant.Isolation != Isolation ? $"isolation {EnumText.Of(tenant.Isolation)}" : null,
            tenant.Identity != Identity ? $"identity {EnumText.Of(tenant.Identity)}" : null,
            Shard is not null && entry.Shard.Name != Shard ? $"shard {entry.Shard.Name}" : null,
            Region is not null && entry.Shard.Region != Region ? $"region {entry.Shard.Region}" : null,
        ];
        string found = string.Join(", ", differences.OfType<string>());
        if (found.Length > 0) throw new ControlException($"tenant \"{tenant.Slug}\" exists already, with {found}", "Take another slug, or ask for it as it is.");
    }

    private TenantCreated Existing(TenantEntry entry)
    {
        string slug = entry.Tenant.Slug.Value;
        if (!entry.Tenant.Users.TryGetValue(User, out TenantUser? user))
        {
            throw new ControlException($"tenant \"{slug}\" exists already, without a user \"{User}\"", $"Add the user: proxyctl tenant add-user {slug} {User}");
        }
        if (Password is not null && !user.Verifier.Matches(user.Name, Password.Reveal()))
        {
            throw new ControlException($"tenant \"{slug}\" exists already, and user \"{User}\" has another password",
                $"Set a new one: proxyctl tenant rotate-password {slug} {User}");
        }
        return new TenantCreated(entry, User, GeneratedPassword: null, Created: false);
    }
}
