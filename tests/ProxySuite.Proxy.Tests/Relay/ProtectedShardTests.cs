using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A real shard that becomes slow under load, and recovers.</summary>
public sealed class ProtectedShardTests
{
    private const int Cap = 10;

    [Fact]
    public async Task A_shard_that_becomes_slow_gets_fewer_connections_and_all_of_them_back()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, Cap, static options => options with
        {
            Limits = options.Limits with { AdaptiveProtection = true, AdaptiveProtectionMin = 50, AdaptiveProtectionLatency = 300 },
            Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromMinutes(1) },
        }, shardConnections: Cap);
        using var stop = new CancellationTokenSource();
        double seconds = 0.02;
        Task clients = Task.WhenAll(Enumerable.Range(0, Cap + 4).Select(_ => Task.Run(async () =>
        {
            using RawClient client = await world.Proxy.ConnectAsync();
            while (!stop.IsCancellationRequested)
            {
                await client.SendAsync(Query($"SELECT pg_sleep({Volatile.Read(ref seconds)})"));
                Assert.Equal("CommandComplete \"SELECT 1\"", (await client.ReadyAsync())[^2]);
            }
        })));
        // Long enough to learn what is usual.
        await Task.Delay(TimeSpan.FromSeconds(14));
        Assert.Equal(Cap, world.Proxy.ShardLimit);
        Volatile.Write(ref seconds, 0.2);
        await WaitForAsync(world, static limit => limit < Cap);
        // Its connections follow: those above the limit are given up at the end of their transactions.
        await WaitForAsync(world, limit => world.Proxy.ShardPermitsLeased <= limit);
        Volatile.Write(ref seconds, 0.005);
        await WaitForAsync(world, static limit => limit == Cap);
        await stop.CancelAsync();
        await clients;
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Switched_off_it_changes_nothing()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, 4, shardConnections: 4);
        using RawClient client = await world.Proxy.ConnectAsync();
        Assert.False(ProxyOptions().AdaptiveProtection);
        for (int i = 0; i < 30; i++) await client.ScalarAsync($"SELECT pg_sleep({(i < 15 ? 0 : 0.2)})");
        Assert.Equal(4, world.Proxy.ShardLimit);
    }

    private static LimitsOptions ProxyOptions() => new();

    private static async Task WaitForAsync(PostgresWorld world, Func<int, bool> isReached)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (isReached(world.Proxy.ShardLimit)) return;
            await Task.Delay(20);
        }
        throw new TimeoutException($"the limit stays at {world.Proxy.ShardLimit}, {world.Proxy.ShardPermitsLeased} leased");
    }
}
