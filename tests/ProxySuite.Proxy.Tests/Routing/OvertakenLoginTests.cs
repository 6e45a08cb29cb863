using System.Collections.Frozen;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Routing;

/// <summary>
/// A login takes what it found of its tenant to the reactor that is to serve it. What the registry says meanwhile has been told to that reactor before the tenant had a pool
/// there, and is not told again: the pool that the login makes must know of it all the same.
/// </summary>
public sealed class OvertakenLoginTests
{
    [Fact]
    public async Task A_login_that_a_suspension_has_overtaken_makes_a_pool_that_serves_nobody()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        TenantEntry found = await FoundAsync(world);
        world.Registry.Put(found with { Tenant = found.Tenant with { State = TenantState.Suspended } });
        await UntilAsync(async () => await RefusalAsync(world, ProxyWorld.Password) == "28000");
        Assert.Equal("this tenant is suspended", await world.AskReactorAsync(router => router.PoolOf(found).Refusal?.Message));
        world.Registry.Put(world.Registry["acme"] with { Tenant = found.Tenant });
        await UntilAsync(async () => await RefusalAsync(world, ProxyWorld.Password) is null);
    }

    [Fact]
    public async Task A_login_that_a_smaller_plan_has_overtaken_makes_a_pool_of_that_plan()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 9);
        TenantEntry found = await FoundAsync(world);
        // Without the user, so that it shows when the proxy has read the change.
        var others = found.Tenant.Users.Where(static user => user.Key != "app").ToFrozenDictionary();
        world.Registry.Put(found with { Tenant = found.Tenant with { Plan = found.Tenant.Plan with { Connections = 2 }, Users = others } });
        await UntilAsync(async () => await RefusalAsync(world, ProxyWorld.Password) == "28P01");
        Assert.Equal(2, await world.AskReactorAsync(router => router.PoolOf(found).Config.Connections));
        Assert.Equal(2, await world.OnPoolAsync("acme", static pool => pool.Budget.Total));
    }

    [Fact]
    public async Task A_login_that_was_not_overtaken_makes_a_pool_of_what_it_found()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 9);
        TenantEntry found = await FoundAsync(world);
        (bool serves, object? source) = await world.AskReactorAsync(router => router.PoolOf(found) is var pool ? (pool.Refusal is null, pool.Source) : default);
        Assert.True(serves);
        Assert.Equal(found.Tenant.Version, ((TenantEntry)source!).Tenant.Version);
    }

    /// <summary>Has the proxy know the tenant, without a pool.</summary>
    private static async Task<TenantEntry> FoundAsync(ProxyWorld world)
    {
        Assert.Equal("28P01", await RefusalAsync(world, "wrong"));
        return world.Registry["acme"];
    }

    private static async Task<string?> RefusalAsync(ProxyWorld world, string password)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        return (await client.TryLoginAsync("app", "acme", password))?.SqlState;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition()) await Task.Delay(20, patience.Token);
    }
}
