using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>The users of a tenant share its budget, and each role has server connections of its own.</summary>
public sealed class RolesInOnePoolTests
{
    [Fact]
    public async Task A_waiter_for_another_role_keeps_nobody_from_an_idle_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2, backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        Task<RawClient> readerComes = world.ConnectAsync(user: "readonly");
        ScriptedConnection forReaders = await world.Backend.NextConnectionAsync();
        await WelcomeAsync(forReaders);
        using RawClient reader = await readerComes;

        Task<RawClient> writerComes = world.ConnectAsync(user: "app");
        ScriptedConnection forWriters = await world.Backend.NextConnectionAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0, Opening: 1, Waiting: 1));
        await reader.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await forReaders.NextAsync(TimeSpan.FromSeconds(5))).ToString());
        await forReaders.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('I'));
        await reader.ReadUntilAsync(ProxySuite.Wire.Frames.BackendMessage.ReadyForQuery);

        await WelcomeAsync(forWriters);
        (await writerComes).Dispose();
        await world.WaitForRestAsync();
    }

    private static async Task WelcomeAsync(ScriptedConnection server)
    {
        await server.NextAsync();
        await server.AnswerAsync(AuthenticationOk, BackendKeyData(1, [1, 2, 3, 4]), ReadyForQuery('I'));
    }
}
