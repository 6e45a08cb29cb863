using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Backend;

/// <summary>Options as the transport wants them.</summary>
internal static class SocketOptions
{
    /// <summary>Keep-alive of a connection that is made or accepted now.</summary>
    public static SocketSettings Sockets(this TransportOptions options) => new()
    {
        KeepAliveIdleSeconds = (int)options.KeepAliveIdle.TotalSeconds,
        KeepAliveIntervalSeconds = (int)options.KeepAliveInterval.TotalSeconds,
        KeepAliveCount = options.KeepAliveCount,
    };
}
