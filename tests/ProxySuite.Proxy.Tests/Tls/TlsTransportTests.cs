using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Tests.Transport;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>The seam's promises, kept by TLS on every transport.</summary>
public sealed class TlsTransportTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Theory, EveryTransport]
    public async Task Bytes_that_a_peer_sends_reach_the_handler_and_its_answer_the_peer(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var echo = new TestHandler { Bytes = Echo };
        (TlsPeer peer, TlsConnection connection) = await TlsPeer.ConnectAsync(world, _certificates, echo);
        using (peer)
        {
            await peer.SendAsync("hello"u8.ToArray());
            Assert.Equal("hello", Encoding.ASCII.GetString(await peer.ReceiveExactlyAsync(5)));
            Assert.Equal("localhost", connection.ServerName);
            await peer.FinishAsync();
            Assert.Equal(CloseCause.PeerFinished, await echo.Closed);
        }
    }

    [Theory, EveryTransport]
    public async Task Bytes_not_consumed_are_shown_again_with_what_came_after_them(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var shown = new List<string>();
        var handler = new TestHandler
        {
            Bytes = (connection, bytes) =>
            {
                shown.Add(Encoding.ASCII.GetString(bytes.Span));
                int end = bytes.Span.IndexOf((byte)'\n');
                if (end >= 0) connection.Send("."u8);
                return new Consumed(end + 1, KeepReading: true);
            },
        };
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, handler);
        using (peer)
        {
            await peer.SendAsync("first"u8.ToArray());
            await world.UntilAsync(() => shown.Count == 1, "the first half");
            await peer.SendAsync("\nrest"u8.ToArray());
            await peer.ReceiveExactlyAsync(1);
            await peer.SendAsync("\n"u8.ToArray());
            await peer.ReceiveExactlyAsync(1);
            Assert.Equal(["first", "first\nrest", "rest\n"], await world.RunAsync(() => shown.Where((_, at) => at < 2 || at == shown.Count - 1).ToArray()));
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
        (TlsPeer peer, TlsConnection connection) = await TlsPeer.ConnectAsync(world, _certificates, handler);
        using (peer)
        {
            await peer.SendAsync("abc"u8.ToArray());
            await world.UntilAsync(() => seen.Count == 1, "the first bytes");
            await world.RunAsync(() => handler.Guarded(connection.ResumeReading));
            await world.UntilAsync(() => seen.Count == 2, "the rest, although nothing came behind it");
            Assert.Equal("c", seen[1]);
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
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, login);
        using (peer)
        {
            await peer.SendAsync("login;query;"u8.ToArray());
            await world.UntilAsync(() => seen.Length == 6, "the rest at the second handler");
            await peer.FinishAsync();
            Assert.Equal(CloseCause.PeerFinished, await relay.Closed);
        }
        Assert.False(login.IsClosed);
    }

    [Theory, EveryTransport]
    public async Task Random_pieces_with_random_pauses_come_back_byte_for_byte_in_records_of_8_kB_at_most(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        const int Total = 6_000_000;
        var random = new Random(7);
        var handler = new TestHandler
        {
            Drained = c => c.ResumeReading(),
            Bytes = (connection, bytes) =>
            {
                int take = bytes.Length == 1 ? 1 : random.Next(bytes.Length / 2, bytes.Length + 1);
                bool keep = connection.Send(bytes.Span[..take]);
                if (keep && (take < bytes.Length || random.Next(50) == 0))
                {
                    keep = false;
                    connection.Reactor.Post(_ => connection.ResumeReading(), null);
                }
                return new Consumed(take, keep);
            },
        };
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, handler);
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
                    await peer.SendAsync(data.AsMemory(at, length));
                    at += length;
                }
            });
            byte[] back = await peer.ReceiveExactlyAsync(Total);
            await sending;
            Assert.True(back.AsSpan().SequenceEqual(data));
            // A record's ciphertext is longer by its tag and inner type.
            Assert.InRange(peer.RecordLengths.Max(), 8192, 8192 + 32);
        }
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task A_connection_that_reads_to_the_end_is_shown_all_of_it_whatever_pauses_lie_between(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        const int Total = 500_000;
        int seen = 0;
        var handler = new TestHandler
        {
            Bytes = (connection, bytes) =>
            {
                int take = Math.Min(bytes.Length, 10_000);
                seen += take;
                connection.Reactor.Timers.Arm(new WheelTimer(_ => connection.ResumeReading(), null), TimeSpan.FromMilliseconds(1));
                return new Consumed(take, KeepReading: false);
            },
        };
        (TlsPeer peer, TlsConnection connection) = await TlsPeer.ConnectAsync(world, _certificates);
        await world.RunAsync(() =>
        {
            connection.ReadsToEnd = true;
            handler.Take(connection);
        });
        using (peer)
        {
            await peer.SendAsync(new byte[Total]);
            await peer.FinishAsync();
            Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
            Assert.Equal(Total, seen);
        }
    }

    [Theory, EveryTransport]
    public async Task A_paused_handler_learns_at_once_that_its_peer_has_gone(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler { Bytes = (_, bytes) => new Consumed(0, KeepReading: false) };
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, handler);
        await peer.SendAsync("x"u8.ToArray());
        await world.UntilAsync(() => handler.BytesCalls == 1, "the pause");
        peer.Dispose();
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task A_peer_cut_off_without_a_goodbye_has_gone_all_the_same(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, handler);
        peer.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(CloseCause.PeerFinished, await handler.Closed);
    }

    [Theory, EveryTransport]
    public async Task Bytes_that_are_no_TLS_end_the_connection_and_reach_no_handler(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var handler = new TestHandler();
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, handler);
        using (peer)
        {
            byte[] forged = [0x17, 3, 3, 0, 32, .. new byte[32]];
            await peer.Socket.SendAsync(forged);
            Assert.Equal(CloseCause.PeerReset, await handler.Closed);
            Assert.Equal(0, handler.BytesCalls);
        }
    }

    [Theory, EveryTransport]
    public async Task Close_delivers_what_is_queued_and_then_says_goodbye(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (TlsPeer peer, TlsConnection connection) = await TlsPeer.ConnectAsync(world, _certificates, new TestHandler());
        using (peer)
        {
            await world.RunAsync(() =>
            {
                connection.Send(new byte[3_000_000]);
                connection.Close(TimeSpan.FromSeconds(20));
                Assert.True(connection.IsClosed);
            });
            Assert.Equal(3_000_000, (await peer.ReceiveToEndAsync()).Length);
        }
    }

    [Theory, EveryTransport]
    public async Task A_handler_that_throws_loses_its_connection_and_no_other(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        world.ExpectsFailures = true;
        var bad = new TestHandler { Bytes = (_, _) => throw new FormatException("bad handler") };
        var good = new TestHandler { Bytes = Echo };
        (TlsPeer badPeer, _) = await TlsPeer.ConnectAsync(world, _certificates, bad);
        (TlsPeer goodPeer, _) = await TlsPeer.ConnectAsync(world, _certificates, good);
        using (badPeer)
        using (goodPeer)
        {
            await badPeer.SendAsync("x"u8.ToArray());
            Assert.Equal(CloseCause.HandlerFailed, await bad.Closed);
            await goodPeer.SendAsync("y"u8.ToArray());
            Assert.Single(await goodPeer.ReceiveExactlyAsync(1));
        }
        await good.Closed;
        Assert.IsType<FormatException>(Assert.Single(world.Failures));
    }

    [Theory, EveryTransport]
    public async Task A_handler_that_can_make_nothing_of_a_full_buffer_and_reads_on_is_closed(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        world.ExpectsFailures = true;
        var handler = new TestHandler { Bytes = (_, _) => new Consumed(0, KeepReading: true) };
        (TlsPeer peer, _) = await TlsPeer.ConnectAsync(world, _certificates, handler);
        using (peer)
        {
            await peer.SendAsync(new byte[TransportConnection.ReceiveSize]);
            Assert.Equal(CloseCause.HandlerFailed, await handler.Closed);
        }
    }

    [Theory, EveryTransport]
    public async Task A_connection_moves_with_the_bytes_it_has_not_consumed(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await using Reactor home = ReactorFactory.Create(kind, 1);
        home.Start();
        var handler = new TestHandler { Bytes = Echo };
        (TlsPeer peer, TlsConnection connection) = await TlsPeer.ConnectAsync(world, _certificates);
        using (peer)
        {
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
            Assert.Same(home, connection.Reactor);
        }
        await handler.Closed;
    }

    [Theory, EveryTransport]
    public async Task Pipe_reads_complete_on_the_reactor_and_again_only_for_new_bytes(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (TlsPeer peer, TlsConnection connection) = await TlsPeer.ConnectAsync(world, _certificates);
        using (peer)
        {
            await peer.SendAsync("ab"u8.ToArray());
            await world.RunAsync(async () =>
            {
                ReadResult first = await connection.Pipe.Input.ReadAsync();
                Assert.True(world.Reactor.IsCurrent);
                Assert.Equal(2, first.Buffer.Length);
                connection.Pipe.Input.AdvanceTo(first.Buffer.Start, first.Buffer.End);
                ValueTask<ReadResult> pending = connection.Pipe.Input.ReadAsync();
                Assert.False(pending.IsCompleted);
                Assert.Throws<InvalidOperationException>(() => connection.SetHandler(new TestHandler()));
                await connection.Pipe.Output.WriteAsync("?"u8.ToArray());
                _ = Task.Run(async () =>
                {
                    await peer.ReceiveExactlyAsync(1);
                    await peer.SendAsync("c"u8.ToArray());
                });
                ReadResult second = await pending;
                Assert.True(world.Reactor.IsCurrent);
                Assert.Equal(3, second.Buffer.Length);
                connection.Pipe.Input.AdvanceTo(second.Buffer.End);
                using var token = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await connection.Pipe.Input.ReadAsync(token.Token));
                peer.Socket.Shutdown(SocketShutdown.Send);
                Assert.True((await connection.Pipe.Input.ReadAsync()).IsCompleted);
                connection.Abort();
            });
        }
    }

    private static Consumed Echo(TransportConnection connection, ReadOnlyMemory<byte> received)
        => new(received.Length, connection.Send(received.Span));
}
