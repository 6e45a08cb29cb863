using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Loop;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class PipeModeTests
{
    [Theory, EveryTransport]
    public async Task A_read_completes_on_the_reactor_when_bytes_come_and_again_only_for_new_ones(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            PipeReader input = connection.Pipe.Input;
            ValueTask<ReadResult> reading = input.ReadAsync();
            Assert.False(reading.IsCompleted);
            peer.Send("ab"u8);
            ReadResult first = await reading;
            Assert.True(world.Reactor.IsCurrent);
            Assert.Equal("ab", Text(first));
            input.AdvanceTo(first.Buffer.Start, first.Buffer.End); // not enough
            reading = input.ReadAsync();
            await Task.Delay(20);
            Assert.False(reading.IsCompleted);
            peer.Send("cd"u8);
            ReadResult second = await reading;
            Assert.Equal("abcd", Text(second));
            input.AdvanceTo(second.Buffer.GetPosition(1));
            Assert.Equal("bcd", Text(await input.ReadAsync())); // unexamined bytes are there at once
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task What_the_reader_left_is_the_first_thing_a_handler_sees(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            var seen = new StringBuilder();
            var handler = new TestHandler { Bytes = (_, bytes) => { seen.Append(Encoding.ASCII.GetString(bytes.Span)); return new Consumed(bytes.Length, true); } };
            peer.Send("startup,query"u8);
            PipeReader input = connection.Pipe.Input;
            ReadResult result = await input.ReadAsync();
            input.AdvanceTo(result.Buffer.GetPosition("startup,".Length));
            handler.Take(connection);
            Assert.Equal("", seen.ToString()); // not from within the call
            await Task.Delay(20);
            Assert.Equal("query", seen.ToString());
            Assert.Throws<InvalidOperationException>(() => connection.Pipe);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await input.ReadAsync());
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task A_connection_that_the_reactor_opens_is_in_pipe_mode_and_talks(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        await world.RunAsync(async () =>
        {
            TransportConnection client = await world.Reactor.ConnectAsync(world.EndPoint, new SocketSettings(), default);
            Assert.True(world.Reactor.IsCurrent);
            TransportConnection server = await world.AcceptedAsync();
            await client.Pipe.Output.WriteAsync("ping"u8.ToArray());
            Assert.Equal("ping", Text(await server.Pipe.Input.ReadAsync()));
            client.Abort();
            server.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task After_the_peer_half_closed_reads_complete_and_writes_still_arrive(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (_, peer, connection) =>
        {
            peer.Send("last"u8);
            peer.Shutdown(SocketShutdown.Send);
            await Task.Delay(20);
            ReadResult result = await ReadAtLeastAsync(connection.Pipe.Input, 4);
            Assert.Equal("last", Text(result));
            connection.Pipe.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            result = await connection.Pipe.Input.ReadAsync();
            Assert.True(result.IsCompleted);
            Assert.Equal("last", Text(result)); // what was not consumed stays
            connection.Pipe.Input.AdvanceTo(result.Buffer.End);
            Assert.True((await connection.Pipe.Input.ReadAsync()).IsCompleted);
            Assert.False(connection.IsClosed);
            Assert.False((await connection.Pipe.Output.WriteAsync("answer"u8.ToArray())).IsCompleted);
            connection.Close(TimeSpan.FromSeconds(1));
            Assert.Equal("answer", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()));
        });
    }

    [Theory, EveryTransport]
    public async Task A_reset_surfaces_as_an_IOException_in_a_pending_read_and_completes_flushes(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            Task<ReadResult> reading = connection.Pipe.Input.ReadAsync().AsTask();
            await world.ResetAsync(peer, connection);
            await Assert.ThrowsAsync<IOException>(() => reading);
            for (int i = 0; i < 100 && !connection.IsClosed; i++)
            {
                await connection.Pipe.Output.WriteAsync("lost"u8.ToArray());
                await Task.Delay(1);
            }
            Assert.True((await connection.Pipe.Output.WriteAsync("lost"u8.ToArray())).IsCompleted);
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task A_reset_ends_a_pending_flush(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            Task<FlushResult> flushing = connection.Pipe.Output.WriteAsync(new byte[MoreThanKernelsTake]).AsTask();
            Assert.False(flushing.IsCompleted);
            await world.ResetAsync(peer, connection);
            Assert.True((await flushing).IsCompleted);
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task A_flush_is_complete_when_the_peer_has_room_for_all(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            byte[] data = new byte[MoreThanKernelsTake];
            new Random(11).NextBytes(data);
            PipeWriter output = connection.Pipe.Output;
            for (int at = 0; at < data.Length;)
            {
                Memory<byte> room = output.GetMemory(at % 3 == 0 ? 100_000 : 0);
                int length = Math.Min(room.Length, data.Length - at);
                data.AsMemory(at, length).CopyTo(room);
                output.Advance(length);
                at += length;
            }
            Assert.Equal(data.Length, output.UnflushedBytes);
            Task<FlushResult> flushing = output.FlushAsync().AsTask();
            Assert.Equal(0, output.UnflushedBytes);
            Assert.False(flushing.IsCompleted);
            byte[] received = await Task.Run(() => peer.ReceiveExactlyAsync(data.Length));
            Assert.False((await flushing).IsCompleted);
            Assert.True(world.Reactor.IsCurrent);
            Assert.True(received.AsSpan().SequenceEqual(data));
            Assert.Equal(0, ((LoopReactor)world.Reactor).Chunks.RentedBytes);
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task Tokens_end_reads_and_flushes_and_the_pipe_goes_on(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            using var token = new CancellationTokenSource();
            Task<ReadResult> reading = connection.Pipe.Input.ReadAsync(token.Token).AsTask();
            Task<FlushResult> flushing = connection.Pipe.Output.WriteAsync(new byte[MoreThanKernelsTake], token.Token).AsTask();
            await Task.Run(token.Cancel); // from another thread
            Assert.Equal(token.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading)).CancellationToken);
            Assert.Equal(token.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flushing)).CancellationToken);
            Assert.True(world.Reactor.IsCurrent);
            Assert.True(connection.Pipe.Input.ReadAsync(token.Token).AsTask().IsCanceled);

            using var other = new CancellationTokenSource();
            ValueTask<ReadResult> again = connection.Pipe.Input.ReadAsync(other.Token);
            peer.Send("on"u8);
            Assert.Equal("on", Text(await again));
            await other.CancelAsync(); // too late to mean anything
            connection.Pipe.Input.AdvanceTo((await connection.Pipe.Input.ReadAsync()).Buffer.End);
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task Cancelling_a_pending_call_says_so_in_its_result(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (_, _, connection) =>
        {
            ValueTask<ReadResult> reading = connection.Pipe.Input.ReadAsync();
            connection.Pipe.Input.CancelPendingRead();
            Assert.False(reading.IsCompleted); // not from within the call
            Assert.True((await reading).IsCanceled);
            ValueTask<FlushResult> flushing = connection.Pipe.Output.WriteAsync(new byte[MoreThanKernelsTake]);
            connection.Pipe.Output.CancelPendingFlush();
            Assert.True((await flushing).IsCanceled);
            connection.Abort();
        });
    }

    [Theory, EveryTransport]
    public async Task When_its_owner_closes_a_pending_read_fails_and_a_pending_flush_completes(TransportKind kind, Network network)
    {
        foreach (bool abort in new[] { true, false })
        {
            await InPipeModeAsync(kind, network, async (_, _, connection) =>
            {
                ValueTask<ReadResult> reading = connection.Pipe.Input.ReadAsync();
                ValueTask<FlushResult> flushing = connection.Pipe.Output.WriteAsync(new byte[MoreThanKernelsTake]);
                if (abort)
                    connection.Abort();
                else
                    connection.Close(TimeSpan.FromMilliseconds(20));
                Assert.False(reading.IsCompleted); // not from within the call
                await Assert.ThrowsAsync<IOException>(() => reading.AsTask());
                Assert.True((await flushing).IsCompleted);
            });
        }
    }

    [Theory, EveryTransport]
    public async Task A_peer_that_sends_much_is_read_no_further_than_asked_for(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            Task sending = Task.Run(() => peer.SendAllAsync(new byte[MoreThanKernelsTake]));
            PipeReader input = connection.Pipe.Input;
            ReadResult result = await input.ReadAsync();
            await Task.Delay(100);
            Assert.False(sending.IsCompleted);
            // A reader that never consumes gets one receive buffer and then an error, not all of it.
            await Assert.ThrowsAsync<IOException>(async () =>
            {
                while (true)
                {
                    Assert.InRange(result.Buffer.Length, 1, TransportConnection.ReceiveSize);
                    input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                    result = await input.ReadAsync();
                }
            });
            Assert.InRange(((LoopReactor)world.Reactor).Chunks.RentedBytes, 1, TransportConnection.ReceiveSize);
            connection.Abort();
            await Assert.ThrowsAsync<SocketException>(() => sending);
        });
    }

    [Theory, EveryTransport]
    public async Task A_completed_side_refuses_use_and_leaves_closing_to_the_owner(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (_, peer, connection) =>
        {
            "bye"u8.CopyTo(connection.Pipe.Output.GetSpan(3));
            connection.Pipe.Output.Advance(3);
            await connection.Pipe.Output.CompleteAsync();
            await connection.Pipe.Input.CompleteAsync();
            Assert.Throws<InvalidOperationException>(() => connection.Pipe.Output.GetMemory());
            Assert.Throws<InvalidOperationException>(() => connection.Pipe.Input.TryRead(out ReadResult _));
            Assert.False(connection.IsClosed);
            Assert.Equal("bye", Encoding.ASCII.GetString(await Task.Run(() => peer.ReceiveExactlyAsync(3))));
            connection.Close(TimeSpan.Zero);
        });
    }

    [Theory, EveryTransport]
    public async Task The_buffer_of_a_result_stays_whole_when_the_connection_is_closed_meanwhile(TransportKind kind, Network network)
    {
        await InPipeModeAsync(kind, network, async (world, peer, connection) =>
        {
            peer.Send("mine"u8);
            ReadResult result = await connection.Pipe.Input.ReadAsync();
            connection.Abort();
            // Whoever rents now must not get that memory.
            for (int i = 0; i < 10; i++)
                ((LoopReactor)world.Reactor).Chunks.Rent(4_000).Array.AsSpan().Fill((byte)'x');
            Assert.Equal("mine", Text(result));
            connection.Pipe.Input.AdvanceTo(result.Buffer.End);
        });
    }

    // More than the kernel's buffers of both ends hold.
    private const int MoreThanKernelsTake = 20_000_000;

    private static async Task InPipeModeAsync(TransportKind kind, Network network, Func<TransportWorld, Socket, TransportConnection, Task> onReactor)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
            await world.RunAsync(() => onReactor(world, peer, connection));
    }

    private static async Task<ReadResult> ReadAtLeastAsync(PipeReader input, int length)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            if (result.Buffer.Length >= length)
                return result;
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static string Text(ReadResult result) => Encoding.ASCII.GetString(result.Buffer.ToArray());
}
