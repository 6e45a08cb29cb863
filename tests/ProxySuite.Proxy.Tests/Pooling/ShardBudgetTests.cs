using ProxySuite.Proxy.Pooling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

public sealed class ShardBudgetTests
{
    [Fact]
    public void Up_to_the_cap_places_are_given_at_once()
    {
        var budget = new ShardBudget(2);
        var pool = new Pool();
        Assert.True(budget.TryTake(pool));
        Assert.True(budget.TryTake(pool));
        Assert.False(budget.TryTake(pool));
        Assert.Equal(2, budget.Leased);
    }

    [Fact]
    public void A_place_that_comes_back_goes_to_the_first_in_line_one_a_turn()
    {
        var budget = new ShardBudget(1);
        Pool owner = new(), first = new(), second = new();
        budget.TryTake(owner);
        budget.TryTake(first);
        budget.TryTake(first);
        budget.TryTake(second);
        budget.Return();
        Assert.Equal((1, 0), (first.Places, second.Places));
        Assert.Equal(1, budget.Leased);
        budget.Return();
        Assert.Equal((1, 1), (first.Places, second.Places));
        budget.Return();
        Assert.Equal(0, budget.Leased);
    }

    [Fact]
    public void Whoever_steps_out_of_the_line_or_leaves_gets_nothing()
    {
        var budget = new ShardBudget(1);
        Pool owner = new(), first = new(), second = new(), third = new();
        foreach (Pool pool in new[] { owner, first, second, third }) budget.TryTake(pool);
        budget.StepOut(first);
        budget.Leave(second);
        budget.Return();
        Assert.Equal((0, 0, 1), (first.Places, second.Places, third.Places));
    }

    [Fact]
    public void Nobody_overtakes_the_line()
    {
        var budget = new ShardBudget(1);
        Pool owner = new(), waiting = new(), late = new();
        budget.TryTake(owner);
        budget.TryTake(waiting);
        budget.Total = 1;
        Assert.False(budget.TryTake(late));
    }

    [Fact]
    public void Whoever_has_most_idle_connections_is_asked_to_give_one_up()
    {
        var budget = new ShardBudget(1);
        Pool asking = new() { Idle = 9 }, rich = new() { Idle = 3 }, poor = new() { Idle = 1 };
        foreach (Pool pool in new[] { asking, rich, poor }) budget.Join(pool);
        budget.TryTake(poor);
        Assert.False(budget.TryTake(asking));
        Assert.Equal((0, 1, 0), (asking.Evictions, rich.Evictions, poor.Evictions));
    }

    [Fact]
    public void A_cap_that_is_raised_serves_those_in_line()
    {
        var budget = new ShardBudget(1);
        Pool owner = new(), first = new(), second = new(), third = new();
        foreach (Pool pool in new[] { owner, first, second, third }) budget.TryTake(pool);
        budget.Total = 3;
        Assert.Equal((1, 1, 0), (first.Places, second.Places, third.Places));
        Assert.Equal(3, budget.Leased);
    }

    [Fact]
    public void A_cap_that_is_lowered_is_reached_by_attrition()
    {
        var budget = new ShardBudget(3);
        Pool owner = new(), waiting = new();
        for (int i = 0; i < 3; i++) budget.TryTake(owner);
        budget.Total = 1;
        budget.TryTake(waiting);
        budget.Return();
        budget.Return();
        Assert.Equal(0, waiting.Places);
        Assert.Equal(1, budget.Leased);
        budget.Return();
        Assert.Equal(1, waiting.Places);
        Assert.Equal(1, budget.Leased);
    }

    [Fact]
    public async Task Threads_that_take_and_return_never_hold_more_than_the_cap_and_leave_nothing_behind()
    {
        const int Cap = 5;
        var budget = new ShardBudget(Cap);
        int held = 0, most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(() =>
        {
            var random = new Random(number);
            var pool = new Pool();
            budget.Join(pool);
            for (int i = 0; i < 20_000; i++)
            {
                if (!budget.TryTake(pool))
                {
                    // As a pool does whose waiters have gone; a place that was on its way by then is handed on.
                    budget.StepOut(pool);
                    if (pool.TakePlace()) budget.Return();
                    continue;
                }
                int now = Interlocked.Increment(ref held);
                int seen = Volatile.Read(ref most);
                while (now > seen && Interlocked.CompareExchange(ref most, now, seen) != seen) seen = Volatile.Read(ref most);
                if (random.Next(4) == 0) Thread.Yield();
                Interlocked.Decrement(ref held);
                budget.Return();
            }
            budget.Leave(pool);
            while (pool.TakePlace()) budget.Return();
        })));
        Assert.InRange(most, 1, Cap);
        Assert.Equal(0, budget.Leased);
    }

    private sealed class Pool : IShardClaimant
    {
        private int _places;

        public int Idle { get; init; }

        public int Places => _places;

        public int Evictions { get; private set; }

        public int IdleHint => Idle;

        public void OnShardPlace() => Interlocked.Increment(ref _places);

        public void OnEvictionWanted() => Evictions++;

        public bool TakePlace()
        {
            if (Volatile.Read(ref _places) == 0) return false;
            Interlocked.Decrement(ref _places);
            return true;
        }
    }
}
