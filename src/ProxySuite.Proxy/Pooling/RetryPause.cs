using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The pause behind a login that was refused: it doubles with each further one, with a quarter of jitter. A shard that cannot be reached has one for all its pools
/// (<see cref="Scheduling.OpeningPace"/>); this is for what is one tenant's alone and says nothing about others. Lives on one reactor.
/// </summary>
internal sealed class RetryPause
{
    private readonly Reactor _reactor;
    private readonly TimeSpan _least;
    private readonly TimeSpan _most;
    private readonly Action _over;
    private readonly WheelTimer _timer;
    private int _failures;

    /// <param name="reactor">Where it lives.</param>
    /// <param name="least">The first pause.</param>
    /// <param name="most">The longest, but for the jitter.</param>
    /// <param name="over">Called when a pause is over.</param>
    public RetryPause(Reactor reactor, TimeSpan least, TimeSpan most, Action over)
    {
        _reactor = reactor;
        _least = least;
        _most = most;
        _over = over;
        _timer = new WheelTimer(static pause => ((RetryPause)pause!)._over(), this);
    }

    /// <summary>True while nothing is to be tried.</summary>
    public bool IsOn => _timer.IsArmed;

    /// <summary>It failed once more: the next pause is longer, whether or not one begins.</summary>
    public void CountFailure() => _failures++;

    /// <summary>It went well, or what failed is no longer so.</summary>
    public void Forget() => _failures = 0;

    /// <summary>Pauses for as long as there were failures, if it does not already.</summary>
    public void Begin()
    {
        if (IsOn) return;
        double milliseconds = Math.Min(_most.TotalMilliseconds, _least.TotalMilliseconds * Math.Pow(2, Math.Clamp(_failures - 1, 0, 10)));
        // Jitter keeps those who were refused together from knocking together.
        Begin(TimeSpan.FromMilliseconds(milliseconds * (0.75 + (Random.Shared.NextDouble() / 2))));
    }

    /// <summary>Pauses for so long, if it does not already.</summary>
    public void Begin(TimeSpan time)
    {
        if (!IsOn) _reactor.Timers.Arm(_timer, time);
    }

    /// <summary>Ends a pause without a call.</summary>
    public void End() => _reactor.Timers.Disarm(_timer);
}
