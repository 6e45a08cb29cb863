using ProxySuite.Proxy.Pooling.Scheduling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>The controller that protects a shard, against simulated shards; an interval is a second.</summary>
public sealed class ShardProtectionTests
{
    private static readonly ProtectionBounds Bounds = new(Most: 200, Least: 20, Tolerance: 2);

    [Fact]
    public void A_shard_that_answers_as_usual_is_left_alone()
    {
        var protection = new ShardProtection();
        var random = new Random(1);
        for (int i = 0; i < 1000; i++) Assert.Null(protection.Next(new ShardSample(500, 10 + random.Next(8), random.Next(3), 200), Bounds));
    }

    [Fact]
    public void One_slow_second_or_a_few_slow_answers_change_nothing()
    {
        ShardProtection protection = Learnt();
        Assert.Null(protection.Next(new ShardSample(500, 100, 0, 200), Bounds));
        Assert.Null(protection.Next(new ShardSample(500, 10, 0, 200), Bounds));
        for (int i = 0; i < 10; i++) Assert.Null(protection.Next(new ShardSample(ShardProtection.AnswersMin - 1, 100, 0, 200), Bounds));
    }

    [Fact]
    public void A_slow_shard_gets_less_and_less_down_to_the_bound_and_all_of_it_back()
    {
        ShardProtection protection = Learnt();
        var limits = new List<int>();
        for (int i = 0; i < 60; i++) limits.Add(protection.Next(new ShardSample(500, 100, 0, 200), Bounds) ?? 200);
        Assert.Equal(160, limits[1]);
        Assert.Equal(limits.OrderDescending(), limits);
        Assert.Equal(20, limits[^1]);
        int seconds = 0;
        while (protection.Next(new ShardSample(500, 10, 0, 20), Bounds) is not null) Assert.InRange(++seconds, 1, 600);
    }

    [Fact]
    public void Faults_count_as_well_when_they_are_many()
    {
        ShardProtection protection = Learnt();
        for (int i = 0; i < 10; i++) Assert.Null(protection.Next(new ShardSample(500, 10, 20, 200), Bounds));
        for (int i = 0; i < 2; i++) protection.Next(new ShardSample(0, 0, 30, 200), Bounds);
        Assert.Equal(160, protection.Limit);
    }

    [Fact]
    public void What_is_taken_is_taken_of_what_is_in_use()
    {
        ShardProtection protection = Learnt();
        for (int i = 0; i < 2; i++) protection.Next(new ShardSample(500, 100, 0, Used: 50), Bounds);
        Assert.Equal(40, protection.Limit);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(120)]
    [InlineData(199)]
    public void Beside_a_shard_that_bears_so_many_it_settles_below_without_swinging(int bears)
    {
        ShardProtection protection = Learnt();
        var limits = new List<int>();
        for (int i = 0; i < 1500; i++)
        {
            int used = protection.Limit ?? 200;
            // Up to what it bears it answers in 10; beyond, as a queue does, in ever longer.
            double median = used <= bears ? 10 : 10 * (1 + (4.0 * (used - bears) / bears));
            limits.Add(protection.Next(new ShardSample(500, median, 0, used), Bounds) ?? 200);
        }
        int[] later = [.. limits.Skip(500)];
        Assert.True(later.Max() - later.Min() <= Math.Max(60, bears * 0.45), $"it swings between {later.Min()} and {later.Max()}");
        int falls = later.Zip(later.Skip(1)).Count(static pair => pair.Second < pair.First);
        Assert.True(falls <= later.Length / 20, $"it fell {falls} times in {later.Length} s");
    }

    [Fact]
    public void A_workload_that_has_changed_for_good_is_the_usual_one_in_the_end()
    {
        ShardProtection protection = Learnt();
        int seconds = 0;
        do Assert.InRange(++seconds, 1, 3600);
        while (protection.Next(new ShardSample(500, 40, 0, protection.Limit ?? 200), Bounds) is not null || seconds < 10);
    }

    private static ShardProtection Learnt()
    {
        var protection = new ShardProtection();
        for (int i = 0; i < 20; i++) Assert.Null(protection.Next(new ShardSample(500, 10, 0, 200), Bounds));
        Assert.Equal(10, protection.Usual);
        return protection;
    }
}
