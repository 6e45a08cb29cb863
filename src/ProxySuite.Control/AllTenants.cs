using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control;

/// <summary>Lists of tenants that are longer than one page of the registry.</summary>
public static class AllTenants
{
    public static Task<List<TenantEntry>> OfShardAsync(RegistryStore store, string shard, CancellationToken cancellationToken)
        => ReadAsync(store, new TenantFilter { ShardName = shard }, cancellationToken);

    public static Task<List<TenantEntry>> OfPlanAsync(RegistryStore store, string plan, CancellationToken cancellationToken)
        => ReadAsync(store, new TenantFilter { Plan = plan }, cancellationToken);

    public static async Task<List<TenantEntry>> ReadAsync(RegistryStore store, TenantFilter filter, CancellationToken cancellationToken)
    {
        var all = new List<TenantEntry>();
        while (true)
        {
            IReadOnlyList<TenantEntry> page = await store.ListTenantsAsync(filter, cancellationToken);
            all.AddRange(page);
            if (page.Count < filter.Limit) return all;
            filter = filter with { After = page[^1].Tenant.Slug };
        }
    }
}
