using System.Text.Json.Serialization;
using ProxySuite.Control.Jobs;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Users;

/// <summary>Something done to one user of a tenant.</summary>
internal abstract record UserJob : TenantJob
{
    public required string User { get; init; }

    public override string Key => $"{Subject}/{User}";

    /// <value>As an md5 hash, for clients too old for SCRAM.</value>
    public bool StoresMd5 { get; init; }

    protected PasswordVerifier Verifier(Secret password) => StoresMd5 ? Md5Verifier.Create(User, password.Reveal()) : ScramVerifier.Create(password.Reveal());

    protected async Task<TenantEntry> RequireUserAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        return entry.Tenant.Users.ContainsKey(User) ? entry
            : throw new ControlException($"tenant \"{Slug}\" has no user \"{User}\"", $"It has: {string.Join(", ", entry.Tenant.Users.Keys.Order(StringComparer.Ordinal))}");
    }
}

/// <summary>Lets another user log in.</summary>
internal sealed record AddUser : UserJob
{
    private const string Untold = "verifier";

    public override string Kind => "tenant.add-user";

    public required UserRole Role { get; init; }

    /// <value>Until when the user may log in; null for ever.</value>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <value>Null when somebody else carries the job through: then a user that is not there yet cannot be added.</value>
    [JsonIgnore]
    public Secret? Password { get; init; }

    public override void Validate()
    {
        TenantUsers.RequireName(User);
        Users.ValidUntil.Require(ValidUntil);
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        if (Role == UserRole.Owner && entry.Tenant.Isolation == IsolationModel.Pool)
        {
            throw new ControlException($"tenant \"{Slug}\" shares its tables, so none of its users can own them", "Give the user the role app or readonly.");
        }
        TenantUser? found = entry.Tenant.Users.GetValueOrDefault(User);
        // Entered by a run that was cut off before anybody was told the password.
        bool isOurs = found is not null && found.Verifier.ToStoredForm() == job.Note(Untold);
        if (found is not null && !isOurs)
        {
            throw new ControlException($"tenant \"{Slug}\" has a user \"{User}\" already", $"For a new password: proxyctl tenant rotate-password {Slug} {User}");
        }
        job.After(new { User, Role = EnumText.Of(Role), ValidUntil });
        job.Result = entry;
        if (Password is null)
        {
            if (!isOurs) throw new ControlException($"user \"{User}\" was not added before the command was cut off", "Give the command again.");
            return;
        }
        PasswordVerifier verifier = Verifier(Password);
        string? untold = job.Note(Untold);
        await job.NoteAsync(Untold, verifier.ToStoredForm(), cancellationToken);
        await job.AlwaysAsync("registry", () => found is null
            ? job.Store.InsertUserAsync(entry.Tenant.Id, new TenantUser(User, Role, verifier, ValidUntil), cancellationToken)
            : job.Store.ReplaceUserPasswordAsync(entry.Tenant.Id, User, untold!, verifier, cancellationToken), cancellationToken);
    }
}

/// <summary>Lets a user log in no more.</summary>
internal sealed record DropUser : UserJob
{
    public override string Kind => "tenant.drop-user";

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await job.Store.GetTenantAsync(Slug, cancellationToken);
        job.Result = entry;
        if (!entry.Tenant.Users.TryGetValue(User, out TenantUser? user) && job.IsResumed) return;
        if (user is null) await RequireUserAsync(job, cancellationToken);
        job.Before(new { User, Role = EnumText.Of(user!.Role) });
        await job.StepAsync("registry", () => job.Store.DeleteUserAsync(entry.Tenant.Id, User, cancellationToken), cancellationToken);
    }
}

/// <summary>Sets another password and lets the old one count for a while.</summary>
internal sealed record RotatePassword : UserJob
{
    private const string Untold = "verifier";

    public override string Kind => "tenant.rotate-password";

    public TimeSpan Overlap { get; init; }

    /// <value>Whether <see cref="ValidUntil"/> is to count; else the user's end stays what it is.</value>
    public bool ChangesEnd { get; init; }

    /// <value>Null for ever.</value>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <value>Null when somebody else carries the job through: then nobody knows the new password, and the old one stays in force unless it was replaced already.</value>
    [JsonIgnore]
    public Secret? Password { get; init; }

    public override void Validate()
    {
        if (Overlap < TimeSpan.Zero || Overlap > TenantUsers.OverlapMax) throw new ControlException("an old password counts for 0 to 30 days beside a new one");
        Users.ValidUntil.Require(ValidUntil);
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await RequireUserAsync(job, cancellationToken);
        TenantUser user = entry.Tenant.Users[User];
        string? untold = job.Note(Untold);
        // Set by a run that was cut off: replaced without counting as the old one, which goes on beside it.
        bool isSet = untold is not null && user.Verifier.ToStoredForm() == untold;
        job.Before(new { User, user.ValidUntil });
        job.After(new { User, ValidUntil = ChangesEnd ? ValidUntil : user.ValidUntil, Overlap = Overlap.ToString("c", System.Globalization.CultureInfo.InvariantCulture) });
        job.Result = entry;
        if (Password is null)
        {
            if (!isSet) throw new ControlException($"the password of user \"{User}\" was not set before the command was cut off", "Give the command again.");
            return;
        }
        var old = user.Verifier as ScramVerifier;
        if (Overlap > TimeSpan.Zero && (old is null || StoresMd5))
        {
            throw new ControlException("two passwords can count at once only where both are stored for SCRAM", "Leave --overlap out.");
        }
        // A login names salt and rounds before it is known which of two passwords follows, so they stay as long as both count.
        PasswordVerifier verifier = Overlap > TimeSpan.Zero ? ScramVerifier.Create(Password.Reveal(), old!.Iterations, old.Salt) : Verifier(Password);
        await job.NoteAsync(Untold, verifier.ToStoredForm(), cancellationToken);
        await job.AlwaysAsync("registry", () => (isSet, Overlap > TimeSpan.Zero) switch
        {
            (true, _) => job.Store.ReplaceUserPasswordAsync(entry.Tenant.Id, User, untold!, verifier, cancellationToken),
            (_, true) => job.Store.RotateUserPasswordAsync(entry.Tenant.Id, user, verifier, Overlap, cancellationToken),
            _ => job.Store.SetUserPasswordAsync(entry.Tenant.Id, User, verifier, cancellationToken),
        }, cancellationToken);
        if (ChangesEnd) await job.StepAsync("end", () => job.Store.SetUserEndAsync(entry.Tenant.Id, User, ValidUntil, cancellationToken), cancellationToken);
    }
}

/// <summary>Says until when a user may log in.</summary>
internal sealed record SetUser : UserJob
{
    public override string Kind => "tenant.set-user";

    /// <value>Null for ever.</value>
    public DateTimeOffset? ValidUntil { get; init; }

    public override void Validate() => Users.ValidUntil.Require(ValidUntil);

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        TenantEntry entry = await RequireUserAsync(job, cancellationToken);
        TenantUser user = entry.Tenant.Users[User];
        job.Before(new { User, user.ValidUntil });
        job.After(new { User, ValidUntil });
        await job.StepAsync("registry", async () =>
        {
            if (user.ValidUntil == ValidUntil) job.IsUnchanged = !job.IsResumed;
            else await job.Store.SetUserEndAsync(entry.Tenant.Id, User, ValidUntil, cancellationToken);
        }, cancellationToken);
        job.Result = await job.Store.GetTenantAsync(Slug, cancellationToken);
    }
}
