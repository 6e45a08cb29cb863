using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What operators see of a pool, and do to it.</summary>
internal partial class TenantPool
{
    private bool _isPaused;

    /// <summary>Nobody is lent a server: queries wait, within their time, until an operator resumes the tenant. Transactions that are open go on.</summary>
    public bool IsPaused
    {
        get => _isPaused;
        set
        {
            bool isResumed = _isPaused && !value;
            _isPaused = value;
            if (isResumed) ServeQueue();
        }
    }

    /// <summary>The servers that are this pool's own; a sealed tenant's are shared and not among them.</summary>
    public IEnumerable<ServerConnection> Servers => _connections;

    /// <summary>Servers lent, those of the shared ones among them.</summary>
    public int Lent => _lent;

    /// <summary>When the longest wait began, in reactor ticks; 0 when nobody waits.</summary>
    public long OldestWait => _waiters.First?.WaitingSince ?? 0;

    /// <summary>What the first in line waits for.</summary>
    public WaitReason WaitsFor => _waiters.Count == 0 ? WaitReason.None
        : IsPaused ? WaitReason.Paused
        : Budget.Free == 0 ? WaitReason.OwnBudget
        : _refusedPause.IsOn || _shard.IsFailing ? WaitReason.ShardAway
        : IsInShardLine ? WaitReason.ShardCap : WaitReason.Opening;

    /// <summary>Whether it stands in line for a place on the shard.</summary>
    private protected virtual bool IsInShardLine => _claim.IsInLine;

    /// <summary>True for a server that is closed when it comes back, because it was opened for what is no longer so.</summary>
    public bool IsOutdated(ServerConnection server) => server.IsCondemned || server.Generation != _generation;

    /// <summary>Opens all servers anew: idle ones are closed now, lent ones when they come back.</summary>
    public virtual void Recycle()
    {
        _generation++;
        CloseAllIdle();
        _listener?.Restart();
        Pump();
    }

    /// <summary>Ends all waits. Sessions are ended by the caller.</summary>
    public void FailWaiters(PgError error)
    {
        while (_waiters.First is { } waiter) Fail(waiter, error);
    }

    // Idle servers are there, and those in line did not get them while the pool was paused.
    private void ServeQueue()
    {
        // Whoever is lent a server may give it back, or leave the line, before the call returns: so from the head each time.
        while (FirstServable() is { } waiter)
        {
            ServerConnection server = TryCheckout(waiter.WaiterRole)!;
            CountLent(-1); // Lend counts it
            Lend(waiter, server);
        }
        Pump();
    }

    private PoolWaiter? FirstServable()
    {
        PoolWaiter? waiter = _waiters.First;
        while (waiter is not null && _idle[waiter.WaiterRole].PeekOldest() is null) waiter = waiter.NextWaiter;
        return waiter;
    }
}

/// <summary>What a query waits for.</summary>
internal enum WaitReason : byte
{
    /// <summary>Nobody waits.</summary>
    None,

    /// <summary>The operator has paused the tenant.</summary>
    Paused,

    /// <summary>All connections of the tenant's own plan are busy.</summary>
    OwnBudget,

    /// <summary>The shard's connections are all taken, by this tenant and others.</summary>
    ShardCap,

    /// <summary>The shard refused connections a moment ago; it is asked again soon.</summary>
    ShardAway,

    /// <summary>A connection is being opened or reset.</summary>
    Opening,
}
