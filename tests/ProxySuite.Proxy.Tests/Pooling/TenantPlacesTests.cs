using ProxySuite.Proxy.Pooling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

/// <summary>A tenant's limit over several reactors.</summary>
public sealed class TenantPlacesTests
{
    private static readonly TimeSpan Keep = TimeSpan.FromMilliseconds(10);

    [Fact]
    public void A_place_can_be_taken_once_whoever_takes_it()
    {
        var places = new TenantPlaces { Total = 3 };
        var one = new Reactor(places);
        var two = new Reactor(places);
        Assert.True(one.Budget.TryTake());
        Assert.True(two.Budget.TryTake());
        Assert.True(one.Budget.TryTake());
        Assert.False(two.Budget.TryTake());
        Assert.Equal((3, 0, 2, 1), (places.Leased, places.Free, one.Budget.Leased, two.Budget.Leased));
    }

    [Fact]
    public void Who_lacks_a_place_hears_of_one_that_comes_back_and_others_are_asked_for_idle_ones()
    {
        (TenantPlaces places, Reactor one, Reactor two) = Full(2, 0);
        Assert.False(two.Budget.TryTake());
        Assert.Equal(1, one.Asked);
        one.Budget.Return();
        Assert.Equal(1, two.Woken);
        Assert.Equal(1, places.Free);
    }

    [Fact]
    public void A_free_place_goes_to_whoever_lacks_one_and_has_fewest()
    {
        (TenantPlaces _, Reactor one, Reactor two) = Full(3, 1);
        Assert.False(two.Budget.TryTake());
        one.Budget.Return();
        Assert.False(one.Budget.TryTake());
        Assert.True(two.Budget.TryTake());
    }

    [Fact]
    public void Among_equals_it_goes_to_whoever_has_lacked_one_for_longer()
    {
        (TenantPlaces places, Reactor one, Reactor two) = Full(1, 0);
        Assert.False(two.Budget.TryTake());
        one.Budget.Return();
        Assert.False(one.Budget.TryTake());
        Assert.True(two.Budget.TryTake());
        two.Budget.Want(0);
        two.Budget.Return();
        Assert.True(one.Budget.TryTake());
        Assert.Equal(1, places.Leased);
    }

    [Fact]
    public void Who_stops_wanting_stands_in_nobodys_way()
    {
        (TenantPlaces _, Reactor one, Reactor two) = Full(2, 1);
        Assert.False(two.Budget.TryTake());
        one.Budget.Return();
        Assert.False(one.Budget.TryTake());
        two.Budget.Want(0);
        Assert.Equal(1, one.Woken);
        Assert.True(one.Budget.TryTake());
    }

    [Fact]
    public void A_busy_connection_moves_over_where_that_evens_out_and_no_more_than_are_lacking()
    {
        (TenantPlaces _, Reactor one, Reactor two) = Full(10, 0);
        Assert.False(two.Budget.TryTake());
        two.Budget.Want(2);
        for (int moved = 0; moved < 2; moved++)
        {
            Assert.True(one.Budget.TryYield(hasServed: false, idleFor: null, Keep));
            one.Budget.Leaving++;
        }
        Assert.False(one.Budget.TryYield(hasServed: false, idleFor: null, Keep));
    }

    [Fact]
    public void Equals_keep_what_they_have()
    {
        (TenantPlaces _, Reactor one, Reactor two) = Full(5, 5);
        Assert.False(two.Budget.TryTake());
        two.Budget.Want(10);
        Assert.False(one.Budget.TryYield(hasServed: true, idleFor: null, Keep));
        Assert.False(one.Budget.TryYield(hasServed: true, idleFor: TimeSpan.Zero, Keep));
        Assert.True(one.Budget.TryYield(hasServed: true, idleFor: Keep, Keep));
    }

    [Fact]
    public void With_fewer_places_than_reactors_they_take_turns()
    {
        (TenantPlaces _, Reactor one, Reactor two) = Full(1, 0);
        Assert.False(two.Budget.TryTake());
        Assert.False(one.Budget.TryYield(hasServed: false, idleFor: null, Keep));
        Assert.True(one.Budget.TryYield(hasServed: true, idleFor: null, Keep));
    }

    [Fact]
    public void Servers_that_clients_keep_do_not_count_as_at_work()
    {
        (TenantPlaces places, Reactor one, Reactor two) = Full(4, 4);
        two.Budget.Pinned = 3;
        Assert.Equal(3, places.Pinned);
        Assert.False(two.Budget.TryTake());
        Assert.True(one.Budget.TryYield(hasServed: false, idleFor: null, Keep));
    }

