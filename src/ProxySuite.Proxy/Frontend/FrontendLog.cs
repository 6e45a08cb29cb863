using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What client sessions say in the log. Names that clients send are logged as they came; the sinks escape them.</summary>
internal static partial class FrontendLog
{
    [LoggerMessage(EventIds.Frontend + 1, LogLevel.Information, "login refused: tenant={Tenant} user={User} client={Client} sqlstate={SqlState} reason={Reason}")]
    public static partial void LoginRefused(this ILogger logger, string tenant, string user, string client, string sqlState, string reason);

    [LoggerMessage(EventIds.Frontend + 2, LogLevel.Information, "client connected: tenant={Tenant} user={User} client={Client} pid={ProcessId}")]
    public static partial void ClientConnected(this ILogger logger, string tenant, string user, string client, int processId);

    [LoggerMessage(EventIds.Frontend + 3, LogLevel.Error, "login failed in the proxy: client={Client}")]
    public static partial void LoginBroke(this ILogger logger, Exception exception, string client);

    [LoggerMessage(EventIds.Frontend + 4, LogLevel.Warning, "logins are slowed down after failures: tenant={Tenant} address={Address} failures={Failures}")]
    public static partial void LoginsSlowedDown(this ILogger logger, string tenant, string address, int failures);

    [LoggerMessage(EventIds.Frontend + 5, LogLevel.Error,
        "seal refused: tenant={Tenant} shard={Shard} sqlstate={SqlState}; the shard lacks the key that the registry names, its clock was set, or the tenant is fenced off")]
    public static partial void SealRefused(this ILogger logger, string tenant, string shard, string sqlState);

    [LoggerMessage(EventIds.Frontend + 6, LogLevel.Information, "replication connection: tenant={Tenant} user={User} client={Client} pid={ProcessId}")]
    public static partial void ReplicationStarted(this ILogger logger, string tenant, string user, string client, int processId);
}
