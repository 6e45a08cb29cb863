using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using ProxySuite.Proxy.Admin;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Routing;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Host;

/// <summary>Wires the data plane: registry, tenant directory, master key, and the server itself.</summary>
internal static class DataPlane
{
    /// <summary>Tenants read ahead at the start: the fleet that is promised, about 3 kB each.</summary>
    private const int WarmUpMax = 10_000;

    public static void AddTo(IServiceCollection services, ProxyOptions options)
    {
        if (options.Registry.File.Length > 0) AddRegistryFile(services, options.Registry.File);
        else AddPostgresRegistry(services, DsnParser.Parse(options.Registry.ConnectionString), options.Redis.Configuration);
        services.AddSingleton(provider => new TenantDirectory(
            provider.GetRequiredService<ITenantRegistry>(), new TenantDirectoryOptions { WarmUpMax = WarmUpMax }, logger: provider.GetRequiredService<ILogger<TenantDirectory>>(), shared: provider.GetService<ISharedTenantCache>()));
        services.AddSingleton(_ => MasterKey.ReadFile(options.Secrets.MasterKeyFile));
        services.AddSingleton(provider => new ShardAuditor(provider.GetRequiredService<MasterKey>(), options.Tls.ServerCaFile));
        services.AddSingleton(provider => new ShardAudits(
            provider.GetRequiredService<CurrentOptions>(), provider.GetRequiredService<ITenantRegistry>(), provider.GetRequiredService<ShardAuditor>().AskAsync,
            provider.GetRequiredService<StatsRegistry>().Audits, TimeProvider.System, provider.GetRequiredService<ILogger<ShardAudits>>()));
        services.AddSingleton<IAdminHost, AdminHost>();
        services.AddSingleton<IProxyServer, ProxyServer>();
    }

    private static void AddPostgresRegistry(IServiceCollection services, Dsn dsn, string redis)
    {
        services.AddSingleton(dsn);
        services.AddSingleton(_ => RegistryDataSource.Create(dsn, new RegistryConnectionOptions { ApplicationName = "proxyd" }));
        services.AddSingleton<ITenantRegistry>(provider => new PostgresTenantRegistry(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton(provider => new PostgresInvalidationListener(dsn, logger: provider.GetRequiredService<ILogger<PostgresInvalidationListener>>()));
        services.AddHostedService<RegistryCheck>();
        services.AddHostedService<Heartbeat>();
        if (redis.Length > 0) AddRedis(services, redis);
        else services.AddSingleton<IInvalidationSource>(provider => provider.GetRequiredService<PostgresInvalidationListener>());
    }

    private static void AddRedis(IServiceCollection services, string configuration)
    {
        services.AddSingleton(provider => new RedisLink(configuration, provider.GetRequiredService<ILogger<RedisLink>>()));
        services.AddSingleton<ISharedTenantCache>(provider => new RedisTenantCache(provider.GetRequiredService<RedisLink>(), provider.GetRequiredService<MasterKey>()));
        // A new name at each start: what the process before has said is not this one's.
        services.AddSingleton<IRateBoard>(provider => new RedisRateBoard(provider.GetRequiredService<RedisLink>(), Guid.NewGuid().ToString("N")));
        services.AddSingleton<IInvalidationSource>(provider => new RedisInvalidation(
            provider.GetRequiredService<PostgresInvalidationListener>(), provider.GetRequiredService<RedisLink>(), provider.GetRequiredService<ILogger<RedisInvalidation>>()));
    }

    private static void AddRegistryFile(IServiceCollection services, string path)
    {
        services.AddSingleton(provider => FileTenantRegistry.Open(path, logger: provider.GetRequiredService<ILogger<FileTenantRegistry>>()));
        services.AddSingleton<ITenantRegistry>(provider => provider.GetRequiredService<FileTenantRegistry>());
        services.AddSingleton<IInvalidationSource>(provider => provider.GetRequiredService<FileTenantRegistry>());
    }
}
