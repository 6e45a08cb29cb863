using System.Buffers.Binary;
using System.Net.Sockets;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Measures memory of the process, so nothing else runs beside it.</summary>
[CollectionDefinition(nameof(LargeMessageTests), DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(nameof(LargeMessageTests))]
public sealed class LargeMessageTests
{
    private const int Size = 30_000_000;
    private const int GrowthMax = 4_000_000;

    [Fact]
    public async Task A_large_query_passes_in_parts_and_a_server_that_does_not_read_holds_its_client_back()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        byte[] part = new byte[64 * 1024];
        part.AsSpan().Fill((byte)' ');
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Task<int> sending = SendAsync(client.Wire.Socket, (byte)'Q', part, last: 0);
        await Task.WhenAny(sending, Task.Delay(500));
        Assert.False(sending.IsCompleted, "all of it went somewhere though nobody read it");
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, GrowthMax);
        Assert.Equal(Size, await ReceiveAsync(server.Wire.Socket, part));
        await sending;
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_large_row_passes_in_parts_and_a_client_that_does_not_read_holds_its_server_back()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(FrontendBytes.Query("SELECT 1"));
        await server.NextAsync();
        byte[] part = new byte[64 * 1024];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Task<int> sending = SendAsync(server.Wire.Socket, (byte)'D', part, last: 0);
        await Task.WhenAny(sending, Task.Delay(500));
        Assert.False(sending.IsCompleted, "all of it went somewhere though nobody read it");
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, GrowthMax);
        Assert.Equal(Size, await ReceiveAsync(client.Wire.Socket, new byte[64 * 1024]));
        await sending;
        await server.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('I'));
        Assert.Equal(["CommandComplete \"SELECT 1\"", "ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForRestAsync();
    }

    /// <summary>One message of <see cref="Size"/> bytes, its parts from one buffer so that the test itself holds next to nothing.</summary>
    private static async Task<int> SendAsync(Socket socket, byte type, byte[] part, byte last)
    {
        byte[] header = new byte[5];
        header[0] = type;
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), Size - 1);
        await socket.SendAsync(header);
        int left = Size - header.Length - 1;
        while (left > 0)
        {
            int sent = await socket.SendAsync(part.AsMemory(0, Math.Min(left, part.Length)));
            left -= sent;
        }
        return await socket.SendAsync(new[] { last });
    }

    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer)
    {
        int total = 0;
        while (total < Size)
        {
            int received = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, Size - total)));
            if (received == 0) break;
            total += received;
        }
        return total;
    }
}
