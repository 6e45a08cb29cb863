using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Pooling.Scheduling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>The rules of the scheduler one by one; <see cref="ShardSchedulerTests"/> has them all at once.</summary>
public sealed class ShardRulesTests
{
    private const long Quantum = 1000;

    private static readonly SharePolicy Policy = new(Quantum, OpeningsMax: 100, TimePerOpening: 0, BackoffMin: 100, BackoffMax: 1000);

    [Fact]
    public void A_connection_serves_its_tenant_for_a_quantum_and_then_goes_to_who_has_had_less()
    {
        ShardScheduler shard = Shard(1);
        ShardAccount holder = Account(), waiting = Account();
        Open(shard, holder);
        Assert.False(shard.Request(waiting, served: 0, now: 0));
        Assert.False(shard.TryYield(holder, served: 0, idleFor: -1, now: 0));
        Assert.True(shard.TryYield(holder, served: Quantum, idleFor: -1, now: Quantum));
        shard.Return(holder, isUnused: false, wasLeaving: true, now: Quantum);
        Assert.Same(waiting, Assert.Single(shard.Granted));
        Assert.Equal(1, shard.HandOvers);
    }

    [Fact]
    public void The_quantum_does_not_protect_what_was_taken_beyond_the_share_before_others_came()
    {
        ShardScheduler shard = Shard(10);
        ShardAccount early = Account();
        for (int i = 0; i < 10; i++) Open(shard, early);
        Assert.False(early.HoldsTooMany);
        for (int i = 0; i < 4; i++) Assert.False(shard.Request(Account(), 0, 0));
        // Two each are the share; four wait for one, so four go.
        int given = 0;
        for (; early.HoldsTooMany; given++) Assert.True(shard.TryYield(early, served: 10, idleFor: -1, now: 10));
        Assert.Equal(4, given);
        Assert.False(shard.TryYield(early, served: 10, idleFor: -1, now: 10));
    }

    [Fact]
    public void Who_has_its_share_keeps_it_for_a_quantum()
    {
        ShardScheduler shard = Shard(4);
        ShardAccount one = Account(), other = Account();
        for (int i = 0; i < 2; i++)
        {
            Open(shard, one);
            Open(shard, other);
        }
        Assert.False(shard.Request(Account(), 0, 0));
        Assert.False(one.HoldsTooMany || other.HoldsTooMany);
    }

    [Fact]
    public void Where_a_share_is_less_than_a_place_two_are_too_many()
    {
        ShardScheduler shard = Shard(4);
        ShardAccount one = Account(), other = Account();
        for (int i = 0; i < 2; i++)
        {
            Open(shard, one);
            Open(shard, other);
        }
        for (int i = 0; i < 8; i++) Assert.False(shard.Request(Account(), 0, 0));
        foreach (ShardAccount holder in new[] { one, other })
        {
            Assert.True(holder.HoldsTooMany);
            Assert.True(shard.TryYield(holder, served: 10, idleFor: -1, now: 10));
            Assert.False(holder.HoldsTooMany);
        }
    }

    [Fact]
    public void Who_waits_for_one_place_is_given_over_one()
    {
        ShardScheduler shard = Shard(2);
        ShardAccount first = Account(), second = Account(), waiting = Account();
        Open(shard, first);
        Open(shard, second);
        shard.Request(waiting, 0, 0);
        Assert.True(shard.TryYield(first, Quantum, -1, Quantum));
        Assert.False(shard.TryYield(second, Quantum, -1, Quantum));
        Assert.Equal(SharePressure.None, shard.Pressure);
    }

    [Fact]
    public void An_idle_connection_is_kept_for_as_long_as_opening_one_takes()
    {
        ShardScheduler shard = Shard(1);
        ShardAccount holder = Account();
        Open(shard, holder, took: 80);
        shard.Request(Account(), 0, 0);
        Assert.False(shard.TryYield(holder, 50, idleFor: shard.Linger - 1, now: 100));
        Assert.True(shard.TryYield(holder, 50, idleFor: shard.Linger, now: 100));
        Assert.Equal(1, shard.Evictions);
    }

