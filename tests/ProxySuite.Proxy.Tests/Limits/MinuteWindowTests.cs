using ProxySuite.Proxy.Limits;
using Xunit;
using static ProxySuite.Proxy.Tests.Limits.LimiterWorld;

namespace ProxySuite.Proxy.Tests.Limits;

public sealed class MinuteWindowTests
{
    [Fact]
    public void What_was_used_counts_for_a_minute_at_least_and_five_seconds_more_at_most()
    {
        for (int start = 0; start < 12; start++)
        {
            var window = new MinuteWindow();
            window.Add(7, At(start));
            window.Turn(At(start + 60));
            Assert.Equal(7, window.Total);
            window.Turn(At(start + 65));
            Assert.Equal(0, window.Total);
        }
    }

    [Fact]
    public void It_says_when_there_is_room_again()
    {
        var window = new MinuteWindow();
        window.Add(10, At(1));
        window.Add(20, At(12));
        Assert.Equal(TimeSpan.Zero, window.WaitUntilBelow(31, At(13)));
        // The first slot ends at 5 s, the third at 15 s; each counts for a minute from there.
        Assert.Equal(TimeSpan.FromSeconds(65 - 13), window.WaitUntilBelow(30, At(13)));
        Assert.Equal(TimeSpan.FromSeconds(65 - 13), window.WaitUntilBelow(21, At(13)));
        Assert.Equal(TimeSpan.FromSeconds(75 - 13), window.WaitUntilBelow(20, At(13)));
        Assert.Equal(TimeSpan.FromMinutes(1), window.WaitUntilBelow(0, At(13)));
        Assert.Equal(TimeSpan.Zero, window.WaitUntilBelow(30, At(65)));
        Assert.Equal(20, window.Total);
    }

    [Fact]
    public void A_long_pause_forgets_all_and_a_clock_that_goes_backwards_nothing()
    {
        var window = new MinuteWindow();
        window.Add(5, At(100));
        window.Turn(At(3));
        window.Add(1, At(3));
        Assert.Equal(6, window.Total);
        window.Turn(At(100_000));
        Assert.Equal(0, window.Total);
        window.Add(2, At(100_001));
        Assert.Equal(2, window.Total);
    }

    private static long At(double seconds) => Ticks(TimeSpan.FromSeconds(seconds));
}
