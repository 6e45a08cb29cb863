using System.Net.Sockets;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Loop;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

[Collection(Alone.Name)]
public sealed class LeakTests
{
    [Theory, EveryTransport]
    public async Task Five_thousand_connections_leave_no_descriptor_and_no_memory_however_they_end(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await OpenAndCloseAsync(world, 300); // what is made once is made now
        int descriptors = ProcessFacts.Descriptors;
        long live = await LiveBytesAsync();

        await OpenAndCloseAsync(world, 5_000);

        Assert.Equal(5_300, world.Reactor.Counters.Accepted);
        await world.UntilAsync(() => ProcessFacts.Descriptors <= descriptors, "as few descriptors as before");
        // 100 bytes a connection would be 500 kB.
        Assert.InRange(await LiveBytesAsync() - live, long.MinValue, 500_000);
        Assert.Equal(0, await world.RunAsync(() => ((LoopReactor)world.Reactor).Chunks.RentedBytes));

        // Without the chunks that the pool keeps for a while: their number is bounded.
        async Task<long> LiveBytesAsync() => ProcessFacts.LiveBytes - await world.RunAsync(() => ((LoopReactor)world.Reactor).Chunks.KeptBytes);
    }

    [Theory, EveryTransport]
    public async Task A_reactor_that_ends_gives_back_all_its_descriptors(TransportKind kind, Network network)
    {
        await UseOnceAsync();
        int descriptors = ProcessFacts.Descriptors;
        for (int i = 0; i < 20; i++)
            await UseOnceAsync();
        Assert.InRange(ProcessFacts.Descriptors, 0, descriptors);

        async Task UseOnceAsync()
        {
            await using TransportWorld world = TransportWorld.Start(kind, network);
            (Socket first, _) = await world.ConnectAsync();
            (Socket second, _) = await world.ConnectAsync(new TestHandler());
            first.Dispose();
            second.Dispose();
        }
    }

    private static async Task OpenAndCloseAsync(TransportWorld world, int connections)
    {
        const int AtOnce = 50;
        for (int opened = 0; opened < connections; opened += AtOnce)
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(i => LiveAsync(world, i)));
        await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "all connections are closed");
    }

    private static async Task LiveAsync(TransportWorld world, int way)
    {
        var handler = new TestHandler { Bytes = (c, bytes) => new Consumed(bytes.Length - 1, c.Send(bytes.Span)) };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(); // whichever of those that connect now
        using (peer)
        {
            if (way % 7 == 0)
            {
                await world.RunAsync(connection.Abort); // it never leaves pipe mode
                return;
            }
            await world.RunAsync(() => handler.Take(connection));
            await peer.SendAsync("bytes"u8.ToArray());
            switch (way % 7)
            {
                case 1:
                    await world.RunAsync(() => connection.Close(TimeSpan.FromSeconds(1)));
                    break;
                case 2:
                    await world.RunAsync(connection.Abort);
                    break;
                case 3:
                    await world.ResetAsync(peer, connection);
                    break;
                case 4:
                    await world.RunAsync(() =>
                    {
                        connection.Send(new byte[1_000_000]);
                        connection.Close(TimeSpan.FromMilliseconds(50));
                    });
                    break;
                case 5:
                    peer.Shutdown(SocketShutdown.Send);
                    break;
            }
        }
    }
}
