using System.Net;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Listening;

/// <summary>How far the server is; it only moves down this list.</summary>
public enum ServerPhase : byte
{
    /// <summary>Made or starting.</summary>
    Starting,

    /// <summary>Listening and serving.</summary>
    Accepting,

    /// <summary>Listens no more; open transactions may finish.</summary>
    Draining,

    /// <summary>All connections are closed.</summary>
    Stopped,
}

/// <summary>What health pages tell; cheap to make, on any thread, never blocking.</summary>
/// <param name="Phase">How far the server is.</param>
/// <param name="RegistryReachable">Whether the last contact with the registry succeeded.</param>
/// <param name="RegistryKnown">Whether tenants are in the cache or the file, so that they can be served while the registry is away.</param>
/// <param name="Clients">Client connections open now.</param>
public sealed record ServerHealth(ServerPhase Phase, bool RegistryReachable, bool RegistryKnown, long Clients);

/// <summary>The data plane as its host sees it.</summary>
public interface IProxyServer
{
    /// <summary>Where clients connect, after <see cref="StartAsync"/>: TCP with the port that was picked, then the Unix socket if there is one.</summary>
    IReadOnlyList<EndPoint> EndPoints { get; }

    /// <summary>What health pages tell.</summary>
    ServerHealth Health { get; }

    /// <summary>Counters of each reactor, by its index; empty before <see cref="StartAsync"/>.</summary>
    IReadOnlyList<ReactorCounters> Reactors { get; }

    /// <summary>Completes once every reactor has run a posted no-op: an idle loop does not turn by itself, so counting turns would not tell it from a stuck one.</summary>
    /// <exception cref="OperationCanceledException">The token fired first: a reactor is stuck or very busy.</exception>
    Task PingReactorsAsync(CancellationToken cancellationToken);

    /// <summary>Starts reactors and registry, then listens. Completes when clients can connect.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The address is in use, not allowed, or not on this machine.</exception>
    /// <exception cref="StartupException">Something else outside keeps it from starting.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Stops accepting, closes idle clients with 57P01, lets open transactions finish. Completes when no client is left or the deadline is over.</summary>
    /// <param name="deadline">Longest time to wait, counted from the call.</param>
    /// <param name="cancellationToken">Ends the wait early (a second signal); the task then completes as cancelled and the server stays drained.</param>
    Task DrainAsync(TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Closes what is left at once and ends the reactors. May be called without a drain, and more than once.</summary>
    Task StopAsync(CancellationToken cancellationToken);
}
