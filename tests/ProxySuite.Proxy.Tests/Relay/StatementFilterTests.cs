using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What the filter does on the wire, on real servers: a refusal is an error like the server's own, a limit is a success with a notice.</summary>
[Trait("Category", "Server")]
public sealed class StatementFilterTests
{
    private const string Refused = "ErrorResponse ERROR 42501 \"ALTER ROLE is not available to tenants\"";
    private const string Alter = "ALTER ROLE CURRENT_USER PASSWORD 'x'";

    public static TheoryData<int> Versions => [15, 18];

    [Theory, MemberData(nameof(Versions))]
    public async Task A_refused_statement_fails_as_one_that_the_server_refuses(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.SendAsync(Query(Alter));
        await client.ExpectAsync(Refused, "ReadyForQuery I");
        // All or nothing, as an implicit transaction is.
        await client.SendAsync(Query($"CREATE TABLE half (n int); {Alter}; SELECT 1"));
        await client.ExpectAsync(Refused, "ReadyForQuery I");
        Assert.Equal("", await client.ScalarAsync("SELECT coalesce(to_regclass('half')::text, '')"));

        // It ends a transaction block as any error does, and a savepoint saves it.
        await client.QueryAsync("BEGIN");
        await client.SendAsync(Query("SAVEPOINT a"), Query(Alter), Query("SELECT 1"), Query("ROLLBACK TO a"), Query("COMMIT"));
        await client.ExpectAsync("CommandComplete \"SAVEPOINT\"", "ReadyForQuery T", Refused, "ReadyForQuery E");
        await client.ExpectAsync("ErrorResponse ERROR 25P02 \"current transaction is aborted, commands ignored until end of transaction block\"", "ReadyForQuery E");
        await client.ExpectAsync("CommandComplete \"ROLLBACK\"", "ReadyForQuery T", "CommandComplete \"COMMIT\"", "ReadyForQuery I");
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task In_the_extended_protocol_it_is_skipped_to_the_sync_and_the_pipeline_goes_on(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.SendAsync(
            Parse("", "SELECT 1"), Bind("", ""), Execute(), Parse("a", Alter), Bind("", "a"), Execute(), Sync,
            Parse("a", "SELECT 2"), Bind("", "a"), Execute(), Sync, Parse("", Alter), DescribeStatement(""), Sync, Query("SELECT 3"));
        await client.ExpectAsync("ParseComplete", "BindComplete", "DataRow [\"1\"]", "CommandComplete \"SELECT 1\"", Refused, "ReadyForQuery I");
        await client.ExpectAsync("ParseComplete", "BindComplete", "DataRow [\"2\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I");
        await client.ExpectAsync(Refused, "ReadyForQuery I", "RowDescription [?column?]", "DataRow [\"3\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I");
        // The unnamed statement that was refused is none, and the one before it is gone, as on a server.
        await client.SendAsync(Parse("", "SELECT 4"), Sync, Parse("", Alter), Sync, Bind("", ""), Sync);
        await client.ExpectAsync("ParseComplete", "ReadyForQuery I", Refused, "ReadyForQuery I", "ErrorResponse ERROR 26000 \"unnamed prepared statement does not exist\"", "ReadyForQuery I");
        // One that is not the refused one stays.
        await client.SendAsync(Parse("", "SELECT 5"), Sync, Parse("b", Alter), Sync, Bind("", ""), Execute(), Sync);
        await client.ExpectAsync("ParseComplete", "ReadyForQuery I", Refused, "ReadyForQuery I", "BindComplete", "DataRow [\"5\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I");
        await world.Proxy.WaitForRestAsync();
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_setting_above_the_plan_is_set_to_the_plan_and_the_client_is_told(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2);
        using RawClient client = await world.Proxy.ConnectAsync();
        const string Notice = "NoticeResponse NOTICE 00000 \"parameter \\\"statement_timeout\\\" was set to 30000ms, the limit of the tenant's plan\"";
        await client.SendAsync(Query("SELECT 1"), Query("SET statement_timeout = 0"), Query("SHOW statement_timeout"));
        string[] first = await client.ReadyAsync(), set = await client.ReadyAsync(), show = await client.ReadyAsync();
        Assert.DoesNotContain(first, message => message.StartsWith("Notice", StringComparison.Ordinal));
        Assert.StartsWith(Notice, set[0], StringComparison.Ordinal);
        Assert.Equal(["CommandComplete \"SET\"", "ReadyForQuery I"], set[1..]);
        Assert.Contains("DataRow [\"30s\"]", show);

        string[] named = await ExtendedAsync("s", "SET work_mem = '2GB'"), unnamed = await ExtendedAsync("", "SET work_mem = '3GB'"), again = await ExtendedAsync("t", "SET work_mem = '2GB'");
        foreach (string[] answer in (string[][])[named, unnamed, again])
        {
            Assert.StartsWith("NoticeResponse NOTICE 00000 \"parameter \\\"work_mem\\\" was set to 16384kB", answer[0], StringComparison.Ordinal);
            Assert.Equal(["ParseComplete", "BindComplete", "CommandComplete \"SET\"", "ReadyForQuery I"], answer[1..]);
            for (int i = 0; i < 4; i++) Assert.Equal("16MB", await client.ScalarAsync("SHOW work_mem"));
        }
        Assert.Equal("8MB", await client.ScalarAsync("SET work_mem = '8MB'; SHOW work_mem"));
        Assert.Equal("16MB", await client.ScalarAsync("SELECT set_config('work_mem', '1GB', false)"));
        Assert.Equal("16MB", await client.ScalarAsync("BEGIN; SET LOCAL sort_mem = 99999999; SHOW work_mem"));
        await client.QueryAsync("ROLLBACK");

        async Task<string[]> ExtendedAsync(string name, string sql)
        {
            await client.SendAsync(Parse(name, sql), Bind("", name), Execute(), Sync);
            return await client.ReadyAsync();
        }
    }

    [Fact]
    public async Task Settings_of_the_connection_string_are_brought_within_the_plan_and_follow_it()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1);
        using RawClient client = await world.Proxy.ConnectAsync(parameters: [new("options", "-c statement_timeout=0 -c work_mem=9MB"), new("idle_in_transaction_session_timeout", "1d")]);
        Assert.Equal("30s", await client.ScalarAsync("SHOW statement_timeout"));
        Assert.Equal("9MB", await client.ScalarAsync("SHOW work_mem"));
        Assert.Equal("5min", await client.ScalarAsync("SHOW idle_in_transaction_session_timeout"));
        await client.QueryAsync("SET statement_timeout = '20s'");
        world.Proxy.Registry.Put(world.Tenant with { Tenant = world.Tenant.Tenant with { Plan = world.Tenant.Tenant.Plan with { StatementTimeout = TimeSpan.FromSeconds(7), WorkMemBytes = 1 << 20 } } });
        for (int i = 0; i < 500 && await client.ScalarAsync("SHOW statement_timeout") != "7s"; i++) await Task.Delay(20);
        Assert.Equal("7s", await client.ScalarAsync("SHOW statement_timeout"));
        Assert.Equal("1MB", await client.ScalarAsync("SHOW work_mem"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_text_too_long_to_be_held_is_judged_as_it_passes_by_and_none_of_it_runs(bool isQuery)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1);
        string padding = new('x', 300_000);
        using RawClient good = await world.Proxy.ConnectAsync();
        Assert.Equal("300000", await good.ScalarAsync($"SELECT length('{padding}')"));
        await good.QueryAsync("CREATE TABLE kept (n int)");
        foreach (string sql in (string[])[$"INSERT INTO kept VALUES (1); /* {padding} */ {Alter}; INSERT INTO kept VALUES (2)", $"/* {padding} */ {Alter}", $"{Alter} -- {padding}"])
        {
            using RawClient client = await world.Proxy.ConnectAsync();
            await client.SendAsync(isQuery ? Query(sql) : FrontendBytes.Join(Parse("", sql), Bind("", ""), Execute(), Sync));
            await client.ExpectAsync("ErrorResponse FATAL 42501 \"ALTER ROLE is not available to tenants\"");
            Assert.Null(await client.NextAsync());
        }
        Assert.Equal("0", await good.ScalarAsync("SELECT count(*) FROM kept"));
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Bytes_behind_the_text_of_a_query_are_a_protocol_violation()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        byte[] query = Query("SELECT 1~; LOCK TABLE orders");
        query[Array.IndexOf(query, (byte)'~')] = 0;
        await client.SendAsync(query);
        Assert.StartsWith("ErrorResponse FATAL 08P01", (await client.NextAsync())!.ToString(), StringComparison.Ordinal);
    }
}
