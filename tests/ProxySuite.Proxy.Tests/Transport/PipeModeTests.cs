using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class PipeModeTests
{
    [Theory, EveryTransport]
    public async Task A_read_completes_on_the_reactor_when_bytes_come_and_again_only_for_new_ones(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            Task<string> reading = world.RunAsync(async () =>
            {
                PipeReader input = connection.Pipe.Input;
                ReadResult first = await input.ReadAsync();
                Assert.True(world.Reactor.IsCurrent);
                Assert.Equal("ab", Text(first));
                input.AdvanceTo(first.Buffer.Start, first.Buffer.End); // not enough
                ReadResult second = await input.ReadAsync();
                string text = Text(second);
                input.AdvanceTo(second.Buffer.End);
                return text;
            });
            await peer.SendAsync("ab"u8.ToArray());
            await Task.Delay(20);
            await peer.SendAsync("cd"u8.ToArray());
            Assert.Equal("abcd", await reading);
        }
    }

    [Theory, EveryTransport]
    public async Task What_the_reader_left_is_the_first_thing_a_handler_sees(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            var seen = new StringBuilder();
            var handler = new TestHandler { Bytes = (c, bytes) => { seen.Append(Encoding.ASCII.GetString(bytes.Span)); c.Send("ok"u8); return new Consumed(bytes.Length, true); } };
            await peer.SendAsync("startup,query"u8.ToArray());
            await world.RunAsync(async () =>
            {
                ReadResult result = await connection.Pipe.Input.ReadAsync();
                connection.Pipe.Input.AdvanceTo(result.Buffer.GetPosition("startup,".Length));
                handler.Take(connection);
            });
            Assert.Equal("ok", Encoding.ASCII.GetString(await peer.ReceiveExactlyAsync(2)));
            Assert.Equal("query", await world.RunAsync(seen.ToString));
        }
    }

    [Theory, EveryTransport]
    public async Task A_connection_that_the_reactor_opens_is_in_pipe_mode_and_talks(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        string answer = await world.RunAsync(async () =>
        {
            TransportConnection client = await world.Reactor.ConnectAsync(world.EndPoint, new SocketSettings(), default);
            Assert.True(world.Reactor.IsCurrent);
            TransportConnection server = await world.AcceptedAsync();
            await client.Pipe.Output.WriteAsync("ping"u8.ToArray());
            ReadResult result = await server.Pipe.Input.ReadAsync();
            string text = Text(result);
            client.Abort();
            server.Abort();
            return text;
        });
        Assert.Equal("ping", answer);
        await world.UntilAsync(() => world.Reactor.Counters.Open == 0, "both ends are closed");
    }

    private static string Text(ReadResult result) => Encoding.ASCII.GetString(result.Buffer.ToArray());
}
