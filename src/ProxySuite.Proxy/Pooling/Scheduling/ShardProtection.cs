namespace ProxySuite.Proxy.Pooling.Scheduling;

/// <summary>What was seen of a shard in one interval.</summary>
/// <param name="Answers">Transactions that ended.</param>
/// <param name="Median">Of the time that a server took for one; any unit, the same at all times.</param>
/// <param name="Faults">Connections that could not be opened or that the shard ended unasked.</param>
/// <param name="Used">Most connections held at a time.</param>
internal readonly record struct ShardSample(long Answers, double Median, long Faults, int Used);

/// <summary>Bounds of a <see cref="ShardProtection"/>.</summary>
/// <param name="Most">The shard's cap.</param>
/// <param name="Least">What is left in any case, from 1.</param>
/// <param name="Tolerance">Times its usual median that the present one may be; above 1.</param>
internal readonly record struct ProtectionBounds(int Most, int Least, double Tolerance);

/// <summary>
/// How many connections a shard gets while it is slower or fails more often than it usually does: additive increase, multiplicative decrease, as for a congested link.
/// Told once an interval what was seen. No clock, no thread.
/// </summary>
/// <remarks>
/// Bad is an interval whose median is above Tolerance times the usual one, or in which more than one in twenty attempts was a fault. Two in a row take a fifth
/// of what was in use; then <see cref="Settling"/> intervals show what that did before it is done again. A good interval gives a twentieth of the cap back,
/// and near the limit at which it went bad one connection every <see cref="Settling"/> intervals, so that it does not swing. The usual median is learnt from good intervals
/// at full width, quickly at first and then over about a minute of seconds; and from bad ones at the least width: if that did not help, it is not the number of
/// connections that makes the shard slow but what it is asked, which is usual from then on.
/// </remarks>
internal sealed class ShardProtection
{
    /// <summary>Intervals between a decrease and the next change.</summary>
    public const int Settling = 5;

    /// <summary>Fewer answers in an interval say nothing about the shard.</summary>
    public const int AnswersMin = 20;

    private const int LearningIntervals = 10;
    private const double Decrease = 0.8;

    private double _usual;
    private int _learnt;
    private int _bad;
    private int _hold;
    private int _wentBadAt;

    /// <summary>Connections allowed now; null for no limit but the cap.</summary>
    public int? Limit { get; private set; }

    /// <summary>The usual median; 0 until it is known.</summary>
    public double Usual => _learnt >= LearningIntervals ? _usual : 0;

    /// <summary>Takes in an interval.</summary>
    /// <returns>What is allowed from now on; null for no limit but the cap.</returns>
    public int? Next(in ShardSample sample, in ProtectionBounds bounds)
    {
        bool isSlow = Usual > 0 && sample.Answers >= AnswersMin && sample.Median > _usual * bounds.Tolerance;
        bool isFailing = sample.Faults >= 3 && sample.Faults * 20 > sample.Answers + sample.Faults;
        if (!isFailing) Learn(sample, isSlow, bounds);
        _bad = isSlow || isFailing ? _bad + 1 : 0;
        if (_hold > 0) _hold--;
        if (_bad >= 2 && _hold == 0) Reduce(sample, bounds);
        else if (_bad == 0 && Limit is { } limit && _hold == 0) Restore(limit, bounds);
        if (Limit is { } now) Limit = Math.Max(now, bounds.Least);
        if (Limit >= bounds.Most) Limit = null;
        return Limit;
    }

    /// <summary>Forgets what was reduced, and what was learnt.</summary>
    public void Clear()
    {
        Limit = null;
        _usual = 0;
        _learnt = _bad = _hold = _wentBadAt = 0;
    }

    private void Reduce(in ShardSample sample, in ProtectionBounds bounds)
    {
        int now = Math.Min(Limit ?? bounds.Most, Math.Max(1, sample.Used));
        _wentBadAt = now;
        Limit = Math.Max(bounds.Least, (int)(now * Decrease));
        _hold = Settling;
    }

    private void Restore(int limit, in ProtectionBounds bounds)
    {
        bool isNear = limit + 1 >= _wentBadAt * 0.9 && limit < _wentBadAt * 1.2;
        Limit = limit + (isNear ? 1 : Math.Max(1, bounds.Most / 20));
        if (isNear) _hold = Settling;
    }

    private void Learn(in ShardSample sample, bool isSlow, in ProtectionBounds bounds)
    {
        if (sample.Answers < AnswersMin) return;
        if (_learnt < LearningIntervals)
        {
            _learnt++;
            _usual += (sample.Median - _usual) / _learnt;
            return;
        }
        if (isSlow ? Limit <= bounds.Least : Limit is null) _usual += (sample.Median - _usual) / 64;
    }
}
