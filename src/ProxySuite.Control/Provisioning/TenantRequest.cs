using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Provisioning;

/// <summary>A tenant as asked for.</summary>
public sealed record TenantRequest
{
    public required TenantSlug Slug { get; init; }

    public required string Plan { get; init; }

    /// <value>Null for the shard with most room.</value>
    public string? Shard { get; init; }

    /// <value>Null for any region.</value>
    public string? Region { get; init; }

    public IsolationModel Isolation { get; init; } = IsolationModel.Schema;

    public TenantIdentity Identity { get; init; } = TenantIdentity.Role;

    /// <value>Its first user, of role app; 1 to 63 bytes.</value>
    public string User { get; init; } = "app";

    /// <value>The user's password; null to have one made.</value>
    public Secret? Password { get; init; }

    /// <value>Until when the user may log in; null for ever.</value>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <value>
    /// SQL that makes the tenant's first tables: run as the tenant's owner in its schema or database; in the pool model as the owner of the
    /// shared tables, once a shard. Null or blank for none.
    /// </value>
    public string? Template { get; init; }

}

/// <summary>A tenant that stands.</summary>
/// <param name="Created">False when it stood already, just as asked for.</param>
/// <param name="GeneratedPassword">The password made for <paramref name="User"/>; null when it was given, or set by an earlier call. Shown once, stored nowhere.</param>
public sealed record TenantCreated(TenantEntry Entry, string User, Secret? GeneratedPassword, bool Created);

/// <summary>How far making a tenant has come. Whatever comes next may be cut off; the same request then goes on.</summary>
internal enum ProvisioningStep
{
    Registered,   // a row in the registry, state creating
    RolesMade,    // on the shard, not able to log in
    DatabaseMade, // database model
    ObjectsMade,  // schema, rights, template
    LoginAllowed, // all of the shard is done and committed
    UserEntered,  // in the registry
}
