using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Somebody who can stand in a tenant's queue. The links are part of the object, so standing in line allocates nothing.</summary>
internal abstract class PoolWaiter
{
    internal PoolWaiter? NextWaiter;
    internal PoolWaiter? PreviousWaiter;

    /// <summary>True while in a queue. Whoever takes it out is the one owner of what happens next: hand-over, time-out, or the client's leaving.</summary>
    internal bool IsWaiting;

    /// <summary>Which of the tenant's backend roles it needs.</summary>
    internal int WaiterRole;

    /// <summary>Reactor time in Stopwatch ticks at which it began to wait.</summary>
    internal long WaitingSince;

    /// <summary>Reactor time in milliseconds at which it gives up.</summary>
    internal long WaitDeadline;

    /// <summary>It was told that it waits for long.</summary>
    internal bool IsNoticeSent;

    /// <summary>The wait is over: the server is lent to this waiter.</summary>
    internal abstract void OnServerLent(ServerConnection server);

    /// <summary>The wait is over without a server.</summary>
    internal abstract void OnWaitFailed(PgError error);

    /// <summary>The wait has lasted for Pool:QueueNoticeAfter and goes on. Called once a wait; the waiter stays in line.</summary>
    internal virtual void OnLongWait(PgError notice)
    {
    }

    /// <summary>It is among <see cref="TenantPool.Pinned"/>. Called about once a second.</summary>
    /// <param name="now">Reactor time in milliseconds.</param>
    internal virtual void OnPinTick(long now)
    {
    }

    /// <summary>The pool takes no more part in anything; the tenant lives on in <paramref name="successor"/>. The waiter is out of the line.</summary>
    internal abstract void OnPoolReplaced(TenantPool successor);
}

/// <summary>First come, first served within a tenant.</summary>
internal sealed class WaiterQueue
{
    private PoolWaiter? _last;
    private int[] _byRole = new int[4];

    /// <summary>Number of waiters.</summary>
    public int Count { get; private set; }

    /// <summary>The one who waits longest.</summary>
    public PoolWaiter? First { get; private set; }

    /// <summary>How many of them need a role.</summary>
    public int CountOf(int role) => role < _byRole.Length ? _byRole[role] : 0;

    /// <summary>Puts a waiter at the end.</summary>
    public void Add(PoolWaiter waiter)
    {
        if (waiter.IsWaiting) throw new InvalidOperationException("a waiter stands in a queue twice");
        waiter.IsWaiting = true;
        waiter.PreviousWaiter = _last;
        waiter.NextWaiter = null;
        if (_last is null) First = waiter;
        else _last.NextWaiter = waiter;
        _last = waiter;
        Count++;
        if (waiter.WaiterRole >= _byRole.Length) Array.Resize(ref _byRole, waiter.WaiterRole + 1);
        _byRole[waiter.WaiterRole]++;
    }

    /// <summary>Takes a waiter out, wherever it stands.</summary>
    /// <returns>False when somebody else has taken it out before.</returns>
    public bool Remove(PoolWaiter waiter)
    {
        if (!waiter.IsWaiting) return false;
        waiter.IsWaiting = false;
        if (waiter.PreviousWaiter is null) First = waiter.NextWaiter;
        else waiter.PreviousWaiter.NextWaiter = waiter.NextWaiter;
        if (waiter.NextWaiter is null) _last = waiter.PreviousWaiter;
        else waiter.NextWaiter.PreviousWaiter = waiter.PreviousWaiter;
        waiter.NextWaiter = waiter.PreviousWaiter = null;
        Count--;
        _byRole[waiter.WaiterRole]--;
        return true;
    }
}