    [Fact]
    public void Who_has_more_takes_an_idle_connection_from_who_has_less_only_after_a_quantum()
    {
        ShardScheduler shard = Shard(3);
        ShardAccount rich = Account(), poor = Account();
        Open(shard, rich);
        Open(shard, rich);
        Open(shard, poor);
        shard.Request(rich, 0, 0);
        Assert.False(shard.TryYield(poor, 0, idleFor: Quantum - 1, now: Quantum));
        Assert.True(shard.TryYield(poor, 0, idleFor: Quantum, now: Quantum));
    }

    [Fact]
    public void The_guaranteed_minimum_is_not_taken_and_goes_before_all()
    {
        ShardScheduler shard = Shard(4);
        ShardAccount guaranteed = Account(), greedy = Account(), waiting = Account();
        shard.Configure(guaranteed, weight: 1, minimum: 2);
        Open(shard, guaranteed);
        for (int i = 0; i < 3; i++) Open(shard, greedy);
        shard.Request(waiting, 0, 0);
        Assert.False(shard.TryYield(guaranteed, 100 * Quantum, idleFor: 100 * Quantum, now: 0));
        shard.Request(guaranteed, 100 * Quantum, 0);
        Assert.Equal(SharePressure.Urgent, shard.Pressure);
        // At once, though the quantum is not over.
        Assert.True(shard.TryYield(greedy, 1, -1, 1));
        shard.Return(greedy, isUnused: false, wasLeaving: true, now: 2);
        Assert.Same(guaranteed, Assert.Single(shard.Granted));
    }

    [Fact]
    public void Minima_that_promise_more_than_there_is_shrink_alike_and_leave_a_place_that_goes_round()
    {
        ShardScheduler shard = Shard(10);
        ShardAccount large = Account(), small = Account(), other = Account();
        shard.Configure(large, 1, minimum: 12);
        shard.Configure(small, 1, minimum: 6);
        Open(shard, large);
        Open(shard, small);
        Open(shard, other);
        Assert.Equal((6, 3, 0), (shard.Guaranteed(large), shard.Guaranteed(small), shard.Guaranteed(other)));
        shard.Return(large, isUnused: false, wasLeaving: false, now: 0);
        // Who holds and wants nothing takes nothing away from the others.
        Assert.Equal(6, shard.Guaranteed(small));
    }

    [Fact]
    public void Places_are_held_by_weight()
    {
        ShardScheduler shard = Shard(8);
        ShardAccount light = Account(), heavy = Account();
        shard.Configure(light, 1, 0);
        shard.Configure(heavy, 3, 0);
        Open(shard, Account());
        for (int i = 0; i < 2; i++) Open(shard, light);
        for (int i = 0; i < 5; i++) Open(shard, heavy);
        shard.Request(light, 0, 0);
        shard.Request(heavy, 0, 0);
        // The next place is the heavy one's, as 6 to 2 is 3 to 1.
        shard.SetLimit(9, 0);
        Assert.Same(heavy, Assert.Single(shard.Granted));
    }

    [Fact]
    public void Nobody_saves_up_rights_and_nobody_pays_for_long_for_what_nobody_else_wanted()
    {
        ShardScheduler shard = Shard(1);
        ShardAccount busy = Account(), fresh = Account();
        Open(shard, busy);
        shard.Request(fresh, 0, 0);
        Assert.True(shard.TryYield(busy, 1000 * Quantum, -1, 1000 * Quantum));
        Assert.Equal(ShardScheduler.DebtQuanta * Quantum, busy.VirtualTime - fresh.VirtualTime);
    }

    [Fact]
    public void A_lowered_cap_takes_connections_at_rest_at_once_and_gives_none_until_it_is_reached()
    {
        ShardScheduler shard = Shard(3);
        ShardAccount holder = Account(), waiting = Account();
        for (int i = 0; i < 3; i++) Open(shard, holder);
        shard.SetLimit(1, 0);
        Assert.Equal(SharePressure.Urgent, shard.Pressure);
        Assert.True(shard.TryYield(holder, 0, -1, 0));
        Assert.True(shard.TryYield(holder, 0, 0, 0));
        Assert.False(shard.TryYield(holder, 0, 0, 0));
        shard.Request(waiting, 0, 0);
        shard.Return(holder, false, wasLeaving: true, 1);
        shard.Return(holder, false, wasLeaving: true, 1);
        Assert.Empty(shard.Granted);
        shard.Return(holder, false, wasLeaving: false, 2);
        Assert.Same(waiting, Assert.Single(shard.Granted));
    }

