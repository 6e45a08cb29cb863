using System.Diagnostics;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A large tenant that two reactors serve, on a real server: they are one tenant, with one set of limits.</summary>
[Trait("Category", "Server")]
public sealed class SpreadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(18)]
    [InlineData(15)]
    public async Task Under_a_storm_both_reactors_serve_it_and_the_server_never_sees_more_than_the_plan_allows(int version)
    {
        await using PostgresWorld world = await StartAsync(8, version: version);
        using var stop = new CancellationTokenSource();
        int limit = 8;
        var seen = new int[2];
        Task clients = Task.WhenAll(Enumerable.Range(0, 32).Select(number => Task.Run(() => StormAsync(world, number, seen, stop.Token))));
        Task<int> most = MostConnectionsAsync(world, stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(2));
        // Half as many, and as before: who is connected stays.
        world.Proxy.ChangePlan(plan => plan with { Connections = limit / 2 });
        await UntilAsync(async () => await world.Server.ScalarAsync<long>(CountOf(world)) <= limit / 2);
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.InRange(await world.Server.ScalarAsync<long>(CountOf(world)), 1, limit / 2);
        world.Proxy.ChangePlan(plan => plan with { Connections = limit });
        await UntilAsync(async () => await world.Server.ScalarAsync<long>(CountOf(world)) > limit / 2);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await stop.CancelAsync();
        await clients;
        Assert.InRange(await most, 2, limit);
        Assert.All(seen, static answers => Assert.NotEqual(0, answers));
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Clients_go_where_fewest_of_their_tenant_are_and_small_tenants_stay_on_one_reactor()
    {
        await using PostgresWorld world = await StartAsync(8);
        await world.AddTenantAsync("small", 3);
        RawClient[] clients = await ConnectAsync(world, 6);
        Assert.Equal([3, 3], clients.GroupBy(ReactorOf).Select(static group => group.Count()));
        int left = ReactorOf(clients[0]);
        foreach (RawClient client in clients.Where(client => ReactorOf(client) == left)) client.Dispose();
        await UntilAsync(async () => (await world.Proxy.RestAsync()).Sum(static pool => pool.Clients) == 3);
        RawClient[] more = await ConnectAsync(world, 3);
        Assert.All(more, client => Assert.Equal(left, ReactorOf(client)));
        RawClient[] small = await ConnectAsync(world, 4, "small");
        Assert.Single(small.Select(ReactorOf).Distinct());
    }

    [Fact]
    public async Task A_connection_that_is_idle_on_one_reactor_does_not_keep_a_client_of_the_other_waiting()
    {
        await using PostgresWorld world = await StartAsync(2, from: 1);
        RawClient[] clients = await ConnectAsync(world, 4);
        int here = ReactorOf(clients[0]);
        RawClient[] mine = [.. clients.Where(client => ReactorOf(client) == here)], theirs = [.. clients.Where(client => ReactorOf(client) != here)];
        foreach (RawClient client in theirs) await client.QueryAsync("BEGIN");
        // Both places are over there. The first that comes back is idle there, and is wanted here.
        Task<string?> waiting = mine[0].ScalarAsync("SELECT 'served'", Patience);
        await UntilAsync(async () => (await world.Proxy.RestAsync()).Sum(static pool => pool.Counts.Waiting) == 1);
        await theirs[0].QueryAsync("COMMIT");
        Assert.Equal("served", await waiting);
        await mine[0].QueryAsync("BEGIN");
        Task<string?> next = mine[1].ScalarAsync("SELECT 'served too'", Patience);
        await theirs[1].QueryAsync("COMMIT");
        Assert.Equal("served too", await next);
        await mine[0].QueryAsync("COMMIT");
        Assert.InRange(await world.Server.ScalarAsync<long>(CountOf(world)), 1, 2);
        await world.Proxy.WaitForRestAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_has_stopped_waiting_costs_the_other_reactor_no_server(bool isCancelled)
    {
        // Long enough that what is idle over there stays there.
        await using PostgresWorld world = await StartAsync(2, from: 1, quantum: TimeSpan.FromMinutes(1));
        RawClient[] clients = await ConnectAsync(world, 4);
        int here = ReactorOf(clients[0]);
        RawClient[] mine = [.. clients.Where(client => ReactorOf(client) == here)], theirs = [.. clients.Where(client => ReactorOf(client) != here)];
        await theirs[0].QueryAsync("BEGIN");
        await mine[0].QueryAsync("BEGIN");
        await mine[1].SendAsync(Query("SELECT 'waited'"));
        await UntilAsync(async () => (await world.Proxy.OnPoolsAsync("acme", static pool => pool.Budget.Wanted)).Sum() == 1);
        if (isCancelled) await mine[1].CancelAsync();
        else await mine[0].QueryAsync("COMMIT");
        await mine[1].ReadyAsync();
        Assert.Equal([0, 0], await world.Proxy.OnPoolsAsync("acme", static pool => pool.Budget.Wanted));
        Assert.Equal("1", await theirs[0].ScalarAsync("SELECT 1", Patience));
    }

    [Fact]
    public async Task With_one_place_left_both_reactors_get_their_turn()
    {
        await using PostgresWorld world = await StartAsync(2, from: 1);
        RawClient[] clients = await ConnectAsync(world, 4);
        world.Proxy.ChangePlan(static plan => plan with { Connections = 1 });
        await UntilAsync(async () => (await world.Proxy.RestAsync()).All(static pool => pool.Total == 1));
        using var stop = new CancellationTokenSource();
        var answered = new int[clients.Length];
        Task busy = Task.WhenAll(clients.Select((client, number) => Task.Run(async () =>
        {
            for (; !stop.IsCancellationRequested; answered[number]++) Assert.Equal("1", await client.ScalarAsync("SELECT 1", Patience));
        })));
        await UntilAsync(() => Task.FromResult(Array.TrueForAll(answered, static count => count >= 50)));
        await stop.CancelAsync();
        await busy;
        Assert.Equal(1, await world.Server.ScalarAsync<long>(CountOf(world)));
    }

    [Fact]
    public async Task In_session_mode_a_login_gets_the_place_that_is_free_wherever_it_is()
    {
        await using PostgresWorld world = await StartAsync(2, from: 1);
        await world.AddTenantAsync("native", 2, PoolMode.Session);
        using RawClient first = await world.Proxy.ConnectAsync("native");
        using RawClient second = await world.Proxy.ConnectAsync("native");
        Task<RawClient> third = world.Proxy.ConnectAsync("native");
        await Task.Delay(200);
        Assert.False(third.IsCompleted);
        second.Dispose();
        using RawClient served = await third.WaitAsync(Patience);
        Assert.Equal("3", await served.ScalarAsync("SELECT 3"));
        Assert.Equal("1", await first.ScalarAsync("SELECT 1"));
    }

    [Fact]
    public async Task A_notification_reaches_listeners_on_every_reactor_whichever_sent_it()
    {
        await using PostgresWorld world = await StartAsync(3, from: 1);
        RawClient[] clients = await ConnectAsync(world, 4);
        Assert.Equal(2, clients.Select(ReactorOf).Distinct().Count());
        foreach (RawClient client in clients) Assert.Equal("CommandComplete \"LISTEN\"", (await client.QueryAsync("LISTEN news", Patience))[0].ToString());
        for (int round = 0; round < 5; round++)
        {
            foreach (RawClient speaker in clients)
            {
                string text = $"{round} of {speaker.ProcessId}";
                Assert.Contains($"NotificationResponse * \"news\" \"{text}\"", (await speaker.QueryAsync($"NOTIFY news, '{text}'")).Select(static message => message.ToString()));
                foreach (RawClient other in clients.Where(other => other != speaker)) await other.ExpectAsync($"NotificationResponse * \"news\" \"{text}\"");
            }
            // Two listen, one of them in a server's place.
            Assert.InRange(await world.Server.ScalarAsync<long>(CountOf(world)), 2, 4);
            // The next senders are other processes, which the other reactor has not heard of yet.
            await world.Server.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{world.Role}' AND state = 'idle' AND query NOT LIKE 'LISTEN%' AND query NOT LIKE 'SELECT usename%' AND query <> ''");
            await Task.Delay(50);
        }
    }

    [Fact]
    public async Task What_a_server_sent_and_then_ended_still_arrives_on_the_other_reactor()
    {
        await using PostgresWorld world = await StartAsync(4, from: 1);
        RawClient[] clients = await ConnectAsync(world, 2);
        Assert.NotEqual(ReactorOf(clients[0]), ReactorOf(clients[1]));
        await clients[0].QueryAsync("LISTEN last", Patience);
        for (int i = 0; i < 10; i++)
        {
            // Two transactions in one packet: the second ends the server that the first was sent from, before anybody can ask about it.
            await clients[1].SendAsync(Query($"NOTIFY last, '{i}'"), Query("SELECT pg_terminate_backend(pg_backend_pid())"));
            await clients[0].ExpectAsync($"NotificationResponse * \"last\" \"{i}\"");
            clients[1].Dispose();
            clients[1] = await SomewhereElseAsync(world, clients[0]);
        }
    }

    [Fact]
    public async Task A_cancel_finds_the_client_whichever_reactor_takes_the_request()
    {
        await using PostgresWorld world = await StartAsync(4, from: 1);
        RawClient[] clients = await ConnectAsync(world, 2);
        for (int round = 0; round < 6; round++)
        {
            foreach (RawClient client in clients)
            {
                await client.SendAsync(Query("SELECT pg_sleep(60)"));
                await UntilAsync(async () => await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{world.Role}' AND state = 'active' AND wait_event = 'PgSleep'") == 1);
                await client.CancelAsync();
                Assert.Contains(await client.ReadyAsync(), static message => message.StartsWith("ErrorResponse ERROR 57014", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task A_tenant_that_grows_is_spread_and_one_that_shrinks_is_not_and_nobody_is_cut_off()
    {
        await using PostgresWorld world = await StartAsync(3, from: 4);
        RawClient[] before = await ConnectAsync(world, 3);
        int home = ReactorOf(before[0]);
        Assert.All(before, client => Assert.Equal(home, ReactorOf(client)));
        foreach (RawClient client in before) await client.QueryAsync("BEGIN");
        world.Proxy.ChangePlan(static plan => plan with { Connections = 8 });
        await UntilAsync(async () => (await world.Proxy.RestAsync()).All(static pool => pool.Total == 8));
        RawClient[] after = await ConnectAsync(world, 5);
        Assert.Equal((4, 4), (before.Concat(after).Count(client => ReactorOf(client) == home), after.Count(client => ReactorOf(client) != home)));
        foreach (RawClient client in after) await client.QueryAsync("BEGIN");
        Assert.Equal(8, await world.Server.ScalarAsync<long>(CountOf(world)));
        world.Proxy.ChangePlan(static plan => plan with { Connections = 3 });
        foreach (RawClient client in before.Concat(after)) Assert.Equal("CommandComplete \"COMMIT\"", (await client.QueryAsync("COMMIT", Patience))[0].ToString());
        await UntilAsync(async () => await world.Server.ScalarAsync<long>(CountOf(world)) <= 3);
        RawClient[] last = await ConnectAsync(world, 3);
        Assert.All(last, client => Assert.Equal(home, ReactorOf(client)));
        foreach (RawClient client in before.Concat(after).Concat(last)) Assert.Equal("1", await client.ScalarAsync("SELECT 1", Patience));
        Assert.InRange(await world.Server.ScalarAsync<long>(CountOf(world)), 1, 3);
    }

    [Fact]
    public async Task A_suspension_ends_the_clients_of_all_reactors()
    {
        await using PostgresWorld world = await StartAsync(4, from: 1);
        RawClient[] clients = await ConnectAsync(world, 4);
        foreach (RawClient client in clients) await client.QueryAsync("SELECT 1");
        TenantEntry entry = world.Proxy.Registry["acme"];
        world.Proxy.Registry.Put(entry with { Tenant = entry.Tenant with { State = TenantState.Suspended } });
        foreach (RawClient client in clients) await client.ExpectAsync("ErrorResponse FATAL 57P01 \"this tenant is suspended\"");
        await UntilAsync(async () => await world.Server.ScalarAsync<long>(CountOf(world)) == 0);
    }

    [Fact]
    public async Task Pins_are_counted_over_all_reactors()
    {
        await using PostgresWorld world = await StartAsync(4, from: 1);
        world.Proxy.ChangePlan(static plan => plan with { PinsMax = 2 });
        RawClient[] clients = await ConnectAsync(world, 4);
        Assert.Equal(2, clients.Take(2).Select(ReactorOf).Distinct().Count());
        await UntilAsync(async () => await world.Proxy.OnPoolAsync("acme", static pool => pool.Config.PinsMax) == 2);
        foreach (RawClient client in clients.Take(2)) Assert.Equal("CommandComplete \"CREATE TABLE\"", (await client.QueryAsync("CREATE TEMP TABLE mine (n int)"))[0].ToString());
        foreach (RawClient client in clients.Skip(2)) Assert.StartsWith("ErrorResponse ERROR 53300", (await client.QueryAsync("CREATE TEMP TABLE mine (n int)"))[0].ToString(), StringComparison.Ordinal);
        foreach (RawClient client in clients) Assert.Equal("1", await client.ScalarAsync("SELECT 1", Patience));
    }

    [Fact]
    public async Task On_a_crowded_shard_its_weight_counts_once()
    {
        await using PostgresWorld world = await StartAsync(8, shardConnections: 4);
        TenantEntry small = await world.AddTenantAsync("small", 4);
        using var stop = new CancellationTokenSource();
        // Both want more than there is; small has one reactor, acme two and twice as many clients.
        Task clients = Task.WhenAll(((string Tenant, int Count)[])[("acme", 16), ("small", 8)] is var wanted
            ? wanted.SelectMany(static want => Enumerable.Repeat(want.Tenant, want.Count)).Select(tenant => Task.Run(async () =>
            {
                using RawClient client = await world.Proxy.ConnectAsync(tenant);
                while (!stop.IsCancellationRequested) await client.QueryAsync("SELECT pg_sleep(0.003)", Patience);
            }))
            : []);
        await Task.Delay(TimeSpan.FromSeconds(2));
        (long large, long single) before = (await ServedAsync(world, "acme"), await ServedAsync(world, "small"));
        // Between two turns a pool has none: each of the three is to have had some, not all of them at one moment.
        var most = new int[3];
        for (int look = 0; look < 50; look++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            int[] held = [.. (await world.Proxy.RestAsync()).Select(static pool => pool.Leased)];
            for (int pool = 0; pool < most.Length; pool++) most[pool] = Math.Max(most[pool], held[pool]);
        }
        (long large, long single) after = (await ServedAsync(world, "acme"), await ServedAsync(world, "small"));
        await stop.CancelAsync();
        await clients;
        double ratio = (double)(after.large - before.large) / (after.single - before.single);
        Assert.Equal(4, small.Tenant.Plan.Connections);
        Assert.DoesNotContain(0, most);
        Assert.InRange(ratio, 0.7, 1.4);
    }

    [Fact]
    public async Task Its_queries_a_second_hold_over_both_reactors()
    {
        const int Rate = 200;
        await using PostgresWorld world = await StartAsync(8);
        world.Proxy.ChangePlan(static plan => plan with { QueriesPerSecond = Rate, Burst = 1 });
        RawClient[] clients = await ConnectAsync(world, 8);
        await world.Proxy.WaitForLimiterAsync(static limiter => limiter.Limits.QueriesPerSecond == Rate);
        using var stop = new CancellationTokenSource();
        var answered = new int[2];
        Task load = Task.WhenAll(clients.Select(client => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await client.QueryAsync("SELECT 1", Patience);
                Interlocked.Increment(ref answered[ReactorOf(client)]);
            }
        })));
        await Task.Delay(TimeSpan.FromSeconds(2));
        (int before, long from) = (answered.Sum(), Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(5));
        (int count, double seconds) = (answered.Sum() - before, Stopwatch.GetElapsedTime(from).TotalSeconds);
        await stop.CancelAsync();
        await load;
        // A busy machine may make less of it, never more.
        Assert.InRange(count / seconds, Rate * 0.5, Rate * 1.1);
        Assert.All(answered, static each => Assert.InRange(each, Rate, int.MaxValue));
    }

    private static async Task<long> ServedAsync(PostgresWorld world, string tenant)
    {
        long served = 0;
        for (int reactor = 0; reactor < 2; reactor++) served += Volatile.Read(ref world.Proxy.Stats.Tenant(tenant, reactor).LentTicks);
        return served;
    }

    private static Task<PostgresWorld> StartAsync(int connections, int from = 4, int version = 18, int shardConnections = 200, TimeSpan? quantum = null)
        => PostgresWorld.StartAsync(version, connections, options => options with
        {
            Reactors = new ReactorsOptions { Count = 2 },
            Pool = options.Pool with { SpreadFrom = from, ShareQuantum = quantum ?? TimeSpan.FromMilliseconds(50), QueryWaitTimeout = TimeSpan.FromSeconds(60) },
        }, shardConnections);

    private static int ReactorOf(RawClient client) => SessionTable.ReactorOf(client.ProcessId);

    private static async Task<RawClient[]> ConnectAsync(PostgresWorld world, int count, string tenant = "acme")
    {
        var clients = new RawClient[count];
        for (int i = 0; i < count; i++) clients[i] = await world.Proxy.ConnectAsync(tenant);
        return clients;
    }

    private static async Task<RawClient> SomewhereElseAsync(PostgresWorld world, RawClient than)
    {
        while (true)
        {
            RawClient client = await world.Proxy.ConnectAsync();
            if (ReactorOf(client) != ReactorOf(than)) return client;
            client.Dispose();
            await Task.Delay(10);
        }
    }

    private static string CountOf(PostgresWorld world) => $"SELECT count(*) FROM pg_stat_activity WHERE usename = '{world.Role}'";

    private static async Task<int> MostConnectionsAsync(PostgresWorld world, CancellationToken stop)
    {
        long most = 0;
        for (; !stop.IsCancellationRequested; await Task.Delay(5, CancellationToken.None)) most = Math.Max(most, await world.Server.ScalarAsync<long>(CountOf(world)));
        return (int)most;
    }

    /// <summary>A client that queries, opens transactions, keeps state, cancels itself and leaves in the middle, and comes back.</summary>
    private static async Task StormAsync(PostgresWorld world, int number, int[] seen, CancellationToken stop)
    {
        var random = new Random(number);
        while (!stop.IsCancellationRequested)
        {
            using RawClient client = await world.Proxy.ConnectAsync();
            for (int round = random.Next(1, 40); round > 0 && !stop.IsCancellationRequested; round--)
            {
                switch (random.Next(12))
                {
                    case 0:
                        await client.SendAsync(Query("BEGIN; SELECT pg_sleep(0.01)"));
                        round = 0; // leaves
                        continue;
                    case 1:
                        await client.QueryAsync("BEGIN", Patience);
                        await client.QueryAsync("SELECT pg_sleep(0.005)", Patience);
                        await client.QueryAsync("COMMIT", Patience);
                        break;
                    case 2:
                        await client.SendAsync(Query("SELECT pg_sleep(5)"));
                        await client.CancelAsync();
                        await client.CancelAsync();
                        await client.ReadUntilAsync(ProxySuite.Wire.Frames.BackendMessage.ReadyForQuery, Patience);
                        break;
                    case 3:
                        await client.QueryAsync("CREATE TEMP TABLE t (n int)", Patience);
                        await client.QueryAsync("DISCARD ALL", Patience);
                        break;
                    default:
                        string text = $"{number}-{round}";
                        Assert.Equal(text, await client.ScalarAsync($"SELECT '{text}'", Patience));
                        Interlocked.Increment(ref seen[ReactorOf(client)]);
                        break;
                }
            }
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (long end = Environment.TickCount64 + (long)Patience.TotalMilliseconds; !await condition();)
        {
            Assert.True(Environment.TickCount64 < end, "it did not come to that in time");
            await Task.Delay(10);
        }
    }
}
