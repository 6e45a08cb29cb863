namespace ProxySuite.Proxy.Pooling;

/// <summary>A tenant's place among those that wait for a server of one shared role; part of its pool, so that waiting allocates nothing.</summary>
internal sealed class SharedSeat(SealedTenantPool tenant, int role)
{
    /// <summary>The tenant.</summary>
    public SealedTenantPool Tenant { get; } = tenant;

    /// <summary>Which of its backend roles.</summary>
    public int Role { get; } = role;

    /// <summary>True while it stands in the line of turns.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Servers it may still be lent before the next tenant's turn.</summary>
    public int Credit { get; set; }

    /// <summary>Waiters that its budget allows to be served now, counted up to a bound.</summary>
    public int Demand(int most) => Tenant.CountWaiting(Role, Math.Min(most, Tenant.Budget.Free));
}
