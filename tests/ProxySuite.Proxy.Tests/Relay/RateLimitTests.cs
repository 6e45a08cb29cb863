using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>
/// The limit of queries a second on the wire. The limit is one a second; a text of many statements uses it up for as many seconds, so no test hangs on how fast the machine is.
/// </summary>
public sealed class RateLimitTests
{
    private const string Refused = "ErrorResponse ERROR 53400 \"query rate limit of 1 per second exceeded\"";

    private static readonly TimeSpan AMoment = TimeSpan.FromMilliseconds(100);

    private static string Statements(int count) => string.Join("; ", Enumerable.Repeat("SELECT 1", count));

    [Fact]
    public async Task Beyond_the_limit_a_query_is_refused_with_a_hint_and_the_session_goes_on()
    {
        await using Scene scene = await SpentAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        await client.SendAsync(Query("SELECT 2"));
        WireMessage error = (await client.NextAsync())!;
        Assert.StartsWith(Refused, error.ToString(), StringComparison.Ordinal);
        Assert.Matches("Retry after [0-9]+ ms, or move to a plan with a higher limit \\(queries-per-second\\)", error.ToString());
        await client.ExpectAsync("ReadyForQuery I");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        Unlimit(world);
        await world.WaitForLimiterAsync(limiter => !limiter.IsLimited);
        await client.RoundTripAsync(server, "SELECT 3");
    }

