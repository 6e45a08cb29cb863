using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class ReactorTests
{
    private static readonly int[] DelaysMilliseconds = [80, 20, 1, 150, 0];

    [Theory, EveryKind]
    public async Task Work_posted_by_many_threads_runs_once_each_in_the_order_of_its_thread(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 3);
        reactor.Start();
        const int Threads = 8, PostsEach = 20_000;
        int[] last = new int[Threads];
        int wrong = 0, ran = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int i = 1; i <= PostsEach; i++)
            {
                int number = i;
                reactor.Post(_ =>
                {
                    if (!reactor.IsCurrent || last[thread] != number - 1)
                        wrong++;
                    last[thread] = number;
                    if (++ran == Threads * PostsEach)
                        done.SetResult();
                }, null);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        await done.Task.WaitAsync(TransportWorld.Patience);
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(0, wrong);
        Assert.Equal(3, reactor.Index);
    }

    [Theory, EveryKind]
    public async Task A_post_wakes_a_reactor_that_sleeps(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        for (int i = 0; i < 50; i++)
        {
            await Task.Delay(2); // asleep again
            await TransportWorld.RunAsync(reactor, () => { });
        }
    }

    [Theory, EveryKind]
    public async Task A_reactor_with_nothing_to_do_does_not_turn(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        await TransportWorld.RunAsync(reactor, () => { });
        await Task.Delay(20);
        long turns = reactor.Counters.Turns;
        await Task.Delay(200);
        Assert.Equal(turns, reactor.Counters.Turns);
    }

    [Theory, EveryKind]
    public async Task Ordinary_awaits_come_back_to_the_reactor(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        bool[] current = await await TransportWorld.RunAsync(reactor, async () =>
        {
            bool before = reactor.IsCurrent;
            await Task.Delay(1);
            bool afterDelay = reactor.IsCurrent;
            bool inside = await Task.Run(() => reactor.IsCurrent);
            return new[] { before, afterDelay, inside, reactor.IsCurrent };
        });
        Assert.Equal([true, true, false, true], current);
    }

    [Theory, EveryKind]
    public async Task Timers_fire_on_the_reactor_in_the_order_of_their_deadlines_and_not_early(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        var fired = new List<int>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long early = 0;
        await TransportWorld.RunAsync(reactor, () =>
        {
            long start = reactor.NowTicks;
            foreach (int delay in DelaysMilliseconds)
            {
                reactor.Timers.Arm(new WheelTimer(_ =>
                {
                    Assert.True(reactor.IsCurrent);
                    fired.Add(delay);
                    if (System.Diagnostics.Stopwatch.GetElapsedTime(start, reactor.NowTicks) < TimeSpan.FromMilliseconds(delay))
                        early++;
                    if (fired.Count == 5)
                        done.SetResult();
                }, null), TimeSpan.FromMilliseconds(delay));
            }
        });
        await done.Task.WaitAsync(TransportWorld.Patience);
        Assert.Equal([0, 1, 20, 80, 150], fired);
        Assert.Equal(0, early);
    }

    [Theory, EveryKind]
    public async Task Work_and_timers_that_throw_are_counted_and_the_loop_goes_on(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        var failures = new List<string>();
        reactor.FailureHook = e =>
        {
            lock (failures)
                failures.Add(e.Message);
            throw new FormatException("and so does the hook");
        };
        reactor.Start();
        reactor.Post(_ => throw new FormatException("posted"), null);
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        reactor.Post(_ =>
        {
            reactor.Timers.Arm(new WheelTimer(_ => throw new FormatException("timer"), null), TimeSpan.FromMilliseconds(1));
            reactor.Timers.Arm(new WheelTimer(_ => fired.SetResult(), null), TimeSpan.FromMilliseconds(5));
        }, null);
        await fired.Task.WaitAsync(TransportWorld.Patience);
        await TransportWorld.RunAsync(reactor, () => { });
        lock (failures)
            Assert.Equal(["posted", "timer"], failures);
        Assert.Equal(2, reactor.Counters.HandlerFailures);
    }

    [Theory, EveryKind]
    public async Task Work_posted_before_the_end_runs_and_after_it_is_dropped(TransportKind kind)
    {
        Reactor reactor = ReactorFactory.Create(kind, 0);
        int ran = 0;
        reactor.Post(_ => ran++, null); // waits for the start
        reactor.Start();
        reactor.Post(_ => ran++, null);
        await reactor.DisposeAsync();
        Assert.Equal(2, ran);
        reactor.Post(_ => ran++, null);
        await Task.Delay(20);
        Assert.Equal(2, ran);
        Assert.Throws<ObjectDisposedException>(() => reactor.Listen(TransportWorld.NewEndPoint(Network.Tcp), new ListenOptions(), _ => { }));
        await reactor.DisposeAsync();
    }

    [Theory, EveryKind]
    public async Task A_reactor_starts_once(TransportKind kind)
    {
        await using Reactor reactor = ReactorFactory.Create(kind, 0);
        reactor.Start();
        Assert.Throws<InvalidOperationException>(reactor.Start);
    }

    [Theory, EveryTransport]
    public async Task Time_stands_still_within_a_turn_and_moves_on_between_turns(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        long first = await world.RunAsync(() =>
        {
            long now = world.Reactor.NowMilliseconds;
            Thread.Sleep(5);
            Assert.Equal(now, world.Reactor.NowMilliseconds);
            return now;
        });
        Assert.True(await world.RunAsync(() => world.Reactor.NowMilliseconds) >= first + 5);
        Assert.True(await world.RunAsync(() => world.Reactor.Counters.LongestTurnTicks) >= System.Diagnostics.Stopwatch.Frequency / 1000 * 5);
    }
}
