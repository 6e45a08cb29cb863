using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class SessionStateTests
{
    [Theory]
    [InlineData("SELECT set_config('search_path', x, false) FROM t", "SELECT 1", PinReason.SessionSetting)]
    [InlineData("LISTEN U&\"news\"", "LISTEN", PinReason.Listen)]
    [InlineData("CREATE TEMP TABLE t (n int)", "CREATE TABLE", PinReason.TempTable)]
    [InlineData("SELECT 1 AS n INTO TEMPORARY t", "SELECT 1", PinReason.TempTable)]
    [InlineData("PREPARE U&\"p\" AS SELECT 1", "PREPARE", PinReason.SqlPrepare)]
    [InlineData("SELECT pg_advisory_lock(1)", "SELECT 1", PinReason.AdvisoryLock)]
    [InlineData("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "DECLARE CURSOR", PinReason.HoldCursor)]
    [InlineData("SET ROLE NONE", "SET", PinReason.SessionSetting)]
    [InlineData("SET a.b = 1; SET transaction_isolation = 'serializable'", "SET", PinReason.SessionSetting)]
    public async Task State_that_cannot_be_carried_pins_its_client_and_is_cleaned_before_the_next(string sql, string tag, PinReason reason)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        using RawClient next = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, sql, tag);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        Assert.Equal(1, await world.OnPoolAsync("acme", pool => pool.Stats.Pinned(reason)));
        await next.SendAsync(Query("SELECT 'next'"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        client.Dispose();
        await server.AnswerResetAsync();
        await server.ExpectAsync("Query \"SELECT 'next'\"");
        await server.AnswerAsync(OneRow("n", "next"));
        await next.ReadyAsync();
        Assert.Equal(0, await world.OnPoolAsync("acme", pool => pool.Stats.Pinned(reason)));
        await world.WaitForRestAsync();
    }

    [Theory]
    [InlineData("DO $$ BEGIN END $$", "DO")]
    [InlineData("CALL p()", "CALL")]
    [InlineData("CREATE TABLE t (n int)", "CREATE TABLE")]
    [InlineData("FROBNICATE", "FROBNICATE")]
    public async Task What_may_have_left_state_is_cleaned_though_it_pins_nobody(string sql, string tag)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, sql, tag);
        await server.AnswerResetAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await client.RoundTripAsync(server, "SELECT 1");
    }

    [Fact]
    public async Task A_text_too_long_to_look_at_is_cleaned_up_behind()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT '" + new string('x', 100_000) + "', set_config('a.b', 'c', false)"));
        await server.NextAsync();
        await server.AnswerAsync(OneRow("n", "1"));
        await client.ReadyAsync();
        await server.AnswerResetAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_reset_that_does_not_do_what_it_should_ends_the_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "DO $$ BEGIN END $$", "DO");
        await server.ExpectAsync("Query \"DISCARD ALL\"");
        await server.AnswerAsync(Error("57014", "canceled"), ReadyForQuery('I'));
        await server.ReadToEndAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await client.SendAsync(Query("SELECT 1"));
        ScriptedConnection fresh = await world.Backend.NextConnectionAsync();
        await fresh.ExpectAsync("Query \"SELECT 1\"");
        await fresh.AnswerAsync(OneRow("n", "1"));
        await client.ReadyAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_reset_waits_for_the_last_answer_of_the_pipeline()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("CALL p()"), Query("SELECT 1"), Parse("", "SELECT 2"), Sync);
        for (int i = 0; i < 4; i++) await server.NextAsync();
        await server.AnswerAsync(CommandComplete("CALL"), ReadyForQuery('I'), CommandComplete("SELECT 1"), ReadyForQuery('I'), ParseComplete);
        for (int i = 0; i < 2; i++) await client.ReadyAsync();
        Assert.True(await server.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(50)));
        await server.AnswerAsync(ReadyForQuery('I'));
        await server.AnswerResetAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task With_reset_always_every_client_finds_a_fresh_session()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { ServerReset = ServerReset.Always } });
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await server.AnswerResetAsync();
        await client.RoundTripAsync(server, "SELECT 1");
        await server.AnswerResetAsync();
    }

    [Fact]
    public async Task A_set_is_repeated_in_front_of_the_next_transaction_on_another_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.RoundTripAsync(first, "SET work_mem = '8MB'", "SET");
        await client.SendAsync(Query("SHOW work_mem"));
        await second.ExpectAsync("Query \"SET \\\"work_mem\\\" = '8MB';\"", "Query \"SHOW work_mem\"");
        await second.AnswerAsync(CommandComplete("SET"), ReadyForQuery('I'), OneRow("work_mem", "8MB"));
        Assert.Equal(["RowDescription [work_mem]", "DataRow [\"8MB\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I"], await client.ReadyAsync());
        // A client without it gets a server without it.
        using RawClient other = await world.ConnectAsync();
        await other.SendAsync(Query("SELECT 1"));
        await first.ExpectAsync("Query \"RESET \\\"work_mem\\\";\"", "Query \"SELECT 1\"");
        await first.AnswerAsync(CommandComplete("RESET"), ReadyForQuery('I'), OneRow("n", "1"));
        await other.ReadyAsync();
        // And who has it finds the server that carries it as it is.
        await client.RoundTripAsync(second, "SELECT 2");
    }

    [Fact]
    public async Task A_set_that_was_rolled_back_or_refused_is_not_repeated()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.RoundTripAsync(first, "BEGIN", "BEGIN", 'T');
        await client.RoundTripAsync(first, "SET work_mem = '8MB'", "SET", 'T');
        await client.RoundTripAsync(first, "ROLLBACK", "ROLLBACK");
        await client.SendAsync(Query("SET work_mem = 'nonsense'"));
        await second.NextAsync();
        await second.AnswerAsync(Error("22023", "invalid value"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.RoundTripAsync(first, "SELECT 1");
        await client.RoundTripAsync(second, "SELECT 1");
    }

    [Fact]
    public async Task In_a_pipeline_each_set_shares_the_fate_of_its_own_query_alone()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Query("bad"), Query("SET a.good = 1"), Query("SET a.refused = 2"));
        for (int i = 0; i < 3; i++) await first.NextAsync();
        await first.AnswerAsync(Error("42601", "no"), ReadyForQuery('I'), CommandComplete("SET"), ReadyForQuery('I'), Error("22023", "no"), ReadyForQuery('I'));
        for (int i = 0; i < 3; i++) await client.ReadyAsync();
        await client.SendAsync(Query("SELECT 1"));
        await second.ExpectAsync("Query \"SET \\\"a\\\".\\\"good\\\" = 1;\"", "Query \"SELECT 1\"");
    }

    [Theory]
    [InlineData("SAVEPOINT s; SET a.x = 1; ROLLBACK TO s", "")]
    [InlineData("SET a.x = 1; SAVEPOINT s; SET a.y = 2; ROLLBACK TO SAVEPOINT s", "x")]
    [InlineData("SET a.x = 1; SAVEPOINT s; SET a.y = 2; RELEASE s; SET a.z = 3", "x y z")]
    [InlineData("SET a.x = 1; SAVEPOINT s; SET a.y = 2; SAVEPOINT t; SET a.z = 3; RELEASE s; ROLLBACK TO r", "")]
    [InlineData("SET a.x = 1; SAVEPOINT s; SET a.y = 2; SAVEPOINT s; SET a.z = 3; ROLLBACK TO s; RELEASE s; ROLLBACK TO s", "x")]
    [InlineData("SET a.x = 1; SAVEPOINT s; SET a.y = 2; ROLLBACK TO s; SET a.z = 3", "x z")]
    public async Task Savepoints_decide_which_sets_are_carried(string statements, string kept)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.RoundTripAsync(first, "BEGIN", "BEGIN", 'T');
        foreach (string statement in statements.Split("; ")) await client.RoundTripAsync(first, statement, statement.Split(' ')[0], 'T');
        await client.RoundTripAsync(first, "COMMIT", "COMMIT");
        await client.SendAsync(Query("SELECT 1"));
        string sets = string.Concat(kept.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => $"SET \\\"a\\\".\\\"{name}\\\" = {"xyz".IndexOf(name[0]) + 1};"));
        if (sets.Length > 0) await second.ExpectAsync($"Query \"{sets}\"");
        await second.ExpectAsync("Query \"SELECT 1\"");
    }

    [Fact]
    public async Task A_savepoint_that_may_or_may_not_be_there_keeps_the_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await client.RoundTripAsync(server, "SAVEPOINT s", "SAVEPOINT", 'T');
        await client.RoundTripAsync(server, "SET work_mem = '8MB'", "SET", 'T');
        await client.SendAsync(Query("SAVEPOINT s; bad; SET work_mem = '1MB'"));
        await server.NextAsync();
        await server.AnswerAsync(CommandComplete("SAVEPOINT"), Error("42601", "no"), ReadyForQuery('E'));
        await client.ReadyAsync();
        await client.RoundTripAsync(server, "ROLLBACK TO s", "ROLLBACK", 'T');
        await client.RoundTripAsync(server, "COMMIT", "COMMIT");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
    }

    [Theory]
    [InlineData("SET a.b = 1; SET a.c = 2", "SET \"a\".\"b\" = 1;SET \"a\".\"c\" = 2;")]
    [InlineData("SELECT pg_catalog.set_config('search_path', 'a, B', false);", "SET \"search_path\" = \"a\", \"b\";")]
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET \"default_transaction_read_only\" = on;")]
    [InlineData("SET TIME ZONE INTERVAL '+01:00' HOUR TO MINUTE", "SET TIME ZONE INTERVAL '+01:00' HOUR TO MINUTE;")]
    public async Task Settings_in_other_words_are_carried_as_well(string sql, string carried)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.RoundTripAsync(first, sql, sql[..6].Trim() == "SELECT" ? "SELECT 1" : "SET");
        await client.SendAsync(Query("SELECT 1"));
        await second.ExpectAsync($"Query \"{carried.Replace("\"", "\\\"", StringComparison.Ordinal)}\"", "Query \"SELECT 1\"");
    }

    [Fact]
    public async Task Discard_all_ends_a_pin_and_takes_back_to_the_settings_of_the_login()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync(parameters: [new("application_name", "mine")]);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SET work_mem = '8MB'"));
        await server.ExpectAsync("Query \"SET \\\"application_name\\\" = 'mine';\"", "Query \"SET work_mem = '8MB'\"");
        await server.AnswerAsync(CommandComplete("SET"), ReadyForQuery('I'), CommandComplete("SET"), ReadyForQuery('I'));
        await client.ReadyAsync();
        await client.RoundTripAsync(server, "LISTEN U&\"x\"", "LISTEN");
        await client.RoundTripAsync(server, "DISCARD ALL", "DISCARD ALL");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await client.SendAsync(Query("SELECT 1"));
        await server.ExpectAsync("Query \"SET \\\"application_name\\\" = 'mine';\"", "Query \"SELECT 1\"");
    }

    [Fact]
    public async Task State_made_behind_a_discard_all_in_one_write_is_not_taken_for_cleaned()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("DISCARD ALL"), Query("SELECT set_config('search_path', $$x$$, false)"));
        await server.ExpectAsync("Query \"DISCARD ALL\"");
        Assert.True(await server.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(50)));
        await server.AnswerAsync(CommandComplete("DISCARD ALL"), ReadyForQuery('I'));
        Assert.StartsWith("Query \"SELECT set_config", (await server.NextAsync()).ToString(), StringComparison.Ordinal);
        await server.AnswerAsync(OneRow("set_config", "x"));
        for (int i = 0; i < 2; i++) await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        client.Dispose();
        await server.AnswerResetAsync();
    }

    [Fact]
    public async Task Discard_all_in_the_middle_of_an_extended_batch_costs_the_server_at_its_release()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "DISCARD ALL"), Bind("", ""), Execute(), Parse("", "SELECT set_config('a.b', 'c', false)"), Bind("", ""), Execute(), Sync);
        for (int i = 0; i < 7; i++) await server.NextAsync();
        await server.AnswerAsync(
            ParseComplete, BindComplete, CommandComplete("DISCARD ALL"), ParseComplete, BindComplete, DataRow("c"), CommandComplete("SELECT 1"), ReadyForQuery('I'));
        await client.ReadyAsync();
        client.Dispose();
        await server.ExpectAsync("Terminate");
    }

    [Fact]
    public async Task A_setting_of_the_connection_string_that_the_server_refuses_ends_the_session_with_its_words()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync(parameters: [new("timezone", "Mars")]);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.ExpectAsync("Query \"SET \\\"timezone\\\" = 'Mars';\"", "Query \"SELECT 1\"");
        await server.AnswerAsync(Error("22023", "invalid value for parameter \"TimeZone\": \"Mars\""));
        await client.ExpectAsync("ErrorResponse ERROR 22023 \"invalid value for parameter \\\"TimeZone\\\": \\\"Mars\\\"\"");
        Assert.Empty(await client.Wire.ReadToEndAsync());
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_is_told_when_another_server_reports_otherwise()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        Assert.Equal("UTC", client.Parameters["TimeZone"]);
        await client.SendAsync(Query("SET timezone = 'Asia/Tokyo'"));
        await first.NextAsync();
        await first.AnswerAsync(CommandComplete("SET"), BackendBytes.ParameterStatus("TimeZone", "Asia/Tokyo"), ReadyForQuery('I'));
        await client.ReadyAsync();
        Assert.Equal("Asia/Tokyo", client.Parameters["TimeZone"]);
        await client.SendAsync(Query("SELECT 1"));
        await second.ExpectAsync("Query \"SET \\\"timezone\\\" = 'Asia/Tokyo';\"", "Query \"SELECT 1\"");
        await second.AnswerAsync(CommandComplete("SET"), BackendBytes.ParameterStatus("TimeZone", "Asia/Tokyo"), ReadyForQuery('I'), OneRow("n", "1"));
        Assert.Equal(["RowDescription [n]", "DataRow [\"1\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I"], await client.ReadyAsync());
        using RawClient other = await world.ConnectAsync();
        await other.SendAsync(Query("SELECT 2"));
        await first.ExpectAsync("Query \"RESET \\\"timezone\\\";\"", "Query \"SELECT 2\"");
        // This server's default differs from what the client was told at login: it hears so before its rows.
        await first.AnswerAsync(CommandComplete("RESET"), BackendBytes.ParameterStatus("TimeZone", "Europe/Rome"), ReadyForQuery('I'), OneRow("n", "2"));
        Assert.Contains("Europe/Rome", (await other.ReadyAsync())[0], StringComparison.Ordinal);
    }
}
