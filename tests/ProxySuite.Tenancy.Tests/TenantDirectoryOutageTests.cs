using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>What the directory answers while its registry does not.</summary>
public sealed class TenantDirectoryOutageTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_known_tenant_is_served_on_and_an_unknown_one_is_told_apart_from_one_that_does_not_exist()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        world.Registry.Put("other");
        await world.GetAsync("acme");
        world.Registry.IsDown = true;
        await world.RunUntilAsync(() => !world.Directory.IsRegistryUp, clockMax: Minute);
        world.Time.Advance(TimeSpan.FromHours(1));

        Assert.True(world.Directory.TryGet("acme"u8, out _));
        Assert.Equal(1, world.Directory.Counters.Stale);
        Assert.Equal(LookupOutcome.RegistryUnavailable, await world.OutcomeAsync("other"));
    }

    [Fact]
    public async Task A_changed_tenant_is_served_as_it_was_known_while_its_change_cannot_be_read()
    {
        await using var world = DirectoryWorld.Start();
        TenantEntry before = world.Registry.Put("acme");
        await world.GetAsync("acme");
        TenantEntry after = world.Registry.Put("acme");
        world.Registry.IsDown = true;
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", after.Tenant.Version));
        Assert.Equal(before.Tenant.Version, (await world.KnownAsync("acme")).Version);

        world.Registry.IsDown = false;
        await world.RunUntilAsync(() => !world.Changes.IsEmpty, clockMax: Minute);
        Assert.Equal(after.Tenant.Version, (await world.KnownAsync("acme")).Version);
        Assert.True(world.Directory.IsRegistryUp);
    }

    [Fact]
    public async Task Nobody_is_served_beyond_the_bound()
    {
        await using var world = DirectoryWorld.Start(new TenantDirectoryOptions { StaleMax = TimeSpan.FromMinutes(10) });
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        world.Registry.IsDown = true;
        await world.RunUntilAsync(() => !world.Directory.IsRegistryUp, clockMax: Minute);
        world.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.False(world.Directory.TryGet("acme"u8, out _));
        Assert.Equal(LookupOutcome.RegistryUnavailable, await world.OutcomeAsync("acme"));
    }

    [Fact]
    public async Task A_registry_that_is_down_is_not_asked_by_every_login()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.IsDown = true;
        for (int i = 0; i < 500; i++) Assert.Equal(LookupOutcome.RegistryUnavailable, await world.OutcomeAsync($"t{i}"));
        Assert.Equal(1, world.Registry.Questions);
    }

    [Fact]
    public async Task A_registry_that_is_back_is_noticed_even_with_nothing_to_refresh()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        world.Registry.IsDown = true;
        Assert.Equal(LookupOutcome.RegistryUnavailable, await world.OutcomeAsync("acme"));
        world.Registry.IsDown = false;
        await world.RunUntilAsync(() => world.Directory.IsRegistryUp, clockMax: Minute);
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("acme"));
    }

    [Fact]
    public async Task A_registry_that_hangs_is_waited_for_no_longer_than_the_bound()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        world.Registry.Close();
        Task<TenantLookup> waiting = world.GetAsync("acme").AsTask();
        await Settle.MustAsync(() => world.Registry.Questions == 1);
        world.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(LookupOutcome.RegistryUnavailable, (await waiting).Outcome);
        world.Registry.Open();
    }

    [Fact]
    public async Task A_row_that_cannot_be_understood_concerns_its_own_tenant_alone()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("good");
        TenantEntry odd = world.Registry.Put("odd");
        await world.GetAsync("good");
        await world.GetAsync("odd");
        world.Registry.Unreadable = TenantSlug.Parse("odd");
        TenantEntry better = world.Registry.Put("good");
        long version = world.Registry.Put("odd").Tenant.Version;
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "good", better.Tenant.Version));
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "odd", version));

        await Settle.MustAsync(() => world.Changes.Any(change => change.New == better));
        Assert.Equal(odd.Tenant.Version, (await world.KnownAsync("odd")).Version);
        Assert.True(world.Directory.IsRegistryUp);
    }
}
