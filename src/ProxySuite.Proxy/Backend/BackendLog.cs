using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Backend;

/// <summary>What server connections say in the log.</summary>
internal static partial class BackendLog
{
    [LoggerMessage(EventIds.Backend + 1, LogLevel.Warning, "server connection could not be opened: tenant={Tenant} shard={Shard} role={Role} reason={Reason}")]
    public static partial void OpenFailed(this ILogger logger, string tenant, string shard, string role, string reason);

    [LoggerMessage(EventIds.Backend + 2, LogLevel.Warning, "cancel request could not be sent: host={Host} reason={Reason}")]
    public static partial void CancelFailed(this ILogger logger, string host, string reason);

    [LoggerMessage(EventIds.Backend + 3, LogLevel.Error, "authorities of server certificates cannot be used, those in use stay: {Reason}")]
    public static partial void ServerCaRefused(this ILogger logger, string reason);
}
