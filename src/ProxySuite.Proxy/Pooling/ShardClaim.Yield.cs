using System.Diagnostics;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Whoever keeps server connections to a shard and gives them up when others wait. All on its reactor's thread.</summary>
internal interface IServerKeeper : IShardUser
{
    /// <summary>The server that has been idle for longest, with its place; null when none is idle.</summary>
    (ServerConnection Server, ShardPlace Place)? OldestIdle { get; }

    /// <summary>Closes an idle server.</summary>
    void CloseIdle(ServerConnection server);

    /// <summary>A moment has passed since <see cref="ShardClaim.ArmYield"/>: <see cref="ShardClaim.YieldIdle"/>, and what else depends on idle servers.</summary>
    void LookAtIdle();
}

/// <summary>What is given up when the shard is crowded. Nobody waits for a connection to the shard: one read of <see cref="ShardBudget.Pressure"/>, nothing else.</summary>
internal sealed partial class ShardClaim
{
    private readonly WheelTimer _yieldTimer;
    private long _askedAt;

    // Only who keeps servers has any to give up.
    private IServerKeeper Keeper => (IServerKeeper)_user;

    private long QuantumMilliseconds => (long)Shard.Quantum.TotalMilliseconds;

    /// <summary>A server is new: nobody else has a claim on its place for a quantum.</summary>
    public void BeginQuantum(ServerConnection server) => server.ShareUntil = _reactor.NowMilliseconds + QuantumMilliseconds;

    /// <summary>True when a server at rest has served this tenant for its quantum, or it has far more than its share, and another one is to have the place.</summary>
    public bool IsToYield(ServerConnection server, ShardPlace place)
    {
        if (Shard.Pressure == SharePressure.Wanted && _reactor.NowMilliseconds < server.ShareUntil)
        {
            // While the pace of openings holds it up it is asked for again; not more often than there is an answer.
            if (!_account.HoldsTooMany || _askedAt == _reactor.NowMilliseconds) return false;
            _askedAt = _reactor.NowMilliseconds;
            return place.TryYield(-1);
        }
        if (place.TryYield(-1)) return true;
        // Others have had more, or nothing could be opened in its place: asked again before long.
        server.ShareUntil = _reactor.NowMilliseconds + (QuantumMilliseconds / 4);
        return false;
    }

    /// <summary>Gives up idle servers that others have a use for, the longest idle first; looks again in a moment when it kept some.</summary>
    /// <param name="isAsked">One is asked for, also while nobody waits.</param>
    /// <returns>False when nothing was given up.</returns>
    public bool YieldIdle(bool isAsked = false)
    {
        bool hasYielded = false;
        for (; (isAsked || Shard.Pressure != SharePressure.None) && Keeper.OldestIdle is { } oldest; isAsked = false)
        {
            long idleFor = (_reactor.NowMilliseconds - oldest.Server.LastUsedAt) * (Stopwatch.Frequency / 1000);
            // Since when some server has been idle is not since when this one has: who is asked says so, and is not taken for the longest idle again at once.
            _account.IdleSince = _reactor.NowTicks - idleFor;
            if (!oldest.Place.TryYield(idleFor))
            {
                ArmYield();
                break;
            }
            Keeper.CloseIdle(oldest.Server);
            hasYielded = true;
        }
        return hasYielded;
    }

    /// <summary>Looks at idle servers in a moment: whoever has a use for one comes back within it, or it goes to those who wait.</summary>
    public void ArmYield()
    {
        if (!_yieldTimer.IsArmed) _reactor.Timers.Arm(_yieldTimer, TimeSpan.FromMilliseconds(Shard.LingerMilliseconds));
    }
}
