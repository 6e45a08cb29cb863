using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;

namespace ProxySuite.Proxy.Tests.Frontend;

public sealed class CancelFloodTests
{
    [Fact]
    public async Task However_often_a_client_cancels_the_shard_sees_two_requests_at_a_time()
    {
        // Nobody answers the connections that cancels come on, so they are all under way at once.
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        Task<RawClient> comes = world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await server.NextAsync();
        await server.AnswerAsync(AuthenticationOk, BackendKeyData(1, [1, 2, 3, 4]), ReadyForQuery('I'));
        using RawClient client = await comes;
        await client.SendAsync(FrontendBytes.Query("SELECT pg_sleep(60)"));
        await server.NextAsync();

        List<Task> cancels = [.. Enumerable.Range(0, 10).Select(_ => client.CancelAsync())];
        for (int done = 0; done < 8; done++) cancels.Remove(await Task.WhenAny(cancels));
        ScriptedConnection first = await world.Backend.NextConnectionAsync(), second = await world.Backend.NextConnectionAsync();
        Assert.Equal(3, world.Backend.Connections.Count);

        // The two that went out are over, and so is the query.
        first.Close();
        second.Close();
        await Task.WhenAll(cancels);
        await server.AnswerAsync(Error("57014", "canceling statement due to user request"), ReadyForQuery('I'));
        await client.ReadUntilAsync(ProxySuite.Wire.Frames.BackendMessage.ReadyForQuery);
        await world.WaitForRestAsync();
    }
}
