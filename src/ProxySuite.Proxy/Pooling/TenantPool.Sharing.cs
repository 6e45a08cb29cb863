using System.Diagnostics;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What the pool gives up when the shard is crowded. Nobody waits for a connection to the shard: one read of <see cref="ShardBudget.Pressure"/>, nothing else.</summary>
internal partial class TenantPool
{
    private readonly WheelTimer _yieldTimer;

    /// <inheritdoc/>
    public int IdleHint => Volatile.Read(ref _idleTotal);

    /// <inheritdoc/>
    int IShardUser.Weight => Config.Weight;

    /// <inheritdoc/>
    int IShardUser.Parts => Budget.Parts;

    /// <inheritdoc/>
    int IShardUser.Minimum => Budget.PartOf(Math.Min(Config.ConnectionsMin, Config.Connections));

    /// <inheritdoc/>
    long IShardUser.Served => Stats.LentTicks + (_lent * (_reactor.NowTicks - _lentAt));

    /// <inheritdoc/>
    bool IShardUser.OnEvictionWanted() => YieldIdle();

    /// <summary>True when a server at rest has served this tenant for its quantum and another one is to have the place.</summary>
    private bool IsToYield(ServerConnection server)
    {
        if (Budget.IsWantedElsewhere && IsToMoveOver(server)) return true;
        SharePressure pressure = _shard.Pressure;
        if (pressure == SharePressure.None || (pressure == SharePressure.Wanted && _reactor.NowMilliseconds < server.ShareUntil)) return false;
        if (_permits[server].Place.TryYield(-1)) return true;
        // Others have had more, or nothing could be opened in its place: asked again before long.
        server.ShareUntil = _reactor.NowMilliseconds + ((long)_options.Value.Pool.ShareQuantum.TotalMilliseconds / 4);
        return false;
    }

    /// <summary>Gives up idle servers that others wait for, the longest idle first; looks again in a moment when it kept some.</summary>
    /// <returns>False when nothing was given up.</returns>
    private bool YieldIdle()
    {
        bool hasYielded = false;
        while (_shard.Pressure != SharePressure.None && OldestIdle() is { } oldest)
        {
            long idleFor = (_reactor.NowMilliseconds - oldest.LastUsedAt) * (Stopwatch.Frequency / 1000);
            if (!_permits[oldest].Place.TryYield(idleFor))
            {
                ArmYield();
                break;
            }
            CloseIdle(oldest);
            hasYielded = true;
        }
        return hasYielded;
    }

    private void ArmYield()
    {
        if (!_yieldTimer.IsArmed) _reactor.Timers.Arm(_yieldTimer, TimeSpan.FromMilliseconds(_shard.LingerMilliseconds));
    }
}
