using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class TransactionPoolingTests
{
    [Fact]
    public async Task A_server_returns_to_the_pool_only_when_the_last_pipelined_query_is_answered()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 1);
        using var client = await world.ConnectAsync();
        await client.SendAsync(Query("SELECT 1"), Query("SELECT 2"));
        Assert.Equal("Query \"SELECT 1\"", (await world.Backend.NextAsync()).ToString());
        Assert.Equal("Query \"SELECT 2\"", (await world.Backend.NextAsync()).ToString());
        await world.Backend.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('I'));
        await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await world.Backend.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('I'));
        await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }
}
