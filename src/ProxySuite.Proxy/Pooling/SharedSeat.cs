using ProxySuite.Proxy.Pooling.Scheduling;

namespace ProxySuite.Proxy.Pooling;

/// <summary>A tenant's place among those that wait for a server of one shared role; part of its pool, so that waiting allocates nothing.</summary>
internal sealed class SharedSeat(SealedTenantPool tenant, int role) : FairEntry
{
    /// <summary>The tenant.</summary>
    public SealedTenantPool Tenant { get; } = tenant;

    /// <summary>Which of its backend roles.</summary>
    public int Role { get; } = role;

    /// <summary>Its tenant's weight, or the part of this reactor, in sixtieths (<see cref="ShardClaim.WeightUnit"/>).</summary>
    public int Weight => Math.Max(1, Tenant.Config.Weight * ShardClaim.WeightUnit / Tenant.Parts);

    /// <summary>Servers lent to it.</summary>
    public int Lent { get; set; }

    /// <summary>Reactor time in ticks up to which <see cref="FairEntry.VirtualTime"/> counts what it was lent.</summary>
    public long CountedUpTo { get; set; }

    /// <summary>Reactor time in milliseconds at which it gave a server back last.</summary>
    public long LastHadAt { get; set; } = long.MinValue / 2;

    /// <summary>What it adds to the weight and the minimum of all shared servers while it waits or is lent something.</summary>
    public (int Weight, int Minimum) Counted { get; set; }

    /// <summary>Waiters that its budget allows to be served now, counted up to a bound.</summary>
    public int Demand(int most) => Tenant.CountWaiting(Role, Math.Min(most, Tenant.Budget.Free));
}
