using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A SET that may have been committed stays with its client: whoever comes next must not get a server that carries it.</summary>
public sealed class JournalTests
{
    [Fact]
    public async Task A_set_whose_commit_is_followed_by_an_error_in_the_same_query_does_not_reach_the_next_client()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await one.RoundTripAsync(server, "SET work_mem = '1MB'", "SET", 'T');
        await one.SendAsync(Query("COMMIT; SELECT 1/0"));
        await server.NextAsync();
        await server.AnswerAsync(CommandComplete("COMMIT"), Error("22012", "division by zero"), ReadyForQuery('I'));
        await one.ReadyAsync();
        await ExpectCleanedBeforeTheNextAsync(world, server, one);
    }

    [Fact]
    public async Task A_set_whose_commit_is_followed_by_an_error_in_the_same_batch_does_not_reach_the_next_client()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.SendAsync(
            Parse("", "BEGIN"), Bind("", ""), Execute(),
            Parse("", "SET work_mem = '1MB'"), Bind("", ""), Execute(),
            Parse("", "COMMIT"), Bind("", ""), Execute(),
            Parse("", "bad"), Sync);
        for (int i = 0; i < 11; i++) await server.NextAsync();
        await server.AnswerAsync(
            ParseComplete, BindComplete, CommandComplete("BEGIN"),
            ParseComplete, BindComplete, CommandComplete("SET"),
            ParseComplete, BindComplete, CommandComplete("COMMIT"),
            Error("42601", "no"), ReadyForQuery('I'));
        await one.ReadyAsync();
        await ExpectCleanedBeforeTheNextAsync(world, server, one);
    }

    [Fact]
    public async Task A_set_behind_a_rollback_in_the_same_batch_does_not_reach_the_next_client()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await one.SendAsync(
            Parse("", "ROLLBACK"), Bind("", ""), Execute(),
            Parse("", "SET work_mem = '1MB'"), Bind("", ""), Execute(), Sync);
        for (int i = 0; i < 7; i++) await server.NextAsync();
        await server.AnswerAsync(
            ParseComplete, BindComplete, CommandComplete("ROLLBACK"),
            ParseComplete, BindComplete, CommandComplete("SET"), ReadyForQuery('I'));
        await one.ReadyAsync();
        await ExpectCleanedBeforeTheNextAsync(world, server, one);
    }

    [Fact]
    public async Task A_set_that_was_rolled_back_or_refused_pins_nobody()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await one.RoundTripAsync(server, "SET work_mem = '1MB'", "SET", 'T');
        await one.RoundTripAsync(server, "ROLLBACK", "ROLLBACK");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await one.SendAsync(Query("SET work_mem = 'x'"));
        await server.NextAsync();
        await server.AnswerAsync(Error("22023", "no"), ReadyForQuery('I'));
        await one.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await one.RoundTripAsync(server, "SELECT 1");
    }

    [Theory]
    [InlineData("standard_conforming_strings", "off")]
    [InlineData("client_encoding", "SJIS")]
    public async Task A_server_that_reads_texts_otherwise_than_the_proxy_is_used_no_more(string name, string value)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        // Out of the filter's sight, as in a function.
        await one.SendAsync(Query("SELECT f()"));
        await server.NextAsync();
        await server.AnswerAsync(RowDescription("f"), CommandComplete("SELECT 1"), ParameterStatus(name, value), ReadyForQuery('I'));
        await one.ExpectAsync("ErrorResponse FATAL 08006 \"the state of the server connection is in doubt, so it was closed\"");
        Assert.Null(await one.NextAsync());
    }

    [Fact]
    public async Task A_transaction_of_very_many_sets_is_not_remembered()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        for (int i = 0; i < 200; i++) await one.RoundTripAsync(server, $"SET a.b{i} = 1", "SET", 'T');
        await one.RoundTripAsync(server, "COMMIT", "COMMIT");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await ExpectCleanedBeforeTheNextAsync(world, server, one);
    }

    [Fact]
    public async Task A_setting_of_many_kilobytes_is_not_remembered()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.SendAsync(Query($"SET a.b = '{new string('x', 5000)}'"));
        await server.NextAsync();
        await server.AnswerAsync(CommandComplete("SET"), ReadyForQuery('I'));
        await one.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await ExpectCleanedBeforeTheNextAsync(world, server, one);
    }

    // Either at once, or when the client to whom the server was pinned leaves.
    private static async Task ExpectCleanedBeforeTheNextAsync(ProxyWorld world, ScriptedConnection server, RawClient one)
    {
        using RawClient two = await world.ConnectAsync();
        await two.SendAsync(Query("SHOW work_mem"));
        one.Dispose();
        await server.AnswerResetAsync();
        await server.ExpectAsync("Query \"SHOW work_mem\"");
        await server.AnswerAsync(OneRow("work_mem", "4MB"));
        await two.ReadyAsync();
        await world.WaitForRestAsync();
    }
}
