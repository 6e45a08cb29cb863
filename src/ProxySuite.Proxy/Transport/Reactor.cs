using System.Net;

namespace ProxySuite.Proxy.Transport;

/// <summary>
/// One thread that owns connections, timers and posted work. Everything it owns is touched on its thread alone, so none of it needs a lock.
/// While it runs, its <see cref="SynchronizationContext"/> brings continuations of ordinary awaits back to this thread.
/// </summary>
public abstract class Reactor : IAsyncDisposable
{
    /// <summary>0-based number of this reactor.</summary>
    public abstract int Index { get; }

    /// <summary>True on the reactor's own thread.</summary>
    public abstract bool IsCurrent { get; }

    /// <summary>Monotonic time of this turn of the loop, in milliseconds: read once a turn, so reading it costs nothing.</summary>
    public abstract long NowMilliseconds { get; }

    /// <summary>Monotonic time of this turn of the loop, in <see cref="System.Diagnostics.Stopwatch"/> ticks.</summary>
    public abstract long NowTicks { get; }

    /// <summary>Deadlines of this reactor.</summary>
    public abstract TimerWheel Timers { get; }

    /// <summary>The loop turns counted so far and the longest one in ticks; for metrics.</summary>
    public abstract ReactorCounters Counters { get; }

    /// <summary>Starts the thread.</summary>
    public abstract void Start();

    /// <summary>Runs <paramref name="work"/> on the reactor's thread, after what was posted before. Any thread may call it.</summary>
    public abstract void Post(Action<object?> work, object? state);

    /// <summary>Accepts connections; <paramref name="accepted"/> runs on this reactor's thread with a connection in pipe mode.</summary>
    /// <param name="endPoint">TCP (port 0 picks one; several reactors may share one port) or <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.</param>
    /// <param name="options">Backlog and socket settings.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Address in use, not allowed, or not on this machine.</exception>
    public abstract IListener Listen(EndPoint endPoint, ListenOptions options, Action<TransportConnection> accepted);

    /// <summary>Opens a connection to a server; completes on this reactor's thread with a connection in pipe mode.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">Refused, unreachable, and the like.</exception>
    /// <exception cref="OperationCanceledException">The token fired first; nothing is left open.</exception>
    public abstract Task<TransportConnection> ConnectAsync(EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken);

    /// <summary>Stops the loop, closes what it owns, and joins the thread.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>A listening socket; disposing it stops accepting and leaves accepted connections alone.</summary>
public interface IListener : IDisposable
{
    /// <summary>The address in use, with the port that was picked.</summary>
    EndPoint LocalEndPoint { get; }
}

/// <summary>Settings of a connected socket.</summary>
public sealed record SocketSettings
{
    /// <summary>Seconds of silence before keep-alive probes start; 0 leaves keep-alive off.</summary>
    public int KeepAliveIdleSeconds { get; init; } = 60;

    /// <summary>Seconds between probes.</summary>
    public int KeepAliveIntervalSeconds { get; init; } = 10;

    /// <summary>Probes without answer before the connection counts as dead.</summary>
    public int KeepAliveCount { get; init; } = 6;
}

/// <summary>Settings of a listening socket and of what it accepts.</summary>
public sealed record ListenOptions
{
    /// <summary>Connections that may wait for accept.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>Lets every reactor listen on the same TCP port (SO_REUSEPORT).</summary>
    public bool SharePort { get; init; }

    /// <summary>File mode of a Unix socket.</summary>
    public UnixFileMode UnixMode { get; init; } = (UnixFileMode)0b111_111_111;

    /// <summary>Settings given to each accepted connection.</summary>
    public SocketSettings Socket { get; init; } = new();
}

/// <summary>What a reactor has done so far. Written by its thread, read by any.</summary>
public sealed class ReactorCounters
{
    /// <summary>Turns of the loop.</summary>
    public long Turns;

    /// <summary>Connections accepted.</summary>
    public long Accepted;

    /// <summary>Connections open now.</summary>
    public long Open;

    /// <summary>Exceptions that escaped a handler or posted work; each closed one connection or was logged, none ended the loop.</summary>
    public long HandlerFailures;
}
