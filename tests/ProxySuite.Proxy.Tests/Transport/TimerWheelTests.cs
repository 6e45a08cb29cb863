using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class TimerWheelTests
{
    private static readonly Action<object?> Nothing = static _ => { };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(4_095)]
    [InlineData(4_096)]
    [InlineData(3_600_000)] // 1 h
    [InlineData(86_400_000)] // 24 h
    [InlineData(31_536_000_000)] // 365 d, the longest
    public void A_timer_fires_in_the_first_millisecond_after_its_delay_and_once(long delayMilliseconds)
    {
        foreach (long start in new long[] { 0, 1, 63, 64, 4_095, 123_456_789 })
        {
            var wheel = new TimerWheel(start);
            int fired = 0;
            wheel.Arm(new WheelTimer(_ => fired++, null), TimeSpan.FromMilliseconds(delayMilliseconds));
            Assert.Equal(0, wheel.Advance(start + delayMilliseconds));
            Assert.Equal(1, wheel.Advance(start + delayMilliseconds + 1));
            wheel.Advance(start + 2 * delayMilliseconds + 10_000);
            Assert.Equal(1, fired);
        }
    }

    [Fact]
    public void A_delay_beyond_a_year_is_shortened_to_it()
    {
        var wheel = new TimerWheel(0);
        wheel.Arm(new WheelTimer(Nothing, null), TimeSpan.MaxValue);
        Assert.Equal(1, wheel.Advance((long)TimerWheel.DelayMax.TotalMilliseconds + 1));
    }

    [Fact]
    public void A_fraction_of_a_millisecond_is_waited_for_whole()
    {
        var wheel = new TimerWheel(0);
        wheel.Arm(new WheelTimer(Nothing, null), TimeSpan.FromMicroseconds(1_001));
        Assert.Equal(0, wheel.Advance(2));
        Assert.Equal(1, wheel.Advance(3));
    }

    [Fact]
    public void A_delay_counts_from_the_clock_and_not_from_the_last_time_that_timers_fired()
    {
        var wheel = new TimerWheel(0);
        wheel.SetClock(1_000); // the loop slept; the events of this turn come before its timers
        wheel.Arm(new WheelTimer(Nothing, null), TimeSpan.FromMilliseconds(10));
        Assert.Equal(0, wheel.Advance(1_010));
        Assert.Equal(1, wheel.Advance(1_011));
    }

    [Fact]
    public void A_disarmed_timer_does_not_fire()
    {
        var wheel = new TimerWheel(0);
        var timer = new WheelTimer(Nothing, null);
        wheel.Arm(timer, TimeSpan.FromMilliseconds(5));
        wheel.Disarm(timer);
        wheel.Disarm(timer);
        Assert.False(timer.IsArmed);
        Assert.Equal(0, wheel.Advance(1_000));
    }

    [Fact]
    public void Arming_an_armed_timer_moves_its_deadline()
    {
        var wheel = new TimerWheel(0);
        var timer = new WheelTimer(Nothing, null);
        wheel.Arm(timer, TimeSpan.FromMilliseconds(5));
        wheel.Arm(timer, TimeSpan.FromMilliseconds(500));
        Assert.Equal(1, wheel.ArmedCount);
        Assert.Equal(0, wheel.Advance(500));
        Assert.Equal(1, wheel.Advance(501));
    }

    [Fact]
    public void A_timer_that_arms_itself_when_it_fires_waits_its_delay_again()
    {
        var wheel = new TimerWheel(0);
        int fired = 0;
        WheelTimer timer = null!;
        timer = new WheelTimer(_ => { fired++; wheel.Arm(timer, TimeSpan.FromMilliseconds(9)); }, null);
        wheel.Arm(timer, TimeSpan.FromMilliseconds(9));
        for (long now = 0; now <= 100; now++)
            wheel.Advance(now);
        Assert.Equal(10, fired);
    }

    [Fact]
    public void A_firing_timer_may_disarm_another_that_is_due_in_the_same_moment()
    {
        var wheel = new TimerWheel(0);
        var fired = new List<int>();
        WheelTimer first = null!, second = null!;
        first = new WheelTimer(_ => { fired.Add(1); wheel.Disarm(second); }, null);
        second = new WheelTimer(_ => { fired.Add(2); wheel.Disarm(first); }, null);
        wheel.Arm(first, TimeSpan.FromMilliseconds(70));
        wheel.Arm(second, TimeSpan.FromMilliseconds(70));
        wheel.Advance(1_000);
        Assert.Single(fired);
    }

    [Fact]
    public void A_timer_that_throws_is_reported_and_the_others_fire()
    {
        var failures = new List<Exception>();
        var wheel = new TimerWheel(0, failures.Add);
        int fired = 0;
        for (int i = 0; i < 3; i++)
        {
            wheel.Arm(new WheelTimer(_ => throw new TimeoutException(), null), TimeSpan.FromMilliseconds(5));
            wheel.Arm(new WheelTimer(_ => fired++, null), TimeSpan.FromMilliseconds(5));
        }
        Assert.Equal(6, wheel.Advance(6));
        Assert.Equal(3, fired);
        Assert.Equal(3, failures.Count);
    }

    [Fact]
    public void A_timer_belongs_to_one_wheel_at_a_time()
    {
        var timer = new WheelTimer(Nothing, null);
        new TimerWheel(0).Arm(timer, TimeSpan.FromSeconds(1));
        Assert.Throws<InvalidOperationException>(() => new TimerWheel(0).Arm(timer, TimeSpan.FromSeconds(1)));
        Assert.Throws<InvalidOperationException>(() => new TimerWheel(0).Disarm(timer));
    }

    [Fact]
    public void A_loop_without_timers_sleeps_without_end_and_never_past_a_deadline()
    {
        var wheel = new TimerWheel(100);
        Assert.Equal(-1, wheel.SleepMilliseconds(100));
        var timer = new WheelTimer(Nothing, null);
        wheel.Arm(timer, TimeSpan.FromMilliseconds(20));
        Assert.InRange(wheel.SleepMilliseconds(100), 1, 21);
        Assert.Equal(0, wheel.SleepMilliseconds(5_000));
        wheel.Disarm(timer);
        Assert.Equal(-1, wheel.SleepMilliseconds(100));
    }

    [Fact]
    public void A_day_long_timer_wakes_a_sleeping_loop_seven_times_at_most()
    {
        var wheel = new TimerWheel(12_345);
        wheel.Arm(new WheelTimer(Nothing, null), TimeSpan.FromDays(1));
        long now = 12_345;
        int wakes = 0;
        for (int sleep; (sleep = wheel.SleepMilliseconds(now)) >= 0; wakes++)
        {
            now += sleep;
            wheel.Advance(now);
        }
        Assert.Equal(12_345 + 86_400_000 + 1, now);
        Assert.InRange(wakes, 1, 7);
    }

    [Fact]
    public void Arming_disarming_and_firing_allocate_nothing()
    {
        var wheel = new TimerWheel(0);
        var timers = new WheelTimer[100];
        for (int i = 0; i < timers.Length; i++)
            timers[i] = new WheelTimer(Nothing, null);
        RunOnce(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RunOnce(1_000_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void RunOnce(long start)
        {
            wheel.Advance(start);
            for (int i = 0; i < timers.Length; i++)
                wheel.Arm(timers[i], TimeSpan.FromMilliseconds(i * 1_000));
            for (int i = 0; i < timers.Length; i += 2)
                wheel.Disarm(timers[i]);
            wheel.Advance(start + 200_000);
        }
    }

    /// <summary>Random histories of arming, moving, disarming and passing time against a plain list of deadlines.</summary>
    [Fact]
    public void Whatever_is_armed_and_disarmed_fires_as_a_sorted_list_of_deadlines_would()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            long now = random.NextInt64(1L << random.Next(1, 40));
            var wheel = new TimerWheel(now);
            var due = new SortedDictionary<int, long>(); // the model: deadline by timer
            var fired = new List<int>();
            WheelTimer[] timers = [.. Enumerable.Range(0, 40).Select(i => new WheelTimer(_ => fired.Add(i), null))];
            for (int step = 0; step < 300; step++)
            {
                int which = random.Next(timers.Length);
                switch (random.Next(4))
                {
                    case 0 or 1:
                        long delay = random.NextInt64(1L << random.Next(1, 34));
                        wheel.Arm(timers[which], TimeSpan.FromMilliseconds(delay));
                        due[which] = now + Math.Min(delay, (long)TimerWheel.DelayMax.TotalMilliseconds) + 1;
                        break;
                    case 2:
                        wheel.Disarm(timers[which]);
                        due.Remove(which);
                        break;
                    default:
                        now += random.NextInt64(1L << random.Next(1, 36));
                        fired.Clear();
                        wheel.Advance(now);
                        KeyValuePair<int, long>[] expected = [.. due.Where(d => d.Value <= now)];
                        Assert.Equal(expected.Select(d => d.Key), fired.Order());
                        // In the order of deadlines; within one millisecond any order will do.
                        Assert.Equal(expected.Select(d => d.Value).Order(), fired.Select(i => due[i]));
                        foreach (int i in fired)
                            due.Remove(i);
                        break;
                }
                Assert.Equal(due.Count, wheel.ArmedCount);
                int sleep = wheel.SleepMilliseconds(now);
                if (due.Count == 0)
                    Assert.Equal(-1, sleep);
                else
                    Assert.InRange(sleep, 0, Math.Min(int.MaxValue, due.Values.Min() - now));
            }
        }
    }
}
