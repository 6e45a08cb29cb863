using System.Globalization;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Admin;

/// <summary>SHOW HELP: a notice, as PgBouncer answers.</summary>
internal sealed class ShowHelp : ShowCommand
{
    private const string Usage = """

        	SHOW HELP|VERSION|CONFIG|STATE|USERS|LISTS
        	SHOW DATABASES|POOLS|CLIENTS|SERVERS
        	SHOW SOCKETS|ACTIVE_SOCKETS|MEM|FDS|DNS_HOSTS|DNS_ZONES|PEERS|PEER_POOLS
        	SHOW STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS
        	SHOW TENANTS [BY time|queries|bytes|waiting] [LIMIT n]
        	SHOW TENANT <tenant>
        	SHOW SHARDS|WAITS|QUERIES
        	PAUSE [<tenant>]
        	RESUME [<tenant>]
        	RECONNECT [<tenant>]
        	KILL <tenant>
        	KILL_CLIENT <id>
        	CANCEL <id>
        	RELOAD
        	SHUTDOWN
        """;

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
        => Task.FromResult(new AdminAnswer([], new PgError(SqlState.SuccessfulCompletion, "Console usage", Detail: Usage, Severity: "NOTICE")));
}

/// <summary>SHOW VERSION.</summary>
internal sealed class ShowVersion : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Text("version")];

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken) => Task.FromResult(new AdminAnswer([[AdminConsole.VersionOf(scope)]]));
}

/// <summary>SELECT n: what health checks ask.</summary>
internal sealed class SelectNumber(int number) : AdminCommand
{
    public override string Tag => "SELECT 1";

    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Int4("?column?")];

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken) => Task.FromResult(new AdminAnswer([[number]]));
}

/// <summary>SHOW STATE.</summary>
internal sealed class ShowState : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Text("key"), AdminColumn.Text("value")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        bool isPaused = (await scope.AskAsync(static context => context.Router.Paused.All, cancellationToken).ConfigureAwait(false)).Any(static paused => paused);
        return new AdminAnswer([["active", isPaused ? "no" : "yes"], ["paused", isPaused ? "yes" : "no"], ["suspended", "no"]]);
    }
}

/// <summary>SHOW USERS: the console's users, and those who have clients now as user@tenant.</summary>
internal sealed class ShowUsers : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Text("name"), AdminColumn.Text("pool_mode"), AdminColumn.Text("role")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        List<ClientView> clients = await scope.ClientsAsync(cancellationToken).ConfigureAwait(false);
        return new AdminAnswer(
        [
            .. scope.Options.Value.Admin.Users.Select(static user => new object?[] { user.Name, null, EnumWords<AdminRole>.Of(user.Role) }),
            .. clients.Select(static client => (Name: $"{client.User}@{client.Tenant}", client.Role)).Distinct().Select(static user => new object?[] { user.Name, null, AdminSnapshot.RoleName(user.Role) }),
        ]);
    }
}

/// <summary>SHOW LISTS: how many there are of what, in PgBouncer's words.</summary>
internal sealed class ShowLists : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Text("list"), AdminColumn.Int4("items")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        List<PoolView> pools = await scope.AllPoolsAsync(cancellationToken).ConfigureAwait(false);
        int tenants = pools.Select(static pool => pool.Tenant).Distinct().Count();
        List<ClientView> clients = await scope.ClientsAsync(cancellationToken).ConfigureAwait(false);
        List<ServerView> servers = await scope.ServersAsync(cancellationToken).ConfigureAwait(false);
        int connected = (int)scope.Stats.Proxy.Clients;
        int idle = servers.Count(static server => server.Activity == ServerActivity.Idle);
        return new AdminAnswer(
        [
            ["databases", tenants + 1], ["users", scope.Options.Value.Admin.Users.Count + clients.Select(static client => (client.User, client.Tenant)).Distinct().Count()],
            ["pools", pools.Count + 1], ["free_clients", Math.Max(0, scope.Options.Value.Limits.MaxClients - connected)], ["used_clients", clients.Count + scope.ConsoleClients()],
            ["login_clients", Math.Max(0, connected - clients.Count - scope.ConsoleClients())], ["free_servers", idle], ["used_servers", servers.Count - idle],
            ["dns_names", 0], ["dns_zones", 0], ["dns_queries", 0], ["dns_pending", 0],
            ["tenants", scope.Stats.Tenants().Length], ["waiting_clients", clients.Count(static client => client.State == SessionState.Waiting)],
            ["pinned_clients", clients.Count(static client => client.Pins != 0)],
        ]);
    }
}

/// <summary>SHOW CONFIG: every key of the configuration that is no secret, and the limits that exporters know by PgBouncer's names.</summary>
internal sealed class ShowConfig : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [AdminColumn.Text("key"), AdminColumn.Text("value"), AdminColumn.Text("default"), AdminColumn.Text("changeable")];

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        ProxyOptions now = scope.Options.Value, first = new();
        List<object?[]> rows = [.. (scope.Host?.Config ?? []).Select(static row => new object?[] { row.Key, row.Value, row.Default, row.IsChangeable ? "yes" : "no" })];
        Add("listen_addr", static options => options.Listen.Address.ToString(), isChangeable: false);
        Add("listen_port", static options => Number(options.Listen.Port), isChangeable: false);
        Add("max_client_conn", static options => Number(options.Limits.MaxClients));
        Add("pool_mode", static options => EnumWords<PoolMode>.Of(options.Pool.Mode));
        Add("query_wait_timeout", static options => Seconds(options.Pool.QueryWaitTimeout));
        Add("server_idle_timeout", static options => Seconds(options.Pool.ServerIdleTimeout));
        Add("server_lifetime", static options => Seconds(options.Pool.ServerLifetime));
        Add("server_connect_timeout", static options => Seconds(options.Pool.ServerConnectTimeout));
        Add("client_idle_timeout", static options => Seconds(options.Limits.ClientIdleTimeout));
        Add("client_login_timeout", static options => Seconds(options.Auth.LoginTimeout));
        Add("idle_transaction_timeout", static options => Seconds(options.Limits.IdleInTransactionTimeout));
        return Task.FromResult(new AdminAnswer(rows));

        void Add(string key, Func<ProxyOptions, string> value, bool isChangeable = true) => rows.Add([key, value(now), value(first), isChangeable ? "yes" : "no"]);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
}
