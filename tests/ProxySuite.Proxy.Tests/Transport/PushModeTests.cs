using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class PushModeTests
{
    [Theory, EveryTransport]
    public async Task Bytes_that_a_peer_sends_reach_the_handler_and_its_answer_the_peer(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var echo = new TestHandler { Bytes = Echo };
        (Socket peer, _) = await world.ConnectAsync(echo);
        using (peer)
        {
            await peer.SendAsync("hello"u8.ToArray());
            Assert.Equal("hello", Encoding.ASCII.GetString(await peer.ReceiveExactlyAsync(5)));
        }
        Assert.Equal(CloseCause.PeerFinished, await echo.Closed);
        Assert.Empty(world.Failures);
    }

    private static Consumed Echo(TransportConnection connection, ReadOnlyMemory<byte> received)
        => new(received.Length, connection.Send(received.Span));
}
