using System.Globalization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Cli.Frame;

// What --json prints. Names and meanings stay: scripts read them. No password, verifier or DSN with a password is among them.

internal sealed record UserView(string Name, string Role, DateTimeOffset? ValidUntil)
{
    public static UserView Of(TenantUser user) => new(user.Name, EnumText.Of(user.Role), user.ValidUntil);
}

internal sealed record ShardView(
    string Name, string Primary, string? Replica, string Database, string Region, int Tenants, int MaxTenants, int MaxConnections, string Lockdown,
    string State, DateTimeOffset? PreparedAt)
{
    public static ShardView Of(ShardSummary summary)
    {
        Shard shard = summary.Shard;
        string state = (shard.PreparedAt, shard.Accepting) switch
        {
            (null, _) => "not prepared",
            (_, true) => "accepting",
            _ => "drained",
        };
        return new(shard.Name, shard.AdminDsn!.ToString(), shard.ReplicaDsn?.ToString(), shard.Database, shard.Region, summary.TenantCount, shard.TenantsMax,
            shard.ConnectionsMax, EnumText.Of(shard.Lockdown), state, shard.PreparedAt);
    }

    public static readonly string[] Columns = ["NAME", "PRIMARY", "REGION", "TENANTS", "CONNECTIONS", "LOCKDOWN", "STATE"];

    public string[] Cells() =>
    [
        Name, Primary, Region.Length > 0 ? Region : "-", string.Create(CultureInfo.InvariantCulture, $"{Tenants}/{MaxTenants}"),
        MaxConnections.ToString(CultureInfo.InvariantCulture), Lockdown, State,
    ];
}

internal sealed record TenantView(
    string Slug, string Id, string Plan, string Shard, string Region, string Isolation, string Identity, string State, string? SuspendReason, string Database,
    string Schema, DateTimeOffset CreatedAt, DateTimeOffset? SuspendedUntil, DateTimeOffset? DeleteAfter, IReadOnlyList<UserView> Users, IReadOnlyList<string> AllowedAddresses)
{
    /// <value>What it has otherwise than its plan; null for nothing, and in lists.</value>
    public OverridesView? Overrides { get; init; }

    public static TenantView Of(TenantEntry entry)
    {
        Tenant tenant = entry.Tenant;
        return new(tenant.Slug.Value, tenant.Id.ToString(), tenant.Plan.Name, entry.Shard.Name, entry.Shard.Region, EnumText.Of(tenant.Isolation), EnumText.Of(tenant.Identity),
            EnumText.Of(tenant.State), tenant.SuspendReason, tenant.Placement.Database, tenant.Placement.SchemaName, tenant.CreatedAt,
            tenant.SuspendedUntil, tenant.DeleteAfter,
            [.. tenant.Users.Values.OrderBy(user => user.Name, StringComparer.Ordinal).Select(UserView.Of)], tenant.AllowedAddresses.Texts);
    }

    public static readonly string[] Columns = ["SLUG", "STATE", "PLAN", "SHARD", "ISOLATION", "USERS", "CREATED"];

    public string[] Cells() => [Slug, State, Plan, Shard, Isolation, Users.Count.ToString(CultureInfo.InvariantCulture), Time.Text(CreatedAt)];
}

internal static class Time
{
    public static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