    [Fact]
    public void After_a_failure_of_the_shard_one_knocks_for_all_and_success_opens_the_door()
    {
        ShardScheduler shard = Shard(5);
        ShardAccount first = Account(), second = Account(), third = Account();
        Assert.True(shard.Request(first, 0, 0));
        shard.OpenFailed(first, 1, isShardsFault: true, now: 10);
        shard.Return(first, isUnused: false, wasLeaving: false, now: 10);
        Assert.False(shard.Request(second, 0, 11));
        Assert.False(shard.Request(third, 0, 11));
        Assert.InRange(shard.WakeAt!.Value, 10 + 75, 10 + 125);
        shard.Tick(shard.WakeAt.Value);
        Assert.Same(second, Assert.Single(shard.Granted));
        shard.Granted.Clear();
        shard.Opened(second, 1, 200);
        Assert.Same(third, Assert.Single(shard.Granted));
        Assert.False(shard.IsFailing);
    }

    [Fact]
    public void A_tenant_whose_login_is_refused_holds_nobody_up()
    {
        ShardScheduler shard = Shard(5);
        ShardAccount refused = Account();
        Assert.True(shard.Request(refused, 0, 0));
        shard.OpenFailed(refused, 1, isShardsFault: false, now: 1);
        shard.Return(refused, isUnused: false, wasLeaving: false, now: 1);
        Assert.True(shard.Request(Account(), 0, 1));
    }

    [Fact]
    public void Openings_keep_to_their_number_and_pace()
    {
        var shard = new ShardScheduler(100, Policy with { OpeningsMax = 3, TimePerOpening = 50, OpeningBurst = 100 }, new Random(1));
        ShardAccount[] accounts = [.. Enumerable.Range(0, 10).Select(_ => Account())];
        foreach (ShardAccount account in accounts) shard.Request(account, 0, 0);
        Assert.Equal(3, shard.Leased);
        foreach (ShardAccount account in accounts.Where(static account => account.Held > 0).ToArray()) shard.Opened(account, 1, 1);
        // The burst is used up: one each 50.
        Assert.Equal(3, shard.Leased);
        Assert.Equal(50, shard.WakeAt);
        shard.Tick(50);
        Assert.Equal(4, shard.Leased);
        shard.Tick(99);
        Assert.Equal(4, shard.Leased);
    }

    [Fact]
    public void Growth_takes_a_free_place_at_once_unless_somebody_waits()
    {
        ShardScheduler shard = Shard(2);
        Assert.True(shard.TryGrow(Account(), 0, 0));
        Open(shard, Account());
        Assert.False(shard.TryGrow(Account(), 0, 0));
        Assert.Equal((2, 0), (shard.Leased, shard.InLine));

        shard.Request(Account(), 0, 0);
        shard.SetPolicy(Policy with { OpeningsMax = 0 });
        shard.SetLimit(3, 0);
        shard.SetPolicy(Policy);
        // A place is free, and it is the one's who waits.
        Assert.False(shard.TryGrow(Account(), 0, 0));
        Assert.Equal((2, 1), (shard.Leased, shard.InLine));
    }

