using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Routing;

/// <summary>The pools of one reactor: tenant to placement to pool. Touched by the reactor's thread alone.</summary>
internal sealed class Router
{
    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(1);

    private readonly Reactor _reactor;
    private readonly CurrentOptions _options;
    private readonly ServerOpener _opener;
    private readonly ShardBudgets _shards;
    private readonly TenantPlacesTable _places;
    private readonly PoolConfigs _configs;
    private readonly StatsRegistry _stats;
    private readonly TenantDirectory _tenants;
    private readonly LimiterTable _limiters;
    private readonly Dictionary<TenantId, TenantPool> _pools = [];
    private readonly List<TenantPool> _retiring = [];
    private readonly List<TenantPool> _busy = [];
    private readonly List<TenantPool> _untidy = [];
    private readonly HashSet<TenantId> _endingIdle = [];
    private readonly Dictionary<(ShardId Shard, int Role), SharedServers> _shared = [];
    private readonly WheelTimer _tidy;
    private readonly WheelTimer _watch;

    public Router(Reactor reactor, CurrentOptions options, ServerOpener opener, ShardBudgets shards, TenantPlacesTable places, PoolConfigs configs, StatsRegistry stats, TenantDirectory tenants,
        LimiterTable limiters)
    {
        _reactor = reactor;
        _options = options;
        _opener = opener;
        _shards = shards;
        _places = places;
        _configs = configs;
        _stats = stats;
        _tenants = tenants;
        _limiters = limiters;
        _tidy = new WheelTimer(static router => ((Router)router!).Tidy(), this);
        _watch = new WheelTimer(static router => ((Router)router!).Watch(), this);
    }

    /// <summary>Pools now: those of tenants with clients or server connections.</summary>
    public IReadOnlyDictionary<TenantId, TenantPool> Pools => _pools;

    /// <summary>True while the plan of a tenant that has a pool says how long a client may be idle.</summary>
    public bool HasIdleLimits => _endingIdle.Count > 0;

    /// <summary>Pools of tenants that have moved, until what they have lent comes back.</summary>
    public IReadOnlyList<TenantPool> Retiring => _retiring;

    /// <summary>Servers that sealed tenants share, by shard and user role.</summary>
    public IReadOnlyDictionary<(ShardId Shard, int Role), SharedServers> Shared => _shared;

    /// <summary>Which tenants' queries wait because an operator said so.</summary>
    public PausedTenants Paused { get; } = new();

    /// <summary>The tenant's pool, made or brought up to date.</summary>
    public TenantPool PoolOf(TenantEntry entry)
    {
        if (!_tidy.IsArmed) _reactor.Timers.Arm(_tidy, TidyInterval);
        if (!_watch.IsArmed) _reactor.Timers.Arm(_watch, WorkWatch.Interval);
        // The registry's cache hands out one object for one state, so a login of a known tenant ends here.
        if (_pools.TryGetValue(entry.Tenant.Id, out TenantPool? pool) && (ReferenceEquals(pool.Source, entry) || IsOutdated(entry, pool))) return pool;
        PoolConfig config = _configs.For(entry, _options.Value);
        if (config.Limits.ClientIdle is null) _endingIdle.Remove(config.TenantId);
        else _endingIdle.Add(config.TenantId);
        ShardBudget budget = _shards.Of(entry.Shard);
        if (pool is not null)
        {
            // A pool belongs to its shard's budget for life; a tenant that has moved gets a new one, and the old one empties.
            if (ReferenceEquals(pool.Shard, budget) && pool is SealedTenantPool == (entry.Tenant.Identity == TenantIdentity.Sealed))
            {
                if (pool is SealedTenantPool) ServersOf(entry, budget, config);
                pool.Reconfigure(config);
                pool.Source = entry;
                return pool;
            }
            _retiring.Add(pool);
        }
        TenantPool? before = pool;
        TenantStats stats = _stats.Tenant(config.Tenant, _reactor.Index);
        ShardStats shardStats = _stats.Shard(config.Shard, _reactor.Index);
        pool = entry.Tenant.Identity == TenantIdentity.Sealed
            ? new SealedTenantPool(_reactor, _options, _opener, budget, config, stats, shardStats, before, ServersOf(entry, budget, config), _places.Join(config.TenantId, budget)) { Source = entry, Recheck = Recheck, Busy = _busy, Untidy = _untidy }
            : new TenantPool(_reactor, _options, _opener, budget, config, stats, shardStats, before, _places.Join(config.TenantId, budget)) { Source = entry, Recheck = Recheck, Busy = _busy, Untidy = _untidy };
        pool.WantTidying();
        pool.IsPaused = Paused.Contains(config.Tenant);
        // One retention a tenant and reactor, whatever pools it goes through: while it has one, the directory keeps it and tells of its changes.
        TenantEntry now = before is null ? _tenants.Retain(entry) : entry;
        _pools[entry.Tenant.Id] = pool;
        before?.Retire(pool);
        return ReferenceEquals(now, entry) ? pool : CatchUp(pool, now);
    }

    /// <summary>The tenant changed between the look-up of the login that made the pool and now: that was told to those who had a pool then, so not here.</summary>
    private TenantPool CatchUp(TenantPool pool, TenantEntry now)
    {
        if (now.Tenant.IsActive) return PoolOf(now);
        Suspend(now.Tenant.Id, now.Tenant.Version, ProxyErrors.TenantSuspended());
        return pool;
    }

