using System.Collections.Concurrent;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Testing.World;

/// <summary>A registry that a test writes by hand; changes are announced as PostgreSQL's triggers would.</summary>
public sealed class MemoryRegistry : ITenantRegistry, IInvalidationSource
{
    private readonly ConcurrentDictionary<string, TenantEntry> _tenants = new();
    private IInvalidationSink? _sink;
    private long _versions;
    private int _questions;

    /// <summary>While true every question fails, as if the registry's server were gone.</summary>
    public bool IsDown { get; set; }

    /// <summary>Questions wait for this before they are answered, as at a slow server; null for at once.</summary>
    public Task? Gate { get; set; }

    /// <summary>Questions asked so far.</summary>
    public int Questions => Volatile.Read(ref _questions);

    /// <summary>Writes a tenant and tells nobody: proxies that know it go on with what they know.</summary>
    public TenantEntry PutInSilence(TenantEntry entry)
        => _tenants[entry.Tenant.Slug.Value] = entry with { Tenant = entry.Tenant with { Version = Interlocked.Increment(ref _versions) } };

    /// <summary>Writes a tenant, new or changed, and announces it.</summary>
    public void Put(TenantEntry entry)
    {
        TenantEntry versioned = PutInSilence(entry);
        _sink?.Invalidate(new Invalidation(InvalidationKind.Tenant, entry.Tenant.Slug.Value, versioned.Tenant.Version));
    }

    public TenantEntry this[string slug] => _tenants[slug];

    public Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken)
        => Ask(() => _tenants.GetValueOrDefault(slug.Value));

    public Task<IReadOnlyList<TenantEntry>> FindTenantsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
        => Ask<IReadOnlyList<TenantEntry>>(() => [.. slugs.Select(slug => _tenants.GetValueOrDefault(slug.Value)).OfType<TenantEntry>()]);

    public Task<IReadOnlyList<TenantVersions>> ReadVersionsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
        => Ask<IReadOnlyList<TenantVersions>>(() => [.. slugs.Select(slug => _tenants.GetValueOrDefault(slug.Value)).OfType<TenantEntry>().Select(TenantVersions.Of)]);

    public Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken)
        => Ask(() => _tenants.Values.Select(entry => entry.Shard).FirstOrDefault(shard => shard.Id == id));

    public Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken)
        => Ask<IReadOnlyList<Shard>>(() => [.. _tenants.Values.Select(entry => entry.Shard).DistinctBy(shard => shard.Id)]);

    public async Task RunAsync(IInvalidationSink sink, CancellationToken cancellationToken)
    {
        _sink = sink;
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }

    private async Task<T> Ask<T>(Func<T> answer)
    {
        Interlocked.Increment(ref _questions);
        if (Gate is { } gate) await gate.ConfigureAwait(false);
        return IsDown ? throw new RegistryUnavailableException("the test took the registry away") : answer();
    }
}
