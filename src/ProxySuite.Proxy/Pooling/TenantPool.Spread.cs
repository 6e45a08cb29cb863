using ProxySuite.Proxy.Backend;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What the pool gives up to the tenant's pools on other reactors. While nobody there lacks a connection: one read, nothing else.</summary>
internal partial class TenantPool
{
    // How long a no holds: while all reactors are busy, not every query is worth a look.
    private protected const long LookAgainMilliseconds = 5;

    private long _lookAt;

    private protected long Now => _reactor.NowMilliseconds;

    private protected TimeSpan ShareQuantum => _options.Value.Pool.ShareQuantum;

    /// <summary>Clients that keep a server beyond their transactions, on all reactors.</summary>
    public int PinnedInAll => Shared.PinnedInAll;

    /// <summary>How many reactors the tenant's weight is divided between; from 1.</summary>
    public int Parts => Shared.Parts;

    /// <summary>Its part in what the tenant has on all reactors.</summary>
    private protected virtual TenantBudget Shared => Budget;

    /// <summary>It takes part no more.</summary>
    public virtual void LeavePlaces() => Budget.End();

    /// <summary>Takes over the limit of the tenant's server connections.</summary>
    private protected virtual void SetLimit(int connections) => Budget.Total = connections;

    /// <summary>Has <see cref="MoveIdleOver"/> called in a moment.</summary>
    private protected void LookAgainSoon() => _claim.ArmYield();

    /// <summary>A client keeps its server from now on.</summary>
    public void AddPinned(PoolWaiter user)
    {
        Pinned.Add(user);
        WantTidying();
        Shared.Pinned = Pinned.Count;
    }

    /// <summary>And no longer.</summary>
    public void RemovePinned(PoolWaiter user)
    {
        Pinned.Remove(user);
        Shared.Pinned = Pinned.Count;
    }

    /// <inheritdoc/>
    int IPlaceUser.WaitingHint => _waiters.Count;

    /// <inheritdoc/>
    void IPlaceUser.OnPlaceFree() => _reactor.Post(static pool => ((TenantPool)pool!).Pump(), this);

    /// <inheritdoc/>
    void IPlaceUser.OnPlaceWanted() => _reactor.Post(static pool => ((TenantPool)pool!).MoveIdleOver(), this);

    /// <summary>True when a server at rest is to be closed, so that one can be opened on another reactor.</summary>
    private bool IsToMoveOver(ServerConnection server)
    {
        long now = _reactor.NowMilliseconds;
        if (now < _lookAt) return false;
        // With nobody in line it would be idle next.
        if (Budget.TryYield(hasServed: now >= server.ShareUntil, _waiters.Count == 0 ? TimeSpan.Zero : null, ShareQuantum)) return true;
        _lookAt = now + LookAgainMilliseconds;
        return false;
    }

    /// <summary>Gives up idle servers that another reactor lacks, the longest idle first; looks again in a moment when it kept some.</summary>
    private protected virtual void MoveIdleOver()
    {
        while (IsOverdrawn && _idleTotal > 0) EvictOne();
        while (Budget.IsWantedElsewhere && OldestIdle() is { } oldest)
        {
            if (!Budget.TryYield(hasServed: true, TimeSpan.FromMilliseconds(_reactor.NowMilliseconds - oldest.LastUsedAt), ShareQuantum))
            {
                _claim.ArmYield();
                break;
            }
            CloseIdle(oldest);
        }
    }
}
