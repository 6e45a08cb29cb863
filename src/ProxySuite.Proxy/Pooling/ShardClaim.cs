using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Whoever opens connections to a shard. All on its reactor's thread, but for the hints.</summary>
internal interface IShardUser
{
    /// <inheritdoc cref="IShardClaimant.Weight"/>
    int Weight { get; }

    /// <summary>Reactors that its tenant's weight is divided between; from 1.</summary>
    int Parts => 1;

    /// <inheritdoc cref="IShardClaimant.Minimum"/>
    int Minimum { get; }

    /// <inheritdoc cref="IShardClaimant.Served"/>
    long Served { get; }

    /// <summary>A place has come: take it with <see cref="ShardClaim.TryTake"/> now, or it is handed on.</summary>
    void OnShardPlace();

    /// <summary>Others wait: idle connections may have to go.</summary>
    /// <returns>False when there was none to give up.</returns>
    bool OnEvictionWanted();
}

/// <summary>
/// A pool's stand in the line for a shard's places, and the place that it has been given and not used yet. It lives on the pool's reactor and brings there what the
/// budget says on any thread.
/// </summary>
internal sealed partial class ShardClaim : IShardClaimant
{
    // Weights are whole numbers, and a tenant on several reactors divides its own: so one is that many to the scheduler, for all alike, which changes no share.
    public const int WeightUnit = 60;

    private readonly Reactor _reactor;
    private readonly IShardUser _user;
    private readonly ShardAccount _account;
    private ShardPlace? _inHand;
    private long _growsAt;

    public ShardClaim(ShardBudget shard, Reactor reactor, IShardUser user)
    {
        Shard = shard;
        _reactor = reactor;
        _user = user;
        _account = new ShardAccount(this);
        _yieldTimer = new WheelTimer(static claim => ((ShardClaim)claim!).Keeper.LookAtIdle(), this);
    }

    /// <summary>The budget that it is a claim on.</summary>
    public ShardBudget Shard { get; }

    /// <summary>True while a place is waited for.</summary>
    public bool IsInLine { get; private set; }

    /// <summary>True while nothing is waited for and nothing in hand.</summary>
    public bool IsAtRest => !IsInLine && _inHand is null;

    /// <summary>Says whether the user has idle connections now.</summary>
    public void NoteIdle(bool hasIdle)
    {
        bool had = _account.IdleSince != ShardAccount.NoneIdle;
        if (hasIdle != had) _account.IdleSince = hasIdle ? _reactor.NowTicks : ShardAccount.NoneIdle;
    }

    /// <summary>A place, at once; else null, and it stands in line, once however often it asks.</summary>
    public ShardPlace? TryTake()
    {
        if (_inHand is { } place)
        {
            _inHand = null;
            return place;
        }
        // Already in line, or with a place on its way: a second stand would outlast the need.
        if (IsInLine) return null;
        if (Shard.TryTake(_account, out place)) return place;
        IsInLine = true;
        return null;
    }

    /// <summary>A place that nobody waits for; null when there is none now: asked again in a moment there may be one that somebody has left idle for long.</summary>
    public ShardPlace? TryGrow()
    {
        if (!IsAtRest || _reactor.NowMilliseconds < _growsAt) return null;
        _growsAt = _reactor.NowMilliseconds + Shard.LingerMilliseconds;
        return Shard.TryGrow(_account, out ShardPlace? place) ? place : null;
    }

    /// <summary>Nothing is wanted any more.</summary>
    public void StepOut()
    {
        if (IsInLine)
        {
            IsInLine = false;
            Shard.StepOut(_account);
        }
        HandOn();
    }

    /// <inheritdoc/>
    int IShardClaimant.Weight => Math.Max(1, _user.Weight * WeightUnit / _user.Parts);

    /// <inheritdoc/>
    int IShardClaimant.Minimum => _user.Minimum;

    /// <inheritdoc/>
    long IShardClaimant.Served => _user.Served;

    /// <inheritdoc/>
    void IShardClaimant.OnShardPlace(ShardPlace place) => _reactor.Post(static state => ((ShardPlace)state!).Claim.Take((ShardPlace)state!), place);

    /// <inheritdoc/>
    void IShardClaimant.OnEvictionWanted() => _reactor.Post(static state => ((ShardClaim)state!).GiveUp(), this);

    private void Take(ShardPlace place)
    {
        IsInLine = false;
        if (_inHand is not null)
        {
            place.Dispose();
            return;
        }
        _inHand = place;
        _user.OnShardPlace();
        // Not needed any more, or held back by a back-off: the next in line may have use for it.
        HandOn();
    }

    private void HandOn()
    {
        if (_inHand is not { } place) return;
        _inHand = null;
        place.Dispose();
    }

    private void GiveUp()
    {
        if (!_user.OnEvictionWanted()) Shard.AskNext();
    }
}
