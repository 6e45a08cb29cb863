using System.Collections.Concurrent;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Tenancy.Tests.Support;

/// <summary>A registry in memory that counts questions, can be held back, and can be down.</summary>
internal sealed class ScriptedRegistry : ITenantRegistry
{
    private readonly ConcurrentDictionary<TenantSlug, TenantEntry> _tenants = new();
    private TaskCompletionSource? _gate;
    private long _version = 100;
    private int _questions;
    private int _comparisons;

    /// <summary>Questions for whole tenants, single or in batches.</summary>
    public int Questions => Volatile.Read(ref _questions);

    /// <summary>Questions for versions.</summary>
    public int Comparisons => Volatile.Read(ref _comparisons);

    public bool IsDown { get; set; }

    /// <summary>This tenant's row cannot be understood.</summary>
    public TenantSlug? Unreadable { get; set; }

    /// <summary>Questions wait for <see cref="Open"/>, and are answered with what was true when they were asked.</summary>
    public void Close() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open() => _gate!.SetResult();

    /// <summary>Enters a tenant, or a new version of it.</summary>
    public TenantEntry Put(string slug, Func<Tenant, Tenant>? change = null)
    {
        TenantSlug key = TenantSlug.Parse(slug);
        TenantEntry old = _tenants.TryGetValue(key, out TenantEntry? known) ? known : New(key);
        Tenant tenant = (change ?? (same => same))(old.Tenant) with { Version = Interlocked.Increment(ref _version) };
        return _tenants[key] = old with { Tenant = tenant };
    }

    /// <summary>Puts back an entry as it was, version included.</summary>
    public void Restore(TenantEntry entry) => _tenants[entry.Tenant.Slug] = entry;

    public void Remove(string slug) => _tenants.TryRemove(TenantSlug.Parse(slug), out _);

    public async Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _questions);
        TenantEntry? answer = _tenants.GetValueOrDefault(slug);
        await AnswerAsync(cancellationToken);
        return slug == Unreadable ? throw new RegistryDataException("not understood") : answer;
    }

    public async Task<IReadOnlyList<TenantEntry>> FindTenantsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _questions);
        List<TenantEntry> answer = [.. slugs.Where(_tenants.ContainsKey).Select(slug => _tenants[slug])];
        await AnswerAsync(cancellationToken);
        return slugs.Any(slug => slug == Unreadable) ? throw new RegistryDataException("not understood") : answer;
    }

    public async Task<IReadOnlyList<TenantVersions>> ReadVersionsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _comparisons);
        List<TenantVersions> answer = [.. slugs.Where(_tenants.ContainsKey).Select(slug => TenantVersions.Of(_tenants[slug]))];
        await AnswerAsync(cancellationToken);
        return answer;
    }

    public Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken)
        => Task.FromResult(_tenants.Values.Select(entry => entry.Shard).FirstOrDefault(shard => shard.Id == id));

    public Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<Shard>>([.. _tenants.Values.Select(entry => entry.Shard).Distinct()]);

    private async Task AnswerAsync(CancellationToken cancellationToken)
    {
        if (_gate is { } gate) await gate.Task.WaitAsync(cancellationToken);
        if (IsDown) throw new RegistryUnavailableException("down");
    }

    private static TenantEntry New(TenantSlug slug)
    {
        TenantId id = TenantId.New();
        var shard = new Shard { Id = new ShardId(1), Name = "s1", Primary = [new ShardEndpoint("s1.example", 5432)], Database = "apps", Version = 1 };
        var placement = new Placement(shard.Id, 1, shard.Database, BackendNames.Schema(id), PlacementState.Active);
        return new TenantEntry(new Tenant { Id = id, Slug = slug, Plan = PlanDefaults.Free with { Version = 1 }, Placement = placement }, shard);
    }
}
