using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Host;

/// <summary>Wires the data plane: registry, tenant directory, master key, and the server itself.</summary>
internal static class DataPlane
{
    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton(provider => DsnParser.Parse(Options(provider).Registry.ConnectionString));
        services.AddSingleton(provider => MasterKey.ReadFile(Options(provider).Secrets.MasterKeyFile));
        services.AddSingleton(provider => RegistryDataSource.Create(provider.GetRequiredService<Dsn>(), new RegistryConnectionOptions { ApplicationName = "proxyd" }));
        services.AddSingleton<ITenantRegistry>(provider => new PostgresTenantRegistry(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton(provider => new TenantDirectory(
            provider.GetRequiredService<ITenantRegistry>(), logger: provider.GetRequiredService<ILogger<TenantDirectory>>()));
        services.AddSingleton<IInvalidationSource>(provider => new PostgresInvalidationListener(
            provider.GetRequiredService<Dsn>(), logger: provider.GetRequiredService<ILogger<PostgresInvalidationListener>>()));
        services.AddHostedService<RegistryCheck>();
        services.AddSingleton<IProxyServer, ProxyServer>();
    }

    private static ProxyOptions Options(IServiceProvider provider) => provider.GetRequiredService<CurrentOptions>().Value;
}
