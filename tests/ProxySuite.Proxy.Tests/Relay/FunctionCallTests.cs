using System.Buffers.Binary;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Large objects as libpq's lo_ functions use them; any other function by its OID is refused.</summary>
[Trait("Category", "Server")]
public sealed class FunctionCallTests
{
    private const uint LoCreat = 957, LoOpen = 952, LoWrite = 955, LoUnlink = 964, PgSleep = 2626;

    [Theory]
    [InlineData(18)]
    [InlineData(15)]
    public async Task Large_objects_work_in_a_transaction_and_nothing_is_pinned(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("BEGIN");
        int oid = await CallAsync(client, LoCreat, Int(0x60000));
        int descriptor = await CallAsync(client, LoOpen, Int(oid), Int(0x60000));
        // More than the proxy receives at once.
        Assert.Equal(200_000, await CallAsync(client, LoWrite, Int(descriptor), new byte[200_000]));
        await client.QueryAsync("COMMIT");
        Assert.Equal("200000", await client.ScalarAsync($"SELECT length(lo_get({oid}))"));
        Assert.Equal(1, await CallAsync(client, LoUnlink, Int(oid)));
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Another_function_is_refused_as_a_server_refuses_and_the_batch_goes_on()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.SendAsync(Call(PgSleep, new byte[8]), Query("SELECT 1"));
        await client.ExpectAsync("ErrorResponse ERROR 0A000 \"functions other than those of large objects cannot be called by their OID\"", "ReadyForQuery I");
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        await client.QueryAsync("BEGIN");
        await client.SendAsync(Call(PgSleep, new byte[8]));
        Assert.Equal("ReadyForQuery E", (await client.ReadyAsync())[^1]);
        await client.QueryAsync("ROLLBACK");
        // Behind an error of a batch it is skipped, up to the Sync.
        await client.SendAsync(Parse("", "bad"), Call(LoCreat, Int(0x60000)), FrontendBytes.Sync);
        Assert.Equal(2, (await client.ReadyAsync()).Length);
        await world.Proxy.WaitForRestAsync();
    }

    [Theory]
    [InlineData(18)]
    [InlineData(15)]
    public async Task All_that_may_be_called_is_a_function_of_large_objects(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 1);
        using RawClient client = await world.Proxy.ConnectAsync();
        int found = 0;
        for (uint oid = 1; oid < 10_000; oid++)
        {
            if (!ProxySuite.Proxy.Frontend.LargeObjectCalls.Has(oid)) continue;
            found++;
            Assert.Matches("^lo", await client.ScalarAsync($"SELECT proname FROM pg_proc WHERE oid = {oid} AND proname !~ 'import|export'"));
        }
        Assert.Equal(17, found);
        Assert.Equal("pg_sleep", await client.ScalarAsync($"SELECT proname FROM pg_proc WHERE oid = {PgSleep}"));
    }

    private static async Task<int> CallAsync(RawClient client, uint oid, params byte[][] arguments)
    {
        await client.SendAsync(Call(oid, arguments));
        IReadOnlyList<WireMessage> answer = await client.ReadUntilAsync(BackendMessage.ReadyForQuery);
        Assert.True(answer.Count == 2 && answer[0].Type == (char)BackendMessage.FunctionCallResponse, string.Join("; ", answer));
        return BinaryPrimitives.ReadInt32BigEndian(answer[0].Body[4..]);
    }

    // Arguments and result in binary.
    private static byte[] Call(uint oid, params byte[][] arguments)
    {
        var body = new List<byte>([.. Int((int)oid), 0, 1, 0, 1, 0, (byte)arguments.Length]);
        foreach (byte[] argument in arguments) body.AddRange([.. Int(argument.Length), .. argument]);
        body.AddRange([0, 1]);
        return [(byte)'F', .. Int(body.Count + 4), .. body];
    }

    private static byte[] Int(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
