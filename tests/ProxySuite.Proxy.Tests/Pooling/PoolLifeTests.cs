using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>What is looked at once a second are pools with something to look at; they go when nothing of their tenant is left.</summary>
public sealed class PoolLifeTests
{
    [Fact]
    public async Task A_pool_with_nobody_and_nothing_left_is_forgotten_also_after_it_had_clients_alone()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { ServerIdleTimeout = TimeSpan.FromSeconds(1) } });
        using (RawClient stays = await world.ConnectAsync())
        {
            using (await world.ConnectAsync("globex"))
            {
                await UntilAsync(async () => await PoolsAsync(world) is [{ Servers: 0, IsUntidy: false }, { Servers: 0, IsUntidy: false }]);
            }
            // One tenant's client has gone, and its pool with it; the other's pool has a client and no server.
            await UntilAsync(async () => await PoolsAsync(world) is [{ Clients: 1, Servers: 0, IsUntidy: false }]);
            // A server comes and ages out, as the first one did.
            await stays.SendAsync(FrontendBytes.Query("SELECT 1"));
            for (int i = 0; i < 2; i++) await world.Backend.NextConnectionAsync();
            ScriptedConnection server = await world.Backend.NextConnectionAsync();
            await server.NextAsync(TimeSpan.FromSeconds(30));
            await server.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('I'));
            Assert.True((await PoolsAsync(world)).Single().IsUntidy);
            await UntilAsync(async () => await PoolsAsync(world) is [{ Clients: 1, Servers: 0, IsUntidy: false }]);
        }
        await UntilAsync(async () => await PoolsAsync(world) is []);
    }

    private static Task<(int Clients, int Servers, bool IsUntidy)[]> PoolsAsync(ProxyWorld world)
        => world.AskReactorAsync(router => router.Pools.Values.Select(static pool => (pool.Clients, pool.Servers.Count(), pool.IsUntidy)).ToArray());

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (int i = 0; !await isSo(); i++)
        {
            Assert.True(i < 1500, "it does not come");
            await Task.Delay(20);
        }
    }
}
