using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>The source of truth about tenants, as the proxy reads it. Answers are never cached here: <c>Cache.TenantDirectory</c> does that.</summary>
public interface ITenantRegistry
{
    /// <summary>One tenant with its shard, in one round trip.</summary>
    /// <returns>Null when there is no such tenant; a suspended one is found.</returns>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken);

    /// <summary>One shard.</summary>
    /// <returns>Null when there is no such shard.</returns>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken);

    /// <summary>All shards, by name: for health checks and pools that are opened ahead.</summary>
    /// <exception cref="RegistryUnavailableException">The registry cannot be asked now.</exception>
    Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken);
}

/// <summary>The registry does not answer, or not with what can be understood; nothing is known about the tenant asked for.</summary>
public sealed class RegistryUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
