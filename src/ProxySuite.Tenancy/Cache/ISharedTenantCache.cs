using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>
/// Entries that proxies share, between memory and the registry (B2). It may be slow, away, empty, old or in a stranger's hands: what it says is a hint that is
/// compared with the registry, and nobody waits for it beyond a short bound.
/// </summary>
public interface ISharedTenantCache
{
    /// <summary>Looks an entry up.</summary>
    /// <returns>Null when there is none that can be trusted, or no answer in time. Never throws but for cancellation.</returns>
    ValueTask<TenantEntry?> FindAsync(TenantSlug slug, CancellationToken cancellationToken);

    /// <summary>Lets others find what the registry said; an older state never takes the place of a newer one. Returns at once, and may fail in silence.</summary>
    void Store(TenantEntry entry);
}