    /// <summary>The servers that the shard's sealed tenants share, by user role, made or brought up to date.</summary>
    private SharedServers[] ServersOf(TenantEntry entry, ShardBudget budget, PoolConfig config)
    {
        var servers = new SharedServers[config.Targets.Count];
        for (int role = 0; role < servers.Length; role++)
        {
            if (_shared.TryGetValue((entry.Shard.Id, role), out SharedServers? known)) known.Update(config.Targets[role], entry.Shard.Version);
            else
            {
                known = new SharedServers(_reactor, _options, _opener, budget, _stats.Shard(config.Shard, _reactor.Index), config.Shard, role, config.Targets[role], entry.Shard.Version);
                _shared.Add((entry.Shard.Id, role), known);
            }
            servers[role] = known;
        }
        return servers;
    }

    /// <summary>The tenant is served no more: its pool, if there is one, refuses until the registry says otherwise.</summary>
    /// <param name="id">The tenant.</param>
    /// <param name="version">The version of the tenant that says so; an older entry, which a login may still hold, does not bring it back.</param>
    /// <param name="refusal">What those who wait are told.</param>
    public void Suspend(TenantId id, long version, PgError refusal)
    {
        if (!_pools.TryGetValue(id, out TenantPool? pool)) return;
        pool.SuspendedBy = version;
        pool.Suspend(refusal);
    }

    // A login holds the entry that it found: by the time it gets here the tenant may have moved, changed or been suspended.
    private static bool IsOutdated(TenantEntry entry, TenantPool pool)
    {
        if (entry.Tenant.Version < pool.SuspendedBy) return true;
        if (pool.Source is not TenantEntry known || entry.Tenant.Version > known.Tenant.Version) return false;
        return entry.Tenant.Version < known.Tenant.Version
            || (entry.Tenant.Plan.Name == known.Tenant.Plan.Name && entry.Tenant.Plan.Version < known.Tenant.Plan.Version)
            || (entry.Shard.Id == known.Shard.Id && entry.Shard.Version < known.Shard.Version);
    }

    /// <summary>A tenant has changed: its pool, if there is one, takes that over.</summary>
    public TenantPool? Update(TenantEntry entry) => _pools.ContainsKey(entry.Tenant.Id) ? PoolOf(entry) : null;

    /// <summary>A shard refused a tenant. Either it has moved and we have not heard, or it is not let in anywhere: the registry knows.</summary>
    private void Recheck(TenantPool pool) => _ = RecheckAsync(pool);

    private async Task RecheckAsync(TenantPool pool)
    {
        var known = (TenantEntry)pool.Source!;
        TenantLookup found = default;
        try
        {
            // Away from the reactor: what comes back is posted to it, behind the change that the directory announces.
            found = await Task.Run(() => _tenants.RecheckAsync(known.Tenant.Slug).AsTask()).ConfigureAwait(false);
        }
        finally
        {
            bool isMoving = found.Entry?.Tenant.Placement.State is PlacementState.Cutover;
            _reactor.Post(state => ((TenantPool)state!).OnRechecked(isMoving), pool);
        }
    }

    private void Watch()
    {
        // Of thousands of pools those that have lent something, retiring ones among them.
        for (int at = _busy.Count - 1; at >= 0; at--)
        {
            TenantPool pool = _busy[at];
            // Query time and bytes are counted while a server is lent, and for the last time behind that.
            _limiters.Settle(pool.Config.TenantId);
            if (pool.Lent > 0)
            {
                pool.Watch();
                continue;
            }
            pool.IsWatched = false;
            _busy[at] = _busy[^1];
            _busy.RemoveAt(_busy.Count - 1);
        }
        foreach (SharedServers servers in _shared.Values) servers.Watch();
        if (_pools.Count > 0 || _retiring.Count > 0 || _shared.Count > 0) _reactor.Timers.Arm(_watch, WorkWatch.Interval);
    }

    private void Forget(TenantPool pool)
    {
        pool.LeavePlaces();
        _places.Leave(pool.Config.TenantId, pool.Shard);
    }

    private void Tidy()
    {
        // Of thousands of pools those that have more than clients alone, retiring ones among them.
        for (int at = _untidy.Count - 1; at >= 0; at--)
        {
            TenantPool pool = _untidy[at];
            pool.Tidy();
            TenantId id = pool.Config.TenantId;
            _limiters.Settle(id); // notifications reach clients that hold no server
            if (pool.IsUnused && _pools.TryGetValue(id, out TenantPool? current) && ReferenceEquals(current, pool))
            {
                _pools.Remove(id);
                _endingIdle.Remove(id);
                pool.Retire();
                Forget(pool);
                _tenants.Release(((TenantEntry)pool.Source!).Tenant.Slug);
            }
            else if (!pool.IsUnused && !pool.TryLeaveUntidy()) continue;
            _untidy[at] = _untidy[^1];
            _untidy.RemoveAt(_untidy.Count - 1);
        }
        _retiring.RemoveAll(pool =>
        {
            if (!pool.IsUnused) return false;
            Forget(pool);
            return true;
        });
        foreach (((ShardId, int) key, SharedServers servers) in _shared.ToArray())
        {
            servers.Tidy();
            if (!servers.IsUnused) continue;
            servers.Retire();
            _shared.Remove(key);
        }
        if (_pools.Count > 0 || _retiring.Count > 0 || _shared.Count > 0) _reactor.Timers.Arm(_tidy, TidyInterval);
    }
}
