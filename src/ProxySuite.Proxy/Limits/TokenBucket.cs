using System.Diagnostics;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// A rate with a burst: over any time t it lets through rate × t + burst at most. Allocates nothing, asks no clock. What was let through beyond what there was
/// (<see cref="Charge"/>) is owed, and later ones wait for it.
/// </summary>
/// <remarks>Times are <see cref="Stopwatch"/> ticks. A clock that goes backwards gives nothing and takes nothing.</remarks>
internal struct TokenBucket
{
    /// <summary>Debt is forgotten beyond what a minute pays back: one long transaction must not shut a tenant out for hours.</summary>
    public const double DebtSecondsMax = 60;

    // A cap below what a timer's tick brings would throw away part of the rate.
    private const double BurstSecondsMin = 0.01;

    // Sums of fractions end a little below the whole they stand for.
    private const double Rounding = 1e-6;

    // A rate that nobody has looked at for so long may be another's by now: what it brings from then on is not handed on.
    private static readonly long StaleTicks = Stopwatch.Frequency / 4;

    private double _level, _spilled;
    private double _stale; // of the level
    private long _at;
    private bool _isStarted;

    /// <summary>Tokens a second.</summary>
    public double Rate { get; private set; }

    /// <summary>Most tokens at a time, from 1.</summary>
    public double Burst { get; private set; }

    /// <summary>Takes over a rate and a burst, at once; a new bucket is full.</summary>
    /// <param name="isMove">The burst that is lost here has gone to another bucket, and the tokens above it may follow.</param>
    public void Set(double rate, double burst, long now, bool isMove = false)
    {
        if (_isStarted) Refill(now);
        (Rate, Burst) = (rate, Math.Max(Math.Max(1, burst), rate * BurstSecondsMin));
        if (_isStarted) Spill(isMove);
        else (_isStarted, _level, _at) = (true, Burst, now);
    }

    /// <summary>Tokens that found no room since the last call: the rate brought them while the bucket was full, or its burst shrank by a move.</summary>
    public double TakeSpilled()
    {
        double spilled = _spilled;
        _spilled = 0;
        return spilled;
    }

    /// <summary>Adds tokens that another bucket had no room for.</summary>
    /// <returns>How many there was room for here.</returns>
    public double Add(double tokens, long now)
    {
        Refill(now);
        double added = Math.Clamp(Burst - _level, 0, tokens);
        _level += added;
        return added;
    }

    /// <summary>Takes one token if there is one.</summary>
    public bool TryTake(long now)
    {
        Refill(now);
        if (_level < 1 - Rounding) return false;
        _level -= 1;
        return true;
    }

    /// <summary>Takes tokens whether they are there or not.</summary>
    public void Charge(double tokens, long now)
    {
        Refill(now);
        _level = Math.Max(_level - tokens, -DebtSecondsMax * Rate);
    }

    /// <summary>How long until there are so many tokens, more than fit in included.</summary>
    /// <param name="rateMin">The rate that is to be expected, where it is more than the present one.</param>
    public TimeSpan WaitFor(double tokens, long now, double rateMin = 0)
    {
        Refill(now);
        double missing = tokens - Rounding - _level;
        if (missing <= 0) return TimeSpan.Zero;
        double rate = Math.Max(Rate, rateMin);
        return rate <= 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(Math.Min(missing / rate, 1e6));
    }

    private void Refill(long now)
    {
        long elapsed = now - _at;
        _at = now;
        if (elapsed <= 0) return;
        double stale = Rate * Math.Max(0, elapsed - StaleTicks) / Stopwatch.Frequency;
        _stale = Math.Min(_stale, Math.Max(0, _level)) + stale;
        _level += Rate * elapsed / Stopwatch.Frequency;
        Spill(isKept: true);
    }

    /// <summary>What is above the burst goes: what is stale first, the rest to others if it is kept for them.</summary>
    private void Spill(bool isKept)
    {
        double above = _level - Burst;
        if (above <= 0) return;
        if (isKept) _spilled += Math.Max(0, above - _stale);
        _stale = Math.Max(0, _stale - above);
        _level = Burst;
    }
}
