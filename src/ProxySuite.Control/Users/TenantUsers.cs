using System.Text;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Users;

/// <summary>Who may log in to a tenant, and as what. Only verifiers are stored.</summary>
public sealed class TenantUsers(ControlPlane control)
{
    private const int NameBytesMax = 63;

    /// <value>Whether passwords are stored as md5 hashes, for clients too old for SCRAM; default false.</value>
    public bool StoresMd5 { get; init; }

    /// <returns>The password that was set, for the one who asked for it to be made.</returns>
    /// <exception cref="RegistryException">No such tenant, the name is taken, or the role does not exist in the tenant's isolation model.</exception>
    public async Task<(TenantEntry Entry, Secret Password)> AddAsync(
        TenantSlug slug, string name, UserRole role, Secret? password, CancellationToken cancellationToken)
    {
        RequireName(name);
        TenantEntry entry = await control.Store.GetTenantAsync(slug, cancellationToken);
        if (entry.Tenant.Users.ContainsKey(name))
        {
            throw new ControlException($"tenant \"{slug}\" has a user \"{name}\" already", $"For a new password: proxyctl tenant rotate-password {slug} {name}");
        }
        if (role == UserRole.Owner && entry.Tenant.Isolation == IsolationModel.Pool)
        {
            throw new ControlException($"tenant \"{slug}\" shares its tables, so none of its users can own them", "Give the user the role app or readonly.");
        }
        Secret chosen = password ?? Passwords.Generate();
        await control.Store.InsertUserAsync(entry.Tenant.Id, new TenantUser(name, role, Verifier(name, chosen)), cancellationToken);
        await control.AuditAsync("tenant.add-user", $"tenant {slug}", new { After = new { User = name, Role = EnumText.Of(role) } }, cancellationToken);
        return (entry, chosen);
    }

    /// <summary>Sets another password; sessions that are open stay open.</summary>
    /// <inheritdoc cref="AddAsync" path="/returns"/>
    /// <exception cref="RegistryException">No such tenant or user.</exception>
    public async Task<(TenantEntry Entry, Secret Password)> RotatePasswordAsync(TenantSlug slug, string name, Secret? password, CancellationToken cancellationToken)
    {
        TenantEntry entry = await RequireUserAsync(slug, name, cancellationToken);
        Secret chosen = password ?? Passwords.Generate();
        await control.Store.SetUserPasswordAsync(entry.Tenant.Id, name, Verifier(name, chosen), null, cancellationToken);
        await control.AuditAsync("tenant.rotate-password", $"tenant {slug}", new { User = name }, cancellationToken);
        return (entry, chosen);
    }

    /// <summary>Lets the user log in no more; sessions that are open stay open.</summary>
    /// <exception cref="RegistryException">No such tenant or user.</exception>
    public async Task DropAsync(TenantSlug slug, string name, CancellationToken cancellationToken)
    {
        TenantEntry entry = await RequireUserAsync(slug, name, cancellationToken);
        await control.Store.DeleteUserAsync(entry.Tenant.Id, name, cancellationToken);
        await control.AuditAsync("tenant.drop-user", $"tenant {slug}", new { Before = new { User = name, Role = EnumText.Of(entry.Tenant.Users[name].Role) } }, cancellationToken);
    }

    /// <exception cref="ControlException">No name a client could send.</exception>
    internal static void RequireName(string name)
    {
        // A dot or an @ in a user's name would be read as "user.tenant" (A2).
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > NameBytesMax || name.Any(c => char.IsControl(c) || c is '.' or '@'))
        {
            throw new ControlException($"\"{name}\" is no user name: 1 to {NameBytesMax} bytes, without '.', '@' and control characters");
        }
    }

    private async Task<TenantEntry> RequireUserAsync(TenantSlug slug, string name, CancellationToken cancellationToken)
    {
        TenantEntry entry = await control.Store.GetTenantAsync(slug, cancellationToken);
        return entry.Tenant.Users.ContainsKey(name) ? entry
            : throw new ControlException($"tenant \"{slug}\" has no user \"{name}\"", $"It has: {string.Join(", ", entry.Tenant.Users.Keys.Order(StringComparer.Ordinal))}");
    }

    private PasswordVerifier Verifier(string user, Secret password)
        => StoresMd5 ? Md5Verifier.Create(user, password.Reveal()) : ScramVerifier.Create(password.Reveal());
}
