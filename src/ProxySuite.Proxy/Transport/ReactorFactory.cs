using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport.Epoll;
using ProxySuite.Proxy.Transport.Sockets;

namespace ProxySuite.Proxy.Transport;

/// <summary>Makes reactors; the only place that knows their kinds.</summary>
public static class ReactorFactory
{
    /// <summary>A reactor that is not started yet; what is posted or listened to before waits for its start.</summary>
    /// <param name="kind">What feeds it.</param>
    /// <param name="index">Its 0-based number.</param>
    /// <param name="wakeups">How it comes to the processor when something has come; of no effect but with epoll.</param>
    /// <exception cref="PlatformNotSupportedException">epoll anywhere but on Linux.</exception>
    public static Reactor Create(TransportKind kind, int index, ReactorWakeups wakeups = ReactorWakeups.Adaptive)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return kind switch
        {
            TransportKind.Epoll when OperatingSystem.IsLinux() => new EpollReactor(index, wakeups),
            TransportKind.Epoll => throw new PlatformNotSupportedException("transport epoll needs Linux; use transport sockets"),
            TransportKind.Sockets => new SocketsReactor(index),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }
}
