using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class ListenTests
{
    [Theory, EveryTransport]
    public async Task A_listener_tells_its_address_and_a_connection_its_peer(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            if (network == Network.Tcp)
            {
                Assert.NotEqual(0, ((IPEndPoint)world.EndPoint).Port);
                Assert.Equal(peer.LocalEndPoint, connection.RemoteEndPoint);
            }
            else
            {
                Assert.Equal("", Assert.IsType<UnixDomainSocketEndPoint>(connection.RemoteEndPoint).ToString());
            }
            Assert.Equal(1, world.Reactor.Counters.Accepted);
            await world.RunAsync(connection.Abort);
        }
    }

    [Theory, EveryKind]
    public async Task A_connection_over_IPv6_has_its_address(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        var accepted = new TaskCompletionSource<EndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        using IListener listener = reactor.Listen(new IPEndPoint(IPAddress.IPv6Loopback, 0), new ListenOptions(), c => accepted.SetResult(c.RemoteEndPoint));
        using var peer = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndPoint);
        Assert.Equal(peer.LocalEndPoint, await accepted.Task.WaitAsync(TransportWorld.Patience));
    }

    [Theory, EveryKind]
    public async Task Connections_get_no_delay_and_keep_alive_as_told(TransportKind kind)
    {
        var settings = new SocketSettings { KeepAliveIdleSeconds = 77, KeepAliveIntervalSeconds = 7, KeepAliveCount = 3 };
        await using TransportWorld world = TransportWorld.Start(kind, Network.Tcp, new ListenOptions { Socket = settings });
        TransportConnection client = await world.RunAsync(() => world.Reactor.ConnectAsync(world.EndPoint, settings, default));
        TransportConnection accepted = await world.AcceptedAsync();
        var expected = new SocketFacts(NoDelay: true, KeepAlive: true, IdleSeconds: 77, IntervalSeconds: 7, Probes: 3);
        Assert.Equal(expected, SocketFacts.OfPeer(accepted.RemoteEndPoint));
        Assert.Equal(expected, SocketFacts.OfPeer(client.RemoteEndPoint));

        TransportConnection quiet = await world.RunAsync(
            () => world.Reactor.ConnectAsync(world.EndPoint, new SocketSettings { KeepAliveIdleSeconds = 0 }, default));
        await world.AcceptedAsync();
        await world.RunAsync(client.Abort);
        await world.UntilAsync(() => client.IsClosed, "the first is closed");
        SocketFacts facts = SocketFacts.OfPeer(quiet.RemoteEndPoint);
        Assert.Equal((true, false), (facts.NoDelay, facts.KeepAlive));
    }

    [Theory, EveryKind]
    public async Task An_address_in_use_is_refused(TransportKind kind)
    {
        foreach (Network network in Enum.GetValues<Network>())
        {
            await using TransportWorld world = TransportWorld.Start(kind, network);
            SocketException error = Assert.Throws<SocketException>(() => world.Reactor.Listen(world.EndPoint, new ListenOptions(), _ => { }));
            Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
            (Socket peer, TransportConnection connection) = await world.ConnectAsync(); // and the other still listens
            await world.RunAsync(connection.Abort);
            peer.Dispose();
        }
    }

    [Theory, EveryKind]
    public async Task Reactors_share_a_port_when_asked(TransportKind kind)
    {
        var share = new ListenOptions { SharePort = true };
        await using TransportWorld first = TransportWorld.Start(kind, Network.Tcp, share);
        await using Reactor second = ReactorFactory.Create(kind, 1);
        second.Start();
        using IListener other = second.Listen(first.EndPoint, share, c => c.Abort());
        var peers = new List<Socket>();
        // The kernel spreads by a hash of the addresses: one of sixty-four on each side is certain but for 2^-63.
        for (int i = 0; i < 64; i++)
        {
            Socket peer = first.NewSocket();
            await peer.ConnectAsync(first.EndPoint);
            peers.Add(peer);
        }
        await first.UntilAsync(() => first.Reactor.Counters.Accepted + second.Counters.Accepted == 64, "all are accepted");
        Assert.InRange(second.Counters.Accepted, 1, 63);
        peers.ForEach(p => p.Dispose());
    }

    [Theory, EveryTransport]
    public async Task A_disposed_listener_frees_its_address_and_leaves_its_connections_alone(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var echo = new TestHandler { Bytes = (c, bytes) => new Consumed(bytes.Length, c.Send(bytes.Span)) };
        (Socket peer, _) = await world.ConnectAsync(echo);
        using (peer)
        {
            EndPoint address = world.EndPoint;
            world.Listener.Dispose();
            world.Listener.Dispose();
            using (Socket late = world.NewSocket())
                await Assert.ThrowsAsync<SocketException>(() => late.ConnectAsync(address));
            using IListener again = world.Reactor.Listen(address, new ListenOptions(), c => c.Abort());
            await peer.SendAsync("x"u8.ToArray());
            await peer.ReceiveExactlyAsync(1);
        }
        await echo.Closed;
    }

    [Theory, EveryKind]
    public async Task A_Unix_socket_has_the_mode_that_was_asked_for_and_its_file_goes_with_it(TransportKind kind)
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        TransportWorld world = TransportWorld.Start(kind, Network.Unix, new ListenOptions { UnixMode = Mode });
        string path = world.EndPoint.ToString()!;
        if (!OperatingSystem.IsWindows())
            Assert.Equal(Mode, File.GetUnixFileMode(path));
        await world.DisposeAsync();
        Assert.False(File.Exists(path));
    }

    [Theory, EveryKind]
    public async Task A_socket_file_that_nobody_answers_on_is_replaced_and_any_other_file_is_not(TransportKind kind)
    {
        var address = (UnixDomainSocketEndPoint)TransportWorld.NewEndPoint(Network.Unix);
        string path = address.ToString();
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        using (var killed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            killed.Bind(address);
            // .NET deletes the file of a socket that it bound; a process that is killed leaves it behind.
            File.Move(path, path + ".kept");
        }
        File.Move(path + ".kept", path);
        reactor.Listen(address, new ListenOptions(), c => c.Abort()).Dispose();

        await File.WriteAllTextAsync(path, "precious");
        Assert.Throws<SocketException>(() => reactor.Listen(address, new ListenOptions(), c => c.Abort()));
        Assert.Equal("precious", await File.ReadAllTextAsync(path));
        File.Delete(path);
    }

    [Theory, EveryTransport]
    public async Task When_taking_a_connection_over_fails_it_is_closed_and_the_listener_goes_on(TransportKind kind, Network network)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        int calls = 0;
        using IListener listener = reactor.Listen(TransportWorld.NewEndPoint(network), new ListenOptions(), c =>
        {
            if (++calls == 1)
                throw new FormatException("bad owner");
            c.Send("welcome"u8);
            c.Close(TimeSpan.FromSeconds(1));
        });
        foreach (int expected in new[] { 0, 7 })
        {
            using var peer = new Socket(listener.LocalEndPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
            await peer.ConnectAsync(listener.LocalEndPoint);
            Assert.Equal(expected, (await peer.ReceiveToEndAsync()).Length);
        }
        Assert.Equal(1, reactor.Counters.HandlerFailures);
    }
}
