using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Routing;

/// <summary>Makes of a registry entry what a pool needs: hosts, login roles, their passwords, start-up settings. Any thread.</summary>
/// <param name="passwords">Derives the roles' passwords from the master key.</param>
/// <param name="settings">Knows the name of the setting that carries the tenant's id.</param>
/// <param name="sealKeys">The key that a shard's seals are made with now.</param>
internal sealed class PoolConfigs(BackendPasswords passwords, TenantSettings settings, Func<Shard, SealKey> sealKeys)
{
    // The proxy reads texts as the first says, whatever the shard's configuration does; the second ends what runs on for a client that is gone, even
    // where a function catches every cancel. Plans may say otherwise of the second.
    // transaction_timeout is kept by the proxy's clock alone, as versions before 17 do not know it; and idle_session_timeout, as it is about clients: a server's own
    // would end idle connections of the pool.
    private static readonly KeyValuePair<string, string>[] SessionDefaults = [new("standard_conforming_strings", "on"), new("client_connection_check_interval", "5s")];

    // What a RESET falls back to until the next transaction, where the tenant's own values are not the server's defaults.
    private static readonly KeyValuePair<string, string>[] SharedDefaults = [new("search_path", BackendNames.SharedSchema), new("statement_timeout", "60s")];

    private static readonly UserRole[] Roles = Enum.GetValues<UserRole>();

    /// <summary>The configuration of a tenant's pool.</summary>
    public PoolConfig For(TenantEntry entry, ProxyOptions options)
    {
        Tenant tenant = entry.Tenant;
        bool isSealed = tenant.Identity == TenantIdentity.Sealed;
        BackendTarget[] targets = isSealed
            ? [.. Roles.Select(role => SharedTargetOf(entry, role))]
            : [.. Roles.Select(role => TargetOf(entry, BackendNames.Role(tenant.Id, role))), ReplicationTargetOf(entry)];
        return new PoolConfig
        {
            Tenant = tenant.Slug.Value,
            Shard = entry.Shard.Name,
            TenantId = tenant.Id,
            Weight = tenant.Plan.Weight,
            Base = isSealed ? BaseOf(tenant) : SessionSettings.None,
            Connections = tenant.Plan.Connections,
            ConnectionsMin = tenant.Plan.ConnectionsMin,
            Mode = tenant.Plan.PoolMode ?? (PoolMode)options.Pool.Mode,
            PinsMax = Math.Max(1, tenant.Plan.PinsMax ?? tenant.Plan.Connections - 1),
            PinnedIdle = tenant.Plan.PinnedIdleTimeout ?? options.Pool.PinnedIdleTimeout,
            Notifications = tenant.Identity == TenantIdentity.Sealed ? NotificationReach.None
                : tenant.Isolation == IsolationModel.Database ? NotificationReach.OwnDatabase : NotificationReach.SharedDatabase,
            Targets = targets,
            HasOwnDatabase = tenant.Isolation == IsolationModel.Database && !isSealed,
            Replication = tenant.Plan.Replication && tenant.Isolation == IsolationModel.Database && !isSealed,
            Rules = [.. Roles.Select(role => StatementPolicy.RulesFor(entry, options, role, settings.TenantIdParameter))],
            Limits = StatementPolicy.LimitsFor(tenant.Plan, options.Limits),
            Fingerprint = string.Create(CultureInfo.InvariantCulture, $"{tenant.Placement.Epoch}/{tenant.CredentialsEpoch}/{targets[0].Database}/{targets[0].Tls}/")
                + string.Join('/', targets[0].EndPoints) + '/' + string.Join('/', targets[0].Settings),
        };
    }

    /// <summary>A walsender of the tenant's own database. Streams and copies last, so the statement time is kept by the session, for single statements alone.</summary>
    private BackendTarget ReplicationTargetOf(TenantEntry entry)
    {
        BackendTarget target = TargetOf(entry, BackendNames.ReplicationRole(entry.Tenant.Id));
        return target with
        {
            Settings = [.. target.Settings.Where(static setting => setting.Key != "statement_timeout"), new("statement_timeout", "0"), new("replication", "database")],
        };
    }

    private BackendTarget TargetOf(TenantEntry entry, string login)
    {
        Tenant tenant = entry.Tenant;
        return new BackendTarget(
            [.. entry.Shard.Primary.Select(ToEndPoint)],
            tenant.Placement.Database,
            login,
            new Secret(passwords.PasswordFor(login, tenant.CredentialsEpoch)),
            [.. SessionDefaults, .. settings.For(tenant).Where(static setting => !IsOurs(setting.Key))])
        {
            Tls = entry.Shard.Tls,
        };
    }

    /// <summary>A role that all sealed tenants of the shard share: its start-up packet says nothing of any of them.</summary>
    private BackendTarget SharedTargetOf(TenantEntry entry, UserRole role)
    {
        // Nobody of a sealed tenant is owner; should the registry say so all the same, the least is right.
        string login = BackendNames.SealedRole(entry.Shard, role == UserRole.Owner ? UserRole.Readonly : role);
        return new BackendTarget(
            [.. entry.Shard.Primary.Select(ToEndPoint)],
            entry.Shard.Database,
            login,
            new Secret(passwords.PasswordFor(login, BackendNames.SealedPasswordEpoch)),
            [.. SessionDefaults, .. SharedDefaults])
        {
            Tls = entry.Shard.Tls,
            Seals = new SealIssuer(login, sealKeys(entry.Shard)),
        };
    }

    /// <summary>What another tenant's start-up packet would say: set in front of the first transaction after each change of hands.</summary>
    private SessionSettings BaseOf(Tenant tenant)
    {
        SessionSettings all = SessionSettings.None;
        foreach ((string name, string value) in settings.For(tenant))
        {
            // A list of quoted names is SQL already; as one literal it would be one name.
            if (!IsOurs(name)) all = all.With(name.ToLowerInvariant(), name == "search_path" ? value : Sql.Literal(value));
        }
        // What the seal is made for, whatever the setting is called that applications read.
        return all.With(TenantSettings.DefaultTenantIdParameter, Sql.Literal(tenant.Id.ToString()));
    }

    private static bool IsOurs(string setting) => setting is "transaction_timeout" or "idle_session_timeout";

    private static EndPoint ToEndPoint(ShardEndpoint endpoint)
        => endpoint.IsUnixSocket ? new UnixDomainSocketEndPoint(endpoint.UnixSocketPath)
            : IPAddress.TryParse(endpoint.Host, out IPAddress? address) ? new IPEndPoint(address, endpoint.Port)
            : new DnsEndPoint(endpoint.Host, endpoint.Port);
}
