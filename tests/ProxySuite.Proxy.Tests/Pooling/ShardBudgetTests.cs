using System.Collections.Concurrent;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Pooling.Scheduling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>The budget as pools see it; what it decides is the scheduler's subject.</summary>
public sealed class ShardBudgetTests
{
    [Fact]
    public void Up_to_the_cap_places_are_given_at_once()
    {
        using var budget = new ShardBudget(2);
        var pool = new Pool(budget);
        Assert.True(pool.TryTake());
        Assert.True(pool.TryTake());
        Assert.False(pool.TryTake());
        Assert.Equal(2, budget.Leased);
    }

    [Fact]
    public void A_place_that_comes_back_goes_to_who_waits_one_a_turn()
    {
        using var budget = new ShardBudget(1);
        Pool owner = new(budget), first = new(budget), second = new(budget);
        foreach (Pool pool in new[] { owner, first, first, second }) pool.TryTake();
        owner.Return();
        Assert.Equal((1, 0, 1), (first.Places.Count, second.Places.Count, budget.Leased));
        first.Return();
        Assert.Equal((0, 1, 1), (first.Places.Count, second.Places.Count, budget.Leased));
        second.Return();
        Assert.Equal(0, budget.Leased);
    }

    [Fact]
    public void Whoever_steps_out_of_the_line_gets_nothing()
    {
        using var budget = new ShardBudget(1);
        Pool owner = new(budget), first = new(budget), second = new(budget);
        foreach (Pool pool in new[] { owner, first, second }) pool.TryTake();
        first.StepOut();
        owner.Return();
        Assert.Equal((0, 1), (first.Places.Count, second.Places.Count));
    }

    [Fact]
    public void A_cap_that_is_raised_serves_those_in_line()
    {
        using var budget = new ShardBudget(1);
        Pool owner = new(budget), first = new(budget), second = new(budget), third = new(budget);
        foreach (Pool pool in new[] { owner, first, second, third }) pool.TryTake();
        budget.Total = 3;
        Assert.Equal((1, 1, 0), (first.Places.Count, second.Places.Count, third.Places.Count));
        Assert.Equal(3, budget.Leased);
    }

    [Fact]
    public void Who_waits_has_those_asked_who_are_idle_the_longest_idle_first()
    {
        using var budget = new ShardBudget(3);
        Pool asking = new(budget), young = new(budget) { IdleSince = 20 }, old = new(budget) { IdleSince = 10 };
        foreach (Pool pool in new[] { young, old, asking }) pool.TryTake();
        Assert.False(asking.TryTake());
        Assert.Equal((0, 0, 1), (asking.Evictions, young.Evictions, old.Evictions));
        Assert.Equal(SharePressure.Wanted, budget.Pressure);
        budget.AskNext();
        Assert.Equal((0, 1, 1), (asking.Evictions, young.Evictions, old.Evictions));
    }

    [Fact]
    public void What_was_in_use_a_moment_ago_is_kept_while_another_has_been_idle_for_longer()
    {
        using var budget = new ShardBudget(2);
        Pool asking = new(budget), young = new(budget) { IdleSince = 20 }, old = new(budget) { IdleSince = 10 };
        foreach (Pool pool in new[] { young, old }) pool.TryTake();
        asking.TryTake();
        Assert.False(young.Places.First().TryYield(TimeSpan.TicksPerDay));
        Assert.Equal((0, 2), (young.Evictions, old.Evictions));
        old.IdleSince = ShardAccount.NoneIdle;
        Assert.True(young.Places.First().TryYield(TimeSpan.TicksPerDay));
    }

    [Fact]
    public void A_minimum_that_a_plan_gets_later_protects_what_is_already_held()
    {
        using var budget = new ShardBudget(2);
        Pool holder = new(budget);
        holder.TryTake();
        holder.TryTake();
        for (int i = 0; i < 2; i++) new Pool(budget).TryTake();
        holder.Minimum = 1;
        Assert.True(holder.Places.First().TryYield(TimeSpan.TicksPerDay));
        Assert.False(holder.Places.Last().TryYield(TimeSpan.TicksPerDay));
    }

    [Fact]
    public void A_place_is_given_back_once()
    {
        using var budget = new ShardBudget(1);
        var pool = new Pool(budget);
        pool.TryTake();
        ShardPlace place = pool.Places.First();
        place.Dispose();
        Assert.Throws<InvalidOperationException>(place.Dispose);
        Assert.Equal(0, budget.Leased);
    }

    /// <summary>A pool that keeps what it is given.</summary>
    private sealed class Pool : IShardClaimant
    {
        private readonly ShardBudget _budget;
        private readonly ShardAccount _account;

        public Pool(ShardBudget budget)
        {
            _budget = budget;
            _account = new ShardAccount(this);
        }

        public ConcurrentQueue<ShardPlace> Places { get; } = new();

        public long IdleSince
        {
            set => _account.IdleSince = value;
        }

        public int Evictions { get; private set; }

        public int Weight => 1;

        public int Minimum { get; set; }

        public long Served => 0;

        public bool TryTake()
        {
            if (!_budget.TryTake(_account, out ShardPlace? place)) return false;
            place.Opened();
            Places.Enqueue(place);
            return true;
        }

        public void Return()
        {
            Assert.True(Places.TryDequeue(out ShardPlace? place));
            place.Dispose();
        }

        public void StepOut() => _budget.StepOut(_account);

        public void OnShardPlace(ShardPlace place) => Places.Enqueue(place);

        public void OnEvictionWanted() => Evictions++;
    }
}
