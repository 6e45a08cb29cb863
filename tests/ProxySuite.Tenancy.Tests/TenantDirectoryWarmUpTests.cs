using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>Tenants that are read before anybody asks.</summary>
[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class TenantDirectoryWarmUpTests(RegistryDatabases databases)
{
    [Fact]
    public async Task Served_tenants_are_known_before_anybody_asks_and_compared_once_more()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        await world.AddTenantAsync("acme");
        await world.AddTenantAsync("globex");
        Tenant suspended = (await world.AddTenantAsync("initech")).Tenant;
        await world.Store.SetTenantStateAsync(suspended, TenantState.Suspended, "unpaid");
        using var end = new CancellationTokenSource();
        var directory = new TenantDirectory(world.Reader, new TenantDirectoryOptions { WarmUpMax = 100 });
        Task running = directory.RunAsync(invalidations: null, end.Token);
        await Settle.MustAsync(() => directory.Count == 2);
        Assert.True(directory.TryGet("acme"u8, out _) && directory.TryGet("globex"u8, out _));
        Assert.Equal(0, directory.Counters.Registry);

        // Nobody announces this one; the comparison that follows a reading ahead finds it.
        if (directory.TryGet("acme"u8, out TenantEntry? acme)) await world.Store.SetTenantStateAsync(acme.Tenant, TenantState.Suspended, "unpaid");
        directory.Resynchronize();
        await Settle.MustAsync(() => directory.TryGet("acme"u8, out TenantEntry? now) && now.Tenant.State == TenantState.Suspended);
        await end.CancelAsync();
        await running;
    }

    [Fact]
    public async Task More_than_the_bound_are_not_read_ahead()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        for (int i = 0; i < 3; i++) await world.AddTenantAsync($"t{i}");
        Assert.Equal(["t0", "t1"], (await world.Reader.ListServedAsync(null, 2, CancellationToken.None)).Select(slug => slug.Value));
        Assert.Equal(["t2"], (await world.Reader.ListServedAsync(TenantSlug.Parse("t1"), 2, CancellationToken.None)).Select(slug => slug.Value));
        using var end = new CancellationTokenSource();
        var directory = new TenantDirectory(world.Reader);
        Task running = directory.RunAsync(invalidations: null, end.Token);
        await Task.Delay(100);
        Assert.Equal(0, directory.Count);
        await end.CancelAsync();
        await running;
    }
}
