using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What Npgsql's pool sends instead of DISCARD ALL while it holds prepared statements.</summary>
public sealed class DriverResetTests
{
    private const string Reset = "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP";

    private static readonly byte[] ResetAnswer = Join(
        CommandComplete("SET"), CommandComplete("RESET"), CommandComplete("CLOSE CURSOR ALL"), CommandComplete("UNLISTEN"), RowDescription("pg_advisory_unlock_all"),
        DataRow(""), CommandComplete("SELECT 1"), CommandComplete("DISCARD SEQUENCES"), CommandComplete("DISCARD TEMP"), ReadyForQuery('I'));

    [Fact]
    public async Task It_pins_nobody_and_takes_the_clients_settings_away()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.RoundTripAsync(first, "SET application_name = 'x'", "SET");
        await client.SendAsync(Query(Reset), Query("SELECT 1"));
        await second.ExpectAsync("Query \"SET \\\"application_name\\\" = 'x';\"", $"Query \"{Reset}\"", "Query \"SELECT 1\"");
        await second.AnswerAsync(CommandComplete("SET"), ReadyForQuery('I'), ResetAnswer, OneRow("n", "1"));
        await client.ReadyAsync();
        await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 2, Linked: 0));
        // The other server still carries the setting that the client no longer has.
        await client.SendAsync(Query("SELECT 2"));
        await first.ExpectAsync("Query \"RESET \\\"application_name\\\";\"", "Query \"SELECT 2\"");
        await first.AnswerAsync(CommandComplete("RESET"), ReadyForQuery('I'), OneRow("n", "2"));
        await client.ReadyAsync();
        await client.RoundTripAsync(second, "SELECT 3");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task It_lifts_a_pin_and_what_comes_behind_it_waits_for_its_answer()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "CREATE TEMP TABLE t (n int)", "CREATE TABLE");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await client.SendAsync(Query(Reset), Query("CREATE TEMP TABLE u (n int)"));
        await server.ExpectAsync($"Query \"{Reset}\"");
        await server.AnswerAsync(ResetAnswer);
        await client.ReadyAsync();
        // The server is cleaned of what may have been left, as after any pin, and lent again for the statement that waited.
        await server.AnswerResetAsync();
        await server.ExpectAsync("Query \"CREATE TEMP TABLE u (n int)\"");
        await server.AnswerAsync(CommandComplete("CREATE TABLE"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
    }

    [Fact]
    public async Task One_that_fails_lifts_no_pin()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "CREATE TEMP TABLE t (n int)", "CREATE TABLE");
        await client.SendAsync(Query(Reset));
        await server.ExpectAsync($"Query \"{Reset}\"");
        await server.AnswerAsync(Error("57014", "canceling statement due to user request"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
    }
}
