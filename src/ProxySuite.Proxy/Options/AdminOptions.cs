namespace ProxySuite.Proxy.Options;

/// <summary>What a user of the admin console may do.</summary>
public enum AdminRole : byte
{
    /// <summary>All SHOW commands.</summary>
    Stats,

    /// <summary>All commands.</summary>
    Admin,
}

/// <summary>A user of the admin console.</summary>
/// <param name="Name">User name, 1 to 63 bytes.</param>
/// <param name="Verifier">SCRAM verifier as PostgreSQL stores it: <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>.</param>
/// <param name="Role">What the user may do.</param>
public sealed record AdminUser(string Name, string Verifier, AdminRole Role)
{
    /// <summary>Name and role: a record would print the verifier.</summary>
    public override string ToString() => $"{Name} ({Role})";
}

/// <summary>Section <c>Admin</c>: the admin console.</summary>
public sealed record AdminOptions
{
    /// <summary>Users of the admin console, each <c>{ "Name": …, "Verifier": …, "Role": "admin" | "stats" }</c>.</summary>
    /// <value>0 to 1000 users with distinct names; default none, which closes the console. Reloadable.</value>
    public IReadOnlyList<AdminUser> Users { get; init; } = [];

    internal static AdminOptions Read(SectionReader section)
    {
        var users = new List<AdminUser>();
        foreach (SectionReader user in section.Items(nameof(Users), itemsMax: 1000))
        {
            users.Add(new AdminUser(
                user.Required(nameof(AdminUser.Name), Reload.Live),
                user.Required(nameof(AdminUser.Verifier), Reload.Live),
                user.OneOf(nameof(AdminUser.Role), AdminRole.Stats, Reload.Live)));
        }
        return new() { Users = users };
    }
}
