using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>Fair shares of a shard, in simulated time. A failure names the seed of its history.</summary>
public sealed class ShardSchedulerTests
{
    private const int RoughHistories = 75_000;
    private const int SteadyHistories = 25_000;

    [Fact]
    public void In_any_history_the_cap_holds_minima_are_kept_and_every_place_comes_back()
        => ForSeeds(RoughHistories, static seed =>
        {
            var history = new ShardHistory(seed, isRough: true);
            history.AddRandom(2 + (seed % 5));
            history.Run(long.MaxValue / 8, eventsMax: 60 + (seed % 100));
            history.End();
        });

    [Fact]
    public void In_any_steady_history_nobody_starves_and_no_place_is_idle_while_somebody_waits()
        => ForSeeds(SteadyHistories, static seed =>
        {
            var history = new ShardHistory(seed, isRough: false);
            history.AddRandom(2 + (seed % 7));
            history.Run(long.MaxValue / 8, eventsMax: 300);
            history.End();
        });

    [Theory]
    [InlineData(50, 20, 1)]
    [InlineData(50, 20, 2)]
    [InlineData(20, 3, 3)]
    [InlineData(7, 1, 4)]
    public void Tenants_that_want_more_than_their_share_are_served_by_weight(int tenants, int cap, int seed)
    {
        var random = new Random(seed);
        var history = ShardHistory.Steady(seed, cap);
        for (int i = 0; i < tenants; i++) history.Add(weight: 1 + random.Next(3), minimum: 0, connections: 20, clients: 1 + random.Next(30), transaction: 1 + random.Next(60), thinking: random.Next(3));
        history.Run(tenants * 30_000L / cap);
        double jain = Jain([.. history.Pools.Select(static pool => (double)pool.Served / pool.Weight)]);
        double busy = history.Pools.Sum(static pool => (double)pool.Served) / (history.Now * cap);
        Assert.True(jain >= 0.98, $"Jain index {jain:F3} with {busy:P1} of the time served");
        Assert.True(busy >= 0.9, $"{busy:P1} of the time served");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Who_grows_comes_to_have_what_others_leave_idle_and_gives_it_back_when_they_wait(int seed)
    {
        var history = ShardHistory.Steady(seed, cap: 8);
        // Eight who ask once in ten quanta, so that each holds a place; and one that is always busy and has a use for five.
        for (int i = 0; i < 8; i++) history.Add(weight: 1, minimum: 0, connections: 1, clients: 1, transaction: 1, thinking: 20_000);
        ShardHistory.SimulatedPool growing = history.Add(weight: 1, minimum: 0, connections: 5, clients: 1, transaction: 50, thinking: 50, grows: true);
        int most = 0;
        for (long until = 1_000; until <= 200_000; until += 1_000)
        {
            history.Run(until);
            most = Math.Max(most, growing.Open);
        }
        Assert.Equal(5, most);
        Assert.All(history.Pools, static pool => Assert.InRange(pool.Transactions, 5, int.MaxValue));
        history.End();
    }

    private static double Jain(double[] shares) => Math.Pow(shares.Sum(), 2) / (shares.Length * shares.Sum(static share => share * share));

    private static void ForSeeds(int count, Action<int> history)
        => Parallel.For(0, count, seed =>
        {
            try
            {
                history(seed);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"history with seed {seed}: {failure.Message}", failure);
            }
        });
}
