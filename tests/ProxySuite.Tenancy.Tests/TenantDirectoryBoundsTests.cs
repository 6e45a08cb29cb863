using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>The directory's memory is bounded, and what pools use is not what goes.</summary>
public sealed class TenantDirectoryBoundsTests
{
    [Fact]
    public async Task More_tenants_than_the_bound_are_served_and_not_kept()
    {
        await using var world = DirectoryWorld.Start(new TenantDirectoryOptions { EntriesMax = 100 });
        for (int i = 0; i < 1000; i++)
        {
            world.Registry.Put($"t{i}");
            Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync($"t{i}"));
            Assert.InRange(world.Directory.Count, 1, 100);
        }
        Assert.Equal(1000 - world.Directory.Count, world.Directory.Counters.Evictions);
        Assert.Empty(world.Changes);
    }

    [Fact]
    public async Task A_tenant_with_pools_stays_and_hears_of_its_changes()
    {
        await using var world = DirectoryWorld.Start(new TenantDirectoryOptions { EntriesMax = 100 });
        TenantEntry kept = world.Registry.Put("kept");
        world.Directory.Retain((await world.GetAsync("kept")).Entry!);
        for (int i = 0; i < 1000; i++)
        {
            world.Registry.Put($"t{i}");
            await world.GetAsync($"t{i}");
        }
        TenantEntry after = world.Registry.Put("kept");
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "kept", after.Tenant.Version));
        await Settle.MustAsync(() => world.Changes.Contains(new TenantChange(kept, after)));

        world.Directory.Release(kept.Tenant.Slug);
        for (int i = 1000; i < 2000; i++)
        {
            world.Registry.Put($"t{i}");
            await world.GetAsync($"t{i}");
        }
        Assert.False(world.Directory.TryGet("kept"u8, out _));
    }

    [Fact]
    public async Task A_tenant_evicted_before_its_pool_was_made_comes_back_with_it()
    {
        await using var world = DirectoryWorld.Start();
        TenantEntry entry = world.Registry.Put("acme");
        world.Directory.Retain(entry);
        // What was found may be outdated by now, so it is compared first.
        TenantEntry after = world.Registry.Put("acme");
        await world.RunUntilAsync(() => world.Changes.Contains(new TenantChange(entry, after)), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_flood_of_made_up_names_is_forgotten_again()
    {
        await using var world = DirectoryWorld.Start(new TenantDirectoryOptions { NegativeMax = 100 });
        for (int i = 0; i < 1000; i++) Assert.Equal(LookupOutcome.Unknown, await world.OutcomeAsync($"t{i}"));
        Assert.InRange(world.Directory.UnknownCount, 1, 100);
    }

    [Fact]
    public async Task The_registry_is_asked_by_a_bounded_number_of_look_ups_at_once()
    {
        await using var world = DirectoryWorld.Start(new TenantDirectoryOptions { LookupsMax = 3 });
        world.Registry.Close();
        Task<LookupOutcome>[] callers = [.. Enumerable.Range(0, 50).Select(i => world.OutcomeAsync($"t{i}"))];
        await Settle.UntilAsync(() => world.Registry.Questions > 3, TimeSpan.FromMilliseconds(200));
        Assert.Equal(3, world.Registry.Questions);
        world.Registry.Open();
        Assert.All(await Task.WhenAll(callers), outcome => Assert.Equal(LookupOutcome.Unknown, outcome));
        Assert.Equal(50, world.Registry.Questions);
    }
}
