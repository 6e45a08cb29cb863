using System.Globalization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Cli.Frame;

// What --json prints. Names and meanings stay: scripts read them. No password, verifier or DSN with a password is among them.

internal sealed record UserView(string Name, string Role, DateTimeOffset? ValidUntil)
{
    public static UserView Of(TenantUser user) => new(user.Name, EnumText.Of(user.Role), user.ValidUntil);
}

internal sealed record PlanView(
    string Name, string StatementTimeout, string WorkMem, int Connections, int? QueriesPerSecond, int Weight, string? PoolMode, int? PinsMax, string? PinnedIdleTimeout, IReadOnlyDictionary<string, string> Settings)
{
    public static PlanView Of(Plan plan) => new(plan.Name, Duration.Format(plan.StatementTimeout), ByteSize.Format(plan.WorkMemBytes), plan.Connections,
        plan.QueriesPerSecond, plan.Weight, plan.PoolMode is { } mode ? EnumText.Of(mode) : null, plan.PinsMax, plan.PinnedIdleTimeout is { } idle ? Duration.Format(idle) : null, plan.Settings);

    public string Sentence() => string.Create(CultureInfo.InvariantCulture,
        $"connections {Connections}, statement timeout {StatementTimeout}, work_mem {WorkMem}, queries/s {QueriesPerSecond?.ToString(CultureInfo.InvariantCulture) ?? "unlimited"}, weight {Weight}");

    public static readonly string[] Columns = ["NAME", "STATEMENT TIMEOUT", "WORK_MEM", "CONNECTIONS", "QUERIES/S", "WEIGHT", "POOL MODE"];

    public string[] Cells() =>
    [
        Name, StatementTimeout, WorkMem, Connections.ToString(CultureInfo.InvariantCulture), QueriesPerSecond?.ToString(CultureInfo.InvariantCulture) ?? "-",
        Weight.ToString(CultureInfo.InvariantCulture), PoolMode ?? "-",
    ];
}

internal sealed record OverridesView(
    string? StatementTimeout, string? WorkMem, int? Connections, int? QueriesPerSecond, int? Weight, string? PoolMode, IReadOnlyDictionary<string, string> Settings)
{
    public static OverridesView? Of(PlanOverrides overrides)
    {
        var view = new OverridesView(
            overrides.StatementTimeout is { } time ? Duration.Format(time) : null, overrides.WorkMemBytes is { } bytes ? ByteSize.Format(bytes) : null, overrides.Connections,
            overrides.QueriesPerSecond, overrides.Weight, overrides.PoolMode is { } mode ? EnumText.Of(mode) : null, overrides.Settings);
        return view.Sentence().Length > 0 ? view : null;
    }

    public string Sentence()
    {
        List<(string Name, object? Value)> parts =
        [
            ("connections", Connections), ("statement timeout", StatementTimeout), ("work_mem", WorkMem), ("queries/s", QueriesPerSecond), ("weight", Weight), ("pool mode", PoolMode),
        ];
        parts.AddRange(Settings.Select(setting => (setting.Key, (object?)setting.Value)));
        return string.Join(", ", parts.Where(part => part.Value is not null).Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Name} {part.Value}")));
    }
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
