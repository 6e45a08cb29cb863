using System.Diagnostics;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Limits;

/// <summary>The limiters of the tenants that one reactor serves; touched by its thread alone.</summary>
internal sealed class LimiterTable(Reactor reactor, CurrentOptions options, StatsRegistry stats, LimiterGroups groups, RateLeases? leases)
{
    // Budgets are of a minute: whoever leaves and comes back within it finds them as they were.
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(65);

    private readonly Dictionary<TenantId, TenantLimiter> _limiters = [];
    private long _ahead;

    private long Now => reactor.NowTicks + _ahead;

    /// <summary>All limiters, by tenant.</summary>
    public IReadOnlyDictionary<TenantId, TenantLimiter> All => _limiters;

    /// <summary>The tenant's limiter, made or brought up to date.</summary>
    public TenantLimiter Of(Tenant tenant)
    {
        if (!_limiters.TryGetValue(tenant.Id, out TenantLimiter? limiter))
        {
            var cell = new LeaseCell();
            limiter = new TenantLimiter(stats.Tenant(tenant.Slug.Value, reactor.Index), reactor.Timers, () => Now, options, stats.Proxy, cell, groups.Join(tenant.Id, cell));
            TenantLimiter woken = limiter;
            cell.Wake = () => reactor.Post(static limiter => ((TenantLimiter)limiter!).OnWoken(), woken);
            _limiters.Add(tenant.Id, limiter);
        }
        Update(tenant.Id, limiter, tenant.Plan);
        return limiter;
    }

    /// <summary>A tenant has changed: its limiter, if there is one, takes that over.</summary>
    public void Update(Tenant tenant)
    {
        if (_limiters.TryGetValue(tenant.Id, out TenantLimiter? limiter)) Update(tenant.Id, limiter, tenant.Plan);
    }

    /// <summary>Sets the limits' clock forward, for tests of what a minute brings.</summary>
    internal void Skip(TimeSpan time) => _ahead += (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Counts what was used, and forgets limiters that nobody has used for over a minute. Called about once a second.</summary>
    public void Sweep()
    {
        long now = Now;
        List<TenantId>? unused = null;
        foreach ((TenantId id, TenantLimiter limiter) in _limiters)
        {
            limiter.Settle();
            if (limiter.Clients == 0 && limiter.Waiting == 0 && Stopwatch.GetElapsedTime(limiter.EmptySince, now) > KeptFor) (unused ??= []).Add(id);
        }
        if (unused is null) return;
        foreach (TenantId id in unused)
        {
            _limiters.Remove(id, out TenantLimiter? limiter);
            groups.Leave(id, limiter!.Cell);
            leases?.Leave(id, limiter.Cell);
        }
    }

    private void Update(TenantId id, TenantLimiter limiter, Plan plan)
    {
        // One object for one state of a tenant: most logins end here.
        if (ReferenceEquals(limiter.Plan, plan)) return;
        limiter.Plan = plan;
        limiter.Update(RateLimits.Of(plan));
        if (limiter.Limits.IsShared) leases?.Join(id, limiter.Cell);
        else leases?.Leave(id, limiter.Cell);
    }
}
