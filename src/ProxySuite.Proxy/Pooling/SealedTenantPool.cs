using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The pool of a tenant with identity sealed: its queue, budget and statistics are its own, its servers belong to all sealed tenants of the shard
/// (<see cref="SharedServers"/>). Runs on one reactor.
/// </summary>
internal sealed partial class SealedTenantPool : TenantPool
{
    private readonly SharedServers[] _servers;
    private readonly SharedSeat[] _seats;
    private bool _isRetired;

    /// <inheritdoc cref="TenantPool(Reactor, CurrentOptions, ServerOpener, ShardBudget, PoolConfig, TenantStats, ShardStats, TenantPool, TenantPlaces)"/>
    /// <param name="servers">The shared servers, by <see cref="UserRole"/>.</param>
    /// <param name="places">The tenant's limit, over all reactors.</param>
    public SealedTenantPool(
        Reactor reactor, CurrentOptions options, ServerOpener opener, ShardBudget shard, PoolConfig config, TenantStats stats, ShardStats shardStats, TenantPool? predecessor,
        SharedServers[] servers, TenantPlaces places)
        : base(reactor, options, opener, shard, config, stats, shardStats, predecessor)
    {
        _servers = servers;
        _held = new TenantBudget(places, this) { Total = config.Connections };
        _seats = [.. servers.Select((_, role) => new SharedSeat(this, role))];
        Base = Settings.Intern(config.Base);
        for (int role = 0; role < servers.Length; role++)
        {
            servers[role].Tenants++;
            Welcome[role] = servers[role].Welcome;
        }
    }

    /// <summary>The tenant.</summary>
    public TenantId Tenant => Config.TenantId;

    /// <inheritdoc/>
    public override void Reconfigure(PoolConfig config)
    {
        Base = Settings.Intern(config.Base);
        base.Reconfigure(config);
    }

    /// <inheritdoc/>
    private protected override bool IsInShardLine => _servers.Any(static servers => servers.IsInShardLine);

    /// <inheritdoc/>
    public override void Recycle()
    {
        foreach (SharedServers servers in _servers) servers.Recycle();
    }

    /// <inheritdoc/>
    public override ServerConnection? TryCheckout(int role)
        => Budget.Free > 0 && WaitingCount == 0 && Refusal is null && !IsPaused ? _servers[role].TryTake(this) : null;

    /// <inheritdoc/>
    public override void Checkin(ServerConnection server)
    {
        server.Unlink();
        CountLent(-1);
        if (server.IsClosed) return;
        SharedServers servers = _servers[server.RoleIndex];
        servers.ReturnPlace(server);
        if (WaitingCount == 0)
        {
            // Nobody of this tenant waits: what changes is a server of one role.
            _held!.Want(0);
            servers.TakeBack(server);
            servers.Pump();
            return;
        }
        foreach (SharedSeat seat in _seats) _servers[seat.Role].Queue(seat);
        servers.TakeBack(server);
        Pump();
    }

    /// <inheritdoc/>
    public override void Abandon(ServerConnection server, bool isAtBoundary)
    {
        server.Unlink();
        CountLent(-1);
        // The tenant's place is given back when the server has hung up.
        if (server.State != ServerState.Closed) _servers[server.RoleIndex].CloseServer(server, isAtBoundary);
    }

    /// <inheritdoc/>
    public override void Retire(TenantPool? successor = null)
    {
        base.Retire(successor);
        if (_isRetired) return;
        _isRetired = true;
        foreach (SharedServers servers in _servers) servers.Tenants--;
    }

    /// <inheritdoc/>
    private protected override void Pump()
    {
        // During the base's construction there is nobody to serve.
        if (_seats is null) return;
        TakePlaces();
        foreach (SharedSeat seat in _seats)
        {
            _servers[seat.Role].Queue(seat);
            _servers[seat.Role].Pump();
        }
    }

    /// <summary>Its place among those that wait for servers of one role.</summary>
    public SharedSeat Seat(int role) => _seats[role];

    /// <summary>Waiters of one role, counted up to a bound.</summary>
    public int CountWaiting(int role, int most) => IsPaused ? 0 : Math.Min(most, CountOf(role));

    /// <summary>Takes a place of the budget for a server that is lent without a wait.</summary>
    public void TakePlace()
    {
        Budget.Take();
        CountLent(+1);
    }

    /// <summary>The tenant's place is free again: the server came back, or has hung up.</summary>
    public void PlaceReturned()
    {
        Budget.Return();
        _usedAt = Now;
        GivePlaces();
    }

    /// <summary>Servers may be lent again that the budget had kept back.</summary>
    public void OnPlaceFree() => Pump();

    /// <summary>Gives a server to the first in line for its role.</summary>
    public void Serve(int role, ServerConnection server)
    {
        PoolWaiter? waiter = FirstWaiter;
        while (waiter!.WaiterRole != role) waiter = waiter.NextWaiter;
        Budget.Take();
        Lend(waiter, server);
    }

    /// <summary>The shard refuses logins of a role, and will go on to: whoever waits for it hears of it.</summary>
    public void FailRole(int role, PgError error)
    {
        for (PoolWaiter? waiter = FirstWaiter; waiter is not null;)
        {
            PoolWaiter? next = waiter.NextWaiter;
            if (waiter.WaiterRole == role) Fail(waiter, error);
            waiter = next;
        }
    }

    /// <summary>What those are told whose wait runs out: the reason, as far as the pool knows it.</summary>
    public void NoteFailure(PgError? error) => LastFailure = error;
}
