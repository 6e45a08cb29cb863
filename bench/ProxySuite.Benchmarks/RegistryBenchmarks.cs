using BenchmarkDotNet.Attributes;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.World;

namespace ProxySuite.Benchmarks;

/// <summary>A tenant found in the process's own memory, as at each login.</summary>
public class RegistryBenchmarks
{
    private ProxyWorld _world = null!;
    private TenantDirectory _directory = null!;

    [GlobalSetup] // waits itself: in this process BenchmarkDotNet does not
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        _world = await ProxyWorld.StartAsync();
        _directory = new TenantDirectory(_world.Registry);
        if ((await _directory.GetAsync(TenantSlug.Parse("acme"))).Entry is null) throw new InvalidOperationException("the registry does not know the tenant");
    }

    [GlobalCleanup]
    public void Cleanup() => CleanupAsync().GetAwaiter().GetResult();

    private async Task CleanupAsync() => await _world.DisposeAsync();

    [Benchmark]
    public TenantEntry? Look_up_a_known_tenant() => _directory.TryGet("acme"u8, out TenantEntry? entry) ? entry : null;
}
