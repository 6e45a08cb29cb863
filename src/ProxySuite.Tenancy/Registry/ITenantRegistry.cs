using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>The source of truth about tenants, as the proxy reads it. Answers are never cached here: <c>Cache.TenantDirectory</c> does that.</summary>
public interface ITenantRegistry
{
    /// <summary>Most tenants asked for at once.</summary>
    const int BatchMax = 500;

    /// <summary>One tenant with its shard, in one round trip.</summary>
    /// <returns>Null when there is no such tenant; a suspended one is found.</returns>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    /// <exception cref="RegistryDataException">Its row cannot be understood.</exception>
    Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken);

    /// <summary>Several tenants with their shards, in one round trip.</summary>
    /// <param name="slugs">At most <see cref="BatchMax"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Those that exist, in any order.</returns>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    /// <exception cref="RegistryDataException">One of them cannot be understood.</exception>
    Task<IReadOnlyList<TenantEntry>> FindTenantsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken);

    /// <summary>The versions of several tenants: a cheap way to learn which of them changed.</summary>
    /// <param name="slugs">At most <see cref="BatchMax"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Those that exist, in any order.</returns>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<IReadOnlyList<TenantVersions>> ReadVersionsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken);

    /// <summary>One shard.</summary>
    /// <returns>Null when there is no such shard.</returns>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken);

    /// <summary>All shards, by name: for health checks and pools that are opened ahead.</summary>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken);
}

/// <summary>A registry that can say which tenants there are.</summary>
public interface ITenantLister
{
    /// <summary>Slugs of tenants that are served, in order.</summary>
    /// <param name="after">The last one of the page before; null for the first page.</param>
    /// <param name="limit">Most slugs.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<IReadOnlyList<TenantSlug>> ListServedAsync(TenantSlug? after, int limit, CancellationToken cancellationToken);
}

/// <summary>All versions that make up a <see cref="TenantEntry"/>; see <see cref="TenantEntry.IsSameVersionAs"/>.</summary>
public readonly record struct TenantVersions(TenantSlug Slug, TenantId Id, long Tenant, long Plan, ShardId ShardId, long Shard)
{
    public static TenantVersions Of(TenantEntry entry)
        => new(entry.Tenant.Slug, entry.Tenant.Id, entry.Tenant.Version, entry.Tenant.Plan.Version, entry.Shard.Id, entry.Shard.Version);
}

/// <summary>The registry answers, with something that this program does not understand; others may be readable.</summary>
public sealed class RegistryDataException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The registry does not answer: nothing can be learnt about any tenant now.</summary>
public sealed class RegistryUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
