using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>The directory over a real registry whose server stops, hangs and comes back.</summary>
[Trait("Category", "Server")]
public sealed class TenantDirectoryPostgresTests : IAsyncLifetime, IDisposable
{
    // Short, so that a test shows in seconds what takes minutes in service.
    private static readonly TenantDirectoryOptions Quick = new()
    {
        LookupTimeout = TimeSpan.FromSeconds(1),
        RetryInterval = TimeSpan.FromMilliseconds(100),
    };

    private readonly CancellationTokenSource _end = new();
    private PostgresServer _server = null!;
    private RegistryWorld _world = null!;
    private TenantDirectory _directory = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        // What is committed survives the kill.
        _server = await PostgresServer.CreateAsync(new PostgresOptions { Version = 15, Settings = new Dictionary<string, string> { ["synchronous_commit"] = "on" } });
        _world = await RegistryWorld.CreateAsync(DsnParser.Parse(_server.Uri()));
        await _world.AddShardAsync("s1");
        _directory = new TenantDirectory(_world.Reader, Quick);
        _running = _directory.RunAsync(new PostgresInvalidationListener(_world.Dsn), _end.Token);
        await _world.AddTenantAsync("acme");
        await _world.AddTenantAsync("globex");
    }

    public async Task DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        await _world.DisposeAsync();
        await _server.DisposeAsync();
    }

    public void Dispose() => _end.Dispose();

    [Fact]
    public async Task A_committed_change_reaches_the_directory_by_itself()
    {
        Tenant tenant = (await GetAsync("acme")).Entry!.Tenant;
        await ListeningAsync();
        TenantEntry changed = await _world.Store.SetTenantPlanAsync(tenant, "free");
        await Settle.MustAsync(() => _directory.TryGet("acme"u8, out TenantEntry? entry) && entry.IsSameVersionAs(changed));
        Assert.Equal(0, _directory.Counters.Failures);
    }

    [Fact]
    public async Task A_killed_server_leaves_known_tenants_served_and_its_return_brings_what_was_missed()
    {
        Tenant known = (await GetAsync("acme")).Entry!.Tenant;
        await _server.KillAsync();
        Assert.Equal(LookupOutcome.RegistryUnavailable, (await GetAsync("globex")).Outcome);
        Assert.Equal(LookupOutcome.Found, (await GetAsync("acme")).Outcome);

        await _server.StartAsync();
        // The listener is still waiting to reconnect, or has just done so: either way the change must arrive.
        TenantEntry changed = await _world.Store.SetTenantStateAsync(known, TenantState.Suspended);
        await Settle.MustAsync(() => _directory.TryGet("acme"u8, out TenantEntry? entry) && entry.IsSameVersionAs(changed));
        await Settle.MustAsync(() => GetAsync("globex").Result.Outcome == LookupOutcome.Found);
    }

    [Fact]
    public async Task A_change_made_while_only_the_listener_was_cut_off_is_caught_up_with()
    {
        Tenant known = (await GetAsync("acme")).Entry!.Tenant;
        await ListeningAsync();
        // In one transaction, so that no announcement of it can be heard: the listener is gone when it commits.
        await _world.Database.ExecuteAsync(
            $"""
            BEGIN;
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query = 'LISTEN {PostgresInvalidationListener.Channel}';
            UPDATE system.tenants SET plan = 'enterprise' WHERE slug = 'acme';
            COMMIT
            """);
        await Settle.MustAsync(() => _directory.TryGet("acme"u8, out TenantEntry? entry) && entry.Tenant.Plan.Name == "enterprise");
        Assert.NotEqual("enterprise", known.Plan.Name);
    }

    [Fact]
    public async Task A_server_that_hangs_holds_nobody_up_beyond_the_bound()
    {
        await GetAsync("acme");
        _server.Freeze();
        try
        {
            // The postmaster answers no new connection, and those in the pool are gone.
            _world.CloseIdleConnections();
            Assert.Equal(LookupOutcome.RegistryUnavailable, (await GetAsync("globex").WaitAsync(TimeSpan.FromSeconds(10))).Outcome);
            Assert.Equal(LookupOutcome.Found, (await GetAsync("acme")).Outcome);
        }
        finally
        {
            _server.Thaw();
        }
        await Settle.MustAsync(() => GetAsync("globex").Result.Outcome == LookupOutcome.Found);
    }

    private Task<TenantLookup> GetAsync(string slug) => _directory.GetAsync(TenantSlug.Parse(slug)).AsTask();

    private async Task ListeningAsync() => await Settle.MustAsync(() => _world.Database.ScalarAsync<long>(
        $"SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN {PostgresInvalidationListener.Channel}' AND state = 'idle'").Result == 1);
}
