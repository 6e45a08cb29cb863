using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Brings servers to those who wait, by reset or by opening, and closes and watches them.</summary>
internal sealed partial class SharedServers
{
    private readonly RetryPause _refusedPause;
    private readonly List<(ServerConnection Server, Overdue Overdue)> _overdue = [];
    private int _opening;
    private int _growing; // of those being opened, the ones that nobody waits for

    /// <summary>Sees that as many servers are on their way as are waited for.</summary>
    public void Pump()
    {
        // Whoever is lent a server may give it back before the call returns.
        if (_isPumping) return;
        _isPumping = true;
        while (NextSeat() is { } seat && TakeIdleFor(seat.Tenant.Tenant) is { } lease) Give(seat, lease, isNewSlice: true);
        while (DemandBeside(null, OnTheirWay + 1) > OnTheirWay)
        {
            // Another tenant's that is idle: a round trip, where a login takes a hundred.
            if (TakeOldestIdle() is { } oldest)
            {
                Grow();
                HandOver(oldest);
                continue;
            }
            if (_refusedPause.IsOn || _claim.TryTake() is not { } place) break;
            _ = OpenAsync(new ServerPermit(_all, place));
        }
        if (DemandBeside(null, 1) == 0) _claim.StepOut();
        _isPumping = false;
    }

    /// <summary>
    /// A tenant that is back within a quantum finds its server with another: then they are too few for those who are active. While the shard has a place that nobody
    /// waits for, free or left idle, one more is opened, so that tenants come to keep theirs instead of taking them from each other at each query.
    /// </summary>
    private void Grow()
    {
        if (_growing > 0 || _refusedPause.IsOn || NextSeat() is not { } seat) return;
        if (_reactor.NowMilliseconds - seat.LastHadAt > _options.Value.Pool.ShareQuantum.TotalMilliseconds || _claim.TryGrow() is not { } place) return;
        _growing++;
        _ = OpenAsync(new ServerPermit(_all, place), isGrowth: true);
    }

    /// <summary>Takes over what a newer state of the shard says: another key at once, another place for the connections that are opened from now on.</summary>
    public void Update(BackendTarget target, long version)
    {
        if (version <= _version) return;
        _version = version;
        bool isOtherPlace = !_target.EndPoints.SequenceEqual(target.EndPoints) || _target.Tls != target.Tls || !_target.Settings.SequenceEqual(target.Settings);
        _target.Seals!.Key = target.Seals!.Key;
        _target = target with { Seals = _target.Seals };
        if (!isOtherPlace) return;
        _generation++;
        _refusedPause.Forget();
        Welcome = null;
        CloseAllIdle();
        Pump();
    }

    /// <summary>Closes what is idle for too long, worn out, or overdue. Called about once a second.</summary>
    public void Tidy()
    {
        TimeSpan idleMax = _options.Value.Pool.ServerIdleTimeout;
        long now = _reactor.NowMilliseconds;
        for (SharedLease? lease = _idle.Oldest, next; lease is not null; lease = next)
        {
            next = lease.Newer;
            if ((idleMax <= TimeSpan.Zero || now - lease.Server.LastUsedAt <= idleMax.TotalMilliseconds) && !IsWornOut(lease.Server)) continue;
            _idle.Remove(lease);
            CountIdle(-1);
            CloseServer(lease.Server);
        }
        List<ServerConnection>? overdue = null;
        foreach (SharedLease lease in _leases)
        {
            if (lease.Server.OverdueAt > 0 && now > lease.Server.OverdueAt) (overdue ??= []).Add(lease.Server);
        }
        // A reset without an answer, a cancelled query that goes on, a server that does not hang up: no state worth waiting for.
        if (overdue is null) return;
        foreach (ServerConnection server in overdue) server.Abort();
    }

