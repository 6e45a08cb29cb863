using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The server connections of one shared login role of a shard, on one reactor: lent to whichever sealed tenant's turn it is, preferably to the one that had
/// them last. Everything here runs on the reactor's thread; only the shard's budget is shared.
/// </summary>
/// <remarks>
/// A server changes hands only after a DISCARD ALL that it has confirmed (<see cref="ServerSeal"/>). A server stays with its tenant for a slice, because changing
/// hands costs a round trip, and then goes to whoever has been served least for its weight. While a tenant with budget waits, no server that could be brought to it is idle.
/// Files: this one lends and takes back; .Turns.cs says whose turn it is, here and among all of the shard; .Opening.cs opens, closes and watches.
/// </remarks>
internal sealed partial class SharedServers : IServerOwner, IServerKeeper
{
    private readonly Reactor _reactor;
    private readonly CurrentOptions _options;
    private readonly ServerOpener _opener;
    private readonly ShardBudget _shard;
    private readonly ShardClaim _claim;
    private readonly ShardStats _stats;
    private readonly string _shardName;
    private readonly int _role;
    private readonly TenantBudget _all = new() { Total = int.MaxValue };
    private readonly HashSet<SharedLease> _leases = [];
    private readonly SharedIdle _idle = new();
    private readonly FairLine<SharedSeat> _turns = new();
    private readonly FrameWriter _scratch = new();
    private readonly Interner<ParameterSnapshot> _parameters = new();
    private BackendTarget _target;
    private long _version;
    private int _generation;
    private int _resetting;
    private bool _isPumping;

    public SharedServers(
        Reactor reactor, CurrentOptions options, ServerOpener opener, ShardBudget shard, ShardStats stats, string shardName, int role, BackendTarget target, long version)
    {
        _reactor = reactor;
        _options = options;
        _opener = opener;
        _shard = shard;
        _claim = new ShardClaim(shard, reactor, this);
        _stats = stats;
        _shardName = shardName;
        _role = role;
        _target = target;
        _version = version;
        _refusedPause = new RetryPause(reactor, TenantPool.RefusedMin, TenantPool.RefusedMax, Pump);
    }

    /// <summary>What a server reported at login: what new clients are told.</summary>
    public ParameterSnapshot? Welcome { get; private set; }

    /// <summary>Tenants' pools that take servers from here.</summary>
    public int Tenants { get; set; }

    /// <summary>True when nothing is left that would be lost by forgetting it.</summary>
    public bool IsUnused => Tenants == 0 && _leases.Count == 0 && _opening == 0;

    /// <summary>Connections idle, lent or being reset, being opened; waiting is the tenants' own.</summary>
    public PoolCounts Counts => new(_idle.Count, _leases.Count - _idle.Count, _opening);

    /// <summary>Permits out.</summary>
    public int Leased => _all.Leased;

    /// <summary>Lends an idle server that is the tenant's already, or nobody's.</summary>
    public ServerConnection? TryTake(SealedTenantPool tenant)
    {
        if (TakeIdleFor(tenant.Tenant) is not { } lease) return null;
        lease.Server.LentAt = _reactor.NowTicks;
        Hold(lease, tenant.Seat(_role));
        tenant.TakePlace();
        return lease.Server;
    }

    /// <summary>The tenant's place in its budget is free again.</summary>
    public void ReturnPlace(ServerConnection server)
    {
        SharedLease lease = LeaseOf(server);
        if (lease.Holder is not { } holder) return;
        lease.Holder = null;
        holder.LastHadAt = _reactor.NowMilliseconds;
        Count(holder, -1);
        holder.Tenant.PlaceReturned();
    }

    /// <summary>Takes a server back that nobody holds. Its state decides: lent again, reset first, or closed.</summary>
    public void TakeBack(ServerConnection server)
    {
        server.LastUsedAt = _reactor.NowMilliseconds;
        _stats.LentTime.Record(_reactor.NowTicks - server.LentAt);
        if (!server.Ledger.IsFree || server.IsCondemned || server.Generation != _generation || IsWornOut(server))
        {
            CloseServer(server);
            return;
        }
        if (server.CancelsUnderWay > 0)
        {
            server.Park(Deadline());
            return;
        }
        if (!server.IsDirty && _options.Value.Pool.ServerReset != ServerReset.Always) Offer(server);
        else if (IsToYield(server)) CloseServer(server);
        else Reset(server);
    }

    /// <inheritdoc/>
    void IServerOwner.OnCancelsOver(ServerConnection server)
    {
        if (server.IsCondemned) CloseServer(server);
        else Reset(server);
    }

