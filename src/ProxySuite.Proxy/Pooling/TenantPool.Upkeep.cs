using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What the janitor and changes of the registry do to a pool.</summary>
internal partial class TenantPool
{
    private readonly List<(ServerConnection Server, Overdue Overdue)> _overdue = [];

    /// <summary>Takes over a changed plan, placement or credential: idle servers opened for other ones are closed now, lent ones at check-in.</summary>
    public virtual void Reconfigure(PoolConfig config)
    {
        bool isOtherBackend = config.Fingerprint != Config.Fingerprint;
        Config = config;
        Refusal = null;
        SetLimit(config.Connections);
        if (isOtherBackend)
        {
            _generation++;
            _refusedPause.Forget();
            Array.Clear(Welcome);
            CloseAllIdle();
            _listener?.Restart();
        }
        while (IsOverdrawn && _idleTotal > 0) EvictOne();
        Pump();
    }

    /// <summary>Puts itself among those that <see cref="Tidy"/> is called for.</summary>
    public void WantTidying()
    {
        if (IsUntidy || Untidy is null) return;
        IsUntidy = true;
        Untidy.Add(this);
    }

    /// <summary>Nobody calls <see cref="Tidy"/> any more until there is something to look at: a server, a waiter, a listener, a pinned client, or no client at all.</summary>
    /// <returns>False while there is.</returns>
    public bool TryLeaveUntidy()
    {
        if (Clients == 0 || _waiters.Count > 0 || _connections.Count > 0 || _listener is not null || Pinned.Count > 0) return false;
        IsUntidy = false;
        return true;
    }

    /// <summary>Closes what is idle for too long, too old, or overdue. Called about once a second.</summary>
    public void Tidy()
    {
        Shared.AskAgain();
        PoolOptions options = _options.Value.Pool;
        long now = _reactor.NowMilliseconds;
        foreach (IdleServers idle in _idle)
        {
            while (idle.PeekOldest() is { } oldest
                && ((options.ServerIdleTimeout > TimeSpan.Zero && now - oldest.LastUsedAt > options.ServerIdleTimeout.TotalMilliseconds) || IsTooOld(oldest)))
            {
                CloseIdle(oldest);
            }
        }
        _listener?.Tidy();
        if (Pinned.Count > 0)
        {
            foreach (PoolWaiter pinned in Pinned.ToArray()) pinned.OnPinTick(now);
        }
        List<ServerConnection>? overdue = null;
        foreach (ServerConnection server in _connections)
        {
            if (server.OverdueAt > 0 && now > server.OverdueAt) (overdue ??= []).Add(server);
        }
        // A reset without an answer, a cancelled query that goes on, a server that does not hang up: no state worth waiting for.
        if (overdue is not null)
        {
            foreach (ServerConnection server in overdue) server.Abort();
        }
    }

    /// <summary>Looks whether a lent server has passed a limit of time. Called every <see cref="WorkWatch.Interval"/>.</summary>
    public void Watch()
    {
        if (_lent == 0) return;
        long now = _reactor.NowMilliseconds, cancel = (long)_options.Value.Pool.CancelTimeout.TotalMilliseconds;
        foreach (ServerConnection server in _connections)
        {
            if (server.User is null || server.IsClosed) continue;
            Overdue overdue = WorkWatch.Look(ref server.Work, server.Ledger, now, Config.Limits, cancel);
            if (overdue != Overdue.None) _overdue.Add((server, overdue));
        }
        if (_overdue.Count == 0) return;
        foreach ((ServerConnection server, Overdue overdue) in _overdue) server.User?.OnOverdue(server, overdue);
        _overdue.Clear();
    }

    /// <summary>Ends the pool: idle servers are closed now, lent ones at check-in, and it takes no more part in the shard's sharing.</summary>
    /// <param name="successor">The pool that takes over, with all who wait; null when nobody is left.</param>
    public virtual void Retire(TenantPool? successor = null)
    {
        Successor = successor;
        _generation++;
        CloseAllIdle();
        _claim.StepOut();
        while (successor is not null && _waiters.First is { } waiter)
        {
            _waiters.Remove(waiter);
            waiter.OnPoolReplaced(successor);
        }
        Stats.QueueDepth = _waiters.Count;
        _listener?.Retire();
        Pump();
    }

    /// <summary>The tenant is suspended or gone: whoever waits hears of it, and nobody is served until <see cref="Reconfigure"/>. Sessions are ended by the caller.</summary>
    public void Suspend(PgError refusal)
    {
        Refusal = refusal;
        while (_waiters.First is { } waiter) Fail(waiter, refusal);
        CloseAllIdle();
    }

    private void CloseAllIdle()
    {
        foreach (IdleServers idle in _idle)
        {
            while (idle.PeekOldest() is { } server) CloseIdle(server);
        }
    }
}
