using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Listening;

/// <summary>What the server as a whole says in the log.</summary>
internal static partial class ListeningLog
{
    [LoggerMessage(EventIds.Listening + 1, LogLevel.Error, "a connection's handler failed, the connection was closed: reactor={Reactor}")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception, int reactor);
}
