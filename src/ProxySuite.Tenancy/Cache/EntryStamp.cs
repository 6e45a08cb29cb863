using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>Which of two states of one tenant is the later one.</summary>
/// <param name="Tenant">The tenant's version: another plan, shard, user or state is a higher one.</param>
/// <param name="Rest">Versions of plan and shard together. While the tenant's version stays, both are the same rows, and each only rises.</param>
internal readonly record struct EntryStamp(long Tenant, long Rest) : IComparable<EntryStamp>
{
    public static EntryStamp Of(TenantEntry entry) => new(entry.Tenant.Version, entry.Tenant.Plan.Version + entry.Shard.Version);

    public int CompareTo(EntryStamp other) => Tenant != other.Tenant ? Tenant.CompareTo(other.Tenant) : Rest.CompareTo(other.Rest);
}
