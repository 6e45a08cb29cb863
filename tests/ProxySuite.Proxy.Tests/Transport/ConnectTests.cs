using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class ConnectTests
{
    [Theory, EveryTransport]
    public async Task Where_nobody_listens_a_connection_is_refused(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        EndPoint address = world.EndPoint;
        world.Listener.Dispose();
        SocketException error = await Assert.ThrowsAsync<SocketException>(
            () => world.RunAsync(() => world.Reactor.ConnectAsync(address, new SocketSettings(), default)));
        if (network == Network.Tcp)
            Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        Assert.Equal(0, world.Reactor.Counters.Open);
    }

    [Theory, EveryKind]
    public async Task An_attempt_that_hangs_is_given_up_when_its_token_fires(TransportKind kind)
    {
        await using TransportWorld world = TransportWorld.Start(kind, Network.Tcp);
        using var full = new FullListener(Network.Tcp);
        using var token = new CancellationTokenSource();
        await world.RunAsync(async () =>
        {
            Task<TransportConnection> attempt = world.Reactor.ConnectAsync(full.EndPoint, new SocketSettings(), token.Token);
            await Task.Delay(50);
            Assert.False(attempt.IsCompleted);
            await token.CancelAsync();
            var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => attempt);
            Assert.Equal(token.Token, error.CancellationToken);
            Assert.True(world.Reactor.IsCurrent);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => world.Reactor.ConnectAsync(full.EndPoint, new SocketSettings(), token.Token));
        Assert.Equal(0, world.Reactor.Counters.Open);
    }

    [Theory, EveryKind]
    public async Task A_Unix_listener_whose_backlog_is_full_is_waited_for(TransportKind kind)
    {
        await using TransportWorld world = TransportWorld.Start(kind, Network.Tcp);
        using var full = new FullListener(Network.Unix);
        Task<TransportConnection> attempt = world.Reactor.ConnectAsync(full.EndPoint, new SocketSettings(), default);
        await Task.Delay(50);
        Assert.False(attempt.IsCompleted);
        full.AcceptAll();
        TransportConnection connection = await attempt.WaitAsync(TransportWorld.Patience);
        await world.RunAsync(connection.Abort);
    }

    [Theory, EveryKind]
    public async Task Attempts_end_with_their_reactor(TransportKind kind)
    {
        Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        using var full = new FullListener(Network.Tcp);
        Task<TransportConnection> attempt = reactor.ConnectAsync(full.EndPoint, new SocketSettings(), default);
        await Task.Delay(20);
        await reactor.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => attempt.WaitAsync(TransportWorld.Patience));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reactor.ConnectAsync(full.EndPoint, new SocketSettings(), default));
    }

    [Theory, EveryKind]
    public async Task A_host_is_resolved_and_its_addresses_tried_in_turn(TransportKind kind)
    {
        await using TransportWorld world = TransportWorld.Start(kind, Network.Tcp);
        await world.RunAsync(async () =>
        {
            // localhost is ::1 as well on most machines, where nobody listens.
            var address = new DnsEndPoint("localhost", ((IPEndPoint)world.EndPoint).Port);
            TransportConnection connection = await world.Reactor.ConnectAsync(address, new SocketSettings(), default);
            Assert.True(world.Reactor.IsCurrent);
            connection.Abort();
        });
        await world.AcceptedAsync();
    }

    [Theory, EveryTransport]
    public async Task Many_connections_open_at_once_and_each_reaches_its_own_peer(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await world.RunAsync(async () =>
        {
            const int Count = 200;
            TransportConnection[] clients = await Task.WhenAll(
                Enumerable.Range(0, Count).Select(_ => world.Reactor.ConnectAsync(world.EndPoint, new SocketSettings(), default)));
            for (int i = 0; i < Count; i++)
                clients[i].Send([(byte)i]);
            var seen = new List<byte>();
            for (int i = 0; i < Count; i++)
            {
                TransportConnection server = await world.AcceptedAsync();
                seen.Add((await server.Pipe.Input.ReadAsync()).Buffer.FirstSpan[0]);
                server.Abort();
            }
            Assert.Equal(Enumerable.Range(0, Count).Select(i => (byte)i), seen.Order());
            foreach (TransportConnection client in clients)
                client.Abort();
        });
    }

    /// <summary>A listener that does not accept and whose backlog is full, so that one more attempt neither succeeds nor fails.</summary>
    private sealed class FullListener : IDisposable
    {
        private readonly Socket _listener;
        private readonly List<Socket> _sockets = [];

        public FullListener(Network network)
        {
            EndPoint asked = TransportWorld.NewEndPoint(network);
            _listener = New(asked);
            _listener.Bind(asked);
            _listener.Listen(1);
            EndPoint = _listener.LocalEndPoint!;
            for (int i = 0; i < 8; i++)
            {
                Socket filler = New(asked);
                filler.Blocking = false;
                _sockets.Add(filler);
                try
                {
                    filler.Connect(EndPoint);
                }
                catch (SocketException)
                {
                    // In progress, or no room left: which is the point.
                }
            }
        }

        public EndPoint EndPoint { get; }

        public void AcceptAll()
        {
            for (int i = 0; i < 2; i++)
                _sockets.Add(_listener.Accept());
        }

        public void Dispose()
        {
            _listener.Dispose();
            _sockets.ForEach(s => s.Dispose());
        }

        private static Socket New(EndPoint endPoint) => new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
    }
}
