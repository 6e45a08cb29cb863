using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What the janitor and changes of the registry do to a pool.</summary>
internal sealed partial class TenantPool
{
    /// <summary>Takes over a changed plan, placement or credential: idle servers opened for other ones are closed now, lent ones at check-in.</summary>
    public void Reconfigure(PoolConfig config)
    {
        bool isOtherBackend = config.Fingerprint != Config.Fingerprint;
        Config = config;
        Budget.Total = config.Connections;
        if (isOtherBackend)
        {
            _generation++;
            _failures = 0;
            Array.Clear(Welcome);
            CloseAllIdle();
        }
        while (IsOverdrawn && _idleTotal > 0) EvictOne();
        Pump();
    }

    /// <summary>Closes what is idle for too long, too old, or overdue. Called about once a second.</summary>
    public void Tidy()
    {
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
        List<ServerConnection>? overdue = null;
        foreach (ServerConnection server in _permits.Keys)
        {
            if (server.OverdueAt > 0 && now > server.OverdueAt) (overdue ??= []).Add(server);
        }
        // A reset without an answer, a cancelled query that goes on, a server that does not hang up: no state worth waiting for.
        if (overdue is not null)
        {
            foreach (ServerConnection server in overdue) server.Abort();
        }
    }

    /// <summary>Ends the pool: idle servers are closed, and it takes no more part in the shard's sharing.</summary>
    public void Retire()
    {
        CloseAllIdle();
        _shard.Leave(this);
    }

    private void CloseAllIdle()
    {
        foreach (IdleServers idle in _idle)
        {
            while (idle.PeekOldest() is { } server) CloseIdle(server);
        }
    }
}
