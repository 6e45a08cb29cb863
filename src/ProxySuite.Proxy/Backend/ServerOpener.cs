using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Backend;

/// <summary>Why a server connection could not be opened.</summary>
/// <param name="Reason">For the log; never for a client, whom the shard's inside does not concern.</param>
/// <param name="IsPermanent">Trying again will not help: the login was refused as such.</param>
/// <param name="MayHaveMoved">The shard does not let this tenant in as it did: what the registry said about it may be over.</param>
internal sealed record OpenFailure(string Reason, bool IsPermanent, bool MayHaveMoved = false);

/// <summary>A server connection could not be opened.</summary>
internal sealed class OpenException(OpenFailure failure, Exception? inner = null) : Exception(failure.Reason, inner)
{
    /// <summary>Why.</summary>
    public OpenFailure Failure { get; } = failure;
}

/// <summary>Opens and logs in server connections: the shard's hosts in turn, all within one deadline.</summary>
internal sealed class ServerOpener(ServerTls tls, ILogger<ServerOpener> logger)
{
    private readonly ScramKeyCache _keys = new();

    /// <summary>Opens one connection; completes on the reactor's thread.</summary>
    /// <exception cref="OpenException">No host could be reached, or the login failed; nothing is left open.</exception>
    public Task<ServerConnection> OpenAsync(
        Reactor reactor, BackendTarget target, IServerOwner owner, Interner<ParameterSnapshot> parameters, int role, int generation, ProxyOptions options)
        => LogInAsync(reactor, target, options, (link, endPoint, login) =>
        {
            var server = new ServerConnection(link, owner, login, parameters, reactor.NowMilliseconds)
            {
                EndPoint = endPoint,
                CancelTls = link is not TlsConnection ? TlsMode.Disable : target.Tls is TlsMode.Allow or TlsMode.Prefer ? TlsMode.Require : target.Tls,
                RoleIndex = role,
                Seal = target.Seals is null ? null : new ServerSeal(target.Seals, login.CancelKey.ProcessId, login.ClockMilliseconds - reactor.NowMilliseconds),
                Generation = generation,
            };
            // A server that closes while a slow client holds it back has sent a result that the client is still to get.
            link.ReadsToEnd = true;
            link.SetHandler(server);
            return server;
        });

    /// <summary>Opens a connection that will listen for notifications.</summary>
    /// <inheritdoc cref="OpenAsync"/>
    public Task<ListenerConnection> OpenListenerAsync(Reactor reactor, BackendTarget target, IListenerOwner owner, ProxyOptions options)
        => LogInAsync(reactor, target, options, (link, _, _) =>
        {
            var listener = new ListenerConnection(link, reactor, owner);
            link.SetHandler(listener);
            return listener;
        });

    private async Task<T> LogInAsync<T>(Reactor reactor, BackendTarget target, ProxyOptions options, Func<TransportConnection, EndPoint, BackendLogin, T> make)
    {
        using var deadline = new CancellationTokenSource();
        // The reactor's own timer: one of the runtime's wakes a thread of its own for each opening.
        var timer = new WheelTimer(static source => ((CancellationTokenSource)source!).Cancel(), deadline);
        reactor.Timers.Arm(timer, options.Pool.ServerConnectTimeout);
        try
        {
            return await TryAllAsync(reactor, target, options, make, deadline.Token);
        }
        finally
        {
            reactor.Timers.Disarm(timer);
        }
    }

    private async Task<T> TryAllAsync<T>(
        Reactor reactor, BackendTarget target, ProxyOptions options, Func<TransportConnection, EndPoint, BackendLogin, T> make, CancellationToken deadline)
    {
        bool worthSecondTry = false;
        OpenFailure failure = new("the shard has no host", IsPermanent: true);
        foreach ((EndPoint endPoint, TlsMode mode, bool isSecondTry) in Attempts(target))
        {
            if (isSecondTry && !worthSecondTry) continue;
            worthSecondTry = false;
            TransportConnection? link = null;
            try
            {
                link = await ConnectAsync(reactor, endPoint, options.Transport.Sockets(), deadline);
                link = await tls.SecureAsync(link, endPoint, mode, deadline);
                BackendLogin login = await ServerLogin.RunAsync(link, target, _keys, deadline);
                return make(link, endPoint, login);
            }
            catch (OperationCanceledException)
            {
                link?.Abort();
                throw new OpenException(new OpenFailure($"{endPoint}: no login within {options.Pool.ServerConnectTimeout.TotalSeconds:0.###} s", IsPermanent: false));
            }
            catch (OpenException refused)
            {
                link?.Abort();
                failure = refused.Failure;
                worthSecondTry = target.Tls == TlsMode.Allow && refused.Failure.IsPermanent;
            }
            catch (Exception broken) when (broken is SocketException or IOException or PgErrorException)
            {
                link?.Abort();
                failure = new OpenFailure($"{endPoint}: {broken.Message}", IsPermanent: false);
                worthSecondTry = broken is ServerTlsException;
            }
        }
        throw new OpenException(failure);
    }

    /// <summary>The hosts in turn. As in libpq, allow goes back to TLS when the login was refused, and prefer to the clear when the handshake failed.</summary>
    private static IEnumerable<(EndPoint EndPoint, TlsMode Mode, bool IsSecondTry)> Attempts(BackendTarget target)
    {
        foreach (EndPoint endPoint in target.EndPoints)
        {
            yield return (endPoint, target.Tls, false);
            if (target.Tls is TlsMode.Allow or TlsMode.Prefer) yield return (endPoint, target.Tls == TlsMode.Allow ? TlsMode.Prefer : TlsMode.Disable, true);
        }
    }

    /// <summary>Says in the log why a tenant has no server connection; clients are told only that the shard is not available.</summary>
    public void LogFailure(string tenant, string shard, string role, OpenFailure failure) => logger.OpenFailed(tenant, shard, role, failure.Reason);

    public static Task<TransportConnection> ConnectAsync(Reactor reactor, EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken)
        => endPoint is DnsEndPoint name ? ConnectByNameAsync(reactor, name, settings, cancellationToken) : reactor.ConnectAsync(endPoint, settings, cancellationToken);

    private static async Task<TransportConnection> ConnectByNameAsync(Reactor reactor, DnsEndPoint name, SocketSettings settings, CancellationToken cancellationToken)
    {
        SocketException? last = null;
        foreach (IPAddress address in await Dns.GetHostAddressesAsync(name.Host, cancellationToken))
        {
            try
            {
                return await reactor.ConnectAsync(new IPEndPoint(address, name.Port), settings, cancellationToken);
            }
            catch (SocketException refused)
            {
                last = refused;
            }
        }
        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }
}
