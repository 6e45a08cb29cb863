using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>What became of a look-up.</summary>
public enum LookupOutcome
{
    Found,
    Unknown,             // the registry says that there is no such tenant
    RegistryUnavailable, // nothing is known about it, and the registry does not answer: 57P03
}

/// <summary>The answer to a look-up.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Entry">The tenant, for <see cref="LookupOutcome.Found"/> and only then.</param>
public readonly record struct TenantLookup(LookupOutcome Outcome, TenantEntry? Entry)
{
    public static readonly TenantLookup Unknown = new(LookupOutcome.Unknown, null);
    public static readonly TenantLookup Unavailable = new(LookupOutcome.RegistryUnavailable, null);

    public static TenantLookup Found(TenantEntry entry) => new(LookupOutcome.Found, entry);
}

/// <summary>A cached tenant is not what it was: its pools must take notice.</summary>
/// <param name="Old">As it was known until now.</param>
/// <param name="New">As it is; null when it is gone.</param>
public readonly record struct TenantChange(TenantEntry Old, TenantEntry? New);