    [Fact]
    public void Growth_is_given_what_somebody_has_left_idle_for_a_quantum()
    {
        ShardScheduler shard = Shard(3);
        ShardAccount young = Account(), old = Account(), older = Account(), growing = Account();
        foreach (ShardAccount holder in new[] { young, old, older }) Open(shard, holder);
        (young.IdleSince, old.IdleSince, older.IdleSince) = (9 * Quantum, 5 * Quantum, 4 * Quantum);
        Assert.False(shard.TryGrow(growing, 0, 10 * Quantum));
        Assert.Same(older, Assert.Single(shard.Asked));
        // Nobody waits: others are not bothered, and who was asked gives up one.
        Assert.Equal(SharePressure.None, shard.Pressure);
        Assert.False(shard.TryYield(old, 0, idleFor: 5 * Quantum, now: 10 * Quantum));
        Assert.True(shard.TryYield(older, 0, idleFor: 6 * Quantum, now: 10 * Quantum));
        Assert.False(shard.TryYield(older, 0, idleFor: 6 * Quantum, now: 10 * Quantum));
        shard.Return(older, isUnused: false, wasLeaving: true, now: 10 * Quantum);
        Assert.True(shard.TryGrow(growing, 0, 10 * Quantum));
        Assert.Equal(1, shard.Evictions);
    }

    [Fact]
    public void Growth_takes_nothing_that_is_in_use_its_own_guaranteed_or_idle_for_less_than_a_quantum()
    {
        ShardScheduler shard = Shard(20);
        ShardAccount busy = Account(), guaranteed = Account(), young = Account(), growing = Account();
        shard.Configure(guaranteed, 1, minimum: 1);
        foreach (ShardAccount holder in new[] { busy, guaranteed, young, growing }) Open(shard, holder);
        shard.SetLimit(4, 0);
        (guaranteed.IdleSince, young.IdleSince, growing.IdleSince) = (0, (9 * Quantum) + 1, 0);
        Assert.False(shard.TryGrow(growing, 0, 10 * Quantum));
        Assert.Empty(shard.Asked);
        // By the hint it has been idle for a quantum; it has been used since.
        young.IdleSince = 0;
        Assert.False(shard.TryGrow(growing, 0, 11 * Quantum));
        Assert.Same(young, Assert.Single(shard.Asked));
        Assert.False(shard.TryYield(young, 0, idleFor: Quantum - 1, now: 11 * Quantum));
        Assert.False(shard.TryYield(young, 0, idleFor: -1, now: 11 * Quantum));
        Assert.Equal(0, shard.Leaving);
    }

    [Fact]
    public void Whoever_waits_gets_the_place_that_growth_was_after()
    {
        ShardScheduler shard = Shard(1);
        ShardAccount idle = Account(), growing = Account(), waiting = Account();
        Open(shard, idle);
        idle.IdleSince = -1;
        Assert.False(shard.TryGrow(growing, 0, Quantum));
        Assert.True(shard.TryYield(idle, 0, idleFor: Quantum, now: Quantum));
        Assert.False(shard.Request(waiting, 0, Quantum));
        shard.Return(idle, isUnused: false, wasLeaving: true, now: Quantum);
        Assert.Same(waiting, Assert.Single(shard.Granted));
        Assert.False(shard.TryGrow(growing, 0, Quantum));
        Assert.Equal(1, shard.Leased);
    }

    [Fact]
    public void Nothing_is_given_up_for_growth_that_could_not_be_opened()
    {
        ShardScheduler shard = Shard(1);
        ShardAccount idle = Account(), growing = Account();
        Open(shard, idle);
        idle.IdleSince = -1;
        Assert.False(shard.TryGrow(growing, 0, Quantum));
        shard.SetPolicy(Policy with { OpeningsMax = 0 });
        Assert.False(shard.TryYield(idle, 0, idleFor: Quantum, now: Quantum));
        shard.Asked.Clear();
        Assert.False(shard.TryGrow(growing, 0, 9 * Quantum));
        Assert.Empty(shard.Asked);
    }

    private static ShardScheduler Shard(int limit) => new(limit, Policy, new Random(1));

    private static ShardAccount Account() => new(new Nobody());

    private static void Open(ShardScheduler shard, ShardAccount account, long took = 1)
    {
        Assert.True(shard.Request(account, 0, 0));
        shard.Opened(account, took, 0);
        account.VirtualTime = 0;
    }

    private sealed class Nobody : IShardClaimant
    {
        public int Weight => 1;

        public int Minimum => 0;

        public long Served => 0;

        public void OnShardPlace(ShardPlace place)
        {
        }

        public void OnEvictionWanted()
        {
        }
    }
}