    /// <inheritdoc/>
    void IServerOwner.OnReset(ServerConnection server)
    {
        server.OverdueAt = 0;
        EndReset(LeaseOf(server));
        server.Seal!.Clear();
        if (server.IsCondemned || server.Generation != _generation || IsWornOut(server)) CloseServer(server);
        else Offer(server);
        Pump();
    }

    /// <summary>A server that is nobody's, or its last tenant's: to the one whose turn it is, by way of a reset where that is another; else idle.</summary>
    private void Offer(ServerConnection server)
    {
        if (IsToYield(server))
        {
            CloseServer(server);
            return;
        }
        SharedLease lease = LeaseOf(server);
        if (NextSeat() is { } next)
        {
            if (server.Seal!.Tenant is not { } last || last == next.Tenant.Tenant)
            {
                Give(next, lease, isNewSlice: true);
                return;
            }
            SharedSeat? own = lease.Last is { IsWaiting: true } seat && seat.Demand(1) > 0 ? seat : null;
            // Its slice is not over, or enough is on its way to those before it: then its own tenant goes on with it.
            if (own is not null && _reactor.NowMilliseconds < lease.SliceUntil)
            {
                Give(own, lease, isNewSlice: false);
                return;
            }
            if (DemandBeside(last, OnTheirWay + 1) > OnTheirWay)
            {
                HandOver(lease);
                return;
            }
            if (own is not null)
            {
                Give(own, lease, isNewSlice: true);
                return;
            }
        }
        _idle.Add(lease, server.Seal!.Tenant);
        CountIdle(+1);
        // Whoever has a use for it comes back within a moment, or it goes to those who wait.
        if (_shard.Pressure != SharePressure.None) _claim.ArmYield();
    }

    // Asked at each transaction: from the server itself, where a dictionary of hundreds is out of the processor's caches.
    private static SharedLease LeaseOf(ServerConnection server) => (SharedLease)server.Kept!;

    private void Give(SharedSeat seat, SharedLease lease, bool isNewSlice)
    {
        if (isNewSlice) lease.SliceUntil = _reactor.NowMilliseconds + SliceMilliseconds;
        Hold(lease, seat);
        seat.Tenant.Serve(_role, lease.Server);
    }

    private void Hold(SharedLease lease, SharedSeat seat)
    {
        lease.Server.Seal!.LendTo(seat.Tenant.Tenant);
        lease.Holder = lease.Last = seat;
        Count(seat, +1);
    }

    /// <summary>Servers that will serve somebody who waits. What is opened so that tenants keep theirs is not waited for.</summary>
    private int OnTheirWay => _opening - _growing + _resetting;

    /// <summary>Waiters of all tenants but one that could be served, counted up to a bound.</summary>
    private int DemandBeside(TenantId? tenant, int most)
    {
        int demand = 0;
        foreach (SharedSeat seat in _turns.All)
        {
            if (demand >= most) break;
            if (seat.Tenant.Tenant != tenant) demand += seat.Demand(most - demand);
        }
        return demand;
    }

    private SharedLease? TakeIdleFor(TenantId tenant)
    {
        if (_idle.Take(tenant, newest: _options.Value.Pool.ServerChoice == ServerChoice.Lifo) is not { } lease) return null;
        CountIdle(-1);
        return lease;
    }

    private SharedLease? TakeOldestIdle()
    {
        if (_idle.TakeOldest() is not { } lease) return null;
        CountIdle(-1);
        return lease;
    }

    /// <summary>Another tenant is to have it: nobody's first.</summary>
    private void HandOver(SharedLease lease)
    {
        _stats.ChangesOfHands++;
        Reset(lease.Server);
    }

    private void Reset(ServerConnection server)
    {
        LeaseOf(server).IsResetting = true;
        _resetting++;
        server.OverdueAt = Deadline();
        server.Reset(_scratch);
    }

    private void EndReset(SharedLease lease)
    {
        if (!lease.IsResetting) return;
        lease.IsResetting = false;
        _resetting--;
    }

    private bool IsWornOut(ServerConnection server)
    {
        PoolOptions options = _options.Value.Pool;
        return (options.ServerLifetime > TimeSpan.Zero && _reactor.NowMilliseconds - server.OpenedAt > options.ServerLifetime.TotalMilliseconds)
            || (options.ServerTenantsMax > 0 && server.Seal!.TenantsServed >= options.ServerTenantsMax);
    }

    private long Deadline() => _reactor.NowMilliseconds + (long)_options.Value.Pool.CancelTimeout.TotalMilliseconds;
}
