using System.Text;
using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Users;

/// <summary>Who may log in to a tenant, and as what. Only verifiers are stored.</summary>
public sealed class TenantUsers(ControlPlane control)
{
    private const int NameBytesMax = 63;

    /// <value>Whether passwords are stored as md5 hashes, for clients too old for SCRAM; default false.</value>
    public bool StoresMd5 { get; init; }

    /// <summary>Longest time that an old password counts beside a new one.</summary>
    public static readonly TimeSpan OverlapMax = TimeSpan.FromDays(30);

    /// <param name="validUntil">Until when the user may log in; null for ever.</param>
    /// <returns>The password that was set, for the one who asked for it to be made.</returns>
    /// <exception cref="RegistryException">No such tenant, the name is taken, or the role does not exist in the tenant's isolation model.</exception>
    public async Task<(TenantEntry Entry, Secret Password)> AddAsync(
        TenantSlug slug, string name, UserRole role, Secret? password, CancellationToken cancellationToken, DateTimeOffset? validUntil = null)
    {
        Secret chosen = password ?? Passwords.Generate();
        var work = new AddUser { Slug = slug, User = name, Role = role, Password = chosen, StoresMd5 = StoresMd5, ValidUntil = ValidUntil.Rounded(validUntil) };
        return (await RunAsync(work, cancellationToken), chosen);
    }

    /// <summary>Sets another password; sessions that are open stay open.</summary>
    /// <param name="overlap">How long the old password goes on counting; 0 to 30 d.</param>
    /// <param name="validUntil">Until when the user may log in from now on; null leaves that as it is.</param>
    /// <inheritdoc cref="AddAsync" path="/returns"/>
    /// <exception cref="RegistryException">No such tenant or user.</exception>
    public async Task<(TenantEntry Entry, Secret Password)> RotatePasswordAsync(
        TenantSlug slug, string name, Secret? password, CancellationToken cancellationToken, TimeSpan overlap = default, ValidUntil? validUntil = null)
    {
        Secret chosen = password ?? Passwords.Generate();
        var work = new RotatePassword
        {
            Slug = slug, User = name, Overlap = overlap, Password = chosen, StoresMd5 = StoresMd5,
            ChangesEnd = validUntil is not null, ValidUntil = ValidUntil.Rounded(validUntil?.Time),
        };
        return (await RunAsync(work, cancellationToken), chosen);
    }

    /// <summary>Says until when a user may log in; sessions that are open stay open.</summary>
    /// <exception cref="ControlException">No such user, or a time that is over.</exception>
    /// <exception cref="RegistryException">No such tenant.</exception>
    public Task<TenantEntry> SetEndAsync(TenantSlug slug, string name, ValidUntil validUntil, CancellationToken cancellationToken)
        => RunAsync(new SetUser { Slug = slug, User = name, ValidUntil = ValidUntil.Rounded(validUntil.Time) }, cancellationToken);

    /// <summary>Lets the user log in no more; sessions that are open stay open.</summary>
    /// <exception cref="RegistryException">No such tenant or user.</exception>
    public Task DropAsync(TenantSlug slug, string name, CancellationToken cancellationToken) => RunAsync(new DropUser { Slug = slug, User = name }, cancellationToken);

    /// <exception cref="ControlException">No name a client could send.</exception>
    internal static void RequireName(string name)
    {
        // A dot or an @ in a user's name would be read as "user.tenant" (A2).
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > NameBytesMax || name.Any(c => char.IsControl(c) || c is '.' or '@'))
        {
            throw new ControlException($"\"{name}\" is no user name: 1 to {NameBytesMax} bytes, without '.', '@' and control characters");
        }
    }

    private async Task<TenantEntry> RunAsync(UserJob work, CancellationToken cancellationToken)
        => (TenantEntry)(await new JobRunner(control).RunAsync(work, cancellationToken)).Result!;
}
