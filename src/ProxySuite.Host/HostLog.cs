using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Host;

/// <summary>What the host says: start, reload, drain, stop.</summary>
internal static partial class HostLog
{
    [LoggerMessage(EventIds.Host + 1, LogLevel.Information,
        "proxyd {Version} ready: clients={Clients} metrics={Metrics} registry={Registry} transport={Transport} reactors={Reactors} runtime={Runtime} startup={StartupMs}ms")]
    public static partial void Ready(this ILogger logger, string version, string clients, string metrics, string registry, string transport, int reactors, Version runtime, long startupMs);

    [LoggerMessage(EventIds.Host + 2, LogLevel.Information, "configuration reloaded: changed={Keys}")]
    public static partial void Reloaded(this ILogger logger, string keys);

    [LoggerMessage(EventIds.Host + 3, LogLevel.Error, "configuration not reloaded, the old one stays in force: problems={Problems}")]
    public static partial void ReloadRefused(this ILogger logger, string problems);

    [LoggerMessage(EventIds.Host + 4, LogLevel.Warning, "configuration changed in keys that wait for a restart: keys={Keys}")]
    public static partial void NeedsRestart(this ILogger logger, string keys);

    [LoggerMessage(EventIds.Host + 5, LogLevel.Information, "draining: signal={Signal} clients={Clients} deadline={DeadlineMs}ms")]
    public static partial void Draining(this ILogger logger, string signal, long clients, long deadlineMs);

    [LoggerMessage(EventIds.Host + 6, LogLevel.Information, "drained: clients={Clients}")]
    public static partial void Drained(this ILogger logger, long clients);

    [LoggerMessage(EventIds.Host + 7, LogLevel.Warning, "drain cut short by a second signal: clients={Clients}")]
    public static partial void DrainCutShort(this ILogger logger, long clients);

    [LoggerMessage(EventIds.Host + 8, LogLevel.Information, "proxyd stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(EventIds.Host + 9, LogLevel.Critical, "proxyd cannot start: {Reason}")]
    public static partial void CannotStart(this ILogger logger, string reason);

    [LoggerMessage(EventIds.Host + 10, LogLevel.Critical, "proxyd failed")]
    public static partial void Failed(this ILogger logger, Exception exception);

    [LoggerMessage(EventIds.Host + 11, LogLevel.Warning,
        "too few file descriptors for Limits:MaxClients: limit={Limit} maxClients={MaxClients}; raise the process limit (LimitNOFILE, ulimit -n) or lower the key")]
    public static partial void FewDescriptors(this ILogger logger, long limit, int maxClients);

    [LoggerMessage(EventIds.Host + 12, LogLevel.Warning, "the registry cannot be reached, starting without it: registry={Registry} reason={Reason}")]
    public static partial void RegistryUnreachable(this ILogger logger, Dsn registry, string reason);

    [LoggerMessage(EventIds.Host + 13, LogLevel.Warning, "the registry was not told that this proxy lives, going on: {Reason}")]
    public static partial void HeartbeatMissed(this ILogger logger, string reason);
}
