using System.Diagnostics;

namespace ProxySuite.Proxy.Limits;

/// <summary>What was used within the last minute, by slots of 5 s: a slot counts until a minute after its end, so a window is never too short.</summary>
/// <remarks>Times are <see cref="Stopwatch"/> ticks. Allocates once.</remarks>
internal sealed class MinuteWindow
{
    private const int SlotSeconds = 5;
    private const int Slots = (60 / SlotSeconds) + 1;

    private readonly long[] _amounts = new long[Slots];
    private readonly long _slotTicks = SlotSeconds * Stopwatch.Frequency;
    private long _slot; // number of the slot that is written, from the clock's start
    private bool _isStarted;

    /// <summary>Used within the last minute.</summary>
    public long Total { get; private set; }

    /// <summary>Adds to what is used now.</summary>
    public void Add(long amount, long now)
    {
        Turn(now);
        _amounts[_slot % Slots] += amount;
        Total += amount;
    }

    /// <summary>Forgets what is over a minute old.</summary>
    public void Turn(long now)
    {
        long slot = now / _slotTicks;
        if (!_isStarted) (_isStarted, _slot) = (true, slot);
        // A clock that goes backwards writes on where it was.
        long steps = Math.Min(slot - _slot, Slots);
        for (long step = 1; step <= steps; step++)
        {
            long index = (_slot + step) % Slots;
            Total -= _amounts[index];
            _amounts[index] = 0;
        }
        if (slot > _slot) _slot = slot;
    }

    /// <summary>How long until less than <paramref name="limit"/> is used, should nothing be added.</summary>
    public TimeSpan WaitUntilBelow(long limit, long now)
    {
        Turn(now);
        long left = Total;
        for (int age = Slots - 1; age >= 0 && left >= limit; age--)
        {
            long slot = _slot - age;
            if (slot < 0) continue;
            left -= _amounts[slot % Slots];
            if (left < limit) return Stopwatch.GetElapsedTime(now, Math.Max(now, (slot + Slots) * _slotTicks));
        }
        return left < limit ? TimeSpan.Zero : TimeSpan.FromMinutes(1);
    }
}
