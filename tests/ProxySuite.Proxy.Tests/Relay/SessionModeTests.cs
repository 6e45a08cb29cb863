using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>In session mode a client has a server of its own, and everything on it is as PostgreSQL has it.</summary>
[Trait("Category", "Server")]
public sealed class SessionModeTests
{
    [Fact]
    public async Task The_process_id_is_the_servers_own_and_the_key_is_not()
    {
        await using PostgresWorld world = await NativeAsync(2);
        using RawClient client = await world.Proxy.ConnectAsync("native");
        Assert.Equal(client.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), await client.ScalarAsync("SELECT pg_backend_pid()"));
        using RawClient busy = await world.Proxy.ConnectAsync("native");
        await busy.SendAsync(Query("SELECT pg_sleep(30)"));
        for (int i = 0; await client.ScalarAsync($"SELECT count(*) FROM pg_stat_activity WHERE pid = {busy.ProcessId} AND query LIKE '%sleep%' AND state = 'active'") == "0"; i++)
        {
            Assert.True(i < 1000, "the query does not run");
            await Task.Delay(20);
        }
        using RawClient direct = await RawClient.ConnectAsync(world.Server.Port);
        await direct.SendAsync(CancelRequest(busy.ProcessId, busy.SecretKey));
        Assert.Empty(await direct.Wire.ReadToEndAsync());
        Assert.True(await busy.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
        await busy.CancelAsync();
        // Not by its time: the plan's statement_timeout has the same code.
        Assert.Contains("57014 \"canceling statement due to user request\"", (await busy.ReadyAsync())[^2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statements_keep_their_names_and_state_stays()
    {
        await using PostgresWorld world = await NativeAsync(2);
        using RawClient client = await world.Proxy.ConnectAsync("native", parameters: [new("options", "-c extra_float_digits=0")]);
        await client.SendAsync(Parse("p1", "SELECT 'by protocol'"), FrontendBytes.Sync);
        await client.ReadyAsync();
        Assert.Equal("by protocol", await client.ScalarAsync("EXECUTE p1"));
        await client.QueryAsync("PREPARE p2 AS SELECT 'by SQL'");
        await client.SendAsync(Bind("", "p2"), Execute(), FrontendBytes.Sync);
        Assert.Equal("DataRow [\"by SQL\"]", (await client.ReadyAsync())[1]);
        await client.QueryAsync("CREATE TEMP TABLE t AS SELECT 7 AS n; DECLARE c CURSOR WITH HOLD FOR SELECT 8");
        Assert.Equal("7", await client.ScalarAsync("SELECT n FROM t"));
        Assert.Equal("8", await client.ScalarAsync("FETCH c"));
        Assert.Equal("t", await client.ScalarAsync("SELECT pg_try_advisory_lock(5)"));
        await client.QueryAsync("SET extra_float_digits = 3");
        await client.QueryAsync("RESET ALL");
        // What the connection string asked for is what a reset goes back to.
        Assert.Equal("0", await client.ScalarAsync("SHOW extra_float_digits"));
        await client.QueryAsync("DISCARD ALL");
        Assert.Equal("0", await client.ScalarAsync("SHOW extra_float_digits"));
        Assert.Equal("0", await client.ScalarAsync("SELECT count(*) FROM pg_prepared_statements"));
        Assert.Equal(0, await world.Proxy.OnPoolAsync("native", pool => pool.Pinned.Count));
        client.Dispose();
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0), "native");
        using RawClient next = await world.Proxy.ConnectAsync("native");
        Assert.Equal("0", await next.ScalarAsync("SELECT (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_cursors) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"));
    }

    [Fact]
    public async Task A_login_waits_for_a_server_of_its_own()
    {
        await using PostgresWorld world = await NativeAsync(1, TimeSpan.FromMilliseconds(500));
        RawClient first = await world.Proxy.ConnectAsync("native");
        using RawClient refused = await RawClient.ConnectAsync(world.Proxy.Port);
        Assert.Equal("53300", (await refused.TryLoginAsync("app", "native", ProxyWorld.Password))!.SqlState);
        ProxyOptions options = world.Proxy.Options.Value;
        TimeSpan patience = TimeSpan.FromMinutes(1);
        world.Proxy.Options.Swap(options with { Pool = options.Pool with { QueryWaitTimeout = patience }, Auth = options.Auth with { LoginTimeout = patience } });
        using RawClient second = await RawClient.ConnectAsync(world.Proxy.Port);
        Task<PgError?> login = second.TryLoginAsync("app", "native", ProxyWorld.Password);
        await world.Proxy.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1), "native");
        first.Dispose();
        Assert.Null(await login);
        Assert.Equal("1", await second.ScalarAsync("SELECT 1"));
        second.Dispose();
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Every_golden_sequence_is_answered_with_the_servers_own_names()
    {
        await using PostgresWorld world = await NativeAsync(2);
        TenantEntry native = world.Proxy.Registry["native"];
        string role = BackendNames.Role(native.Tenant.Id, UserRole.App);
        string tables = """
            CREATE TABLE t (n int);
            CREATE TABLE guarded (n int);
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON guarded FOR EACH STATEMENT EXECUTE FUNCTION refuse();
            CREATE TABLE parent (n int PRIMARY KEY);
            CREATE TABLE deferred (n int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
            """;
        await world.Server.ExecuteAsync($"SET ROLE {world.Role}; SET search_path = {world.Tenant.Tenant.Placement.SchemaName}; {tables}", world.Proxy.Shard.Database);
        await world.Server.ExecuteAsync($"SET ROLE {role}; SET search_path = {native.Tenant.Placement.SchemaName}; {tables}", world.Proxy.Shard.Database);
        var differences = new List<string>();
        foreach (GoldenSequence sequence in GoldenSequences.All)
        {
            using RawClient direct = await world.ConnectDirectlyAsync();
            using RawClient proxied = await world.Proxy.ConnectAsync("native");
            string[] expected = await GoldenTests.PlayAsync(direct, sequence);
            string[] actual = await GoldenTests.PlayAsync(proxied, sequence);
            if (!expected.SequenceEqual(actual)) differences.Add($"== {sequence.Name}\n{TextDiff.Of(expected, actual, string.Equals)}");
        }
        Assert.True(differences.Count == 0, string.Join("\n", differences));
    }

    private static async Task<PostgresWorld> NativeAsync(int connections, TimeSpan? wait = null)
    {
        PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1, options => options with { Pool = options.Pool with { QueryWaitTimeout = wait ?? options.Pool.QueryWaitTimeout } });
        await world.AddTenantAsync("native", connections, PoolMode.Session);
        return world;
    }
}
