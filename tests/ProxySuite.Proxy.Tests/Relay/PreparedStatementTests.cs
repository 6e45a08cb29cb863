using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class PreparedStatementTests
{
    [Fact]
    public async Task An_unnamed_statement_used_behind_its_sync_is_parsed_again_on_the_server_that_lacks_it()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Parse("", "SELECT 'mine'"), Sync);
        await first.ExpectAsync("Parse \"\" \"SELECT 'mine'\"", "Sync");
        await first.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await client.ExpectAsync("ParseComplete", "ReadyForQuery I");
        await client.SendAsync(Bind("", ""), Execute(), Sync);
        await second.ExpectAsync("Parse \"\" \"SELECT 'mine'\"", "Bind \"\" \"\"", "Execute \"\"", "Sync");
        await second.AnswerAsync(ParseComplete, BindComplete, DataRow("mine"), CommandComplete("SELECT 1"), ReadyForQuery('I'));
        Assert.Equal(["BindComplete", "DataRow [\"mine\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I"], await client.ReadyAsync());
    }

    [Fact]
    public async Task A_client_without_an_unnamed_statement_never_runs_anothers()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        ScriptedConnection server = await LeaveUnnamedAsync(world);
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Bind("", ""), Execute(), Sync);
        await server.ExpectAsync("Close Statement \"\"", "Bind \"\" \"\"", "Execute \"\"", "Sync");
        await server.AnswerAsync(CloseComplete, Error("26000", "unnamed prepared statement does not exist"), ReadyForQuery('I'));
        Assert.StartsWith("ErrorResponse ERROR 26000", (await client.ReadyAsync())[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unnamed_statement_that_survived_because_its_destroyer_was_skipped_is_not_the_next_clients()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.SendAsync(Parse("", "SELECT 'mine'"), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 'mine'\"", "Sync");
        await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await one.ReadyAsync();
        // The Query would destroy it, but the server skips the Query.
        await one.SendAsync(Bind("", "none"), Query("SELECT 1"), Sync);
        for (int i = 0; i < 3; i++) await server.NextAsync();
        await server.AnswerAsync(Error("26000", "no"), ReadyForQuery('I'));
        await one.ReadyAsync();
        using RawClient two = await world.ConnectAsync();
        await two.SendAsync(DescribeStatement(""), Sync);
        await server.ExpectAsync("Close Statement \"\"", "Describe Statement \"\"", "Sync");
    }

    [Fact]
    public async Task An_unnamed_statement_that_is_on_its_way_behind_a_failed_one_is_kept()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "bad"), Sync, Parse("", "SELECT 'good'"), Sync);
        for (int i = 0; i < 4; i++) await server.NextAsync();
        await server.AnswerAsync(Error("42601", "no"), ReadyForQuery('I'), ParseComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.ReadyAsync();
        await client.SendAsync(Bind("", ""), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 'good'\"", "Bind \"\" \"\"", "Sync");
    }

    [Fact]
    public async Task Settings_that_the_proxy_puts_in_front_destroy_an_unnamed_statement_and_that_is_remembered()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        using RawClient other = await world.ConnectAsync(parameters: [new("application_name", "other")]);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "SELECT 'mine'"), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 'mine'\"", "Sync");
        await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await other.SendAsync(CloseStatement("none"), Sync);
        await server.ExpectAsync("Query \"SET \\\"application_name\\\" = 'other';\"", "Close Statement \"proxysuite_none\"", "Sync");
        await server.AnswerAsync(CommandComplete("SET"), ReadyForQuery('I'), CloseComplete, ReadyForQuery('I'));
        await other.ReadyAsync();
        await client.SendAsync(Bind("", ""), Sync);
        await server.ExpectAsync("Query \"RESET \\\"application_name\\\";\"", "Parse \"\" \"SELECT 'mine'\"", "Bind \"\" \"\"", "Sync");
    }

    [Fact]
    public async Task A_named_statement_follows_its_client_to_another_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Parse("s", "SELECT $1", 23), Sync);
        await first.ExpectAsync("Parse \"proxysuite_1\" \"SELECT $1\" [23]", "Sync");
        await first.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.SendAsync(Bind("p", "s", "7"), DescribeStatement("s"), Execute("p"), Sync);
        await second.ExpectAsync(
            "Parse \"proxysuite_1\" \"SELECT $1\" [23]", "Bind \"p\" \"proxysuite_1\" [\"7\"]", "Describe Statement \"proxysuite_1\"", "Execute \"p\"", "Sync");
        await second.AnswerAsync(ParseComplete, BindComplete, ParameterDescription(23), NoData, CommandComplete("SELECT 0"), ReadyForQuery('I'));
        Assert.Equal(["BindComplete", "ParameterDescription [23]", "NoData", "CommandComplete \"SELECT 0\"", "ReadyForQuery I"], await client.ReadyAsync());
    }

    [Fact]
    public async Task What_one_client_has_prepared_another_is_answered_without_a_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        ScriptedConnection server = await PrepareAsync(world, "SELECT 1");
        using RawClient busy = await world.ConnectAsync();
        await busy.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Parse("mine", "SELECT 1"), Sync);
        await client.ExpectAsync("ParseComplete", "ReadyForQuery I");
        await busy.RoundTripAsync(server, "COMMIT", "COMMIT");
        await client.SendAsync(Bind("", "mine"), Sync);
        await server.ExpectAsync("Bind \"\" \"proxysuite_1\"", "Sync");
    }

    [Fact]
    public async Task A_parse_that_fails_leaves_neither_the_name_nor_the_statement()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        for (int i = 0; i < 2; i++)
        {
            await client.SendAsync(Parse("s", "bad"), Sync);
            await server.ExpectAsync("Parse \"proxysuite_1\" \"bad\"", "Sync");
            await server.AnswerAsync(Error("42601", "no"), ReadyForQuery('I'));
            await client.ReadyAsync();
        }
        await client.SendAsync(Bind("", "s"), Sync);
        await server.ExpectAsync("Bind \"\" \"s\"", "Sync");
    }

    [Fact]
    public async Task A_failing_parse_that_the_proxy_put_in_is_the_clients_error()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.PrepareAsync(first, "s", "SELECT * FROM t");
        await client.SendAsync(Bind("", "s"), Execute(), Sync);
        for (int i = 0; i < 4; i++) await second.NextAsync();
        await second.AnswerAsync(Error("42P01", "relation \"t\" does not exist"), ReadyForQuery('I'));
        Assert.Equal(["ErrorResponse ERROR 42P01 \"relation \\\"t\\\" does not exist\"", "ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_close_that_was_skipped_leaves_the_name_and_one_that_was_done_does_not()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.PrepareAsync(server, "s", "SELECT 1");
        await client.SendAsync(Bind("", "none"), CloseStatement("s"), Parse("s", "SELECT 2"), Sync);
        for (int i = 0; i < 4; i++) await server.NextAsync();
        await server.AnswerAsync(Error("26000", "no"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.SendAsync(Bind("", "s"), CloseStatement("s"), Sync);
        await server.ExpectAsync("Bind \"\" \"proxysuite_1\"", "Close Statement \"proxysuite_none\"", "Sync");
        await server.AnswerAsync(BindComplete, CloseComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.SendAsync(Bind("", "s"), Sync);
        await server.ExpectAsync("Bind \"\" \"s\"", "Sync");
    }

    [Fact]
    public async Task An_eviction_that_was_skipped_is_not_counted()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        for (int i = 1; i <= ServerStatements.StatementsMax; i++)
        {
            await client.SendAsync(Parse($"s{i}", $"SELECT {i}"), Sync);
            await server.ExpectAsync($"Parse \"proxysuite_{i}\" \"SELECT {i}\"", "Sync");
            await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
            await client.ReadyAsync();
        }
        await client.SendAsync(Bind("", "none"), Parse("more", "SELECT 'more'"), Sync);
        await server.ExpectAsync("Bind \"\" \"none\"", "Close Statement \"proxysuite_1\"", "Parse \"proxysuite_201\" \"SELECT 'more'\"", "Sync");
        await server.AnswerAsync(Error("26000", "no"), ReadyForQuery('I'));
        await client.ReadyAsync();
        // The server still has the first one: parsing it again would fail with 42P05.
        await client.SendAsync(Bind("", "s1"), Sync);
        await server.ExpectAsync("Bind \"\" \"proxysuite_1\"", "Sync");
    }

    [Fact]
    public async Task Statements_prepared_behind_a_discard_all_in_one_write_are_there()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        ScriptedConnection server = await PrepareAsync(world, "SELECT 1");
        using RawClient client = await world.ConnectAsync();
        // As Npgsql does when a connection of its pool is used again.
        await client.SendAsync(Query("DISCARD ALL"), Parse("s", "SELECT 1"), Bind("", "s"), Execute(), Sync);
        await server.ExpectAsync("Query \"DISCARD ALL\"");
        await server.AnswerAsync(CommandComplete("DISCARD ALL"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await server.ExpectAsync("Parse \"proxysuite_1\" \"SELECT 1\"", "Bind \"\" \"proxysuite_1\"", "Execute \"\"", "Sync");
    }

    [Fact]
    public async Task Deallocate_all_takes_the_names_of_this_client_and_the_statements_of_this_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        ScriptedConnection server = await PrepareAsync(world, "SELECT 1");
        using RawClient keeper = await world.ConnectAsync();
        await keeper.SendAsync(Parse("k", "SELECT 1"), Sync);
        await keeper.ReadyAsync();
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Parse("s", "SELECT 1"), Sync);
        await client.ReadyAsync();
        await client.RoundTripAsync(server, "DEALLOCATE ALL", "DEALLOCATE ALL");
        await client.SendAsync(Bind("", "s"), Sync);
        await server.ExpectAsync("Bind \"\" \"s\"", "Sync");
        await server.AnswerAsync(Error("26000", "no"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await keeper.SendAsync(Bind("", "k"), Sync);
        await server.ExpectAsync("Parse \"proxysuite_1\" \"SELECT 1\"", "Bind \"\" \"proxysuite_1\"", "Sync");
    }

    [Fact]
    public async Task A_statement_too_long_to_keep_stays_on_its_server_with_its_client()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, _) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        string sql = "SELECT '" + new string('x', 1_100_000) + "'";
        await client.SendAsync(Parse("long", sql), Sync);
        Assert.StartsWith("Parse \"proxysuite_1\" \"SELECT 'xxx", (await first.NextAsync()).ToString(), StringComparison.Ordinal);
        await first.ExpectAsync("Sync");
        await first.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await client.ExpectAsync("ParseComplete", "ReadyForQuery I");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 1));
        await client.SendAsync(Bind("", "long"), Sync);
        await first.ExpectAsync("Bind \"\" \"proxysuite_1\"", "Sync");
        await first.AnswerAsync(BindComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.SendAsync(Parse("long", sql), Sync);
        Assert.StartsWith("Parse \"proxysuite_1\"", (await first.NextAsync()).ToString(), StringComparison.Ordinal);
    }

    /// <summary>A server on which one client, who has left, has prepared a text.</summary>
    private static async Task<ScriptedConnection> PrepareAsync(ProxyWorld world, string sql)
    {
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("first", sql), Sync);
        await server.ExpectAsync($"Parse \"proxysuite_1\" \"{sql}\"", "Sync");
        await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        return server;
    }

    private static async Task<ScriptedConnection> LeaveUnnamedAsync(ProxyWorld world)
    {
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "SELECT 'another'"), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 'another'\"", "Sync");
        await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        return server;
    }
}
