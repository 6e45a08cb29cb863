using Microsoft.Extensions.DependencyInjection;
using ProxySuite.Proxy.Listening;

namespace ProxySuite.Host;

/// <summary>Wires the data plane: registry, cache and the server itself.</summary>
internal static class DataPlane
{
    public static void AddTo(IServiceCollection services)
        => services.AddSingleton<IProxyServer>(_ => throw new StartupException("this build has no data plane yet"));
}
