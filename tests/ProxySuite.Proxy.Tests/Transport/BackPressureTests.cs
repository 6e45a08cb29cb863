using System.Net.Sockets;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Loop;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

[Collection(Alone.Name)]
public sealed class BackPressureTests
{
    private const int Pending = 30_000_000;
    private const long CostMax = 1_000_000;

    [Theory, EveryTransport]
    public async Task A_reader_that_stops_with_30_MB_pending_costs_the_proxy_at_most_one(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        byte[] result = new byte[Pending];
        new Random(5).NextBytes(result);
        TransportConnection toReader = null!, fromServer = null!;
        var reader = new TestHandler { Drained = _ => fromServer.ResumeReading() };
        var server = new SpanHandler(bytes => new Consumed(bytes.Length, toReader.Send(bytes)));
        (Socket readerPeer, toReader) = await world.ConnectAsync(reader);
        (Socket serverPeer, fromServer) = await world.ConnectAsync();
        using (readerPeer)
        using (serverPeer)
        {
            await world.RunAsync(() => fromServer.SetHandler(server));
            long before = ProcessFacts.LiveBytes;
            Task sending = Task.Run(() => serverPeer.SendAllAsync(result));
            long stalledAt = await StalledAsync(world, () => server.Seen);
            Assert.False(sending.IsCompleted);
            Assert.InRange(stalledAt, 1, Pending - 1);

            long cost = ProcessFacts.LiveBytes - before;
            long queued = await world.RunAsync(() => toReader.QueuedBytes);
            long rented = await world.RunAsync(() => ((LoopReactor)world.Reactor).Chunks.RentedBytes);
            Assert.InRange(cost, long.MinValue, CostMax);
            Assert.InRange(queued, 1, TransportConnection.ReceiveSize);
            Assert.InRange(rented, queued, 2 * TransportConnection.ReceiveSize);

            byte[] received = await readerPeer.ReceiveExactlyAsync(Pending);
            await sending;
            Assert.True(received.AsSpan().SequenceEqual(result));
            Assert.Equal(0, await world.RunAsync(() => ((LoopReactor)world.Reactor).Chunks.RentedBytes));
        }
        await reader.Closed;
        await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "both connections are closed");
    }

    [Theory, EveryTransport]
    public async Task While_one_direction_is_blocked_the_other_still_flows(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        int seen = 0;
        var handler = new TestHandler { Bytes = (_, bytes) => { seen += bytes.Length; return new Consumed(bytes.Length, true); } };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        using (peer)
        {
            await world.RunAsync(() => Assert.False(connection.Send(new byte[Pending])));
            await peer.SendAllAsync(new byte[3_000_000]);
            await world.UntilAsync(() => seen == 3_000_000, "what the peer sent while it read nothing");
            Assert.True(await world.RunAsync(() => connection.QueuedBytes > 0));
            await peer.ReceiveExactlyAsync(Pending);
            await world.UntilAsync(() => handler.DrainedCalls == 1, "the notice that all has left");
            Assert.Equal(0, await world.RunAsync(() => connection.QueuedBytes));
        }
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task A_connection_without_bytes_owns_no_buffer(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler { Bytes = (c, bytes) => new Consumed(bytes.Length, c.Send(bytes.Span)) };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            await world.RunAsync(async () =>
            {
                await connection.Pipe.Output.WriteAsync(new byte[10_000]);
                handler.Take(connection);
            });
            await peer.ReceiveExactlyAsync(10_000);
            await peer.SendAllAsync(new byte[10_000]);
            await peer.ReceiveExactlyAsync(10_000);
            Assert.Equal(0, await world.RunAsync(() => ((LoopReactor)world.Reactor).Chunks.RentedBytes));
        }
        await handler.Closed;
    }

    private static async Task<long> StalledAsync(TransportWorld world, Func<long> progress)
    {
        long last = -1;
        for (int same = 0; same < 10;)
        {
            await Task.Delay(20);
            long now = await world.RunAsync(progress);
            same = now == last && now > 0 ? same + 1 : 0;
            last = now;
        }
        return last;
    }

    private delegate Consumed OnSpan(ReadOnlySpan<byte> received);

    // As TestHandler, but without a copy of what it is shown.
    private sealed class SpanHandler(OnSpan onBytes) : IConnectionHandler
    {
        public long Seen { get; private set; }

        public Consumed OnBytes(ReadOnlySpan<byte> received)
        {
            Seen += received.Length;
            return onBytes(received);
        }

        public void OnDrained()
        {
        }

        public void OnClosed(CloseCause cause)
        {
        }
    }
}
