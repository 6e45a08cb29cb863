using System.Collections.Concurrent;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Tenancy.Tests.Support;
using ProxySuite.Testing.Servers;
using StackExchange.Redis;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>The shared cache and the announcements on a real Redis.</summary>
[Trait("Category", "Server")]
public sealed class RedisTests : IAsyncLifetime
{
    private static readonly MasterKey Key = MasterKey.FromBytes("0123456789abcdef0123456789abcdef"u8);

    private RedisServer _server = null!;
    private RedisLink _redis = null!;
    private RedisTenantCache _cache = null!;

    public async Task InitializeAsync()
    {
        _server = await RedisServer.CreateAsync();
        _redis = Link();
        _cache = new RedisTenantCache(_redis, Key);
        await Settle.MustAsync(() => _redis.IsUp);
    }

    public async Task DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task An_entry_is_found_by_other_proxies_for_a_minute_and_for_five_seconds_while_it_moves()
    {
        TenantEntry moving = SealedEntryTests.Full("moving");
        await StoreAsync(moving);
        TenantEntry resting = Resting("resting", 1);
        await StoreAsync(resting);
        Assert.Equal(resting.Tenant.Version, (await FindAsync("resting"))!.Tenant.Version);
        Assert.InRange((await Database.KeyTimeToLiveAsync("proxysuite:tenant:resting"))!.Value.TotalSeconds, 40, 60);
        Assert.InRange((await Database.KeyTimeToLiveAsync("proxysuite:tenant:moving"))!.Value.TotalSeconds, 0, 5);
        Assert.Null(await FindAsync("nobody"));
    }

    [Fact]
    public async Task An_older_entry_never_takes_the_place_of_a_newer_one()
    {
        await StoreAsync(Resting("acme", 20));
        _cache.Store(Resting("acme", 19));
        _cache.Store(Resting("acme", 20) is var same ? same with { Shard = same.Shard with { Version = 1 } } : null!);
        await StoreAsync(Resting("other", 1));
        Assert.Equal((20, 17), ((await FindAsync("acme"))!.Tenant.Version, (await FindAsync("acme"))!.Shard.Version));
        await StoreAsync(Resting("acme", 21));
        Assert.Equal(21, (await FindAsync("acme"))!.Tenant.Version);
    }

    [Fact]
    public async Task What_somebody_else_wrote_is_no_entry_and_does_not_stay_in_the_way()
    {
        await Database.StringSetAsync("proxysuite:tenant:acme", "ps1 x 1 999999999 1\nforged");
        Assert.Null(await FindAsync("acme"));
        await UntilAsync(async () => !await Database.KeyExistsAsync("proxysuite:tenant:acme"));
        await StoreAsync(Resting("acme", 1));
        byte[] value = (await Database.StringGetAsync("proxysuite:tenant:acme"))!;
        await Database.StringSetAsync("proxysuite:tenant:globex", value);
        Assert.Null(await FindAsync("globex"));
        Assert.NotNull(await FindAsync("acme"));
    }

    [Fact]
    public async Task A_wrong_type_under_the_key_is_a_miss()
    {
        await Database.ListLeftPushAsync("proxysuite:tenant:acme", "x");
        Assert.Null(await FindAsync("acme"));
    }

    [Fact]
    public async Task A_Redis_that_hangs_or_is_gone_costs_a_look_up_no_more_than_its_bound_and_comes_back_by_itself()
    {
        await StoreAsync(Resting("acme", 1));
        await Database.ExecuteAsync("CLIENT", "PAUSE", "3000");
        long before = Environment.TickCount64;
        Assert.Null(await FindAsync("acme"));
        // The first one waits its bound, the following ones do not ask at all.
        for (int i = 0; i < 100; i++) Assert.Null(await FindAsync("acme"));
        Assert.InRange(Environment.TickCount64 - before, 0, 2000);

        await _server.StopAsync();
        _cache.Store(Resting("acme", 2));
        Assert.Null(await FindAsync("acme"));
        await _server.StartAsync();
        await UntilAsync(async () =>
        {
            _cache.Store(Resting("acme", 3));
            return await FindAsync("acme") is { Tenant.Version: 3 };
        });
    }

