using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Host;

/// <summary>Wires the data plane: registry, cache and the server itself.</summary>
internal static class DataPlane
{
    public static void AddTo(IServiceCollection services) => services.AddSingleton<IProxyServer>(Make);

    private static ProxyServer Make(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<CurrentOptions>();
        var loggers = provider.GetRequiredService<ILoggerFactory>();
        try
        {
            Dsn dsn = DsnParser.Parse(options.Value.Registry.ConnectionString);
            var registry = new PostgresTenantRegistry(RegistryDataSource.Create(dsn, new RegistryConnectionOptions { ApplicationName = "proxyd" }));
            var tenants = new TenantDirectory(registry, logger: loggers.CreateLogger<TenantDirectory>());
            var changes = new PostgresInvalidationListener(dsn, logger: loggers.CreateLogger<PostgresInvalidationListener>());
            MasterKey masterKey = MasterKey.ReadFile(options.Value.Secrets.MasterKeyFile);
            return new ProxyServer(options, tenants, changes, masterKey, provider.GetRequiredService<StatsRegistry>(), loggers);
        }
        catch (Exception wrong) when (wrong is FormatException or MasterKeyException)
        {
            throw new StartupException(wrong.Message);
        }
    }
}
