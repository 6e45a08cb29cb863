using System.Diagnostics;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling.Scheduling;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// Whose turn it is: among the tenants that share these servers by the same rule as among all of the shard (<see cref="ShardScheduler"/>), with a slice as much shorter
/// as a reset is cheaper than a login; and what these tenants together give up to those who have servers of their own.
/// </summary>
internal sealed partial class SharedServers
{
    private long _virtualNow;
    private int _weight;
    private int _minimum;
    private int _lent;
    private long _lentSince;
    private long _served;

    // Of the tenants that wait or are lent something now: those who want nothing add nothing.
    /// <inheritdoc/>
    int IShardUser.Weight => Math.Max(1, _weight);

    // What is added up is in parts of a weight already.
    /// <inheritdoc/>
    int IShardUser.Parts => ShardClaim.WeightUnit;

    /// <inheritdoc/>
    int IShardUser.Minimum => _minimum;

    /// <inheritdoc/>
    long IShardUser.Served => _served + (_lent * (_reactor.NowTicks - _lentSince));

    // A reset takes a hundredth of what a login takes.
    private long SliceMilliseconds => Math.Max(1, (long)_options.Value.Pool.ShareQuantum.TotalMilliseconds / 100);

    /// <summary>Puts a tenant in the line of turns, if somebody of it waits.</summary>
    public void Queue(SharedSeat seat)
    {
        if (seat.IsWaiting || seat.Demand(1) == 0) return;
        Count(seat, 0);
        _turns.Add(seat);
        CountWeight(seat);
    }

    /// <inheritdoc/>
    void IShardUser.OnShardPlace() => Pump();

    /// <inheritdoc/>
    bool IShardUser.OnEvictionWanted() => _claim.YieldIdle(isAsked: true);

    /// <summary>The tenant whose turn it is and that can take a server.</summary>
    private SharedSeat? NextSeat()
    {
        while (_turns.First is { } seat)
        {
            if (seat.Demand(1) > 0) return seat;
            _turns.Remove(seat);
            CountWeight(seat);
        }
        return null;
    }

    /// <summary>Counts what the tenant has been lent until now, and what it holds from now on.</summary>
    private void Count(SharedSeat seat, int change)
    {
        long now = _reactor.NowTicks, slice = SliceMilliseconds * (Stopwatch.Frequency / 1000) / seat.Weight;
        if (change > 0) _virtualNow = Math.Max(_virtualNow, Math.Min(seat.VirtualTime, _turns.First?.VirtualTime ?? seat.VirtualTime));
        seat.VirtualTime += seat.Lent * (now - seat.CountedUpTo) / seat.Weight;
        seat.VirtualTime = Math.Clamp(seat.VirtualTime, _virtualNow - (ShardScheduler.CreditQuanta * slice), _virtualNow + (ShardScheduler.DebtQuanta * slice));
        seat.CountedUpTo = now;
        seat.Lent += change;
        seat.Key = seat.VirtualTime + (seat.Lent * slice);
        _turns.Moved(seat);
        if (change == 0) return;
        _served += _lent * (now - _lentSince);
        _lentSince = now;
        _lent += change;
        CountWeight(seat);
    }

    private void CountWeight(SharedSeat seat)
    {
        (int Weight, int Minimum) counts = seat.IsWaiting || seat.Lent > 0 ? (seat.Weight, seat.Tenant.Minimum) : default;
        _weight += counts.Weight - seat.Counted.Weight;
        _minimum += counts.Minimum - seat.Counted.Minimum;
        seat.Counted = counts;
    }

    /// <inheritdoc/>
    (ServerConnection Server, ShardPlace Place)? IServerKeeper.OldestIdle => _idle.Oldest is { } oldest ? (oldest.Server, oldest.Permit.Place) : null;

    /// <inheritdoc/>
    void IServerKeeper.CloseIdle(ServerConnection server)
    {
        if (_idle.Remove(LeaseOf(server))) CountIdle(-1);
        CloseServer(server);
    }

    /// <inheritdoc/>
    void IServerKeeper.LookAtIdle() => _claim.YieldIdle();

    private bool IsToYield(ServerConnection server) => _shard.Pressure != SharePressure.None && _claim.IsToYield(server, LeaseOf(server).Permit.Place);
}
