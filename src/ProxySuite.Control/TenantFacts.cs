using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control;

/// <summary>A tenant as the audit log keeps it: what was asked for, no secrets.</summary>
internal sealed record TenantFacts(
    string Id, string Plan, string Shard, string Isolation, string Identity, string State, string? SuspendReason, DateTimeOffset? SuspendedUntil, DateTimeOffset? DeleteAfter)
{
    public static TenantFacts Of(TenantEntry entry) => new(
        entry.Tenant.Id.ToString(), entry.Tenant.Plan.Name, entry.Shard.Name, EnumText.Of(entry.Tenant.Isolation), EnumText.Of(entry.Tenant.Identity),
        EnumText.Of(entry.Tenant.State), entry.Tenant.SuspendReason, entry.Tenant.SuspendedUntil, entry.Tenant.DeleteAfter);
}
