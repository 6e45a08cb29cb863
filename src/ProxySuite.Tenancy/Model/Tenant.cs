using System.Collections.Frozen;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Tenancy.Model;

/// <summary>What keeps a tenant's rows apart from others' (B4).</summary>
public enum IsolationModel
{
    Pool,     // shared tables with row level security
    Schema,   // a schema of its own in the shard's database
    Database, // a database of its own
}

/// <summary>How the engine knows whose session it is (design §4).</summary>
public enum TenantIdentity
{
    Role,   // a login role per tenant
    Sealed, // a shared role and a sealed tenant id per transaction; pool model on a strict shard only
}

/// <summary>Where a tenant stands in its life.</summary>
public enum TenantState
{
    Creating,  // its objects on the shard are being made; not served yet
    Active,    // served
    Suspended, // kept, not served: 28000 after authentication
    Deleting,  // kept until its retention is over, served no more
}

/// <summary>Where a placement stands between resting and being moved (control plane, live moves).</summary>
public enum PlacementState
{
    Active,
    Moving,   // being copied to another shard; served as usual
    Cutover,  // about to change hands; new transactions are held
    Settling, // changed hands; the shard named is the new one
}

/// <summary>Which shard, database and schema hold a tenant.</summary>
/// <remarks>The epoch rises with every move; a server connection opened under an older epoch is not used again.</remarks>
public sealed record Placement(ShardId ShardId, long Epoch, string Database, string SchemaName, PlacementState State);

/// <summary>What a user of a tenant may do; each has its own login role on the shard, so grants and ownership hold it to that.</summary>
public enum UserRole
{
    App,      // reads and writes rows
    Owner,    // changes tables too; not in the pool model
    Readonly, // reads rows
}

/// <summary>One who may log in to a tenant.</summary>
/// <param name="Name">1 to 63 bytes of UTF-8.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Verifier">What a password is checked against; the password itself is kept nowhere.</param>
/// <param name="ValidUntil">When the password ends; null for never.</param>
public sealed record TenantUser(string Name, UserRole Role, PasswordVerifier Verifier, DateTimeOffset? ValidUntil = null)
{
    /// <value>The password before the last change, which counts beside it until <see cref="PreviousUntil"/>; null for none. Of the same salt and rounds.</value>
    public PasswordVerifier? Previous { get; init; }

    /// <value>When <see cref="Previous"/> ends.</value>
    public DateTimeOffset? PreviousUntil { get; init; }

    /// <summary>The former password, as long as it counts.</summary>
    public PasswordVerifier? PreviousAt(DateTimeOffset time) => time < PreviousUntil ? Previous : null;

    /// <summary>Whether the password still counts at a given time (CVE-2025-2291: checked at every login).</summary>
    public bool IsValidAt(DateTimeOffset time) => ValidUntil is not { } end || time < end;

    // A verifier is enough to try passwords against, offline: it stays out of logs.
    public override string ToString() => $"TenantUser {{ Name = {Name}, Role = {Role} }}";
}

/// <summary>A customer: who it is, where it lives, what it may use and who may log in. Never changes; a change is a new value with a higher version.</summary>
public sealed record Tenant
{
    public required TenantId Id { get; init; }

    public required TenantSlug Slug { get; init; }

    /// <value>The plan with this tenant's overrides applied.</value>
    public required Plan Plan { get; init; }

    public required Placement Placement { get; init; }

    public IsolationModel Isolation { get; init; } = IsolationModel.Schema;

    public TenantIdentity Identity { get; init; } = TenantIdentity.Role;

    public TenantState State { get; init; } = TenantState.Active;

    /// <value>Why it is suspended, for operators; null while it is not.</value>
    public string? SuspendReason { get; init; }

    /// <value>When it is resumed by itself; null while it is not suspended, or until somebody resumes it.</value>
    public DateTimeOffset? SuspendedUntil { get; init; }

    /// <value>End of the retention of a tenant being deleted; null for others.</value>
    public DateTimeOffset? DeleteAfter { get; init; }

    /// <value>What undeleting goes back to; null for a tenant that is not being deleted, or was never whole.</value>
    public TenantState? DeletedFrom { get; init; }

    /// <value>Part of what the passwords of its login roles are made from; raising it changes them all.</value>
    public int CredentialsEpoch { get; init; } = 1;

    /// <value>Those who may log in, by name.</value>
    public FrozenDictionary<string, TenantUser> Users { get; init; } = FrozenDictionary<string, TenantUser>.Empty;

    /// <value>From where its users may log in, beside what host rules say.</value>
    public AddressList AllowedAddresses { get; init; } = AddressList.Any;

    public DateTimeOffset CreatedAt { get; init; }

    /// <value>Rises with every change of the tenant, its overrides and its users. Plan and shard have versions of their own.</value>
    public long Version { get; init; }

    public bool IsActive => State == TenantState.Active;

    // Record members are printed by default; users are left out as there may be many.
    public override string ToString() => $"Tenant {{ {Slug} {Id} plan={Plan.Name} shard={Placement.ShardId} state={State} version={Version} }}";
}

/// <summary>What a look-up answers: a tenant together with the shard it lives on.</summary>
public sealed record TenantEntry(Tenant Tenant, Shard Shard)
{
    /// <summary>Whether both describe the same state of tenant, plan and shard.</summary>
    public bool IsSameVersionAs(TenantEntry other) => TenantVersions.Of(this) == TenantVersions.Of(other);
}
