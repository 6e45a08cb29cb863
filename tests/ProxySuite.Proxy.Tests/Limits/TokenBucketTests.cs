using FsCheck;
using FsCheck.Fluent;
using ProxySuite.Proxy.Limits;
using Xunit;
using static ProxySuite.Proxy.Tests.Limits.LimiterWorld;

namespace ProxySuite.Proxy.Tests.Limits;

public sealed class TokenBucketTests
{
    private static readonly long Second = Ticks(TimeSpan.FromSeconds(1));

    [Fact]
    public void It_gives_its_burst_at_once_and_then_its_rate()
    {
        TokenBucket bucket = Make(rate: 10, burst: 25);
        Assert.Equal(25, Take(ref bucket, 0));
        Assert.Equal(0, Take(ref bucket, (Second / 10) - 1000));
        Assert.Equal(1, Take(ref bucket, Second / 10));
        Assert.Equal(9, Take(ref bucket, Second));
        Assert.Equal(25, Take(ref bucket, 100 * Second));
    }

    /// <summary>The promise: in any window admitted ≤ rate × window + burst, whatever comes when, and whatever was changed meanwhile to the same or less.</summary>
    [Fact]
    public void Over_any_window_it_lets_through_no_more_than_rate_times_window_and_burst()
    {
        Gen<(int Rate, int Burst, int[] Gaps)> histories = from rate in Gen.Choose(1, 500)
                                                           from burst in Gen.Choose(1, 200)
                                                           from gaps in Gen.Choose(0, 40).ArrayOf(400)
                                                           select (rate, burst, gaps);
        Prop.ForAll(histories.ToArbitrary(), history =>
        {
            TokenBucket bucket = Make(history.Rate, history.Burst);
            var admitted = new List<long>(); // milliseconds
            long now = 0;
            foreach (int gap in history.Gaps)
            {
                now += gap;
                for (int asked = 0; asked <= gap; asked++)
                    if (bucket.TryTake(Ticks(TimeSpan.FromMilliseconds(now)))) admitted.Add(now);
            }
            for (int first = 0; first < admitted.Count; first++)
                for (int last = first; last < admitted.Count; last += 7)
                    Assert.True(last - first + 1 <= (history.Rate * (admitted[last] - admitted[first]) / 1000.0) + bucket.Burst + 0.001, $"{last - first + 1} within {admitted[last] - admitted[first]} ms");
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>And nothing is lost of it: who always asks gets all of the rate.</summary>
    [Theory, InlineData(1, 1), InlineData(7, 1), InlineData(333, 10), InlineData(1000, 1), InlineData(100_000, 100)]
    public void Who_always_asks_gets_all_of_the_rate(int rate, int burst)
    {
        TokenBucket bucket = Make(rate, burst);
        Take(ref bucket, 0);
        int total = 0;
        for (int millisecond = 1; millisecond <= 20_000; millisecond++) total += Take(ref bucket, Ticks(TimeSpan.FromMilliseconds(millisecond)));
        Assert.InRange(total, (rate * 20) - 1, rate * 20);
    }

    [Fact]
    public void What_is_charged_beyond_it_is_paid_back_but_not_more_than_a_minutes_worth()
    {
        TokenBucket bucket = Make(rate: 10, burst: 5);
        bucket.Charge(15, 0);
        Assert.Equal(1.1, bucket.WaitFor(1, 0).TotalSeconds, 0.001);
        Assert.Equal(0, Take(ref bucket, Second));
        Assert.Equal(1, Take(ref bucket, 11 * Second / 10));
        bucket.Charge(1_000_000, 2 * Second);
        Assert.Equal(60.1, bucket.WaitFor(1, 2 * Second).TotalSeconds, 0.001);
    }

    [Fact]
    public void A_clock_that_goes_backwards_gives_nothing_and_stops_nothing()
    {
        TokenBucket bucket = Make(rate: 10, burst: 5);
        Assert.Equal(5, Take(ref bucket, 1000 * Second));
        Assert.Equal(0, Take(ref bucket, 10 * Second));
        Assert.Equal(1, Take(ref bucket, (10 * Second) + (Second / 10)));
    }

    [Fact]
    public void A_changed_rate_holds_from_that_moment_on()
    {
        TokenBucket bucket = Make(rate: 10, burst: 10);
        Take(ref bucket, 0);
        bucket.Set(100, 100, Second / 2);
        Assert.Equal(5, Take(ref bucket, Second / 2));
        Assert.Equal(50, Take(ref bucket, Second));
        bucket.Set(1, 1, 10 * Second);
        Assert.Equal(1, Take(ref bucket, 10 * Second));
        Assert.Equal(1, Take(ref bucket, 11 * Second));
    }

    [Fact]
    public void What_finds_no_room_is_told_once_and_fits_where_there_is_room()
    {
        TokenBucket bucket = Make(rate: 10, burst: 5);
        bucket.WaitFor(1, Second / 5);
        Assert.Equal(2, bucket.TakeSpilled(), 6);
        Assert.Equal(0, bucket.TakeSpilled());
        bucket.WaitFor(1, 100 * Second); // nobody looked: what the rate was behind the first quarter of a second, who knows
        Assert.Equal(2.5, bucket.TakeSpilled(), 6);
        bucket.Set(10, 2, 100 * Second, isMove: true);
        Assert.Equal(3, bucket.TakeSpilled(), 6);
        bucket.Set(10, 1, 100 * Second);
        Assert.Equal(0, bucket.TakeSpilled());
        TokenBucket other = Make(rate: 10, burst: 5);
        other.Charge(9, 0);
        Assert.Equal(3, other.Add(3, 0), 6);
        Assert.Equal(6, other.Add(8, 0), 6);
        Assert.Equal(5, Take(ref other, 0));
        Assert.Equal(0, other.TakeSpilled());
    }

    [Fact]
    public void What_was_saved_up_while_nobody_looked_may_be_used_and_is_not_handed_on()
    {
        TokenBucket bucket = Make(rate: 10, burst: 20);
        Assert.Equal(20, Take(ref bucket, 0));
        bucket.Set(10, 2, 2 * Second, isMove: true);
        Assert.Equal(0.5, bucket.TakeSpilled(), 6);
        Assert.Equal(2, Take(ref bucket, 2 * Second));

        bucket = Make(rate: 10, burst: 20);
        Assert.Equal(20, Take(ref bucket, 0));
        bucket.WaitFor(1, 2 * Second);
        bucket.Set(10, 2, 2 * Second + Second / 10, isMove: true); // a look in between does not make it fresh
        Assert.Equal(1.5, bucket.TakeSpilled(), 6);
    }

    private static TokenBucket Make(double rate, double burst)
    {
        TokenBucket bucket = default;
        bucket.Set(rate, burst, 0);
        return bucket;
    }

    private static int Take(ref TokenBucket bucket, long now)
    {
        int taken = 0;
        while (bucket.TryTake(now)) taken++;
        return taken;
    }
}
