using BenchmarkDotNet.Attributes;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;

namespace ProxySuite.Benchmarks;

/// <summary>A server connection lent and taken back, on the tenant's reactor, as each transaction does.</summary>
public class PoolBenchmarks
{
    private const int Rounds = 100_000;
    private ProxyWorld _world = null!;
    private RawClient _client = null!;

    [GlobalSetup] // waits itself: in this process BenchmarkDotNet does not
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        _world = await ProxyWorld.StartAsync(connections: 4);
        // A login opens the first server, which stays in the pool.
        _client = await _world.ConnectAsync();
        if (await LendAsync(1) != 1) throw new InvalidOperationException("the pool has no idle server");
    }

    [GlobalCleanup]
    public void Cleanup() => CleanupAsync().GetAwaiter().GetResult();

    private async Task CleanupAsync()
    {
        _client.Dispose();
        await _world.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Rounds)]
    public Task<int> Checkout_and_checkin() => LendAsync(Rounds);

    private Task<int> LendAsync(int rounds) => _world.OnPoolAsync("acme", pool => Lend(pool, rounds));

    private static int Lend(TenantPool pool, int rounds)
    {
        int lent = 0;
        for (; lent < rounds && pool.TryCheckout((int)UserRole.App) is { } server; lent++) pool.Checkin(server);
        return lent;
    }
}
