using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using ProxySuite.Proxy.Listening;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Host;

/// <summary>
/// Looks at the registry before clients are let in: a database without a registry, or with another program's, is a mistake that only an operator can
/// mend. A registry that is away is none: the proxy starts, says it is not ready, and serves as soon as the registry is back (B2).
/// </summary>
internal sealed class RegistryCheck(NpgsqlDataSource dataSource, Dsn dsn, ILogger<RegistryCheck> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            RegistryVersion version = await RegistrySchema.CheckAsync(dataSource, cancellationToken).ConfigureAwait(false);
            if (WhyNot(version) is { } reason) throw new StartupException($"the registry at {dsn} {reason}");
        }
        catch (PostgresException exception) when (!exception.IsTransient)
        {
            // Wrong password, no such database, no right to read: it answers, and will not answer better by itself.
            throw new StartupException($"the registry at {dsn} refuses: {exception.MessageText}", exception);
        }
        catch (Exception exception) when (exception is NpgsqlException or SocketException or TimeoutException or IOException)
        {
            logger.RegistryUnreachable(dsn, exception.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Why a proxy must not run on a registry; null when it may.</summary>
    internal static string? WhyNot(RegistryVersion version) => version.State switch
    {
        RegistryState.Current => null,
        RegistryState.Missing => "has no schema \"system\"; run: proxyctl init",
        RegistryState.Outdated => $"has version {version.Found}, and this proxyd needs {version.Needed}; run: proxyctl init",
        _ => $"has version {version.Found}, made by a newer program, and this proxyd knows {version.Needed}; update proxyd",
    };
}
