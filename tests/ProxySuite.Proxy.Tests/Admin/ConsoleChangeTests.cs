using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>What the console does, it does: to whom it is said, and to nobody else.</summary>
public sealed class ConsoleChangeTests
{
    [Fact]
    public async Task PAUSE_lets_open_transactions_end_and_RESUME_serves_who_waited_meanwhile()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        using RawClient late = await world.Proxy.ConnectAsync();
        using RawClient neighbour = await world.Proxy.ConnectAsync("globex");
        await open.QueryAsync("BEGIN");
        Task pause = world.TellAsync("PAUSE acme");
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
        await late.SendAsync(Query("SELECT 'late'"));
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        Assert.Equal("operator", Assert.Single(await world.RowsAsync("SHOW WAITS"))["waits_for"]);
        Assert.False(pause.IsCompleted);
        Assert.Equal("SELECT 'neighbour'", await neighbour.ScalarAsync("SELECT 'neighbour'"));
        Assert.Equal("SELECT 'goes on'", await open.ScalarAsync("SELECT 'goes on'"));
        await open.QueryAsync("COMMIT");
        await pause;
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0, Waiting: 1));
        await world.TellAsync("RESUME acme");
        Assert.Contains("DataRow [\"SELECT 'late'\"]", await late.ReadyAsync());
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task PAUSE_without_a_tenant_is_for_all_also_those_who_come_later_and_says_so()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        await world.TellAsync("PAUSE");
        Assert.Equal(["no", "yes", "no"], (await world.RowsAsync("SHOW STATE")).Select(row => row["value"]));
        Task<RawClient> later = world.Proxy.ConnectAsync("globex");
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW WAITS")).Exists(row => (string)row["tenant"]! == "globex"));
        await world.TellAsync("RESUME globex"); // all are still paused
        Assert.False(later.IsCompleted);
        await world.TellAsync("RESUME");
        (await later).Dispose();
        Assert.Equal("SELECT 1", await client.ScalarAsync("SELECT 1"));
        Assert.Equal(["yes", "no", "no"], (await world.RowsAsync("SHOW STATE")).Select(row => row["value"]));
    }

    [Fact]
    public async Task PAUSE_says_who_does_not_let_go_and_who_waits_too_long_is_told_of_the_pause()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(configure: options => options with
        {
            Shutdown = new ShutdownOptions { DrainTimeout = TimeSpan.FromMilliseconds(200) },
            Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromMilliseconds(300) },
        });
        using RawClient open = await world.Proxy.ConnectAsync();
        using RawClient late = await world.Proxy.ConnectAsync();
        await open.QueryAsync("BEGIN");
        Assert.Equal("55006", await world.RefusalAsync("PAUSE acme"));
        PgError refused = await ConsoleShowTests.ErrorAsync(late, "SELECT 1");
        Assert.Equal("57P03", refused.SqlState);
        await world.TellAsync("RESUME acme");
        Assert.Equal("SELECT 2", await late.ScalarAsync("SELECT 2"));
        await open.QueryAsync("COMMIT");
    }

    [Fact]
    public async Task RECONNECT_opens_servers_anew_and_clients_notice_nothing()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        using RawClient neighbour = await world.Proxy.ConnectAsync("globex");
        await neighbour.QueryAsync("SELECT 1");
        await open.QueryAsync("BEGIN");
        await client.QueryAsync("SELECT 1");
        HashSet<object?> before = [.. (await world.RowsAsync("SHOW SERVERS")).Where(row => (string)row["database"]! == "acme").Select(row => row["remote_pid"])];
        Assert.Equal(2, before.Count);
        await world.TellAsync("RECONNECT acme");
        Assert.Equal(1, (await world.RowsAsync("SHOW SERVERS")).Single(row => (string)row["database"]! == "acme" && (string)row["state"]! == "active")["close_needed"]);
        await open.QueryAsync("COMMIT");
        Assert.Equal("SELECT 2", await client.ScalarAsync("SELECT 2"));
        Assert.Equal("SELECT 3", await open.ScalarAsync("SELECT 3"));
        await ConsoleWorld.UntilAsync(async () => !(await world.RowsAsync("SHOW SERVERS")).Exists(row => (string)row["database"]! == "acme" && before.Contains(row["remote_pid"])));
        Assert.Single(await world.RowsAsync("SHOW SERVERS"), row => (string)row["database"]! == "globex");
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task KILL_ends_a_tenants_clients_and_nobody_elses_and_new_ones_wait_for_RESUME()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient idle = await world.Proxy.ConnectAsync();
        using RawClient open = await world.Proxy.ConnectAsync();
        using RawClient neighbour = await world.Proxy.ConnectAsync("globex");
        await open.QueryAsync("BEGIN");
        await world.TellAsync("KILL acme");
        foreach (RawClient client in (RawClient[])[idle, open])
        {
            Assert.Contains("57P01", (await client.Wire.ReadToEndAsync())[^1].ToString(), StringComparison.Ordinal);
        }
        Assert.Equal("SELECT 1", await neighbour.ScalarAsync("SELECT 1"));
        using RawClient next = await world.Proxy.ConnectAsync();
        await next.SendAsync(Query("SELECT 'after'"));
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW WAITS")).Exists(row => (string)row["tenant"]! == "acme"));
        await world.TellAsync("RESUME acme");
        Assert.Contains("DataRow [\"SELECT 'after'\"]", await next.ReadyAsync());
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task KILL_CLIENT_cancels_what_the_client_runs_and_ends_it()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(isScripted: true);
        using RawClient client = await world.Proxy.ConnectAsync();
        ScriptedConnection server = await world.Proxy.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT pg_sleep(1000)"));
        await server.NextAsync();
        await world.TellAsync($"KILL_CLIENT {client.ProcessId}");
        Assert.Contains("57P01", (await client.Wire.ReadToEndAsync())[^1].ToString(), StringComparison.Ordinal);
        Assert.Same(server, world.Proxy.Backend.FindConnection(await world.Proxy.Backend.NextCancelAsync()));
    }

    [Fact]
    public async Task CANCEL_ends_what_a_client_runs_or_waits_for_and_leaves_the_client()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(connections: 1, isScripted: true);
        using RawClient runs = await world.Proxy.ConnectAsync();
        using RawClient waits = await world.Proxy.ConnectAsync();
        ScriptedConnection server = await world.Proxy.Backend.NextConnectionAsync();
        await runs.SendAsync(Query("SELECT pg_sleep(1000)"));
        await server.NextAsync();
        await waits.SendAsync(Query("SELECT 1"));
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        Assert.Equal(["active", "waiting"], (await world.RowsAsync("SHOW QUERIES")).Select(row => (string)row["activity"]!).Order());
        await world.TellAsync($"CANCEL {waits.ProcessId}");
        Assert.Contains("57014", string.Join('\n', await waits.ReadyAsync()), StringComparison.Ordinal);
        Assert.Equal("55000", await world.RefusalAsync($"CANCEL {waits.ProcessId}"));
        await world.TellAsync($"CANCEL {runs.ProcessId}");
        Assert.Same(server, world.Proxy.Backend.FindConnection(await world.Proxy.Backend.NextCancelAsync()));
        await server.AnswerAsync(Error("57014", "canceling statement due to user request"), ReadyForQuery('I'));
        Assert.Contains("57014", string.Join('\n', await runs.ReadyAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SHOW_WAITS_names_a_tenants_own_budget_or_those_who_hold_the_shard()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(connections: 2, shardConnections: 3);
        RawClient[] greedy = [await world.Proxy.ConnectAsync(), await world.Proxy.ConnectAsync(), await world.Proxy.ConnectAsync()];
        await greedy[0].QueryAsync("BEGIN");
        await greedy[1].QueryAsync("BEGIN");
        await greedy[2].SendAsync(Query("SELECT 'own'"));
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW WAITS")).Count == 1);
        Dictionary<string, object?> own = Assert.Single(await world.RowsAsync("SHOW WAITS"));
        Assert.Equal(("acme", "own budget", 2, 2), ((string)own["tenant"]!, (string)own["waits_for"]!, (int)own["held"]!, (int)own["budget"]!));
        using RawClient first = await world.Proxy.ConnectAsync("globex");
        using RawClient second = await world.Proxy.ConnectAsync("globex");
        await first.QueryAsync("BEGIN");
        await second.SendAsync(Query("SELECT 'shard'"));
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW WAITS")).Exists(row => (string)row["tenant"]! == "globex" && (string)row["waits_for"]! == "shard cap"));
        Dictionary<string, object?> shard = (await world.RowsAsync("SHOW WAITS")).Single(row => (string)row["tenant"]! == "globex");
        Assert.Equal("acme 2 (weight 1), globex 1 (weight 1)", shard["holders"]);
        Dictionary<string, object?> one = Assert.Single(await world.RowsAsync("SHOW SHARDS"));
        Assert.Equal((3, 3, 1, 1), ((int)one["cap"]!, (int)one["leased"]!, (int)one["in_line"]!, (int)one["up"]!));
        foreach (RawClient client in (RawClient[])[greedy[0], greedy[1], first]) await client.QueryAsync("COMMIT");
        Assert.Contains("DataRow [\"SELECT 'shard'\"]", await second.ReadyAsync());
        Assert.Contains("DataRow [\"SELECT 'own'\"]", await greedy[2].ReadyAsync());
        foreach (RawClient client in greedy) client.Dispose();
    }

    [Fact]
    public async Task A_query_that_a_limit_of_the_plan_holds_back_is_seen_to_wait_for_that()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync(configure: options => options with { Limits = new LimitsOptions { MaxRateDelay = TimeSpan.FromSeconds(30) } });
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("SELECT 1");
        world.Proxy.ChangePlan(plan => plan with { QueriesPerSecond = 1, Burst = 1 });
        await ConsoleWorld.UntilAsync(async () =>
        {
            await client.SendAsync(Query("SELECT 2"));
            Task<string[]> answer = client.ReadyAsync();
            await Task.WhenAny(answer, Task.Delay(200));
            List<Dictionary<string, object?>> waits = answer.IsCompleted ? [] : await world.RowsAsync("SHOW WAITS");
            Dictionary<string, object?> acme = (await world.RowsAsync("SHOW TENANT acme"))[0];
            bool isSeen = waits.Exists(row => (string)row["waits_for"]! == "own limit (queries)") && (int)acme["delayed"]! == 1
                && (await world.RowsAsync("SHOW QUERIES")).Exists(row => (string)row["activity"]! == "delayed");
            await answer;
            return isSeen;
        });
    }

    [Fact]
    public async Task The_busiest_come_first_and_rates_tell_of_now()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient acme = await world.Proxy.ConnectAsync();
        using RawClient globex = await world.Proxy.ConnectAsync("globex");
        await acme.QueryAsync($"SELECT '{new string('x', 50_000)}'");
        for (int i = 0; i < 100; i++) await globex.QueryAsync("SELECT 1");
        Assert.Equal("globex", Assert.Single(await world.RowsAsync("SHOW TENANTS BY queries LIMIT 1"))["tenant"]);
        Assert.Equal("acme", Assert.Single(await world.RowsAsync("SHOW TENANTS BY bytes LIMIT 1"))["tenant"]);
        Assert.True((double)(await world.RowsAsync("SHOW TENANT globex"))[0]["queries_per_second"]! > 0);
        // Samples are taken every 2 s; what is over is none of the present.
        await ConsoleWorld.UntilAsync(async () => (double)(await world.RowsAsync("SHOW TENANT globex"))[0]["queries_per_second"]! == 0);
        Assert.Equal(100L, (await world.RowsAsync("SHOW TENANT globex"))[0]["queries"]);
    }
}
