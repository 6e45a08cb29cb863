using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Routing;

/// <summary>What routing says: audits of shards.</summary>
internal static partial class RoutingLog
{
    [LoggerMessage(EventIds.Routing + 1, LogLevel.Warning,
        "audit found what weakens isolation: shard={Shard} critical={Critical} high={High} medium={Medium} low={Low}; see: proxyctl audit --shard {Name}")]
    public static partial void AuditFound(this ILogger logger, string shard, int critical, int high, int medium, int low, string name);

    [LoggerMessage(EventIds.Routing + 2, LogLevel.Information, "audit passed: shard={Shard} medium={Medium} low={Low}")]
    public static partial void AuditPassed(this ILogger logger, string shard, int medium, int low);

    [LoggerMessage(EventIds.Routing + 3, LogLevel.Warning,
        "shard cannot be audited: shard={Shard} reason={Reason}; run proxyctl shard prepare with the master key, or set Isolation:Audit to off")]
    public static partial void AuditNotPossible(this ILogger logger, string shard, string reason);
}
