using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Admin;

/// <summary>What the console says in the log: who comes, and what is changed.</summary>
internal static partial class AdminLog
{
    [LoggerMessage(EventIds.Admin + 1, LogLevel.Information, "console client connected: user={User} client={Client}")]
    public static partial void ConsoleConnected(this ILogger logger, string user, string client);

    [LoggerMessage(EventIds.Admin + 2, LogLevel.Warning, "console command: user={User} client={Client} command={Command} result={Result}")]
    public static partial void ConsoleCommand(this ILogger logger, string user, string client, string command, string result);

    [LoggerMessage(EventIds.Admin + 3, LogLevel.Error, "console command failed in the proxy: command={Command}")]
    public static partial void ConsoleBroke(this ILogger logger, Exception exception, string command);
}
