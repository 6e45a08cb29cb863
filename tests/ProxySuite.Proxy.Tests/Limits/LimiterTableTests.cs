using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>What is looked at once a second are tenants that have used something or have left; what was used grows old, and who has left is forgotten.</summary>
public sealed class LimiterTableTests
{
    private static readonly TimeSpan AMinute = TimeSpan.FromSeconds(66);

    [Fact]
    public async Task What_was_used_grows_old_without_a_query_and_then_a_tenant_with_clients_alone_is_looked_at_no_more()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        world.ChangePlan(plan => plan with { BytesPerMinute = 1_000_000, QuerySecondsPerMinute = 100 });
        using RawClient client = await world.ConnectAsync();
        await world.WaitForLimiterAsync(limiter => limiter is { Clients: 1, IsToSweep: false });
        for (int round = 0; round < 2; round++)
        {
            long before = Bytes(world);
            await client.QueryAsync("SELECT 1");
            await world.WaitForRestAsync();
            // All of it, the reply included: what is counted behind the minute would count for another one.
            await world.WaitForLimiterAsync(limiter => limiter.IsToSweep && limiter.Cell.Bytes == Bytes(world) - before);
            await world.SkipLimitTimeAsync(AMinute);
            await world.WaitForLimiterAsync(limiter => limiter is { Clients: 1, IsToSweep: false, Cell.Bytes: 0 });
        }
    }

    [Fact]
    public async Task A_tenant_without_a_limit_is_not_looked_at_for_what_it_uses()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        world.ChangePlan(plan => plan with { BytesPerMinute = 1_000_000 });
        using RawClient client = await world.ConnectAsync();
        await client.QueryAsync("SELECT 1");
        await world.WaitForLimiterAsync(limiter => limiter.IsToSweep && limiter.Cell.Bytes > 0);
        world.ChangePlan(plan => plan with { BytesPerMinute = null });
        await world.WaitForLimiterAsync(limiter => limiter is { Clients: 1, IsToSweep: false });
    }

    [Fact]
    public async Task A_tenant_is_forgotten_a_minute_after_its_last_client_has_left_and_not_before()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        for (int round = 0; round < 2; round++)
        {
            using (await world.ConnectAsync()) await world.WaitForLimiterAsync(limiter => limiter is { Clients: 1, IsToSweep: false });
            await world.WaitForLimiterAsync(limiter => limiter is { Clients: 0, IsToSweep: true });
            TenantLimiter first = await world.OnLimiterAsync(static limiter => limiter);
            await world.SkipLimitTimeAsync(TimeSpan.FromSeconds(30));
            // Who comes back within the minute finds it as it was.
            using (await world.ConnectAsync()) Assert.Same(first, await world.OnLimiterAsync(static limiter => limiter));
            await world.WaitForLimiterAsync(limiter => limiter is { Clients: 0, IsToSweep: true });
            await world.SkipLimitTimeAsync(AMinute);
            for (int i = 0; await world.RunOnReactorAsync(() => ((ProxyServer)world.Server).Contexts[0].Limiters.All.Count) > 0; i++)
            {
                Assert.True(i < 1500, "it is not forgotten");
                await Task.Delay(20);
            }
        }
    }

    private static long Bytes(ProxyWorld world) => world.Stats.Find("acme", 0) is { } stats ? stats.BytesIn + stats.BytesOut : 0;
}
