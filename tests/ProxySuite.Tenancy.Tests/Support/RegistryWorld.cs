using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Tenancy.Tests.Support;

/// <summary>A registry of its own with both of its sides, and short ways to fill it.</summary>
internal sealed class RegistryWorld : IAsyncDisposable
{
    /// <summary>The verifier of everybody's password here.</summary>
    public static readonly ScramVerifier Verifier = ScramVerifier.Create("secret", iterations: 1);

    private RegistryWorld(Dsn dsn)
    {
        Dsn = dsn;
        Database = RegistryDataSource.Create(dsn, new RegistryConnectionOptions { ConnectionsMax = 20 });
        Store = new RegistryStore(Database);
        Reader = new PostgresTenantRegistry(Database);
    }

    public Dsn Dsn { get; }

    public NpgsqlDataSource Database { get; }

    public RegistryStore Store { get; }

    public PostgresTenantRegistry Reader { get; }

    /// <summary>A registry with the default plans and nothing else.</summary>
    public static async Task<RegistryWorld> EmptyAsync(RegistryDatabases databases) => new(await databases.RegistryAsync());

    /// <summary>A registry made in a database that has none.</summary>
    public static async Task<RegistryWorld> CreateAsync(Dsn dsn)
    {
        var world = new RegistryWorld(dsn);
        await RegistrySchema.InitAsync(world.Database);
        return world;
    }

    /// <summary>A registry with the prepared shards <c>s1</c> and <c>s2</c>.</summary>
    public static async Task<RegistryWorld> WithShardsAsync(RegistryDatabases databases)
    {
        RegistryWorld world = await EmptyAsync(databases);
        await world.AddShardAsync("s1");
        await world.AddShardAsync("s2");
        return world;
    }

    public async Task<Shard> AddShardAsync(string name, int tenantsMax = 500, string region = "", Lockdown lockdown = Lockdown.Relaxed)
    {
        Shard shard = await Store.InsertShardAsync(new NewShard
        {
            Name = name,
            Primary = DsnParser.Parse($"postgres://admin:secret@{name}a.example,{name}b.example:5433/apps?sslmode=require"),
            TenantsMax = tenantsMax,
            Region = region,
        });
        await Store.MarkShardPreparedAsync(shard.Id, lockdown);
        return await Store.GetShardAsync(name);
    }

    /// <summary>An active tenant with one user named <c>app</c>.</summary>
    public async Task<TenantEntry> AddTenantAsync(string slug, string plan = "growth", string? shard = null, IsolationModel isolation = IsolationModel.Schema)
    {
        TenantEntry entry = await Store.InsertTenantAsync(new NewTenant { Slug = TenantSlug.Parse(slug), Plan = plan, ShardName = shard, Isolation = isolation });
        await Store.InsertUserAsync(entry.Tenant.Id, new TenantUser("app", UserRole.App, Verifier));
        entry = await Store.GetTenantAsync(entry.Tenant.Slug);
        return await Store.SetTenantStateAsync(entry.Tenant, TenantState.Active);
    }

    /// <summary>Closes idle connections, so that the next question opens one.</summary>
    public void CloseIdleConnections() => Database.Clear();

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
