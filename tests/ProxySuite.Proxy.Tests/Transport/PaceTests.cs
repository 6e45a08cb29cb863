using System.Diagnostics;
using System.Runtime.InteropServices;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Proxy.Transport;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed partial class PaceTests
{
    private const int Other = 0, Batch = 3; // sched.h

    private static readonly long Interval = (long)(ReactorPace.Interval.TotalSeconds * Stopwatch.Frequency);

    [Theory]
    [InlineData(100, 0, true)]    // all in line
    [InlineData(100, 100, true)]  // half of them
    [InlineData(100, 101, false)]
    [InlineData(99, 0, false)]    // too few to be worth it
    [InlineData(0, 5_000, false)]
    [InlineData(0, 0, false)]
    public void A_reactor_is_patient_while_most_queries_stand_in_line(int queued, int served, bool isPatient)
    {
        var pace = new ReactorPace();
        pace.Judge(Interval);
        Count(pace, queued, served);
        Assert.Equal(isPatient, pace.Judge(2 * Interval));
        Assert.Equal(isPatient, pace.IsPatient);
    }

    [Fact]
    public void It_judges_once_an_interval_and_by_that_interval_alone()
    {
        var pace = new ReactorPace();
        pace.Judge(Interval);
        Count(pace, queued: 1_000, served: 0);
        Assert.False(pace.Judge(2 * Interval - 1));
        Assert.False(pace.IsPatient);
        Assert.True(pace.Judge(2 * Interval));
        Count(pace, queued: 1_000, served: 0);
        Assert.False(pace.Judge(3 * Interval)); // as before
        Assert.True(pace.IsPatient);
        Count(pace, queued: 1_000, served: 1_001);
        Assert.True(pace.Judge(4 * Interval));
        Assert.False(pace.IsPatient);
    }

    [Theory]
    [InlineData(ReactorWakeups.Adaptive, Batch)]
    [InlineData(ReactorWakeups.Prompt, Other)]
    public async Task A_patient_reactor_pushes_nobody_off_a_processor_and_is_as_others_again_afterwards(ReactorWakeups wakeups, int expected)
    {
        await using Reactor reactor = ReactorFactory.Create(TransportKind.Epoll, 0, wakeups);
        reactor.Start();
        Assert.Equal(Other, await PolicyAsync(reactor));
        await UntilAsync(reactor, isPatient: true);
        Assert.Equal(expected, await PolicyAsync(reactor));
        await UntilAsync(reactor, isPatient: false);
        Assert.Equal(Other, await PolicyAsync(reactor));
    }

    [Fact]
    public async Task A_policy_of_the_operators_choice_stays()
    {
        const int Idle = 5;
        await using Reactor reactor = ReactorFactory.Create(TransportKind.Epoll, 0);
        reactor.Start();
        Assert.Equal(0, await TransportWorld.RunAsync(reactor, () => SetPolicy(0, Idle, new SchedParam())));
        await UntilAsync(reactor, isPatient: true);
        Assert.Equal(Idle, await PolicyAsync(reactor));
        await UntilAsync(reactor, isPatient: false);
        Assert.Equal(Idle, await PolicyAsync(reactor));
    }

    [Fact]
    public void A_crowd_of_logins_that_ask_once_each_makes_a_reactor_patient()
    {
        var pace = new ReactorPace();
        pace.Judge(Interval);
        for (int i = 0; i < ReactorPace.QueuedMin; i++) pace.CountLogin();
        Count(pace, queued: 0, served: ReactorPace.QueuedMin);
        Assert.True(pace.Judge(2 * Interval));
        for (int i = 0; i < ReactorPace.QueuedMin; i++) pace.CountLogin();
        Count(pace, queued: 0, served: 3 * ReactorPace.QueuedMin + 1); // beside those who are at work it is none
        Assert.True(pace.Judge(3 * Interval));
        Assert.False(pace.IsPatient);
    }

    [Fact]
    public async Task Queries_count_as_served_at_once_or_as_waiting()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        Reactor reactor = ((ProxyServer)world.Server).Contexts[0].Reactor;
        ReactorPace pace = reactor.Pace;
        // Judged once in advance, and so not again: what is counted from now on stays to be seen.
        Assert.False(await TransportWorld.RunAsync(reactor, () => pace.Judge(long.MaxValue / 2)));
        using RawClient first = await world.ConnectAsync();
        Assert.Equal((3, 3), (pace.Asked, pace.Queued));
        using RawClient second = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        (long asked, long queued) = (pace.Asked, pace.Queued);
        await first.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        Assert.Equal((1, 0), (pace.Asked - asked, pace.Queued - queued));
        await second.SendAsync(Query("SELECT 1"));
        var waited = Stopwatch.StartNew();
        while (pace.Asked - asked < 2 && waited.Elapsed < TransportWorld.Patience) await Task.Delay(5);
        Assert.Equal((2, 1), (pace.Asked - asked, pace.Queued - queued));
        await first.RoundTripAsync(server, "COMMIT", "COMMIT");
        await server.NextAsync();
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await second.ReadyAsync()).Length);
        Assert.Equal((2, 1), (pace.Asked - asked, pace.Queued - queued)); // neither its turn nor the rest of a transaction asks again
    }

    private static void Count(ReactorPace pace, int queued, int served)
    {
        for (int i = 0; i < queued; i++) pace.Count(isQueued: true);
        for (int i = 0; i < served; i++) pace.Count(isQueued: false);
    }

    // Turn by turn with as much in line as makes it patient, or none: until it has judged so and the next turn shows what followed.
    private static async Task UntilAsync(Reactor reactor, bool isPatient)
    {
        var waited = Stopwatch.StartNew();
        bool isThere = false;
        while (!isThere && waited.Elapsed < TransportWorld.Patience)
        {
            isThere = await TransportWorld.RunAsync(reactor, () =>
            {
                if (isPatient) Count(reactor.Pace, ReactorPace.QueuedMin, served: 0);
                return reactor.Pace.IsPatient == isPatient;
            });
        }
        Assert.True(isThere);
    }

    private static Task<int> PolicyAsync(Reactor reactor) => TransportWorld.RunAsync(reactor, static () => GetPolicy(0));

    [LibraryImport("libc", EntryPoint = "sched_getscheduler")]
    private static partial int GetPolicy(int thread);

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetPolicy(int thread, int policy, in SchedParam parameter);

    [StructLayout(LayoutKind.Sequential)]
    private struct SchedParam
    {
        public int Priority;
    }
}
