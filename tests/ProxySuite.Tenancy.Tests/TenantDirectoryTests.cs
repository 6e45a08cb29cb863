using System.Text;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class TenantDirectoryTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_tenant_is_asked_for_once_and_then_known()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        Assert.False(world.Directory.TryGet("acme"u8, out _));
        TenantLookup found = await world.GetAsync("acme");
        Assert.Equal(LookupOutcome.Found, found.Outcome);

        Assert.True(world.Directory.TryGet("acme"u8, out TenantEntry? known));
        Assert.Same(found.Entry, known);
        Assert.True(world.GetAsync("acme").AsTask().IsCompletedSuccessfully);
        Assert.Equal(1, world.Registry.Questions);
        Assert.Equal((2, 1), (world.Directory.Counters.Memory, world.Directory.Counters.Registry));
    }

    [Fact]
    public async Task A_thousand_callers_for_one_tenant_make_one_look_up()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        world.Registry.Close();
        Task<TenantLookup>[] callers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(() => world.GetAsync("acme").AsTask()))];
        await Settle.MustAsync(() => world.Registry.Questions == 1);
        world.Registry.Open();
        TenantLookup[] answers = await Task.WhenAll(callers);
        Assert.All(answers, answer => Assert.Same(answers[0].Entry, answer.Entry));
        Assert.Equal(1, world.Registry.Questions);
    }

    [Fact]
    public async Task A_thousand_callers_for_one_unknown_tenant_make_one_look_up_however_late_they_come()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Close();
        Task<LookupOutcome>[] callers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(() => world.OutcomeAsync("nobody")))];
        await Settle.MustAsync(() => world.Registry.Questions == 1);
        // The moment of the answer is where callers could slip through: some come before it, some with it, some after it.
        Task<LookupOutcome>[] late = [.. Enumerable.Range(0, 1000).Select(i => Task.Run(async () =>
        {
            if (i == 500) world.Registry.Open();
            return await world.OutcomeAsync("nobody");
        }))];
        Assert.All(await Task.WhenAll([.. callers, .. late]), outcome => Assert.Equal(LookupOutcome.Unknown, outcome));
        Assert.Equal((1, 1), (world.Registry.Questions, world.Directory.Counters.Registry));
    }

    [Fact]
    public async Task A_thousand_callers_for_one_unknown_tenant_wait_for_a_registry_that_hangs_once_and_together()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Close();
        Task<LookupOutcome>[] callers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(() => world.OutcomeAsync("nobody")))];
        await Settle.MustAsync(() => world.Registry.Questions == 1);
        await world.RunUntilAsync(() => callers.All(caller => caller.IsCompleted), TimeSpan.FromSeconds(10));
        // Not "unknown": nobody knows that.
        Assert.All(await Task.WhenAll(callers), outcome => Assert.Equal(LookupOutcome.RegistryUnavailable, outcome));
        Assert.Equal(1, world.Registry.Questions);
    }

    [Fact]
    public async Task A_caller_that_gives_up_does_not_end_the_look_up_of_the_others()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        world.Registry.Close();
        using var patience = new CancellationTokenSource();
        Task<TenantLookup> impatient = world.Directory.GetAsync(TenantSlug.Parse("acme"), patience.Token).AsTask();
        Task<TenantLookup> patient = world.GetAsync("acme").AsTask();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        world.Registry.Open();
        Assert.Equal(LookupOutcome.Found, (await patient).Outcome);
        Assert.Equal(1, world.Registry.Questions);
    }

    [Fact]
    public async Task An_unknown_tenant_stays_unknown_for_its_short_time()
    {
        await using var world = DirectoryWorld.Start();
        Assert.Equal(LookupOutcome.Unknown, await world.OutcomeAsync("nobody"));
        Assert.Equal(LookupOutcome.Unknown, await world.OutcomeAsync("nobody"));
        Assert.Equal((1, 1), (world.Registry.Questions, world.Directory.Counters.Negative));

        world.Registry.Put("nobody");
        Assert.Equal(LookupOutcome.Unknown, await world.OutcomeAsync("nobody"));
        world.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("nobody"));
    }

    [Fact]
    public async Task An_unknown_tenant_that_is_announced_is_known_at_once()
    {
        await using var world = DirectoryWorld.Start();
        Assert.Equal(LookupOutcome.Unknown, await world.OutcomeAsync("acme"));
        TenantEntry made = world.Registry.Put("acme");
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", made.Tenant.Version));
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("acme"));
    }

    [Fact]
    public async Task An_announced_change_is_read_and_told_to_subscribers_without_any_login()
    {
        await using var world = DirectoryWorld.Start();
        TenantEntry before = world.Registry.Put("acme");
        await world.GetAsync("acme");
        TenantEntry after = world.Registry.Put("acme", tenant => tenant with { State = TenantState.Suspended });
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", after.Tenant.Version));
        await Settle.MustAsync(() => !world.Changes.IsEmpty);
        Assert.Equal([new TenantChange(before, after)], world.Changes);
    }

    [Fact]
    public async Task A_login_behind_an_announcement_never_sees_the_state_before_it()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        for (int i = 0; i < 200; i++)
        {
            long version = world.Registry.Put("acme").Tenant.Version;
            world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", version));
            Assert.Equal(version, (await world.KnownAsync("acme")).Version);
        }
    }

    [Fact]
    public async Task An_answer_overtaken_by_an_announcement_is_asked_again()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        world.Registry.Close();
        Task<TenantLookup> waiting = world.GetAsync("acme").AsTask();
        await Settle.MustAsync(() => world.Registry.Questions == 1);
        long version = world.Registry.Put("acme").Tenant.Version;
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", version));
        world.Registry.Open();
        Assert.Equal(version, (await waiting).Entry!.Tenant.Version);
    }

    [Fact]
    public async Task An_announcement_of_what_is_known_already_asks_nothing()
    {
        await using var world = DirectoryWorld.Start();
        long old = world.Registry.Put("acme").Tenant.Version;
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", old));
        Assert.True(world.Directory.TryGet("acme"u8, out _));
    }

    [Fact]
    public async Task A_plan_that_changes_is_read_again_for_its_tenants_and_for_no_others()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("a");
        world.Registry.Put("b");
        world.Registry.Put("c", tenant => tenant with { Plan = PlanDefaults.Growth with { Version = 7 } });
        foreach (string slug in new[] { "a", "b", "c" }) await world.GetAsync(slug);
        foreach (string slug in new[] { "a", "b" }) world.Registry.Put(slug, tenant => tenant with { Plan = tenant.Plan with { Connections = 3, Version = 8 } });
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Plan, "free", 8));
        await Settle.MustAsync(() => world.Changes.Count == 2);
        Assert.Equal(["a", "b"], world.Changes.Select(change => change.New!.Tenant.Slug.Value).Order());
        Assert.All(world.Changes, change => Assert.Equal(3, change.New!.Tenant.Plan.Connections));
    }

    [Fact]
    public async Task A_removed_tenant_is_told_to_subscribers_and_unknown_afterwards()
    {
        await using var world = DirectoryWorld.Start();
        TenantEntry entry = world.Registry.Put("acme");
        await world.GetAsync("acme");
        world.Registry.Remove("acme");
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", entry.Tenant.Version));
        await Settle.MustAsync(() => !world.Changes.IsEmpty);
        Assert.Equal([new TenantChange(entry, null)], world.Changes);
        Assert.Equal(LookupOutcome.Unknown, await world.OutcomeAsync("acme"));
        Assert.Equal(0, world.Directory.Count);
    }

    [Fact]
    public async Task Without_announcements_a_change_is_seen_within_the_time_to_live()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        TenantEntry after = world.Registry.Put("acme");
        await world.RunUntilAsync(() => !world.Changes.IsEmpty, clockMax: Minute);
        Assert.Equal(after, Assert.Single(world.Changes).New);
    }

    [Fact]
    public async Task A_moving_tenant_is_compared_every_few_seconds()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme", tenant => tenant with { Placement = tenant.Placement with { State = PlacementState.Moving } });
        await world.GetAsync("acme");
        world.Registry.Put("acme", tenant => tenant with { Placement = tenant.Placement with { Epoch = 2 } });
        await world.RunUntilAsync(() => !world.Changes.IsEmpty, clockMax: TimeSpan.FromSeconds(6));
    }

    [Fact]
    public async Task A_tenant_in_use_is_refreshed_ahead_so_that_no_login_waits()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        for (int refreshes = 0; refreshes < 5; refreshes++)
        {
            // Into the last quarter of its minute: due, and not expired.
            world.Time.Advance(TimeSpan.FromSeconds(46));
            Assert.True(world.Directory.TryGet("acme"u8, out _));
            await Settle.MustAsync(() => world.Registry.Comparisons > refreshes);
            await Settle.MustAsync(() => world.Directory.IsRegistryUp);
        }
        Assert.Equal(1, world.Registry.Questions);
    }

    [Fact]
    public async Task Versions_that_fall_after_a_restore_of_the_registry_are_taken_over()
    {
        await using var world = DirectoryWorld.Start();
        TenantEntry entry = world.Registry.Put("acme");
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        world.Registry.Restore(entry);
        world.Directory.Resynchronize();
        await Settle.MustAsync(() => !world.Changes.IsEmpty);
        Assert.Equal(entry.Tenant.Version, (await world.KnownAsync("acme")).Version);
    }

    [Fact]
    public async Task Tenants_share_one_object_for_their_shard()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("a");
        world.Registry.Put("b");
        Assert.Same((await world.GetAsync("a")).Entry!.Shard, (await world.GetAsync("b")).Entry!.Shard);
    }

    [Fact]
    public async Task A_subscriber_that_throws_keeps_neither_the_cache_nor_other_subscribers_from_the_change()
    {
        await using var world = DirectoryWorld.Start();
        int told = 0;
        world.Directory.Changed += _ => throw new InvalidOperationException("subscriber");
        world.Directory.Changed += _ => Interlocked.Increment(ref told);
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", world.Registry.Put("acme").Tenant.Version));
        await Settle.MustAsync(() => Volatile.Read(ref told) == 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Acme")]
    [InlineData("-acme")]
    [InlineData("ac me")]
    [InlineData("acme\0")]
    [InlineData("äcme")]
    [InlineData("a123456789012345678901234567890123456789012345678901234567890123")]
    public async Task Bytes_that_are_no_slug_are_found_nowhere(string text)
    {
        await using var world = DirectoryWorld.Start();
        Assert.False(world.Directory.TryGet(Encoding.UTF8.GetBytes(text), out _));
        Assert.Equal(LookupOutcome.Unknown, (await world.Directory.GetAsync(default)).Outcome);
        Assert.Equal(0, world.Registry.Questions);
    }

    [Fact]
    public async Task A_hit_allocates_nothing()
    {
        await using var world = DirectoryWorld.Start();
        world.Registry.Put("acme");
        await world.GetAsync("acme");
        for (int i = 0; i < 1000; i++) world.Directory.TryGet("acme"u8, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) world.Directory.TryGet("acme"u8, out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
