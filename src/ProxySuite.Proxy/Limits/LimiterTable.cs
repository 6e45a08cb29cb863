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
    private readonly List<(TenantId Id, TenantLimiter Limiter)> _toSweep = [];
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
            (TenantId id, TenantLimiter made) = (tenant.Id, limiter);
            cell.Wake = () => reactor.Post(static limiter => ((TenantLimiter)limiter!).OnWoken(), made);
            made.Emptied = () => WantSweeping(id, made);
            _limiters.Add(id, made);
            WantSweeping(id, made);
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

    /// <summary>Counts what a tenant has used by now (<see cref="TenantLimiter.Settle"/>). To be called now and then while it may use something, and once behind that.</summary>
    public void Settle(TenantId tenant)
    {
        if (!_limiters.TryGetValue(tenant, out TenantLimiter? limiter)) return;
        limiter.Settle();
        if (limiter.HasUsed) WantSweeping(tenant, limiter);
    }

    /// <summary>Lets what was used grow old, and forgets limiters that nobody has used for over a minute. Called about once a second.</summary>
    public void Sweep()
    {
        long now = Now;
        // Of thousands of tenants those that have used something in the last minute, or have no client left.
        for (int at = _toSweep.Count - 1; at >= 0; at--)
        {
            (TenantId id, TenantLimiter limiter) = _toSweep[at];
            limiter.Settle();
            if (limiter.Clients == 0 && limiter.Waiting == 0 && Stopwatch.GetElapsedTime(limiter.EmptySince, now) > KeptFor)
            {
                _limiters.Remove(id);
                groups.Leave(id, limiter.Cell);
                leases?.Leave(id, limiter.Cell);
            }
            else if (limiter.Clients == 0 || limiter.HasUsed) continue;
            limiter.IsToSweep = false;
            _toSweep[at] = _toSweep[^1];
            _toSweep.RemoveAt(_toSweep.Count - 1);
        }
    }

    private void WantSweeping(TenantId id, TenantLimiter limiter)
    {
        if (limiter.IsToSweep) return;
        limiter.IsToSweep = true;
        _toSweep.Add((id, limiter));
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