    /// <inheritdoc cref="TenantPool.Watch"/>
    public void Watch()
    {
        long now = _reactor.NowMilliseconds, cancel = (long)_options.Value.Pool.CancelTimeout.TotalMilliseconds;
        foreach (SharedLease lease in _leases)
        {
            ServerConnection server = lease.Server;
            if (server.User is null || server.IsClosed || lease.Holder is not { } holder) continue;
            Overdue overdue = WorkWatch.Look(ref server.Work, server.Ledger, now, holder.Tenant.Config.Limits, cancel);
            if (overdue != Overdue.None) _overdue.Add((server, overdue));
        }
        if (_overdue.Count == 0) return;
        foreach ((ServerConnection server, Overdue overdue) in _overdue) server.User?.OnOverdue(server, overdue);
        _overdue.Clear();
    }

    /// <summary>No tenant is left: idle servers are closed, and the shard's sharing goes on without this.</summary>
    public void Retire()
    {
        CloseAllIdle();
        _claim.StepOut();
    }

    /// <summary>Says good-bye; the permit comes back when the server has hung up.</summary>
    /// <param name="server">The server.</param>
    /// <param name="isAtBoundary">False in the middle of a message.</param>
    public void CloseServer(ServerConnection server, bool isAtBoundary = true)
    {
        if (server.State != ServerState.Open) return;
        server.OverdueAt = Deadline();
        server.IsLeaving = true;
        if (isAtBoundary && server.Ledger.IsFree && server.Kept is SharedLease lease) lease.Permit.Place.Leave();
        if (isAtBoundary) server.Close();
        else server.Cut();
    }

    /// <inheritdoc/>
    void IServerOwner.OnServerClosed(ServerConnection server)
    {
        if (!server.IsLeaving) _stats.Faults++;
        if (server.Kept is SharedLease lease && _leases.Remove(lease))
        {
            if (_idle.Forget(lease)) CountIdle(-1);
            EndReset(lease);
            lease.Permit.Dispose();
            if (lease.Holder is { } holder)
            {
                lease.Holder = null;
                Count(holder, -1);
                holder.Tenant.PlaceReturned();
                holder.Tenant.OnPlaceFree();
            }
        }
        Pump();
    }

    private async Task OpenAsync(ServerPermit permit, bool isGrowth = false)
    {
        CountOpening(+1);
        (ServerConnection? server, OpenFailure? failure) = await permit.OpenAsync(
            _opener.OpenAsync(_reactor, _target, this, _parameters, _role, _generation, _options.Value), _stats);
        CountOpening(-1);
        if (isGrowth) _growing--;
        if (server is null)
        {
            OnOpenFailed(failure!);
            return;
        }
        _claim.BeginQuantum(server);
        _refusedPause.Forget();
        SharedLease lease = new(server, permit);
        server.Kept = lease;
        _leases.Add(lease);
        Welcome = server.Parameters;
        foreach (SharedSeat seat in _turns.All) seat.Tenant.NoteFailure(null);
        if (server.Generation == _generation) Offer(server);
        else CloseServer(server);
        Pump();
    }

    private void OnOpenFailed(OpenFailure failure)
    {
        _refusedPause.CountFailure();
        PgError error = ProxyErrors.ShardUnavailable();
        _opener.LogFailure("sealed", _shardName, _target.Role, failure);
        foreach (SharedSeat seat in _turns.All.ToArray())
        {
            seat.Tenant.NoteFailure(error);
            // A refusal of the login itself will not go away by waiting; anything else may, within the waiter's own deadline.
            if (failure.IsPermanent) seat.Tenant.FailRole(_role, error);
        }
        if (DemandBeside(null, 1) == 0) return;
        if (!failure.IsPermanent)
        {
            Pump();
            return;
        }
        _refusedPause.Begin();
    }

    private void CloseAllIdle()
    {
        while (TakeOldestIdle() is { } lease) CloseServer(lease.Server);
    }

    private void CountIdle(int change)
    {
        _claim.NoteIdle(_idle.Count > 0);
        _stats.ServersIdle += change;
    }

    private void CountOpening(int change)
    {
        _opening += change;
        _stats.ServersOpening += change;
    }
}
