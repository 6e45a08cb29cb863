using System.Collections.Concurrent;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>Every change that a proxy must see is announced, with what changed and its new version.</summary>
[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class RegistryNotificationTests(RegistryDatabases databases)
{
    [Fact]
    public async Task Each_change_of_a_tenant_is_announced_with_its_new_version()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant tenant = (await world.AddTenantAsync("acme")).Tenant;
        await using var heard = await Announcements.ListenAsync(world.Dsn);
        Func<Task>[] changes =
        [
            async () => await world.Store.SetTenantPlanAsync(await CurrentAsync(), "free"),
            async () => await world.Store.SetTenantStateAsync(await CurrentAsync(), TenantState.Suspended, "unpaid"),
            async () => await world.Store.RaiseCredentialsEpochAsync(await CurrentAsync()),
            () => world.Store.SetOverridesAsync(tenant.Id, new PlanOverrides { Connections = 7 }),
            () => world.Store.SetOverridesAsync(tenant.Id, PlanOverrides.None),
            () => world.Store.InsertUserAsync(tenant.Id, new TenantUser("other", UserRole.Readonly, RegistryWorld.Verifier)),
            () => world.Store.SetUserPasswordAsync(tenant.Id, "other", RegistryWorld.Verifier),
            () => world.Store.DeleteUserAsync(tenant.Id, "other"),
        ];
        long version = (await CurrentAsync()).Version;
        foreach (Func<Task> change in changes)
        {
            await change();
            Tenant now = await CurrentAsync();
            Assert.True(now.Version > version);
            version = now.Version;
            await heard.ExpectAsync(new Invalidation(InvalidationKind.Tenant, "acme", version));
        }
        await world.Store.DeleteTenantAsync(await CurrentAsync());
        // With a version of its own: an entry of the last one, wherever it is still kept, is known to be over.
        await Settle.MustAsync(() => heard.All.Any(change => change.Name == "acme" && change.Version > version));

        async Task<Tenant> CurrentAsync() => (await world.Store.GetTenantAsync(tenant.Slug)).Tenant;
    }

    [Fact]
    public async Task A_new_slug_is_announced_under_both_names()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        Tenant before = (await world.AddTenantAsync("acme")).Tenant;
        await using var heard = await Announcements.ListenAsync(world.Dsn);
        await world.Database.ExecuteAsync("UPDATE system.tenants SET slug = 'acme-inc'");
        Tenant after = (await world.Store.GetTenantAsync(TenantSlug.Parse("acme-inc"))).Tenant;
        await Settle.MustAsync(() => heard.All.Any(change => change.Name == "acme" && change.Version > before.Version));
        await heard.ExpectAsync(new Invalidation(InvalidationKind.Tenant, "acme-inc", after.Version));
    }

    [Fact]
    public async Task Changes_of_plans_and_shards_are_announced()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        await using var heard = await Announcements.ListenAsync(world.Dsn);
        Plan plan = await world.Store.SavePlanAsync((await world.Store.FindPlanAsync("free"))! with { Connections = 3 });
        await heard.ExpectAsync(new Invalidation(InvalidationKind.Plan, "free", plan.Version));

        Shard shard = await world.Store.GetShardAsync("s1");
        await world.Store.UpdateShardAsync(shard with { ConnectionsMax = 150 });
        await heard.ExpectAsync(new Invalidation(InvalidationKind.Shard, shard.Id.ToString(), (await world.Store.GetShardAsync("s1")).Version));
    }

    [Fact]
    public async Task A_change_that_is_rolled_back_is_not_announced()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        await using var heard = await Announcements.ListenAsync(world.Dsn);
        await world.Database.ExecuteAsync("BEGIN; UPDATE system.plans SET connections = 3 WHERE name = 'free'; ROLLBACK");
        Plan plan = await world.Store.SavePlanAsync((await world.Store.FindPlanAsync("growth"))! with { Connections = 30 });
        await heard.ExpectAsync(new Invalidation(InvalidationKind.Plan, "growth", plan.Version));
        Assert.Single(heard.All);
    }

    [Theory]
    [InlineData("")]
    [InlineData("tenant acme")]
    [InlineData("tenant acme x")]
    [InlineData("tenant acme 1 2")]
    [InlineData("robot acme 1")]
    public async Task An_announcement_that_is_not_understood_makes_everything_be_compared(string payload)
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await using var heard = await Announcements.ListenAsync(world.Dsn);
        int before = heard.Resynchronized;
        await world.Database.ExecuteAsync($"SELECT pg_notify('{PostgresInvalidationListener.Channel}', '{payload}')");
        await Settle.MustAsync(() => heard.Resynchronized == before + 1);
    }

    /// <summary>What a listener delivers, kept in order.</summary>
    private sealed class Announcements : IInvalidationSink, IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private Task _running = Task.CompletedTask;
        private int _resynchronized;

        public ConcurrentQueue<Invalidation> All { get; } = new();

        public int Resynchronized => Volatile.Read(ref _resynchronized);

        public static async Task<Announcements> ListenAsync(Dsn dsn)
        {
            var announcements = new Announcements();
            announcements._running = new PostgresInvalidationListener(dsn).RunAsync(announcements, announcements._end.Token);
            await Settle.MustAsync(() => announcements.Resynchronized == 1);
            return announcements;
        }

        public Task ExpectAsync(Invalidation expected) => Settle.MustAsync(() => All.Contains(expected));

        public void Invalidate(Invalidation change) => All.Enqueue(change);

        public void Resynchronize() => Interlocked.Increment(ref _resynchronized);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
            _end.Dispose();
        }
    }
}
