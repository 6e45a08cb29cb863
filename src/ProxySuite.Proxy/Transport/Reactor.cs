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

    /// <summary>What the loop has done so far; for metrics.</summary>
    public abstract ReactorCounters Counters { get; }

    /// <summary>How pressing it is to run at once when something comes.</summary>
    public ReactorPace Pace { get; } = new();

    /// <summary>Told, on the reactor's thread, of every exception that escaped a handler, a timer or posted work; for the log. Set before <see cref="Start"/>.</summary>
    public Action<Exception>? FailureHook { get; set; }

    /// <summary>Starts the thread.</summary>
    public abstract void Start();

    /// <summary>Runs <paramref name="work"/> on the reactor's thread, after what was posted before. Any thread may call it.</summary>
    public abstract void Post(Action<object?> work, object? state);

    /// <summary>Accepts connections; <paramref name="accepted"/> runs on this reactor's thread with a connection in pipe mode.</summary>
    /// <param name="endPoint">TCP (port 0 picks one; several reactors may share one port) or <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.</param>
    /// <param name="options">Backlog and socket settings.</param>
    /// <param name="accepted">Takes the connection over; when it throws, the connection is closed.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Address in use, not allowed, or not on this machine.</exception>
    public abstract IListener Listen(EndPoint endPoint, ListenOptions options, Action<TransportConnection> accepted);

    /// <summary>Opens a connection to a server; completes on this reactor's thread with a connection in pipe mode.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">Refused, unreachable, and the like.</exception>
    /// <exception cref="OperationCanceledException">The token fired first; nothing is left open.</exception>
    public abstract Task<TransportConnection> ConnectAsync(EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken);

    /// <summary>Stops the loop, closes what it owns, and joins the thread.</summary>
    public abstract ValueTask DisposeAsync();
}
