using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A proxy in front of a real server, with one tenant of its own.</summary>
internal sealed class PostgresWorld : IAsyncDisposable
{
    private static int _worlds;

    private PostgresWorld(PostgresServer server, ProxyWorld proxy, TenantEntry tenant)
    {
        Server = server;
        Proxy = proxy;
        Tenant = tenant;
    }

    public PostgresServer Server { get; }

    public ProxyWorld Proxy { get; }

    public TenantEntry Tenant { get; }

    public string Role => BackendNames.Role(Tenant.Tenant.Id, UserRole.App);

    /// <summary>Makes a database, the tenant's role and schema, and the proxy.</summary>
    public static async Task<PostgresWorld> StartAsync(int version, int connections, Func<ProxyOptions, ProxyOptions>? configure = null, int shardConnections = 200)
    {
        PostgresServer server = await PostgresServer.SharedAsync(version);
        string database = await server.CreateDatabaseAsync($"relay{Interlocked.Increment(ref _worlds)}");
        var shard = new Shard { Id = new ShardId(1), Name = "real", Primary = [new ShardEndpoint(server.Host, server.Port)], Database = database, ConnectionsMax = shardConnections };
        ProxyWorld proxy = await ProxyWorld.OnServerAsync(shard, configure);
        TenantEntry tenant = proxy.AddTenant("acme", connections);
        string role = BackendNames.Role(tenant.Tenant.Id, UserRole.App);
        await server.ExecuteAsync($"""
            CREATE ROLE {role} LOGIN PASSWORD '{proxy.BackendPassword(tenant.Tenant, UserRole.App)}';
            CREATE SCHEMA {tenant.Tenant.Placement.SchemaName} AUTHORIZATION {role};
            """, database);
        return new PostgresWorld(server, proxy, tenant);
    }

    /// <summary>Another tenant in the same database, with a role and a schema of its own.</summary>
    public async Task<TenantEntry> AddTenantAsync(string slug, int connections, PoolMode? mode = null)
    {
        TenantEntry tenant = Proxy.AddTenant(slug, connections, mode);
        string role = BackendNames.Role(tenant.Tenant.Id, UserRole.App);
        await Server.ExecuteAsync($"""
            CREATE ROLE {role} LOGIN PASSWORD '{Proxy.BackendPassword(tenant.Tenant, UserRole.App)}';
            CREATE SCHEMA {tenant.Tenant.Placement.SchemaName} AUTHORIZATION {role};
            """, Proxy.Shard.Database);
        return tenant;
    }

    /// <summary>A client of the server itself, with the role and the settings that the proxy uses.</summary>
    public async Task<RawClient> ConnectDirectlyAsync()
    {
        RawClient client = await RawClient.ConnectAsync(Server.Port);
        await client.LoginAsync(Role, Proxy.Shard.Database, Proxy.BackendPassword(Tenant.Tenant, UserRole.App), new TenantSettings().For(Tenant.Tenant));
        client.Transcript.Clear();
        return client;
    }

    public ValueTask DisposeAsync() => Proxy.DisposeAsync();
}
