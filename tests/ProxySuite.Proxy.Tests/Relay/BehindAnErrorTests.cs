using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What a client sends between an error and the Sync behind it is skipped by the server, so it must leave no trace in the proxy either.</summary>
public sealed class BehindAnErrorTests
{
    [Fact]
    public async Task An_unnamed_parse_that_is_skipped_never_lends_its_name_to_another_clients_statement()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.SendAsync(Parse("", "SELECT 'one'"), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 'one'\"", "Sync");
        await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await one.ReadyAsync();

        await FailAsync(two, server);
        await two.SendAsync(Parse("", "SELECT 'two'"), Sync);
        await server.ExpectAsync("Parse \"\" \"SELECT 'two'\"", "Sync");
        await server.AnswerAsync(ReadyForQuery('I'));
        Assert.Equal(["ReadyForQuery I"], await two.ReadyAsync());

        await two.SendAsync(Bind("", ""), Execute(), Sync);
        await server.ExpectAsync("Close Statement \"\"", "Bind \"\" \"\"", "Execute \"\"", "Sync");
        await server.AnswerAsync(CloseComplete, Error("26000", "unnamed prepared statement does not exist"), ReadyForQuery('I'));
        Assert.Equal(["ErrorResponse ERROR 26000 \"unnamed prepared statement does not exist\"", "ReadyForQuery I"], await two.ReadyAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_name_whose_parse_fails_is_free_for_the_batch_that_was_sent_behind_it()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("s", "SELEC"), Sync, Parse("s", "SELECT 2"), Sync);
        await server.ExpectAsync("Parse \"proxysuite_1\" \"SELEC\"", "Sync");
        await server.AnswerAsync(Error("42601", "syntax error"), ReadyForQuery('I'));
        await server.ExpectAsync("Parse \"proxysuite_2\" \"SELECT 2\"", "Sync");
        await server.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        Assert.Equal(["ErrorResponse ERROR 42601 \"syntax error\"", "ReadyForQuery I"], await client.ReadyAsync());
        Assert.Equal(["ParseComplete", "ReadyForQuery I"], await client.ReadyAsync());

        await client.SendAsync(Bind("", "s"), Execute(), Sync);
        await server.ExpectAsync("Bind \"\" \"proxysuite_2\"", "Execute \"\"", "Sync");
        await server.AnswerAsync(BindComplete, CommandComplete("SELECT 0"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_name_that_its_own_batch_has_taken_is_refused_by_the_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("s", "SELECT 1"), Parse("s", "SELECT 2"), Sync);
        await server.ExpectAsync("Parse \"proxysuite_1\" \"SELECT 1\"", "Flush");
        await server.AnswerAsync(ParseComplete);
        await server.ExpectAsync("Parse \"proxysuite_1\" \"SELECT 2\"", "Sync");
        await server.AnswerAsync(Error("42P05", "prepared statement \"proxysuite_1\" already exists"), ReadyForQuery('I'));
        Assert.Equal(["ParseComplete", "ErrorResponse ERROR 42P05 \"prepared statement \\\"s\\\" already exists\"", "ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_named_statement_whose_repetition_is_skipped_is_given_to_the_server_again()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.PrepareAsync(first, "s", "SELECT 's'");

        await FailAsync(client, second);
        await client.SendAsync(Bind("", "s"), Sync);
        await second.NextAsync();
        if ((await second.NextAsync()).ToString() != "Sync") await second.ExpectAsync("Sync");
        await second.AnswerAsync(ReadyForQuery('I'));
        await client.ReadyAsync();

        await client.RoundTripAsync(first, "SELECT 1");
        await client.SendAsync(Bind("", "s"), Execute(), Sync);
        await second.ExpectAsync("Parse \"proxysuite_1\" \"SELECT 's'\"", "Bind \"\" \"proxysuite_1\"", "Execute \"\"", "Sync");
        await second.AnswerAsync(ParseComplete, BindComplete, CommandComplete("SELECT 0"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task Names_that_are_parsed_or_closed_where_the_server_skips_them_stay_as_they_were()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.PrepareAsync(server, "kept", "SELECT 'kept'");

        await FailAsync(client, server);
        await client.SendAsync(Parse("never", "SELECT 'never'"), CloseStatement("kept"), Query("LISTEN x"), Sync);
        while ((await server.NextAsync()).ToString() != "Sync")
        {
        }
        await server.AnswerAsync(ReadyForQuery('I'));
        Assert.Equal(["ReadyForQuery I"], await client.ReadyAsync());
        // The LISTEN did not happen, so nothing pins the client.
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));

        await client.SendAsync(Bind("", "kept"), Bind("", "never"), Sync);
        await server.ExpectAsync("Bind \"\" \"proxysuite_1\"", "Bind \"\" \"never\"", "Sync");
        await server.AnswerAsync(BindComplete, Error("26000", "no"), ReadyForQuery('I'));
        Assert.Equal(["BindComplete", "ErrorResponse ERROR 26000 \"no\"", "ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForRestAsync();
    }

    // Leaves the client behind an error whose Sync it has not sent yet.
    private static async Task FailAsync(RawClient client, ScriptedConnection server)
    {
        await client.SendAsync(Parse("broken", "bad"), Flush);
        string parse = (await server.NextAsync()).ToString();
        Assert.StartsWith("Parse \"proxysuite_", parse, StringComparison.Ordinal);
        await server.ExpectAsync("Flush");
        await server.AnswerAsync(Error("42601", "syntax error"));
        await client.ExpectAsync("ErrorResponse ERROR 42601 \"syntax error\"");
    }
}
