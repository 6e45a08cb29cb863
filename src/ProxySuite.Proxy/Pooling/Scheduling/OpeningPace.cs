namespace ProxySuite.Proxy.Pooling.Scheduling;

/// <summary>
/// How fast connections to one shard are opened: so many at a time, so many a second, and after a failure of the shard itself one at a time behind a pause that
/// doubles. No clock of its own: the time is passed in.
/// </summary>
internal sealed class OpeningPace(SharePolicy policy, Random random)
{
    private long _paidUntil = long.MinValue / 2; // the moment by which all openings so far would have been done at the long-run rate
    private long _closedUntil = long.MinValue / 2;
    private int _failures;

    /// <summary>Numbers in force.</summary>
    public SharePolicy Policy { get; set; } = policy;

    /// <summary>Connections being opened.</summary>
    public int Opening { get; private set; }

    /// <summary>True from a failure of the shard until a connection could be opened.</summary>
    public bool IsFailing => _failures > 0;

    /// <summary>True when another one may be opened now.</summary>
    /// <param name="now">The time.</param>
    /// <param name="beside">Openings that are bound to come first.</param>
    public bool CanStart(long now, int beside = 0)
        => now >= _closedUntil && Opening + beside < (IsFailing ? 1 : Policy.OpeningsMax) && _paidUntil + (beside * Policy.TimePerOpening) <= now;

    /// <summary>When <see cref="CanStart"/> will be true by the passing of time alone; null when an opening has to end first.</summary>
    public long? StartsAt() => Opening >= (IsFailing ? 1 : Policy.OpeningsMax) ? null : Math.Max(_closedUntil, _paidUntil);

    /// <summary>An opening starts.</summary>
    public void Start(long now)
    {
        Opening++;
        // What was not used is kept for a while, so that pools that start, or come back after an outage, fill up at once.
        _paidUntil = Math.Max(_paidUntil, now - Policy.OpeningBurst) + Policy.TimePerOpening;
    }

    /// <summary>An opening ended, with a connection or because nobody wanted it any more.</summary>
    public void End(bool isConnected)
    {
        Opening--;
        if (isConnected) _failures = 0;
    }

    /// <summary>An opening failed.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isShardsFault">False when one tenant's login was refused, which says nothing about the others'.</param>
    public void Fail(long now, bool isShardsFault)
    {
        Opening--;
        // Those that were under way when the first one failed say the same thing once more.
        if (!isShardsFault || now < _closedUntil) return;
        double pause = Math.Min(Policy.BackoffMax, Policy.BackoffMin * Math.Pow(2, Math.Min(_failures++, 20)));
        // Jitter keeps the proxies of a shard that comes back from knocking all at once.
        _closedUntil = now + (long)(pause * (0.75 + (random.NextDouble() / 2)));
    }
}