    [Fact]
    public async Task In_the_extended_protocol_one_error_answers_the_batch_up_to_its_Sync()
    {
        await using Scene scene = await SpentAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        await client.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), Flush, Bind("", ""), Execute(), Sync, Parse("", "SELECT 2"));
        await client.ExpectAsync(Refused, "ReadyForQuery I", Refused);
        await client.SendAsync(Query("SELECT 3"), Sync);
        await client.ExpectAsync("ReadyForQuery I");
        Assert.True(await client.Wire.IsSilentAsync(AMoment));
    }

    [Fact]
    public async Task Inside_a_transaction_statements_are_counted_and_not_held_back()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.Zero);
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        for (int i = 0; i < 30; i++) await client.RoundTripAsync(server, "SELECT 1", status: 'T');
        await client.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), Bind("", ""), Execute(), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 1\"", "Bind \"\" \"\"", "Execute \"\"", "Bind \"\" \"\"", "Execute \"\"", "Sync");
        await server.AnswerAsync(ParseComplete, BindComplete, CommandComplete("SELECT 1"), BindComplete, CommandComplete("SELECT 1"), ReadyForQuery('T'));
        await client.ReadyAsync();
        await client.RoundTripAsync(server, "COMMIT", "COMMIT");
        Assert.Equal(34, await world.OnLimiterAsync(limiter => limiter.Cell.QueriesAdmitted));
        await client.SendAsync(Query("SELECT 2"));
        await client.ExpectAsync(Refused, "ReadyForQuery I");
    }

    /// <summary>Whether a transaction is open is known when what is asked is answered; meanwhile it waits, and then the server is others'.</summary>
    [Fact]
    public async Task A_pipelined_query_waits_for_the_answers_before_it_and_is_held_back_without_a_server()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.Zero);
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Join(Query(Statements(60)), Query("SELECT 2")));
        await server.NextAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => server.NextAsync(AMoment));
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        await client.ExpectAsync(Refused, "ReadyForQuery I");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }

    [Fact]
    public async Task A_pipelined_query_of_an_open_transaction_passes()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.Zero);
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Join(Query("BEGIN; " + Statements(60)), Query("SELECT 2"), Query("COMMIT")));
        await server.NextAsync();
        await server.AnswerAsync(CommandComplete("BEGIN"), ReadyForQuery('T'));
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('T'));
        await server.ExpectAsync("Query \"COMMIT\"");
        await server.AnswerAsync(CommandComplete("COMMIT"), ReadyForQuery('I'));
        for (int i = 0; i < 3; i++) Assert.Equal(2, (await client.ReadyAsync()).Length);
        Assert.Equal(63, await world.OnLimiterAsync(limiter => limiter.Cell.QueriesAdmitted));
    }

    [Fact]
    public async Task Statements_are_counted_as_what_they_are()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        world.ChangePlan(plan => plan with { QueriesPerSecond = 1_000_000 });
        using RawClient client = await world.ConnectAsync();
        async Task CountsAsync(int expected, params byte[][] messages)
        {
            long before = await world.OnLimiterAsync(limiter => limiter.Cell.QueriesAdmitted);
            await client.SendAsync(Join(messages));
            int ready = messages.Count(message => message[0] is (byte)'Q' or (byte)'S');
            for (int i = 0; i < ready; i++) await client.ReadyAsync();
            Assert.Equal(expected, await world.OnLimiterAsync(limiter => limiter.Cell.QueriesAdmitted) - before);
            Assert.Equal(0, await world.OnLimiterAsync(limiter => limiter.Running));
        }
        await CountsAsync(1, Query("SELECT 1"));
        await CountsAsync(3, Query("SELECT 1; SELECT ';'; SELECT 2;"));
        await CountsAsync(1, Query(""));
        await CountsAsync(2, Query("SELECT 1"), Query("SELECT 2"));
        await CountsAsync(1, Parse("s", "SELECT 1"), DescribeStatement("s"), Sync);
        await CountsAsync(1, Bind("", "s"), Execute(), Sync);
        await CountsAsync(3, Bind("", "s"), Execute(), Bind("", "s"), Execute(), Bind("", "s"), Execute(), Sync);
        await CountsAsync(2, Bind("", "s"), Execute(), Sync, Bind("", "s"), Execute(), Sync);
        await CountsAsync(0, Sync);
    }

    [Fact]
    public async Task A_query_that_is_held_back_takes_no_server_and_is_served_when_there_is_room_in_the_order_of_its_clients()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.FromMinutes(1));
        using RawClient client = await world.ConnectAsync();
        using RawClient other = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await SpendAsync(client, server, 30);
        await client.SendAsync(Query("SELECT 'first'"));
        await world.WaitForLimiterAsync(limiter => limiter.Waiting == 1);
        await other.SendAsync(Parse("", "SELECT 'second'"), Bind("", ""), Execute(), Sync);
        await world.WaitForLimiterAsync(limiter => limiter.Waiting == 2);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        Assert.Equal((2, 0), await world.OnPoolAsync("acme", pool => (pool.Stats.ClientsWaiting, pool.Stats.ClientsIdle)));
        Assert.True(await client.Wire.IsSilentAsync(AMoment));
        Unlimit(world);
        await server.ExpectAsync("Query \"SELECT 'first'\"");
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        await server.ExpectAsync("Parse \"\" \"SELECT 'second'\"", "Bind \"\" \"\"", "Execute \"\"", "Sync");
        await server.AnswerAsync(ParseComplete, BindComplete, CommandComplete("SELECT 1"), ReadyForQuery('I'));
        Assert.Equal(4, (await other.ReadyAsync()).Length);
        Assert.Equal((0, 2), await world.OnPoolAsync("acme", pool => (pool.Stats.ClientsWaiting, pool.Stats.ClientsIdle)));
        Assert.Equal(2, await world.OnPoolAsync("acme", pool => pool.Stats.RateDelayed));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_cancel_ends_the_wait()
    {
        await using Scene scene = await HeldAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        await client.CancelAsync();
        await client.ExpectAsync("ErrorResponse ERROR 57014 \"canceling statement due to user request\"", "ReadyForQuery I");
        Assert.Equal((0, 0), await world.OnLimiterAsync(limiter => (limiter.Waiting, limiter.Running)));
        Unlimit(world);
        await world.WaitForLimiterAsync(limiter => !limiter.IsLimited);
        await client.RoundTripAsync(server, "SELECT 3");
    }

    [Fact]
    public async Task A_client_that_leaves_while_it_waits_leaves_nothing_behind()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.FromMinutes(1));
        using RawClient first = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await SpendAsync(first, server, 30);
        foreach (bool isReset in (bool[])[false, true])
        {
            using RawClient client = await world.ConnectAsync();
            await client.SendAsync(Query("SELECT 2"));
            await world.WaitForLimiterAsync(limiter => limiter.Waiting == 1);
            if (isReset) client.Wire.Reset();
            else client.Dispose();
            await world.WaitForLimiterAsync(limiter => limiter is { Waiting: 0, Clients: 1, Running: 0 });
        }
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_tenant_that_is_suspended_has_nobody_waiting()
    {
        await using Scene scene = await HeldAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        TenantEntry entry = world.Registry["acme"];
        world.Registry.Put(entry with { Tenant = entry.Tenant with { State = TenantState.Suspended } });
        await client.ExpectAsync("ErrorResponse FATAL 57P01 \"this tenant is suspended\"");
        Assert.Null(await client.NextAsync());
        await world.WaitForLimiterAsync(limiter => limiter is { Waiting: 0, Clients: 0 });
    }

    [Fact]
    public async Task A_drain_lets_a_query_that_waits_have_its_turn()
    {
        await using Scene scene = await HeldAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        Task draining = world.Server.DrainAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.True(await client.Wire.IsSilentAsync(3 * AMoment));
        Unlimit(world);
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        await client.ExpectAsync("ErrorResponse FATAL 57P01 \"terminating connection due to administrator command\"");
        await draining;
    }

    /// <summary>Between its turn and the reading of what waits lies a moment in which a drain may look.</summary>
    [Fact]
    public async Task A_client_whose_query_has_its_turn_is_not_idle_before_it_begins()
    {
        await using Scene scene = await HeldAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        ClientSession session = await world.OnSessionAsync(static session => session);
        Assert.Equal((0, false), await world.OnLimiterAsync(limiter =>
        {
            limiter.Update(RateLimits.None);
            return (limiter.Waiting, session.IsIdle);
        }));
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        Assert.True(await world.OnSessionAsync(static session => session.IsIdle));
    }

    /// <summary>A Parse that waited needs no server any more when another client has proven its text meanwhile; its turn is not lost with it.</summary>
    [Fact]
    public async Task A_turn_that_a_Parse_has_waited_for_is_given_back_though_its_text_is_known_by_then()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.FromMinutes(1));
        using RawClient first = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await first.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        for (int i = 0; i < 30; i++) await first.RoundTripAsync(server, "SELECT 1", status: 'T');
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Parse("mine", "SELECT 7"), Sync);
        await world.WaitForLimiterAsync(limiter => limiter.Waiting == 1);

        await first.SendAsync(Parse("same", "SELECT 7"), Sync);
        await server.NextAsync();
        await server.NextAsync();
        await server.AnswerAsync(ParseComplete, ReadyForQuery('T'));
        await first.ReadyAsync();
        await first.RoundTripAsync(server, "COMMIT", "COMMIT");
        first.Dispose();
        await world.WaitForLimiterAsync(limiter => limiter.Clients == 1);

        Unlimit(world);
        bool isParsed = (await server.NextAsync()).ToString().StartsWith("Parse", StringComparison.Ordinal);
        if (isParsed) await server.NextAsync();
        await server.AnswerAsync(isParsed ? [ParseComplete, ReadyForQuery('I')] : [ReadyForQuery('I')]);
        await client.ExpectAsync("ParseComplete", "ReadyForQuery I");
        await world.WaitForLimiterAsync(limiter => limiter.Running == 0);
        Assert.True(await world.OnSessionAsync(static session => session.IsIdle));
    }

    [Fact]
    public async Task Who_waits_for_long_is_told()
    {
        await using Scene scene = await HeldAsync(options => options with { Pool = options.Pool with { QueueNoticeAfter = AMoment } });
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        Assert.StartsWith("NoticeResponse NOTICE 00000 \"the query has waited for 0.1 s because of a limit of the tenant's plan and goes on waiting\"", (await client.NextAsync())!.ToString(), StringComparison.Ordinal);
        Assert.True(await client.Wire.IsSilentAsync(2 * AMoment));
    }

    /// <summary>Its server is its own, so there is one to ask: what must fail goes there in the query's place.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_client_with_a_server_of_its_own_is_refused_as_others_are(bool isExtended)
    {
        await using Scene scene = await SpentAsync(mode: PoolMode.Session);
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        await client.SendAsync(isExtended ? Join(Parse("", "SELECT 2"), Bind("", ""), Execute(), Sync) : Query("SELECT 2"));
        WireMessage instead = await server.NextAsync();
        Assert.DoesNotContain("SELECT 2", instead.ToString(), StringComparison.Ordinal);
        await server.AnswerAsync(Error("42601", "syntax error"));
        if (isExtended)
        {
            WireMessage next;
            do next = await server.NextAsync();
            while (next.ToString() != "Sync");
        }
        await server.AnswerAsync(ReadyForQuery('I'));
        await client.ExpectAsync(Refused, "ReadyForQuery I");
        Unlimit(world);
        await world.WaitForLimiterAsync(limiter => !limiter.IsLimited);
        await client.RoundTripAsync(server, "SELECT 3");
    }

    [Fact]
    public async Task A_client_with_a_server_of_its_own_waits_as_others_do()
    {
        await using Scene scene = await HeldAsync(mode: PoolMode.Session);
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        await world.WaitForLimiterAsync(limiter => limiter is { Waiting: 1, Running: 0 });
        Assert.True(await client.Wire.IsSilentAsync(AMoment));
        Unlimit(world);
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
        await world.WaitForLimiterAsync(limiter => limiter.Running == 0);
    }

    [Fact]
    public async Task The_limits_of_one_tenant_are_not_anothers()
    {
        await using Scene scene = await SpentAsync();
        (ProxyWorld world, RawClient client, ScriptedConnection server) = scene;
        await client.SendAsync(Query("SELECT 2"));
        await client.ExpectAsync(Refused, "ReadyForQuery I");
        using RawClient neighbour = await world.ConnectAsync("globex");
        ScriptedConnection theirs = await world.Backend.NextConnectionAsync();
        for (int i = 0; i < 5; i++) await neighbour.RoundTripAsync(theirs, "SELECT 1");
        Assert.Equal((60, 0, 1), await world.OnPoolAsync("acme", pool => (pool.Stats.RateAllowed, pool.Stats.RateDelayed, pool.Stats.RateRefused)));
        Assert.Equal(1, await world.OnPoolAsync("acme", pool => pool.Stats.Limited(LimitKind.Queries, isRefused: true)));
        Assert.Equal(0, await world.OnPoolAsync("globex", pool => pool.Stats.RateAllowed));
    }

    /// <summary>A session that is there already is held to a changed plan with its next query.</summary>
    [Fact]
    public async Task A_changed_limit_holds_for_sessions_that_are_there()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Limits = options.Limits with { MaxRateDelay = TimeSpan.Zero } });
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        world.ChangePlan(plan => plan with { QueriesPerSecond = 1 });
        await world.WaitForLimiterAsync(limiter => limiter.IsLimited);
        await SpendAsync(client, server, 60, 'T');
        await client.RoundTripAsync(server, "COMMIT", "COMMIT");
        await client.SendAsync(Query("SELECT 2"));
        await client.ExpectAsync(Refused, "ReadyForQuery I");
        Assert.Equal(0, await world.OnLimiterAsync(limiter => limiter.Running));
    }

    /// <summary>Uses the limit up for so many seconds.</summary>
    private static async Task SpendAsync(RawClient client, ScriptedConnection server, int statements, char status = 'I')
    {
        await client.SendAsync(Query(Statements(statements)));
        await server.NextAsync();
        await server.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery(status));
        await client.ExpectAsync("CommandComplete \"SELECT 1\"", $"ReadyForQuery {status}");
    }

    /// <summary>A client whose tenant has used its limit up for a minute, where nobody may wait.</summary>
    private static async Task<Scene> SpentAsync(PoolMode? mode = null) => await SceneAsync(TimeSpan.Zero, statements: 60, mode: mode);

    /// <summary>A client whose query is held back for half a minute.</summary>
    private static async Task<Scene> HeldAsync(Func<ProxyOptions, ProxyOptions>? configure = null, PoolMode? mode = null)
    {
        Scene scene = await SceneAsync(TimeSpan.FromMinutes(1), statements: 30, configure, mode);
        await scene.Client.SendAsync(Query("SELECT 2"));
        await scene.World.WaitForLimiterAsync(limiter => limiter.Waiting == 1);
        return scene;
    }

    private static async Task<Scene> SceneAsync(TimeSpan maxDelay, int statements, Func<ProxyOptions, ProxyOptions>? configure = null, PoolMode? mode = null)
    {
        ProxyWorld world = await StartAsync(maxDelay, configure, mode);
        RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await SpendAsync(client, server, statements);
        return new Scene(world, client, server);
    }

    private static void Unlimit(ProxyWorld world) => world.ChangePlan(plan => plan with { QueriesPerSecond = null });

    private static async Task<ProxyWorld> StartAsync(TimeSpan maxDelay, Func<ProxyOptions, ProxyOptions>? configure = null, PoolMode? mode = null)
    {
        ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => (configure ?? (same => same))(options with { Limits = options.Limits with { MaxRateDelay = maxDelay } }), mode: mode);
        world.ChangePlan(plan => plan with { QueriesPerSecond = 1 });
        return world;
    }

    private sealed record Scene(ProxyWorld World, RawClient Client, ScriptedConnection Server) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Client.Dispose();
            return World.DisposeAsync();
        }
    }
}
