using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>How connections end in push mode: finished, reset, closed or aborted, at each step of their life.</summary>
public sealed class EndOfConnectionTests
{
    // A loopback connection holds some megabytes: 4 to send by default, and what the peer's buffer takes.
    private const int MoreThanKernelsTake = 20_000_000;

    [Theory, EveryTransport]
    public async Task Everything_sent_before_the_end_is_shown_before_the_end_is_told(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        for (int length = 1; length <= 1_000_000; length *= 10)
        {
            int seen = 0;
            var handler = new TestHandler { Bytes = (_, bytes) => { seen += bytes.Length; return new Consumed(bytes.Length, true); } };
            (Socket peer, _) = await world.ConnectAsync(handler);
            await peer.SendAllAsync(new byte[length]);
            peer.Dispose();
            Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
            Assert.Equal(length, seen);
        }
    }

    [Theory, EveryTransport]
    public async Task A_peer_that_finishes_in_the_middle_of_a_message_has_finished(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler { Bytes = (_, _) => new Consumed(0, KeepReading: true) };
        (Socket peer, _) = await world.ConnectAsync(handler);
        await peer.SendAsync("half a message"u8.ToArray());
        peer.Dispose();
        Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
    }

    [Theory, EveryTransport]
    public async Task A_peer_that_half_closes_still_gets_what_is_queued_for_it(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        byte[] answer = new byte[MoreThanKernelsTake];
        Random.Shared.NextBytes(answer);
        var handler = new TestHandler { Bytes = (c, bytes) => { c.Send(answer); return new Consumed(bytes.Length, true); } };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler, SmallBuffers);
        using (peer)
        {
            await peer.SendAsync("query"u8.ToArray());
            peer.Shutdown(SocketShutdown.Send);
            Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
            Assert.True(await world.RunAsync(() => connection.IsClosed && connection.QueuedBytes > 0));
            Assert.True((await peer.ReceiveToEndAsync()).AsSpan().SequenceEqual(answer));
        }
        await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "the connection is closed");
    }

    [Theory, EveryTransport]
    public async Task Who_finishes_sending_drops_what_is_queued_and_goes_on_reading(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        int seen = 0;
        var handler = new TestHandler { Bytes = (_, bytes) => { seen += bytes.Length; return new Consumed(bytes.Length, true); } };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler, SmallBuffers);
        using (peer)
        {
            await world.RunAsync(() =>
            {
                connection.Send(new byte[MoreThanKernelsTake]);
                connection.FinishSending();
                Assert.Equal(0, connection.QueuedBytes);
                Assert.True(connection.Send("dropped"u8));
            });
            Assert.InRange((await peer.ReceiveToEndAsync()).Length, 1, MoreThanKernelsTake - 1);
            await peer.SendAsync("answer"u8.ToArray());
            await world.UntilAsync(() => seen == 6, "what the peer sends afterwards");
            Assert.False(handler.Closed.IsCompleted);
        }
        Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
        await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "the connection is closed");
    }

    [Theory, EveryTransport]
    public async Task A_paused_handler_learns_at_once_that_its_peer_has_gone(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        foreach (int unread in new[] { 0, 100, 20_000 })
        {
            foreach (bool half in new[] { true, false })
            {
                var handler = new TestHandler { Bytes = (_, bytes) => new Consumed(bytes.Length, KeepReading: false) };
                (Socket peer, _) = await world.ConnectAsync(handler);
                using (peer)
                {
                    await peer.SendAsync("query"u8.ToArray());
                    await world.UntilAsync(() => handler.BytesCalls == 1, "the query");
                    await peer.SendAllAsync(new byte[unread]);
                    if (half)
                        peer.Shutdown(SocketShutdown.Send);
                    else
                        peer.Close();
                    Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
                    Assert.Equal(1, handler.BytesCalls);
                }
            }
        }
    }

    [Theory, EveryTransport]
    public async Task A_peer_that_is_already_gone_is_told_of_when_reading_pauses(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        await peer.SendAsync("query"u8.ToArray());
        peer.Dispose();
        await Task.Delay(20);
        var handler = new TestHandler { Bytes = (_, bytes) => new Consumed(bytes.Length, KeepReading: false) };
        await world.RunAsync(() => handler.Take(connection));
        Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
        Assert.Equal(1, handler.BytesCalls);
    }

    [Theory, EveryTransport]
    public async Task A_connection_that_reads_to_the_end_is_shown_all_of_it_whatever_pauses_lie_between(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        const int Length = 40_000;
        int seen = 0;
        var handler = new TestHandler
        {
            Bytes = (_, bytes) =>
            {
                int take = Math.Min(bytes.Length, 5_000);
                seen += take;
                return new Consumed(take, KeepReading: false);
            },
        };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        await world.RunAsync(() => connection.ReadsToEnd = true);
        await peer.SendAllAsync(new byte[Length]);
        peer.Dispose();
        for (int expected = 5_000; expected <= Length; expected += 5_000)
        {
            await world.UntilAsync(() => seen == expected, $"{expected} bytes");
            await Task.Delay(10);
            Assert.False(handler.IsClosed);
            await world.RunAsync(() => handler.Guarded(connection.ResumeReading));
        }
        Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
    }

    [Theory, EveryTransport]
    public async Task A_reset_is_told_while_reading(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        await world.ResetAsync(peer, connection);
        Assert.Equal(CloseCause.PeerReset, await handler.Closed);
    }

    [Theory, EveryTransport]
    public async Task A_reset_is_told_while_paused(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        await world.RunAsync(connection.PauseReading);
        await world.ResetAsync(peer, connection);
        Assert.Equal(CloseCause.PeerReset, await handler.Closed);
    }

    [Theory, EveryTransport]
    public async Task A_reset_is_told_while_bytes_are_queued(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler, SmallBuffers);
        await world.RunAsync(() => handler.Guarded(() => Assert.False(connection.Send(new byte[MoreThanKernelsTake]))));
        await world.ResetAsync(peer, connection);
        CloseCause cause = await handler.Closed;
        // .NET gives the socket's error to the send that is under way; the receive beside it may be faster and sees the end only.
        Assert.True(cause == CloseCause.PeerReset || (kind == TransportKind.Sockets && cause == CloseCause.PeerFinished));
        await world.UntilAsync(() => connection.QueuedBytes == 0, "what was queued is dropped");
        Assert.Equal(0, handler.DrainedCalls);
    }

    [Theory, EveryTransport]
    public async Task A_reset_ends_a_close_that_is_still_flushing(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler, SmallBuffers);
        await world.RunAsync(() =>
        {
            connection.Send(new byte[MoreThanKernelsTake]);
            connection.Close(TimeSpan.FromHours(1));
        });
        await world.ResetAsync(peer, connection);
        await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "the connection is closed");
        Assert.False(handler.IsClosed);
    }

    [Theory, EveryTransport]
    public async Task A_reset_before_the_handler_is_set_is_told_to_it(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        await world.ResetAsync(peer, connection);
        await Task.Delay(20);
        var handler = new TestHandler();
        await world.RunAsync(() => handler.Take(connection));
        Assert.Equal(CloseCause.PeerReset, await handler.Closed);
    }

    [Theory, EveryTransport]
    public async Task Sends_to_a_peer_that_has_gone_end_in_one_notice_and_none_from_within_the_send(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        await world.RunAsync(() => handler.Guarded(() =>
        {
            // On the reactor's thread: it has no chance to see the end before the sends fail.
            peer.Dispose();
            for (int i = 0; i < 200; i++)
            {
                connection.Send(new byte[1_000]);
                Thread.Sleep(1);
            }
            Assert.True(connection.IsClosed);
            Assert.True(connection.Send("dropped"u8));
            Assert.Equal(0, connection.QueuedBytes);
            Assert.False(handler.IsClosed);
        }));
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task What_a_server_said_before_it_closed_is_shown_although_a_send_to_it_fails_first(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var said = new StringBuilder();
        var handler = new TestHandler { Bytes = (_, bytes) => { said.Append(Encoding.ASCII.GetString(bytes.Span)); return new Consumed(bytes.Length, true); } };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        await world.RunAsync(() => handler.Guarded(() =>
        {
            peer.Send("FATAL: shutting down"u8);
            peer.Dispose();
            for (int i = 0; i < 1_000 && !connection.IsClosed; i++)
            {
                connection.Send("query"u8);
                Thread.Sleep(1);
            }
        }));
        await handler.Closed;
        Assert.Equal("FATAL: shutting down", said.ToString());
    }

    [Theory, EveryTransport]
    public async Task A_handler_whose_owner_closed_is_not_called_again(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        foreach (bool abort in new[] { true, false })
        {
            var handler = new TestHandler
            {
                Bytes = (connection, _) =>
                {
                    if (abort)
                        connection.Abort();
                    else
                        connection.Close(TimeSpan.FromSeconds(1));
                    connection.ResumeReading();
                    connection.PauseReading();
                    connection.Abort();
                    connection.Close(TimeSpan.Zero);
                    Assert.True(connection.IsClosed);
                    Assert.True(connection.Send("dropped"u8));
                    return new Consumed(0, KeepReading: true);
                },
            };
            (Socket peer, _) = await world.ConnectAsync(handler);
            using (peer)
            {
                await peer.SendAsync("x"u8.ToArray());
                Assert.Empty(await peer.ReceiveToEndAsync());
            }
            await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "the connection is closed");
            Assert.Equal(1, handler.BytesCalls);
            Assert.False(handler.IsClosed);
        }
    }

    [Theory, EveryTransport]
    public async Task Close_delivers_what_is_queued_and_then_ends_the_stream(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(new TestHandler(), SmallBuffers);
        using (peer)
        {
            byte[] last = new byte[MoreThanKernelsTake];
            Random.Shared.NextBytes(last);
            await world.RunAsync(() =>
            {
                Assert.False(connection.Send(last));
                connection.Close(TimeSpan.FromMinutes(1));
            });
            Assert.True((await peer.ReceiveToEndAsync()).AsSpan().SequenceEqual(last));
        }
    }

    [Theory, EveryTransport]
    public async Task Close_delivers_its_last_bytes_to_a_peer_whose_own_were_never_read(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(new TestHandler());
        using (peer)
        {
            await world.RunAsync(connection.PauseReading);
            await peer.SendAllAsync(new byte[100_000]);
            await Task.Delay(20);
            await world.RunAsync(() =>
            {
                connection.Send("refused"u8);
                connection.Close(TimeSpan.FromSeconds(1));
            });
            Assert.Equal("refused", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
        }
    }

    [Theory, EveryTransport]
    public async Task Close_gives_up_on_a_peer_that_does_not_read_when_the_deadline_has_passed(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(new TestHandler(), SmallBuffers);
        using (peer)
        {
            await world.RunAsync(() =>
            {
                connection.Send(new byte[MoreThanKernelsTake]);
                connection.Close(TimeSpan.FromMilliseconds(30));
                Assert.True(connection.QueuedBytes > 0);
            });
            await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "the deadline");
            Assert.Equal(0, connection.QueuedBytes);
        }
    }

    [Theory, EveryTransport]
    public async Task When_the_reactor_ends_every_handler_is_told_and_every_peer_sees_the_end(TransportKind kind, Network network)
    {
        TransportWorld world = TransportWorld.Start(kind, network);
        var handlers = new List<TestHandler>();
        var peers = new List<Socket>();
        for (int i = 0; i < 10; i++)
        {
            var handler = new TestHandler();
            (Socket peer, _) = await world.ConnectAsync(handler);
            handlers.Add(handler);
            peers.Add(peer);
        }
        await world.DisposeAsync();
        foreach (TestHandler handler in handlers)
            Assert.Equal(CloseCause.TransportStopped, await handler.Closed);
        foreach (Socket peer in peers)
        {
            Assert.Empty(await peer.ReceiveToEndAsync());
            peer.Dispose();
        }
    }

    private static void SmallBuffers(Socket peer) => peer.ReceiveBufferSize = 16 * 1024;
}