    [Fact]
    public void A_limit_that_is_lowered_drains_and_one_that_is_raised_wakes()
    {
        (TenantPlaces places, Reactor one, Reactor two) = Full(4, 4);
        places.Total = 6;
        Assert.True(one.Budget.IsOverdrawn);
        one.Budget.Leaving = 2;
        Assert.False(one.Budget.IsOverdrawn);
        Assert.False(two.Budget.TryTake());
        places.Total = 20;
        Assert.Equal(1, two.Woken);
        Assert.True(two.Budget.TryTake());
    }

    [Fact]
    public void A_second_listener_takes_a_servers_place()
    {
        (TenantPlaces places, Reactor one, Reactor two) = Full(2, 2);
        one.Budget.AddListener();
        Assert.True(one.Budget.HasRoom);
        two.Budget.AddListener();
        Assert.False(two.Budget.HasRoom);
        Assert.True(one.Budget.IsOverdrawn);
        one.Budget.Return();
        Assert.True(two.Budget.HasRoom);
        Assert.Equal(0, places.Free);
        two.Budget.RemoveListener();
        Assert.Equal(1, places.Free);
    }

    [Fact]
    public void Weight_and_minimum_are_divided_between_those_who_take_part()
    {
        (TenantPlaces _, Reactor one, Reactor two) = Full(1, 1);
        Assert.Equal((2, 3, 2), (one.Budget.Parts, one.Budget.PartOf(5), two.Budget.PartOf(5)));
        two.Budget.Return();
        Assert.Equal((1, 5), (one.Budget.Parts, one.Budget.PartOf(5)));
    }

    [Fact]
    public async Task However_many_reactors_take_at_once_the_sum_is_never_above_the_limit_and_nobody_is_forgotten()
    {
        const int Reactors = 4, Rounds = 20_000, Limit = 7;
        var places = new TenantPlaces { Total = Limit };
        int held = 0, most = 0;
        await OnThreadsAsync(Reactors, number =>
        {
            var reactor = new Reactor(places);
            var random = new Random(number);
            int mine = 0;
            for (int round = 0; round < Rounds; round++)
            {
                if (random.Next(2) == 0 && reactor.Budget.TryTake())
                {
                    mine++;
                    int now = Interlocked.Increment(ref held);
                    for (int seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most)) Interlocked.CompareExchange(ref most, now, seen);
                }
                else if (mine > 0 && random.Next(2) == 0)
                {
                    mine--;
                    Interlocked.Decrement(ref held);
                    reactor.Budget.Return();
                }
                else
                {
                    reactor.Budget.Want(random.Next(3));
                }
            }
            for (; mine > 0; mine--)
            {
                Interlocked.Decrement(ref held);
                reactor.Budget.Return();
            }
            reactor.Budget.End();
        });
        Assert.InRange(most, 1, Limit);
        Assert.Equal((0, Limit, 0), (places.Leased, places.Free, places.Members));
        // Nobody is left who seems to want: a new one is not held back.
        var last = new Reactor(places);
        for (int i = 0; i < Limit; i++) Assert.True(last.Budget.TryTake());
    }

    [Fact]
    public async Task Those_who_wait_for_their_word_are_all_served()
    {
        const int Reactors = 4, Rounds = 3000;
        var places = new TenantPlaces { Total = 2 };
        await OnThreadsAsync(Reactors, _ =>
        {
            using var word = new SemaphoreSlim(0);
            var reactor = new Reactor(places) { OnWoken = () => word.Release() };
            for (int round = 0; round < Rounds; round++)
            {
                while (!reactor.Budget.TryTake()) Assert.True(word.Wait(TimeSpan.FromSeconds(30)), "nobody told of a free place");
                reactor.Budget.Want(0);
                reactor.Budget.Return();
            }
            reactor.Budget.End();
        });
        Assert.Equal(0, places.Leased);
    }

    private static Task OnThreadsAsync(int threads, Action<int> work)
        => Task.WhenAll(Enumerable.Range(0, threads).Select(number => Task.Factory.StartNew(() => work(number), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)))
            .WaitAsync(TimeSpan.FromMinutes(2));

    private static (TenantPlaces Places, Reactor One, Reactor Two) Full(int first, int second)
    {
        var places = new TenantPlaces { Total = first + second };
        var one = new Reactor(places);
        var two = new Reactor(places);
        for (int i = 0; i < first; i++) Assert.True(one.Budget.TryTake());
        for (int i = 0; i < second; i++) Assert.True(two.Budget.TryTake());
        return (places, one, two);
    }

    private sealed class Reactor : IPlaceUser
    {
        public Reactor(TenantPlaces places) => Budget = new TenantBudget(places, this);

        public TenantBudget Budget { get; }

        public Action OnWoken { get; init; } = static () => { };

        public int Woken { get; private set; }

        public int Asked { get; private set; }

        public int IdleHint => 0;

        public int WaitingHint => 0;

        public void OnPlaceFree()
        {
            Woken++;
            OnWoken();
        }

        public void OnPlaceWanted() => Asked++;
    }
}
