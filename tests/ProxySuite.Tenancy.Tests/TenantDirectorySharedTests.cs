using System.Collections.Concurrent;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>What a directory makes of the word of other proxies; the cache between them is played by the test.</summary>
public sealed class TenantDirectorySharedTests
{
    private readonly SharedEntries _shared = new();

    [Fact]
    public async Task A_tenant_that_another_proxy_knows_is_served_without_the_registry_and_compared_with_it_soon()
    {
        await using DirectoryWorld world = Start();
        _shared.Put(world.Registry.Put("acme"));
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("acme"));
        Assert.Equal((0, 1, 0), (world.Registry.Questions, (int)world.Directory.Counters.Shared, (int)world.Directory.Counters.Registry));
        await world.RunUntilAsync(() => world.Registry.Comparisons > 0, TimeSpan.FromSeconds(5));
        Assert.Equal(0, world.Registry.Questions);
    }

    [Fact]
    public async Task An_old_word_of_another_proxy_is_put_right_within_a_sweep()
    {
        await using DirectoryWorld world = Start();
        _shared.Put(world.Registry.Put("acme"));
        world.Registry.Put("acme", tenant => tenant with { State = TenantState.Suspended });
        Assert.Equal(TenantState.Active, (await world.KnownAsync("acme")).State);
        await world.RunUntilAsync(() => world.Changes.Any(change => change.New!.Tenant.State == TenantState.Suspended), TimeSpan.FromSeconds(5));
        Assert.Equal(TenantState.Suspended, (await world.KnownAsync("acme")).State);
    }

    [Fact]
    public async Task What_was_announced_since_is_not_undone_by_an_older_entry()
    {
        await using DirectoryWorld world = Start();
        _shared.Put(world.Registry.Put("acme"));
        TenantEntry now = world.Registry.Put("acme", tenant => tenant with { State = TenantState.Suspended });
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", now.Tenant.Version));
        Assert.Equal(TenantState.Suspended, (await world.KnownAsync("acme")).State);
        Assert.Equal((1, 0), (world.Registry.Questions, (int)world.Directory.Counters.Shared));
    }

    [Theory]
    [InlineData(InvalidationKind.Plan, "free")]
    [InlineData(InvalidationKind.Shard, "1")]
    public async Task A_plan_or_shard_announced_since_is_not_undone_either(InvalidationKind kind, string name)
    {
        await using DirectoryWorld world = Start();
        _shared.Put(world.Registry.Put("acme"));
        world.Directory.Invalidate(new Invalidation(kind, name, 9_999));
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("acme"));
        Assert.Equal(1, world.Registry.Questions);
    }

    [Fact]
    public async Task A_known_tenant_is_renewed_by_the_registry_alone()
    {
        await using DirectoryWorld world = Start();
        TenantEntry first = world.Registry.Put("acme");
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("acme"));
        _shared.Put(first);
        TenantEntry next = world.Registry.Put("acme", tenant => tenant with { State = TenantState.Suspended });
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", next.Tenant.Version));
        Assert.Equal(TenantState.Suspended, (await world.KnownAsync("acme")).State);
        Assert.Equal(0, world.Directory.Counters.Shared);
    }

    [Fact]
    public async Task With_the_registry_down_tenants_that_other_proxies_know_can_still_log_in()
    {
        await using DirectoryWorld world = Start();
        _shared.Put(world.Registry.Put("acme"));
        world.Registry.IsDown = true;
        Assert.Equal(LookupOutcome.RegistryUnavailable, await world.OutcomeAsync("globex"));
        Assert.Equal(LookupOutcome.Found, await world.OutcomeAsync("acme"));
    }

    [Fact]
    public async Task What_the_registry_said_is_shared_also_after_a_change()
    {
        await using DirectoryWorld world = Start();
        TenantEntry first = world.Registry.Put("acme");
        await world.GetAsync("acme");
        Assert.Same(first, _shared.Stored.Last());
        TenantEntry next = world.Registry.Put("acme");
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", next.Tenant.Version));
        await Settle.MustAsync(() => ReferenceEquals(_shared.Stored.Last(), next));
    }

    [Fact]
    public async Task An_announcement_while_another_proxy_is_asked_sends_the_look_up_to_the_registry()
    {
        await using DirectoryWorld world = Start();
        _shared.Put(world.Registry.Put("acme"));
        _shared.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<TenantLookup> lookup = world.GetAsync("acme").AsTask();
        await Settle.MustAsync(() => _shared.Questions > 0);
        TenantEntry next = world.Registry.Put("acme", tenant => tenant with { State = TenantState.Suspended });
        world.Directory.Invalidate(new Invalidation(InvalidationKind.Tenant, "acme", next.Tenant.Version));
        _shared.Gate.SetResult();
        Assert.Equal(TenantState.Suspended, (await lookup).Entry!.Tenant.State);
    }

    [Fact]
    public async Task A_thousand_callers_for_one_unknown_tenant_ask_the_other_proxies_once_and_the_registry_once()
    {
        await using DirectoryWorld world = Start();
        _shared.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<LookupOutcome>[] callers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(() => world.OutcomeAsync("nobody")))];
        await Settle.MustAsync(() => _shared.Questions > 0);
        Task<LookupOutcome>[] late = [.. Enumerable.Range(0, 1000).Select(i => Task.Run(async () =>
        {
            if (i == 500) _shared.Gate.SetResult();
            return await world.OutcomeAsync("nobody");
        }))];
        Assert.All(await Task.WhenAll([.. callers, .. late]), outcome => Assert.Equal(LookupOutcome.Unknown, outcome));
        Assert.Equal((1, 1), (_shared.Questions, world.Registry.Questions));
    }

    private DirectoryWorld Start() => DirectoryWorld.Start(shared: _shared);

    private sealed class SharedEntries : ISharedTenantCache
    {
        private readonly ConcurrentDictionary<TenantSlug, TenantEntry> _entries = new();
        private int _questions;

        public ConcurrentQueue<TenantEntry> Stored { get; } = new();

        public TaskCompletionSource? Gate { get; set; }

        public int Questions => Volatile.Read(ref _questions);

        public void Put(TenantEntry entry) => _entries[entry.Tenant.Slug] = entry;

        public async ValueTask<TenantEntry?> FindAsync(TenantSlug slug, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _questions);
            if (Gate is { } gate) await gate.Task;
            return _entries.GetValueOrDefault(slug);
        }

        public void Store(TenantEntry entry) => Stored.Enqueue(entry);
    }
}
