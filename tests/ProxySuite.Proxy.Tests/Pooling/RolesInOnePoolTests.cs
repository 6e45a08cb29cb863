using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>The users of a tenant share its budget, and each role has server connections of its own.</summary>
public sealed class RolesInOnePoolTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_waiter_for_another_role_keeps_nobody_from_an_idle_server()
    {
        // The test is the server that lets the writer wait: on a busy machine it may be longer about it than a server is given.
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            connections: 2, configure: options => options with { Pool = options.Pool with { ServerConnectTimeout = Patience, QueryWaitTimeout = Patience } },
            backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        Task<RawClient> readerComes = world.ConnectAsync(user: "readonly");
        ScriptedConnection forReaders = await world.Backend.NextConnectionAsync();
        await WelcomeAsync(forReaders);
        using RawClient reader = await readerComes;

        Task<RawClient> writerComes = world.ConnectAsync(user: "app");
        ScriptedConnection forWriters = await world.Backend.NextConnectionAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0, Opening: 1, Waiting: 1));
        await reader.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await forReaders.NextAsync()).ToString());
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