    [Fact]
    public async Task A_directory_goes_on_without_Redis_and_with_an_empty_one()
    {
        var registry = new ScriptedRegistry();
        registry.Put("acme");
        registry.Put("globex");
        var directory = new TenantDirectory(registry, shared: _cache);
        Assert.Equal(LookupOutcome.Found, (await directory.GetAsync(TenantSlug.Parse("acme"))).Outcome);
        await _server.StopAsync();
        Assert.Equal(LookupOutcome.Found, (await directory.GetAsync(TenantSlug.Parse("globex"))).Outcome);
        Assert.Equal((2, 2), (registry.Questions, (int)directory.Counters.Registry));
    }

    [Fact]
    public async Task A_change_heard_by_one_proxy_reaches_the_others_once_and_takes_the_old_entry_away()
    {
        await using var first = new Listener(_redis);
        await using var otherLink = new RedisLink(_server.Configuration);
        await Settle.MustAsync(() => otherLink.IsUp);
        await using var second = new Listener(otherLink);
        await Settle.MustAsync(() => first.Resynchronized > 0 && second.Resynchronized > 0);
        await StoreAsync(Resting("acme", 5));
        await StoreAsync(Resting("globex", 8));

        var change = new Invalidation(InvalidationKind.Tenant, "acme", 6);
        first.Registry.Announce(change);
        await Settle.MustAsync(() => second.Heard.Contains(change));
        await UntilAsync(async () => !await Database.KeyExistsAsync("proxysuite:tenant:acme"));
        second.Registry.Announce(change);
        first.Registry.Announce(new Invalidation(InvalidationKind.Tenant, "globex", 8));
        await Settle.MustAsync(() => second.Heard.Any(heard => heard.Name == "globex"));
        Assert.Equal(2, second.Heard.Count(heard => heard == change)); // from Redis, and from its own registry
        Assert.True(await Database.KeyExistsAsync("proxysuite:tenant:globex"));
    }

    [Fact]
    public async Task After_Redis_was_away_everything_is_compared()
    {
        await using var listener = new Listener(_redis);
        await Settle.MustAsync(() => listener.Resynchronized > 0);
        int before = listener.Resynchronized;
        await _server.StopAsync();
        await _server.StartAsync();
        await Settle.MustAsync(() => listener.Resynchronized > before && _redis.IsUp);
        await UntilAsync(async () =>
        {
            // Nobody has to hear it at once: this connection, too, may still be coming back.
            await _redis.Connection!.GetSubscriber().PublishAsync(RedisInvalidation.Channel, "plan free 7", CommandFlags.FireAndForget);
            return listener.Heard.Contains(new Invalidation(InvalidationKind.Plan, "free", 7));
        });
    }

    private RedisLink Link() => new(_server.Configuration);

    private IDatabase Database => _redis.Connection!.GetDatabase();

    private static TenantEntry Resting(string slug, long version)
    {
        TenantEntry entry = SealedEntryTests.Full(slug, version);
        return entry with { Tenant = entry.Tenant with { Placement = entry.Tenant.Placement with { State = PlacementState.Active } } };
    }

    private async Task StoreAsync(TenantEntry entry)
    {
        _cache.Store(entry);
        await UntilAsync(async () => await Database.KeyExistsAsync(RedisTenantCache.KeyOf(entry.Tenant.Slug.Value)) && await FindAsync(entry.Tenant.Slug.Value) is { } found
            && found.Tenant.Version == entry.Tenant.Version);
    }

    private async Task<TenantEntry?> FindAsync(string slug) => await _cache.FindAsync(TenantSlug.Parse(slug), CancellationToken.None);

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        long end = Environment.TickCount64 + 30_000;
        while (!await holds())
        {
            Assert.True(Environment.TickCount64 < end, "did not come true within 30 s");
            await Task.Delay(20);
        }
    }

    private sealed class Listener : IInvalidationSink, IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task _running;
        private int _resynchronized;

        public Listener(RedisLink redis) => _running = new RedisInvalidation(Registry, redis).RunAsync(this, _end.Token);

        public ScriptedSource Registry { get; } = new();

        public ConcurrentQueue<Invalidation> Heard { get; } = new();

        public int Resynchronized => Volatile.Read(ref _resynchronized);

        public void Invalidate(Invalidation change) => Heard.Enqueue(change);

        public void Resynchronize() => Interlocked.Increment(ref _resynchronized);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _end.Dispose();
        }
    }

    private sealed class ScriptedSource : IInvalidationSource
    {
        private IInvalidationSink? _sink;

        public void Announce(Invalidation change) => _sink!.Invalidate(change);

        public Task RunAsync(IInvalidationSink sink, CancellationToken cancellationToken)
        {
            _sink = sink;
            return Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }
    }
}
