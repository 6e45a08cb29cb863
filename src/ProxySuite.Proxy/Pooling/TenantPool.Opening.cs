using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Opening server connections: as many as are waited for, within the tenant's budget and the shard's, and with back-off while the shard refuses.</summary>
internal partial class TenantPool
{
    /// <summary>Shortest and longest pause behind a login that was refused for good.</summary>
    internal static readonly TimeSpan RefusedMin = TimeSpan.FromMilliseconds(50), RefusedMax = TimeSpan.FromSeconds(2);

    private readonly RetryPause _refusedPause;
    private bool _isRechecking;
    private uint _refusedRoles; // since the registry was asked anew
    private int _recheckedGeneration;

    /// <summary>Why the last attempt to open a connection failed; null when it did not.</summary>
    private protected PgError? LastFailure
    {
        // A shard that is known to be away is not knocked at by each pool to hear so.
        get => field ?? (_shard.IsFailing ? ProxyErrors.ShardUnavailable() : null);
        set;
    }

    /// <summary>Opens what the waiters need and the budgets allow.</summary>
    private protected virtual void Pump()
    {
        int lacking = 0;
        while (!IsPaused && !_refusedPause.IsOn && !_isRechecking && FirstUnserved() is { } waiter)
        {
            if (!Budget.TryTake())
            {
                // Every permit is out; one that an idle server of another role holds is worth more to the one who waits.
                if (_leaving == 0) CloseIdleOfAnotherRole(waiter.WaiterRole);
                lacking = Math.Max(1, _waiters.Count - _openingTotal);
                break;
            }
            if (_claim.TryTake() is not { } place)
            {
                Budget.Return();
                // The place that is missing may be held by an idle server of this very tenant.
                if (_leaving == 0) CloseIdleOfAnotherRole(waiter.WaiterRole);
                break;
            }
            _ = OpenAsync(waiter.WaiterRole, new ServerPermit(Budget, place, isTaken: true));
        }
        Budget.Want(lacking);
        if (_waiters.Count == 0 || Budget.Free == 0 || lacking > 0 || IsPaused) _claim.StepOut();
    }

    /// <summary>The first in line for whom no connection is being opened yet.</summary>
    private PoolWaiter? FirstUnserved()
    {
        if (_waiters.Count <= _openingTotal && _opening.Length == 1) return null;
        Span<int> coming = stackalloc int[_opening.Length];
        _opening.CopyTo(coming);
        for (PoolWaiter? waiter = _waiters.First; waiter is not null; waiter = waiter.NextWaiter)
        {
            if (coming[waiter.WaiterRole]-- <= 0) return waiter;
        }
        return null;
    }

    private void CloseIdleOfAnotherRole(int role)
    {
        ServerConnection? oldest = null;
        for (int other = 0; other < _idle.Length; other++)
        {
            if (other == role || _idle[other].PeekOldest() is not { } candidate) continue;
            if (oldest is null || candidate.LastUsedAt < oldest.LastUsedAt) oldest = candidate;
        }
        if (oldest is not null) CloseIdle(oldest);
    }

    private void CloseIdle(ServerConnection server)
    {
        if (_idle[server.RoleIndex].Remove(server)) CountIdle(-1);
        CloseServer(server);
    }

    private async Task OpenAsync(int role, ServerPermit permit)
    {
        CountOpening(role, +1);
        (ServerConnection? server, OpenFailure? failure) = await permit.OpenAsync(
            _opener.OpenAsync(_reactor, Config.Targets[role], this, Parameters, role, _generation, _options.Value), ShardStats);
        CountOpening(role, -1);
        if (server is null)
        {
            OnOpenFailed(role, failure!);
            return;
        }
        _claim.BeginQuantum(server);
        _refusedPause.Forget();
        LastFailure = null;
        server.Kept = permit;
        _connections.Add(server);
        WantTidying();
        Budget.NoteOpened(server.CancelKey.ProcessId, server.RemoteEndPoint);
        Welcome[role] = server.Parameters;
        if (server.Generation == _generation && !IsOverdrawn) Offer(server);
        else CloseServer(server);
        Pump();
    }

    private void OnOpenFailed(int role, OpenFailure failure)
    {
        _refusedPause.CountFailure();
        LastFailure = ProxyErrors.ShardUnavailable();
        _opener.LogFailure(Config.Tenant, Config.Shard, Config.Targets[role].Role, failure);
        if (failure.MayHaveMoved && Recheck is not null && _waiters.Count > 0 && Successor is null)
        {
            // Nothing was sent yet, so those who wait lose nothing by waiting for the registry's word.
            _refusedRoles |= 1u << role;
            if (_isRechecking) return;
            _isRechecking = true;
            _recheckedGeneration = _generation;
            Recheck(this);
            return;
        }
        FailOrRetry(role, failure.IsPermanent);
    }

    /// <summary>An error of the shard says that the tenant is not served there: the registry is asked, and no server is opened before it has answered.</summary>
    public void OnNotServedHere()
    {
        if (Recheck is null || _isRechecking || Successor is not null) return;
        _isRechecking = true;
        _recheckedGeneration = _generation;
        Recheck(this);
    }

    /// <summary>The registry has answered: a change, if there was one, has reached this pool before this call.</summary>
    /// <param name="isMoving">The tenant is about to change hands: its new place is not known yet.</param>
    public void OnRechecked(bool isMoving)
    {
        uint refused = _refusedRoles;
        _refusedRoles = 0;
        _isRechecking = false;
        if (Successor is not null) return;
        if (_generation != _recheckedGeneration || isMoving)
        {
            if (isMoving) _refusedPause.Begin(RefusedMin);
            Pump();
            return;
        }
        if (refused == 0)
        {
            Pump();
            return;
        }
        // It lives where we knocked, and is not let in: that is what clients are told.
        for (int role = 0; role < _opening.Length; role++)
        {
            if ((refused & (1u << role)) != 0) FailOrRetry(role, isPermanent: true);
        }
    }

    private void FailOrRetry(int role, bool isPermanent)
    {
        // A refusal of the login itself will not go away by waiting, and is this tenant's alone; anything else may, within the waiter's own deadline.
        if (isPermanent)
        {
            for (PoolWaiter? waiter = _waiters.First; waiter is not null;)
            {
                PoolWaiter? next = waiter.NextWaiter;
                if (waiter.WaiterRole == role) Fail(waiter, LastFailure ?? ProxyErrors.ShardUnavailable());
                waiter = next;
            }
        }
        if (_waiters.Count == 0) return;
        if (!isPermanent)
        {
            // When the shard is knocked at again is the shard's pace: one back-off for all its pools.
            Pump();
            return;
        }
        _refusedPause.Begin();
    }

    private void CountOpening(int role, int change)
    {
        _opening[role] += change;
        _openingTotal += change;
        Stats.ServersOpening += change;
        ShardStats.ServersOpening += change;
    }

    /// <inheritdoc/>
    void IShardUser.OnShardPlace() => Pump();

    private void EvictOne()
    {
        if (OldestIdle() is { } oldest) CloseIdle(oldest);
    }

    private ServerConnection? OldestIdle()
    {
        ServerConnection? oldest = null;
        foreach (IdleServers idle in _idle)
        {
            if (idle.PeekOldest() is { } candidate && (oldest is null || candidate.LastUsedAt < oldest.LastUsedAt)) oldest = candidate;
        }
        return oldest;
    }
}
