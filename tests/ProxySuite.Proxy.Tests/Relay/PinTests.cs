using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Pins come to their end by themselves, and are bounded.</summary>
[Trait("Category", "Server")]
public sealed class PinTests
{
    [Theory]
    [InlineData("CREATE TEMP TABLE t (n int)", "DROP TABLE t", PinReason.TempTable)]
    [InlineData("CREATE TEMP TABLE t (n int)", "DISCARD TEMP", PinReason.TempTable)]
    [InlineData("CREATE TEMP TABLE t (n int)", "DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE t'; END $$", PinReason.TempTable)]
    [InlineData("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION pg_temp.f()", PinReason.TempTable)]
    [InlineData("SELECT 1 AS n INTO TEMP t", "DROP TABLE t", PinReason.TempTable)]
    [InlineData("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CLOSE c", PinReason.HoldCursor)]
    [InlineData("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CLOSE ALL", PinReason.HoldCursor)]
    [InlineData("SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7)", PinReason.AdvisoryLock)]
    [InlineData("SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock_all()", PinReason.AdvisoryLock)]
    [InlineData("LISTEN U&\"a\"", "UNLISTEN *", PinReason.Listen)]
    [InlineData("SELECT set_config('a.b', 'c', false) FROM generate_series(1, 1)", "RESET ALL", PinReason.SessionSetting)]
    [InlineData("SET ROLE NONE", "SELECT 1", PinReason.SessionSetting)]
    public async Task A_pin_ends_with_its_state(string make, string end, PinReason reason)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient client = await world.Proxy.ConnectAsync();
        Assert.DoesNotContain(await client.QueryAsync(make), message => message.Type == (char)BackendMessage.ErrorResponse);
        if (make != "SET ROLE NONE")
        {
            // Asked while the state is there, the server vouches for nothing.
            await Task.Delay(1500);
            Assert.Equal(1, await world.Proxy.OnPoolAsync("acme", pool => pool.Stats.Pinned(reason)));
        }
        Assert.DoesNotContain(await client.QueryAsync(end), message => message.Type == (char)BackendMessage.ErrorResponse);
        await WaitForPinsAsync(world.Proxy, reason, 0);
        await world.Proxy.WaitForRestAsync();
        Assert.Equal(0, await world.Proxy.OnPoolAsync("acme", pool => pool.Pinned.Count));
        // What was made is nobody else's.
        Assert.Equal("0", await client.ScalarAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"));
    }

    [Fact]
    public async Task A_temporary_table_that_ends_with_its_transaction_pins_nobody()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("BEGIN");
        await client.QueryAsync("CREATE TEMP TABLE t (n int) ON COMMIT DROP");
        Assert.Equal("0", await client.ScalarAsync("SELECT count(*) FROM t"));
        await client.QueryAsync("COMMIT");
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task One_server_is_left_for_those_who_keep_none_and_a_transaction_fails_as_on_a_server()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        using RawClient one = await world.Proxy.ConnectAsync();
        using RawClient two = await world.Proxy.ConnectAsync();
        await one.QueryAsync("CREATE TEMP TABLE t (n int)");
        await two.QueryAsync("BEGIN");
        await two.SendAsync(Query("CREATE TEMP TABLE t (n int)"));
        await two.ExpectAsync("ErrorResponse ERROR 53300 \"too many clients of this tenant keep state on a server connection: the limit is 1\"", "ReadyForQuery E");
        await two.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), FrontendBytes.Sync);
        await two.ExpectAsync("ErrorResponse ERROR 25P02 \"current transaction is aborted, commands ignored until end of transaction block\"", "ReadyForQuery E");
        await two.QueryAsync("ROLLBACK");
        await two.SendAsync(Parse("", "SELECT pg_advisory_lock(1)"), Bind("", ""), Execute(), FrontendBytes.Sync);
        await two.ExpectAsync("ParseComplete", "ErrorResponse ERROR 53300 \"too many clients of this tenant keep state on a server connection: the limit is 1\"", "ReadyForQuery I");
        Assert.Equal("1", await two.ScalarAsync("SELECT 1"));
        await one.QueryAsync("DISCARD ALL");
        Assert.DoesNotContain(await two.QueryAsync("CREATE TEMP TABLE t (n int)"), message => message.Type == (char)BackendMessage.ErrorResponse);
        Assert.Equal(1, await world.Proxy.OnPoolAsync("acme", pool => pool.Stats.Pinned(PinReason.TempTable)));
    }

    [Fact]
    public async Task A_pinned_client_that_stays_idle_is_ended_and_its_server_cleaned()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1, options => options with { Pool = options.Pool with { PinnedIdleTimeout = TimeSpan.FromSeconds(1) } });
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("CREATE TEMP TABLE t (n int)");
        await client.ExpectAsync("ErrorResponse FATAL 57P05 \"terminating connection that kept its server connection while idle\"");
        Assert.Null(await client.NextAsync());
        using RawClient next = await world.Proxy.ConnectAsync();
        Assert.Equal("0", await next.ScalarAsync("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()"));
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_probe_that_is_overtaken_by_the_client_decides_nothing()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "CREATE TEMP TABLE t (n int)", "CREATE TABLE");
        Assert.StartsWith("Query \"SELECT FROM pg_catalog.pg_depend", (await server.NextAsync()).ToString(), StringComparison.Ordinal);
        await client.SendAsync(Query("CREATE TEMP TABLE u (n int)"));
        await server.ExpectAsync("Query \"CREATE TEMP TABLE u (n int)\"");
        byte[][] nothing = [.. Enumerable.Range(0, 6).Select(_ => BackendBytes.CommandComplete("SELECT 0")), BackendBytes.ReadyForQuery('I')];
        await server.AnswerAsync([.. nothing, BackendBytes.CommandComplete("CREATE TABLE"), BackendBytes.ReadyForQuery('I')]);
        await client.ExpectAsync("CommandComplete \"CREATE TABLE\"", "ReadyForQuery I");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        // Asked again later; now nobody is in its way, and the server is cleaned before anyone else has it.
        await server.NextAsync();
        await server.AnswerAsync(nothing);
        await server.AnswerResetAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }

    private static async Task WaitForPinsAsync(ProxyWorld world, PinReason reason, int expected)
    {
        for (int i = 0; i < 1000 && await world.OnPoolAsync("acme", pool => pool.Stats.Pinned(reason)) != expected; i++) await Task.Delay(10);
        Assert.Equal(expected, await world.OnPoolAsync("acme", pool => pool.Stats.Pinned(reason)));
    }
}
