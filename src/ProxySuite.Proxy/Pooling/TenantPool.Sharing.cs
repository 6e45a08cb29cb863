using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling.Scheduling;

namespace ProxySuite.Proxy.Pooling;

/// <summary>What the pool gives up when the shard is crowded. Nobody waits for a connection to the shard: one read of <see cref="ShardBudget.Pressure"/>, nothing else.</summary>
internal partial class TenantPool
{
    /// <inheritdoc/>
    public virtual int IdleHint => Volatile.Read(ref _idleTotal);

    /// <inheritdoc/>
    int IShardUser.Weight => Config.Weight;

    /// <inheritdoc/>
    int IShardUser.Parts => Budget.Parts;

    /// <inheritdoc/>
    int IShardUser.Minimum => Budget.PartOf(Math.Min(Config.ConnectionsMin, Config.Connections));

    /// <inheritdoc/>
    long IShardUser.Served => Stats.LentTicks + (_lent * (_reactor.NowTicks - _lentAt));

    /// <inheritdoc/>
    bool IShardUser.OnEvictionWanted() => _claim.YieldIdle(isAsked: true);

    /// <inheritdoc/>
    (ServerConnection Server, ShardPlace Place)? IServerKeeper.OldestIdle => OldestIdle() is { } oldest ? (oldest, PermitOf(oldest).Place) : null;

    /// <inheritdoc/>
    void IServerKeeper.CloseIdle(ServerConnection server) => CloseIdle(server);

    /// <inheritdoc/>
    void IServerKeeper.LookAtIdle()
    {
        _claim.YieldIdle();
        MoveIdleOver();
    }

    /// <summary>True when a server at rest is to be closed for somebody else: of this tenant on another reactor, or another tenant.</summary>
    private bool IsToYield(ServerConnection server)
        => (Budget.IsWantedElsewhere && IsToMoveOver(server)) || (_shard.Pressure != SharePressure.None && _claim.IsToYield(server, PermitOf(server).Place));
}
