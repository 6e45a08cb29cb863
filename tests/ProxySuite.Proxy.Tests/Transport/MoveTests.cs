using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>A connection that is accepted by one reactor and then served by its tenant's.</summary>
public sealed class MoveTests
{
    [Theory, EveryTransport]
    public async Task A_connection_moves_with_the_bytes_it_has_not_consumed(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await using Reactor home = ReactorFactory.Create(kind, 1);
        home.Start();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            var seen = new StringBuilder();
            var handler = new TestHandler
            {
                Bytes = (c, bytes) =>
                {
                    seen.Append(Encoding.ASCII.GetString(bytes.Span));
                    return new Consumed(bytes.Length, c.Send(bytes.Span));
                },
            };
            await peer.SendAsync("startup,early"u8.ToArray());
            await world.RunAsync(async () =>
            {
                ReadResult result = await connection.Pipe.Input.ReadAsync();
                connection.Pipe.Input.AdvanceTo(result.Buffer.GetPosition("startup,".Length));
                connection.MoveTo(home, handler.Take);
            });
            Assert.Equal("early", Encoding.ASCII.GetString(await peer.ReceiveExactlyAsync(5)));
            await peer.SendAsync("late"u8.ToArray());
            Assert.Equal("late", Encoding.ASCII.GetString(await peer.ReceiveExactlyAsync(4)));
            Assert.Equal((0, 1), (world.Reactor.Counters.Open, home.Counters.Open));
            Assert.Same(home, connection.Reactor);
        }
        await EmptyAsync(home);

        static async Task EmptyAsync(Reactor reactor)
        {
            for (int i = 0; i < 1000 && reactor.Counters.Open > 0; i++)
                await Task.Delay(5);
            Assert.Equal(0, reactor.Counters.Open);
        }
    }

    [Theory, EveryTransport]
    public async Task A_connection_may_move_to_and_fro_while_its_peer_keeps_sending(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await using Reactor other = ReactorFactory.Create(kind, 1);
        other.Start();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        const int Length = 200_000;
        using (peer)
        {
            byte[] data = new byte[Length];
            new Random(3).NextBytes(data);
            Task sending = Task.Run(async () =>
            {
                for (int at = 0; at < Length; at += 1_000)
                    await peer.SendAllAsync(data.AsMemory(at, 1_000));
            });
            var all = new List<byte>();
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Reactor[] reactors = [world.Reactor, other];
            int moves = 0;
            async Task ReadOnceAndMoveAsync(TransportConnection c)
            {
                try
                {
                    Assert.True(c.Reactor.IsCurrent);
                    ReadResult result = await c.Pipe.Input.ReadAsync();
                    Assert.True(c.Reactor.IsCurrent);
                    foreach (ReadOnlyMemory<byte> part in result.Buffer)
                        all.AddRange(part.Span);
                    c.Pipe.Input.AdvanceTo(result.Buffer.End);
                    if (all.Count == Length)
                        done.SetResult();
                    else
                        c.MoveTo(reactors[++moves % 2], next => _ = ReadOnceAndMoveAsync(next));
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            }
            await world.RunAsync(() => { _ = ReadOnceAndMoveAsync(connection); });
            await done.Task.WaitAsync(TransportWorld.Patience);
            await sending;
            Assert.Equal(data, all);
            Assert.True(moves > 0);
            await TransportWorld.RunAsync(connection.Reactor, connection.Abort);
        }
    }

    [Theory, EveryTransport]
    public async Task A_connection_stays_while_a_read_is_pending_or_bytes_are_queued(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await using Reactor other = ReactorFactory.Create(kind, 1);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            await world.RunAsync(async () =>
            {
                ValueTask<ReadResult> pending = connection.Pipe.Input.ReadAsync();
                Assert.Throws<InvalidOperationException>(() => connection.MoveTo(other, _ => { }));
                Assert.Throws<InvalidOperationException>(() => connection.SetHandler(new TestHandler()));
                connection.Pipe.Input.CancelPendingRead();
                Assert.True((await pending).IsCanceled);
                connection.Pipe.Output.GetSpan(10);
                connection.Pipe.Output.Advance(10);
                Assert.Throws<InvalidOperationException>(() => connection.MoveTo(other, _ => { }));
                connection.Abort();
            });
        }
    }

    [Theory, EveryTransport]
    public async Task Moving_to_a_reactor_that_has_ended_closes_the_connection(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        Reactor ended = ReactorFactory.Create(kind, 1);
        await ended.DisposeAsync();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            await world.RunAsync(() => connection.MoveTo(ended, _ => Assert.Fail("it cannot arrive")));
            Assert.Empty(await peer.ReceiveToEndAsync());
            Assert.True(connection.IsClosed);
        }
    }

    [Fact]
    public async Task A_connection_cannot_move_to_a_reactor_of_another_kind()
    {
        await using TransportWorld world = TransportWorld.Start(TransportKind.Epoll, Network.Tcp);
        await using Reactor other = ReactorFactory.Create(TransportKind.Sockets, 1);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            await world.RunAsync(() =>
            {
                Assert.Throws<ArgumentException>(() => connection.MoveTo(other, _ => { }));
                connection.Abort();
            });
        }
    }
}
