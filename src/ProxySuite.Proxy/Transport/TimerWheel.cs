using System.Numerics;

namespace ProxySuite.Proxy.Transport;

/// <summary>
/// The deadlines of one reactor: a hierarchical wheel of 1 ms ticks. Arming, disarming and finding the next due tick take constant time and
/// allocate nothing, so a deadline per query costs a few list links. Touched on the reactor's thread alone.
/// </summary>
/// <remarks>
/// Seven levels of 64 slots span 64^7 ms, 139 years, so no delay wraps around. A timer lies on the level of the highest bit in which its due
/// tick differs from now; whenever the clock enters a slot of a higher level, that slot's timers sink to the levels below.
/// Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 7.
/// </remarks>
public sealed class TimerWheel
{
    private const int SlotBits = 6;
    private const int SlotsPerLevel = 1 << SlotBits;
    private const int LevelCount = 7;
    private const int DueNow = LevelCount * SlotsPerLevel; // the list of timers whose tick has come, on its way to be fired

    private readonly WheelTimer?[] _slots = new WheelTimer?[DueNow + 1];
    private readonly ulong[] _occupied = new ulong[LevelCount];
    private readonly Action<Exception>? _failed;
    private long _now;   // the slots are arranged as of this tick
    private long _clock; // the latest reading; delays count from here

    /// <summary>An empty wheel.</summary>
    /// <param name="nowMilliseconds">The clock's reading, 0 or more; later readings go to <see cref="Advance"/>.</param>
    /// <param name="failed">Told of an exception out of a timer; without it <see cref="Advance"/> throws, and the other due timers fire at the next call.</param>
    public TimerWheel(long nowMilliseconds, Action<Exception>? failed = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nowMilliseconds);
        _now = _clock = nowMilliseconds;
        _failed = failed;
    }

    /// <summary>Longest delay that is kept exactly; longer ones are shortened to it.</summary>
    public static TimeSpan DelayMax { get; } = TimeSpan.FromDays(365);

    /// <summary>Timers armed now.</summary>
    public int ArmedCount { get; private set; }

    /// <summary>Sets or moves a deadline.</summary>
    /// <param name="timer">A timer that is idle or armed on this wheel.</param>
    /// <param name="delay">Counted from the start of this turn of the loop, 0 or more; rounded up to whole milliseconds; it fires no earlier, and up to 2 ms later.</param>
    /// <exception cref="InvalidOperationException">The timer is armed on another wheel.</exception>
    public void Arm(WheelTimer timer, TimeSpan delay)
    {
        ArgumentNullException.ThrowIfNull(timer);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Disarm(timer);
        long ticks = delay < DelayMax ? delay.Ticks : DelayMax.Ticks;
        // Rounded up, plus one: the clock's reading was rounded down, so up to a millisecond of it has passed already.
        timer.DueTick = _clock + 1 + (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        timer.Wheel = this;
        ArmedCount++;
        Place(timer);
    }

    /// <summary>Takes a deadline off; nothing happens when it is not armed.</summary>
    /// <exception cref="InvalidOperationException">The timer is armed on another wheel.</exception>
    public void Disarm(WheelTimer timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        if (timer.Wheel is null)
            return;
        if (timer.Wheel != this)
            throw new InvalidOperationException("the timer is armed on another reactor's wheel");
        Unlink(timer);
        timer.Wheel = null;
        ArmedCount--;
    }

    /// <summary>Sets the clock that delays count from, without firing yet: what happened before a deadline's turn may still disarm it.</summary>
    public void SetClock(long nowMilliseconds) => _clock = Math.Max(_clock, nowMilliseconds);

    /// <summary>Moves the clock on and fires what is due, in the order of due ticks. Timers armed by a fired one wait for a later call.</summary>
    /// <param name="nowMilliseconds">The clock's reading; one that is not later than the last changes nothing.</param>
    /// <returns>How many timers fired.</returns>
    public int Advance(long nowMilliseconds)
    {
        SetClock(nowMilliseconds);
        int fired = FireDue(); // left over when a timer threw out of the last call
        while (NextTick() is long tick && tick <= nowMilliseconds)
        {
            _now = tick;
            Sink();
            fired += FireDue();
        }
        _now = Math.Max(_now, nowMilliseconds);
        return fired;
    }

    /// <summary>How long a loop may sleep, as epoll_wait takes it: 0 or more milliseconds, -1 when no timer is armed.</summary>
    /// <remarks>It may be less than the time to the next due timer, when timers are to sink a level first.</remarks>
    public int SleepMilliseconds(long nowMilliseconds)
        => ArmedCount == 0 ? -1
        : _slots[DueNow] is not null ? 0
        : (int)Math.Clamp(NextTick()!.Value - nowMilliseconds, 0, int.MaxValue);

    /// <summary>The next tick at which a timer is due or a slot of a higher level has to sink; null while nothing is armed.</summary>
    private long? NextTick()
    {
        for (int level = 0; level < LevelCount; level++)
        {
            if (_occupied[level] == 0)
                continue;
            // A level's timers agree with now in all higher bits and differ in this level's: their slots lie ahead, and before any of a higher level.
            int shift = level * SlotBits;
            long windowStart = _now >> (shift + SlotBits) << (shift + SlotBits);
            return windowStart + ((long)BitOperations.TrailingZeroCount(_occupied[level]) << shift);
        }
        return null;
    }

    /// <summary>Empties the slots that begin at this tick, from the highest level down: timers due now move to the due list, others a level down.</summary>
    private void Sink()
    {
        for (int level = LevelCount - 1; level >= 0; level--)
        {
            int index = (int)(_now >> (level * SlotBits)) & (SlotsPerLevel - 1);
            if ((_occupied[level] & (1UL << index)) == 0)
                continue;
            int slot = level * SlotsPerLevel + index;
            while (_slots[slot] is { } timer)
            {
                Unlink(timer);
                Place(timer);
            }
        }
    }

    private int FireDue()
    {
        int fired = 0;
        while (_slots[DueNow] is { } timer)
        {
            // Off the wheel before the call, which may arm it again, or disarm any other that is due.
            Disarm(timer);
            fired++;
            try
            {
                timer.Fired(timer.State);
            }
            catch (Exception e) when (_failed is not null)
            {
                _failed(e);
            }
        }
        return fired;
    }

    private void Place(WheelTimer timer)
    {
        ulong difference = (ulong)(timer.DueTick ^ _now);
        int slot = DueNow;
        if (difference != 0)
        {
            int level = BitOperations.Log2(difference) / SlotBits;
            int index = (int)(timer.DueTick >> (level * SlotBits)) & (SlotsPerLevel - 1);
            slot = level * SlotsPerLevel + index;
            _occupied[level] |= 1UL << index;
        }
        timer.Slot = slot;
        timer.Previous = null;
        timer.Next = _slots[slot];
        if (timer.Next is { } next)
            next.Previous = timer;
        _slots[slot] = timer;
    }

    private void Unlink(WheelTimer timer)
    {
        if (timer.Next is { } next)
            next.Previous = timer.Previous;
        if (timer.Previous is { } previous)
            previous.Next = timer.Next;
        else
            _slots[timer.Slot] = timer.Next;
        timer.Next = timer.Previous = null;
        if (timer.Slot != DueNow && _slots[timer.Slot] is null)
            _occupied[timer.Slot >> SlotBits] &= ~(1UL << (timer.Slot & (SlotsPerLevel - 1)));
    }
}
