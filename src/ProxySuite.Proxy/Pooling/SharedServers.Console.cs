using ProxySuite.Proxy.Backend;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What operators see of shared servers, and do to them.</summary>
internal sealed partial class SharedServers
{
    /// <summary>All servers, and the tenant that holds each one now; null for none.</summary>
    public IEnumerable<(ServerConnection Server, string? Tenant)> Servers => _leases.Select(static lease => (lease.Server, lease.Holder?.Tenant.Config.Tenant));

    /// <summary>The shard's name.</summary>
    public string ShardName => _shardName;

    /// <summary>Whether it stands in line for a place on the shard.</summary>
    public bool IsInShardLine => _claim.IsInLine;

    /// <inheritdoc cref="TenantPool.IsOutdated"/>
    public bool IsOutdated(ServerConnection server) => server.IsCondemned || server.Generation != _generation;

    /// <inheritdoc cref="TenantPool.Recycle"/>
    public void Recycle()
    {
        _generation++;
        CloseAllIdle();
        Pump();
    }
}
