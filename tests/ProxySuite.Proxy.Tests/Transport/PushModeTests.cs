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
    }

    [Theory, EveryTransport]
    public async Task Bytes_not_consumed_are_shown_again_with_what_came_after_them(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var lines = new List<string>();
        var shown = new List<int>();
        var handler = new TestHandler
        {
            Bytes = (connection, bytes) =>
            {
                shown.Add(bytes.Length);
                int end = bytes.Span.IndexOf((byte)'\n');
                if (end < 0)
                    return new Consumed(0, KeepReading: true);
                lines.Add(Encoding.ASCII.GetString(bytes.Span[..end]));
                connection.Send("."u8);
                return new Consumed(end + 1, KeepReading: true);
            },
        };
        (Socket peer, _) = await world.ConnectAsync(handler);
        using (peer)
        {
            foreach (byte b in "first\n"u8.ToArray())
            {
                await peer.SendAsync(new[] { b });
                await Task.Delay(3);
            }
            await peer.ReceiveExactlyAsync(1);
            Assert.Equal(["first"], await world.RunAsync(lines.ToArray));
            Assert.Equal(6, (await world.RunAsync(shown.ToArray))[^1]);
            await peer.SendAsync("second\nrest"u8.ToArray());
            await peer.ReceiveExactlyAsync(1);
            Assert.Equal(["first", "second"], await world.RunAsync(lines.ToArray));
        }
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task A_pause_loses_no_byte_and_the_unconsumed_rest_is_shown_on_resuming(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var seen = new List<string>();
        var handler = new TestHandler
        {
            Bytes = (_, bytes) =>
            {
                seen.Add(Encoding.ASCII.GetString(bytes.Span));
                return seen.Count == 1 ? new Consumed(2, KeepReading: false) : new Consumed(bytes.Length, KeepReading: true);
            },
        };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        using (peer)
        {
            await peer.SendAsync("abc"u8.ToArray());
            await world.UntilAsync(() => seen.Count == 1, "the first bytes");
            await peer.SendAsync("def"u8.ToArray());
            await Task.Delay(50);
            Assert.Single(await world.RunAsync(seen.ToArray));
            await world.RunAsync(() => handler.Guarded(connection.ResumeReading));
            await world.UntilAsync(() => string.Concat(seen.Skip(1)).EndsWith("cdef", StringComparison.Ordinal), "all bytes after the first two");
        }
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task A_handler_that_takes_over_in_the_middle_sees_exactly_what_the_other_left(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var seen = new StringBuilder();
        var relay = new TestHandler { Bytes = (_, bytes) => { seen.Append(Encoding.ASCII.GetString(bytes.Span)); return new Consumed(bytes.Length, true); } };
        var login = new TestHandler
        {
            Bytes = (connection, _) =>
            {
                relay.Take(connection);
                return new Consumed("login;".Length, KeepReading: true);
            },
        };
        (Socket peer, _) = await world.ConnectAsync(login);
        using (peer)
        {
            await peer.SendAsync("login;query;"u8.ToArray());
            await world.UntilAsync(() => seen.Length == 6, "the rest at the second handler");
            await peer.SendAsync("more"u8.ToArray());
        }
        Assert.Equal(CloseCause.PeerFinished, await relay.Closed);
        Assert.Equal("query;more", seen.ToString());
        Assert.False(login.IsClosed);
    }

    [Theory, EveryTransport]
    public async Task Random_pieces_with_random_pauses_come_back_byte_for_byte(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        const int Total = 25_000_000;
        var random = new Random(7);
        var timers = new List<WheelTimer>();
        var handler = new TestHandler
        {
            Drained = c => c.ResumeReading(),
            Bytes = (connection, bytes) =>
            {
                // Takes some, all, or all but a few bytes; pauses now and then, to go on after a while or at once.
                int take = bytes.Length == 1 ? 1 : random.Next(bytes.Length / 2, bytes.Length + 1);
                bool keep = connection.Send(bytes.Span[..take]);
                if (keep && (take < bytes.Length || random.Next(50) == 0))
                {
                    keep = false;
                    if (random.Next(2) == 0)
                    {
                        var timer = new WheelTimer(_ => connection.ResumeReading(), null);
                        connection.Reactor.Timers.Arm(timer, TimeSpan.FromMilliseconds(random.Next(2)));
                    }
                    else
                    {
                        connection.Reactor.Post(_ => connection.ResumeReading(), null);
                    }
                }
                return new Consumed(take, keep);
            },
        };
        (Socket peer, _) = await world.ConnectAsync(handler);
        using (peer)
        {
            byte[] data = new byte[Total];
            new Random(1).NextBytes(data);
            Task sending = Task.Run(async () =>
            {
                var cuts = new Random(2);
                for (int at = 0; at < Total;)
                {
                    int length = Math.Min(Total - at, cuts.Next(1, 1 << cuts.Next(1, 20)));
                    await peer.SendAllAsync(data.AsMemory(at, length));
                    at += length;
                }
            });
            byte[] back = await peer.ReceiveExactlyAsync(Total).WaitAsync(TransportWorld.Patience);
            await sending;
            Assert.True(back.AsSpan().SequenceEqual(data));
        }
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task One_connection_that_never_stops_sending_leaves_the_others_their_turns(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        long turn = 0;
        int inTurn = 0, mostInTurn = 0;
        var flooded = new TestHandler
        {
            Bytes = (connection, bytes) =>
            {
                inTurn = connection.Reactor.Counters.Turns == turn ? inTurn + 1 : 1;
                turn = connection.Reactor.Counters.Turns;
                mostInTurn = Math.Max(mostInTurn, inTurn);
                Thread.Sleep(1); // so that more is always there
                return new Consumed(bytes.Length, true);
            },
        };
        var echo = new TestHandler { Bytes = Echo };
        (Socket flooder, _) = await world.ConnectAsync(flooded);
        (Socket other, _) = await world.ConnectAsync(echo);
        using (other)
        {
            using var stop = new CancellationTokenSource();
            Task flooding = Task.Run(async () =>
            {
                byte[] much = new byte[1 << 20];
                while (!stop.IsCancellationRequested)
                    await flooder.SendAllAsync(much);
            });
            await world.UntilAsync(() => flooded.BytesCalls > 0, "the flood");
            for (int i = 0; i < 10; i++)
            {
                await other.SendAsync("x"u8.ToArray());
                await other.ReceiveExactlyAsync(1);
            }
            await stop.CancelAsync();
            await flooding;
            flooder.Dispose();
        }
        await flooded.Closed;
        await echo.Closed;
        // Four from its event and four from the turn that it asked for.
        Assert.InRange(mostInTurn, 1, 8);
    }

    [Theory, EveryTransport]
    public async Task A_handler_that_throws_loses_its_connection_and_no_other(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        world.ExpectsFailures = true;
        var bad = new TestHandler { Bytes = (_, _) => throw new FormatException("bad handler") };
        var good = new TestHandler { Bytes = Echo };
        (Socket badPeer, _) = await world.ConnectAsync(bad);
        (Socket goodPeer, _) = await world.ConnectAsync(good);
        using (badPeer)
        using (goodPeer)
        {
            await badPeer.SendAsync("x"u8.ToArray());
            Assert.Equal(CloseCause.HandlerFailed, await bad.Closed);
            Assert.Empty(await badPeer.ReceiveToEndAsync());
            await goodPeer.SendAsync("y"u8.ToArray());
            Assert.Single(await goodPeer.ReceiveExactlyAsync(1));
        }
        await good.Closed;
        Assert.IsType<FormatException>(Assert.Single(world.Failures));
        Assert.Equal(1, world.Reactor.Counters.HandlerFailures);
    }

    [Theory, EveryTransport]
    public async Task A_handler_that_throws_when_told_of_the_end_is_reported_and_told_no_more(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        world.ExpectsFailures = true;
        var handler = new TestHandler { AtClose = (_, _) => throw new FormatException("bad end") };
        (Socket peer, _) = await world.ConnectAsync(handler);
        peer.Dispose();
        await handler.Closed;
        await world.UntilAsync(() => world.Reactor.Counters is { Open: 0, HandlerFailures: 1 }, "the connection is gone");
    }

    [Theory, EveryTransport]
    public async Task A_handler_that_can_make_nothing_of_a_full_buffer_and_reads_on_is_closed(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        world.ExpectsFailures = true;
        var handler = new TestHandler { Bytes = (_, _) => new Consumed(0, KeepReading: true) };
        (Socket peer, _) = await world.ConnectAsync(handler);
        using (peer)
        {
            await peer.SendAllAsync(new byte[TransportConnection.ReceiveSize]);
            Assert.Equal(CloseCause.HandlerFailed, await handler.Closed);
        }
    }

    [Theory, EveryTransport]
    public async Task A_full_buffer_may_wait_through_a_pause(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        const int Total = 3 * TransportConnection.ReceiveSize;
        int consumed = 0;
        bool open = false;
        var handler = new TestHandler
        {
            Bytes = (_, bytes) =>
            {
                if (!open)
                    return new Consumed(0, KeepReading: bytes.Length < TransportConnection.ReceiveSize);
                consumed += bytes.Length;
                return new Consumed(bytes.Length, true);
            },
        };
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(handler);
        using (peer)
        {
            Task sending = peer.SendAllAsync(new byte[Total]);
            await Task.Delay(50);
            await world.RunAsync(() =>
            {
                open = true;
                connection.ResumeReading();
            });
            await sending.WaitAsync(TransportWorld.Patience);
            await world.UntilAsync(() => consumed == Total, "all bytes");
        }
        await handler.Closed;
    }

    private static Consumed Echo(TransportConnection connection, ReadOnlyMemory<byte> received)
        => new(received.Length, connection.Send(received.Span));
}
