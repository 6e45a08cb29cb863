using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.Sealed;

/// <summary>Tenants with identity sealed through the whole product: all of them on one server connection, so that every other query changes hands.</summary>
[Trait("Category", "Server")]
public sealed class SealedTests
{
    public static TheoryData<int> Versions => [15, 18];

    [Theory, MemberData(nameof(Versions))]
    public async Task Tenants_that_share_one_server_read_and_write_their_own_rows_alone(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(version);
        (TestTenant a, TestTenant b) = (world.Tenants[0], world.Tenants[1]);
        await using NpgsqlConnection ofA = await world.Proxyd.OpenAsync(a), ofB = await world.Proxyd.OpenAsync(b), readsB = await world.Proxyd.OpenAsync(b, "reader");
        for (int round = 0; round < 10; round++)
        {
            await ofA.RunAsync($"INSERT INTO notes (body) VALUES ('a{round}')");
            await ofB.RunAsync($"INSERT INTO notes (body) VALUES ('b{round}')");
            Assert.Equal("seal1", await ofA.ReadAsync<string>("SELECT string_agg(slug, ',') FROM whose"));
            Assert.Equal("seal2", await ofB.ReadAsync<string>("SELECT string_agg(slug, ',') FROM whose"));
        }
        Assert.Equal(10L, await ofB.ReadAsync<long>("SELECT count(*) FROM notes WHERE body LIKE 'b%'"));
        Assert.Equal(0L, await ofB.ReadAsync<long>("SELECT count(*) FROM notes WHERE body NOT LIKE 'b%'"));
        Assert.Equal(0, await ofB.RunAsync($"UPDATE notes SET body = 'taken' WHERE tenant_id = '{a.Id}'"));
        Assert.Equal(0, await ofB.RunAsync($"DELETE FROM notes WHERE tenant_id = '{a.Id}'"));
        Assert.Equal("42501", await RefusalAsync(ofB, $"INSERT INTO notes (tenant_id, body) VALUES ('{a.Id}', 'planted')"));
        Assert.Equal(10L, await readsB.ReadAsync<long>("SELECT count(*) FROM notes"));
        Assert.Equal("42501", await RefusalAsync(readsB, "INSERT INTO notes (body) VALUES ('x')"));
        Assert.Equal(20L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM notes"));
        Assert.InRange(await world.CountServersAsync(), 1, 1);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Large_tenants_are_served_by_both_reactors_and_have_as_many_servers_at_a_time_as_their_plan_says(int version)
    {
        const int Connections = 4;
        await using SealedWorld world = await SealedWorld.StartAsync(
            version, shardConnections: 16, connections: Connections, options: ["--Reactors:Count=2", "--Pool:SpreadFrom=2", "--Pool:ShareQuantum=50ms", "--Pool:QueryWaitTimeout=60s"]);
        using var stop = new CancellationTokenSource();
        var answered = new int[world.Tenants.Count, 2];
        Task clients = Task.WhenAll(Enumerable.Range(0, 24).Select(number => Task.Run(async () =>
        {
            int which = number % world.Tenants.Count;
            TestTenant tenant = world.Tenants[which];
            while (!stop.IsCancellationRequested)
            {
                using RawClient client = await world.Proxyd.LoginRawAsync(tenant);
                for (int round = 0; round < 50 && !stop.IsCancellationRequested; round++)
                {
                    Assert.Equal(tenant.Slug, await client.ScalarAsync($"SELECT string_agg(slug, ',') FROM whose, pg_sleep(0.005) /* {tenant.Slug} */", Proxyd.Patience));
                    Interlocked.Increment(ref answered[which, (client.ProcessId >>> 24) & 0x7f]);
                }
            }
        })));
        var most = new long[world.Tenants.Count];
        for (long end = Environment.TickCount64 + 4000; Environment.TickCount64 < end;)
        {
            for (int which = 0; which < most.Length; which++)
                most[which] = Math.Max(most[which], await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT string_agg%/* {world.Tenants[which].Slug} */'"));
        }
        await stop.CancelAsync();
        await clients;
        Assert.All(most, static seen => Assert.InRange(seen, 2, Connections));
        foreach (int count in answered) Assert.NotEqual(0, count);
        // All of the plan's places can be had on one reactor, once the other has no use for them.
        RawClient[] several = [.. await Task.WhenAll(Enumerable.Range(0, 2 * Connections).Select(_ => world.Proxyd.LoginRawAsync(world.Tenants[0])))];
        RawClient[] ofOne = [.. several.GroupBy(static client => (client.ProcessId >>> 24) & 0x7f).First()];
        Assert.Equal(Connections, ofOne.Length);
        foreach (RawClient client in ofOne) await client.QueryAsync("BEGIN", Proxyd.Patience);
        RawClient late = several.Except(ofOne).First();
        await late.SendAsync(Query("SELECT 'late'"));
        await Task.Delay(100);
        await ofOne[0].QueryAsync("COMMIT", Proxyd.Patience);
        Assert.Contains(await late.ReadUntilAsync(BackendMessage.ReadyForQuery, Proxyd.Patience), static message => message.ToString() == "DataRow [\"late\"]");
        foreach (RawClient client in ofOne.Skip(1)) await client.QueryAsync("COMMIT", Proxyd.Patience);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Listening_and_notifying_are_refused_and_fail_the_transaction_as_on_a_server(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(version);
        await using NpgsqlConnection client = await world.Proxyd.OpenAsync(world.Tenants[0]);
        foreach (string sql in (string[])["LISTEN a", "NOTIFY a", "UNLISTEN a"])
        {
            await client.RunAsync("BEGIN");
            Assert.Equal("42501", await RefusalAsync(client, sql));
            Assert.Equal("25P02", await RefusalAsync(client, "SELECT 1"));
            await client.RunAsync("ROLLBACK");
        }
        Assert.Equal("seal1", await client.ReadAsync<string>("SELECT string_agg(slug, ',') FROM whose"));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Probe_tenants_of_every_kind_get_nowhere_on_a_strict_shard(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(version, shardConnections: 6);
        System.Text.Json.JsonElement answer = (await world.ProxyctlAsync(["audit", "--probe", "--proxy", $"127.0.0.1:{world.Proxyd.Port}", "--json"])).Json;
        string[] models = [.. answer.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("model").GetString()!).Distinct()];
        Assert.Equal(["pool", "schema", "database", "pool, sealed"], models);
        Assert.Equal(answer.GetProperty("tried").GetInt32(), answer.GetProperty("held").GetInt32());
        Assert.InRange(answer.GetProperty("tried").GetInt32(), 4 * 2 * 28, 4 * 2 * 40);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task No_statement_makes_a_session_another_tenants(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(version, shardConnections: 2);
        (TestTenant a, TestTenant b) = (world.Tenants[0], world.Tenants[1]);
        await using NpgsqlConnection ofA = await world.Proxyd.OpenAsync(a), ofB = await world.Proxyd.OpenAsync(b);
        string? seal = await ofA.ReadAsync<string>("SELECT current_setting('app.tenant_seal') FROM whose");
        foreach (string attack in (string[])
        [
            $"SET app.current_tenant_id = '{a.Id}'", $"SET LOCAL app.current_tenant_id = '{a.Id}'", $"SELECT set_config('app.current_tenant_id', '{a.Id}', false)",
            $"SET app.tenant_seal = '{seal}'", $"SELECT tenancy.seal('{seal}')", "SELECT tenancy.seal('')", "SELECT tenancy.seal(NULL)", "SELECT * FROM tenancy.seal_key",
            "RESET app.tenant_seal", "RESET ALL", "DISCARD ALL", "SET ROLE data_owner", "SET SESSION AUTHORIZATION DEFAULT", "RESET SESSION AUTHORIZATION", "DEALLOCATE ALL",
            "SET row_security = off", $"DO $$BEGIN EXECUTE 'SET app.current_tenant_id = ''{a.Id}'''; END$$", "SET search_path = tenancy, public", "SET transaction_read_only = on",
            "PREPARE proxysuite_seal AS SELECT 1", "EXECUTE proxysuite_seal('x')", "DEALLOCATE proxysuite_seal",
        ])
        {
            await RefusalAsync(ofB, attack);
            if (ofB.State != System.Data.ConnectionState.Open) await ofB.OpenAsync();
            // Whatever it did to its own session: there are its own rows, or a refusal, and never a neighbour's.
            string after = await RowsOrRefusalAsync(ofB);
            Assert.True(after is "seal2" or "42501" or "26000" or "57P03", $"{attack}: {after}");
            if (after != "seal2")
            {
                await ofB.CloseAsync();
                await ofB.OpenAsync();
                after = await RowsOrRefusalAsync(ofB);
                Assert.True(after == "seal2", $"{attack}, and a new session: {after}");
            }
            Assert.Equal("seal1", await RowsOrRefusalAsync(ofA));
        }
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task What_a_tenant_leaves_behind_never_makes_the_next_ones_statements_its_own(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(version);
        (TestTenant a, TestTenant b) = (world.Tenants[0], world.Tenants[1]);
        using RawClient ofB = await world.Proxyd.LoginRawAsync(b);
        // A deadline that the clean-up itself may miss, and sessions that refuse to write: none of it may have the next tenant's secret land in this one's rows.
        foreach (string poison in (string[])
        [
            "SET statement_timeout = 1", "SET default_transaction_read_only = on", "SET default_transaction_isolation = 'serializable'", "SET lock_timeout = 1",
            "SET idle_in_transaction_session_timeout = 1", "SET work_mem = 64", "SET search_path = pg_catalog", "SET client_min_messages = error", "SET extra_float_digits = 0",
            "SET plan_cache_mode = force_generic_plan", "SET application_name = 'poison'", "SET bytea_output = 'escape'",
        ])
        {
            using (RawClient ofA = await world.Proxyd.LoginRawAsync(a))
            {
                await ofA.QueryAsync(poison, Proxyd.Patience);
                // What it set may well end it.
                await ofA.SendAsync(Query("SELECT 1"));
                await ofA.Wire.NextAsync(Proxyd.Patience);
            }
            Assert.Contains("INSERT 0 1", string.Join('\n', await ofB.QueryAsync("INSERT INTO notes (body) VALUES ('secret of b')", Proxyd.Patience)), StringComparison.Ordinal);
            Assert.Equal("seal2", await ofB.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            Assert.Equal("", await ofB.ScalarAsync("SELECT current_setting('application_name')", Proxyd.Patience));
        }
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM notes WHERE tenant_id <> '{b.Id}'"));
        Assert.Equal(12L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM notes WHERE tenant_id = '{b.Id}'"));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Prepared_statements_settings_and_cursors_are_the_clients_own_over_every_change_of_hands(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(version);
        using RawClient ofA = await world.Proxyd.LoginRawAsync(world.Tenants[0]), ofB = await world.Proxyd.LoginRawAsync(world.Tenants[1]);
        foreach (RawClient client in (RawClient[])[ofA, ofB])
        {
            await client.SendAsync(Parse("s", "SELECT slug || '/' || current_setting('application_name') || '/' || $1 FROM whose"), Sync);
            await client.ReadUntilAsync(BackendMessage.ReadyForQuery, Proxyd.Patience);
            await client.QueryAsync(client == ofA ? "SET application_name = 'first'" : "SET application_name = 'second'", Proxyd.Patience);
        }
        for (int round = 0; round < 5; round++)
        {
            Assert.Contains($"seal1/first/{round}", await BoundAsync(ofA, $"{round}"), StringComparison.Ordinal);
            Assert.Contains($"seal2/second/{round}", await BoundAsync(ofB, $"{round}"), StringComparison.Ordinal);
        }
        // The tenant's own values, not the shared role's.
        Assert.Equal("8MB", await ofA.ScalarAsync("SHOW work_mem", Proxyd.Patience));
        Assert.Equal("1min", await ofA.ScalarAsync("SHOW statement_timeout", Proxyd.Patience));
        Assert.Equal(world.Tenants[0].Id.ToString(), await ofA.ScalarAsync("SELECT current_setting('app.current_tenant_id')", Proxyd.Patience));
        // A pipeline, an error in the middle of a batch, a transaction, rows as a stream.
        await ofA.SendAsync(Query("SELECT slug FROM whose"), Query("SELECT 1/0"), Query("SELECT slug FROM whose"), Parse("", "SELECT 1/0"), Bind("", ""), Execute(), Sync, Query("SELECT slug FROM whose"));
        for (int i = 0; i < 5; i++) await ofA.ReadUntilAsync(BackendMessage.ReadyForQuery, Proxyd.Patience);
        await ofA.QueryAsync("BEGIN", Proxyd.Patience);
        await ofA.QueryAsync("INSERT INTO notes (body) VALUES ('rolled back')", Proxyd.Patience);
        await ofA.QueryAsync("ROLLBACK", Proxyd.Patience);
        Assert.Equal("seal2", await ofB.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        Assert.Equal("0", await ofA.ScalarAsync("SELECT count(*) FROM notes", Proxyd.Patience));
        await ofA.QueryAsync("DISCARD ALL", Proxyd.Patience);
        Assert.Equal("seal1", await ofA.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        Assert.Equal("seal2", await ofB.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
    }

    [Fact]
    public async Task Keys_change_without_a_failed_query_and_without_a_key_nothing_is_served()
    {
        await using SealedWorld world = await SealedWorld.StartAsync(18, shardConnections: 2);
        (TestTenant a, TestTenant b) = (world.Tenants[0], world.Tenants[1]);
        using var stop = new CancellationTokenSource();
        Task<int>[] traffic = [.. ((TestTenant[])[a, b, a]).Select(tenant => Task.Run(async () =>
        {
            int asked = 0;
            using RawClient client = await world.Proxyd.LoginRawAsync(tenant);
            while (!stop.IsCancellationRequested || asked == 0)
            {
                Assert.Equal(tenant.Slug, await client.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
                asked++;
            }
            return asked;
        }))];
        await world.ProxyctlAsync(["shard", "rotate-seal", "s1"]);
        // The new key is in use once seals of it are all there are: the old one may go.
        await UntilAsync(async () => (await SealOfAsync(world, a)).StartsWith("2.", StringComparison.Ordinal) && (await SealOfAsync(world, b)).StartsWith("2.", StringComparison.Ordinal));
        await world.ProxyctlAsync(["shard", "rotate-seal", "s1", "--finish"]);
        await Task.Delay(200);
        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(traffic), asked => Assert.True(asked > 0));

        await world.Server.ExecuteAsync("DELETE FROM tenancy.seal_key");
        using RawClient late = await world.Proxyd.LoginRawAsync(a);
        IReadOnlyList<WireMessage> answers = await late.QueryAsync("SELECT slug FROM whose", Proxyd.Patience);
        Assert.Contains(answers, answer => answer.ToString().Contains("42501", StringComparison.Ordinal) || answer.ToString().Contains("57P03", StringComparison.Ordinal));
        Assert.DoesNotContain(answers, answer => answer.Type == (char)BackendMessage.DataRow);
    }

    [Fact]
    public async Task A_seal_stands_in_no_log_no_error_and_no_view_of_statements()
    {
        await using SealedWorld world = await SealedWorld.StartAsync(18, settings: new() { ["log_statement"] = "all", ["log_min_duration_statement"] = "0" });
        using RawClient ofA = await world.Proxyd.LoginRawAsync(world.Tenants[0]), ofB = await world.Proxyd.LoginRawAsync(world.Tenants[1]);
        string? own = await ofA.ScalarAsync("SELECT current_setting('app.tenant_seal')", Proxyd.Patience);
        Assert.Matches(@"^1\.\d{10}\.[0-9a-f]{64}$", own);
        await ofB.QueryAsync("SELECT slug FROM whose", Proxyd.Patience);
        Assert.Equal(0L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE query ~ '[0-9a-f]{64}'"));
        await world.Server.ExecuteAsync("DELETE FROM tenancy.seal_key");
        await ofA.QueryAsync("SELECT slug FROM whose", Proxyd.Patience);
        Assert.Contains("SELECT tenancy.seal($1)", world.Server.Log, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\d{10}\.[0-9a-f]{64}", world.Server.Log);
        Assert.DoesNotMatch(@"\d{10}\.[0-9a-f]{64}", world.Proxyd.Output);
    }

    [Fact]
    public async Task In_session_mode_a_client_keeps_its_server_and_its_tenant()
    {
        await using SealedWorld world = await SealedWorld.StartAsync(18, shardConnections: 2, options: "--Pool:Mode=session");
        using RawClient ofA = await world.Proxyd.LoginRawAsync(world.Tenants[0]), ofB = await world.Proxyd.LoginRawAsync(world.Tenants[1]);
        string? pid = await ofA.ScalarAsync("SELECT pg_backend_pid()", Proxyd.Patience);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal("seal1", await ofA.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            Assert.Equal("seal2", await ofB.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        }
        Assert.Equal(pid, await ofA.ScalarAsync("SELECT pg_backend_pid()", Proxyd.Patience));
    }

    [Fact]
    public async Task A_busy_tenant_keeps_a_quiet_one_from_nothing_and_stays_within_its_budget()
    {
        await using SealedWorld world = await SealedWorld.StartAsync(18, tenants: 3, shardConnections: 3, connections: 2);
        using var stop = new CancellationTokenSource();
        Task[] busy = [.. Enumerable.Range(0, 12).Select(_ => Task.Run(async () =>
        {
            using RawClient client = await world.Proxyd.LoginRawAsync(world.Tenants[0]);
            while (!stop.IsCancellationRequested) await client.QueryAsync("SELECT pg_sleep(0.02)", Proxyd.Patience);
        }))];
        using RawClient quiet = await world.Proxyd.LoginRawAsync(world.Tenants[1]), third = await world.Proxyd.LoginRawAsync(world.Tenants[2]);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("seal2", await quiet.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            Assert.Equal("seal3", await third.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            long running = await world.Server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(0.02)' AND state = 'active'");
            Assert.InRange(running, 0, 2);
        }
        await stop.CancelAsync();
        await Task.WhenAll(busy);
        Assert.InRange(await world.CountServersAsync(), 1, 3);
    }

    [Fact]
    public async Task Tenants_that_come_again_and_again_come_to_keep_a_server_each_while_the_shard_has_room()
    {
        // What counts as again is as long as may be, so that a slow machine is no reason to fail.
        await using SealedWorld world = await SealedWorld.StartAsync(18, tenants: 3, shardConnections: 5, options: "--Pool:ShareQuantum=60s");
        var clients = new List<RawClient>();
        foreach (TestTenant tenant in world.Tenants) clients.Add(await world.Proxyd.LoginRawAsync(tenant));
        await UntilAsync(async () =>
        {
            double before = await world.Proxyd.MetricAsync("proxysuite_shard_changed_hands_total");
            for (int round = 0; round < 5; round++)
            {
                for (int i = 0; i < clients.Count; i++) Assert.Equal($"seal{i + 1}", await clients[i].ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            }
            return await world.Proxyd.MetricAsync("proxysuite_shard_changed_hands_total") == before;
        });
        // As many as are of use, not as many as there may be.
        Assert.InRange(await world.CountServersAsync(), 3, 4);
        foreach (RawClient client in clients) client.Dispose();
    }

    [Fact]
    public async Task Tenants_that_come_again_and_again_take_places_that_others_have_left_idle_and_none_that_are_in_use()
    {
        await using SealedWorld world = await SealedWorld.StartAsync(18, tenants: 3, shardConnections: 5, connections: 4, options: "--Pool:ShareQuantum=1s");
        TestTenant own = await world.AddTenantAsync("own", "role");
        // Of the tenant's four connections two stay in use and two are left idle; one place is left for three sealed tenants.
        RawClient[] others = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => world.Proxyd.LoginRawAsync(own)));
        foreach (RawClient other in others) await other.QueryAsync("BEGIN", Proxyd.Patience);
        Assert.Equal(4, await own.CountServersAsync());
        foreach (RawClient idle in others[2..]) await idle.QueryAsync("COMMIT", Proxyd.Patience);
        RawClient[] clients = await Task.WhenAll(world.Tenants.Take(3).Select(tenant => world.Proxyd.LoginRawAsync(tenant)));
        await UntilAsync(async () =>
        {
            for (int i = 0; i < clients.Length; i++) Assert.Equal($"seal{i + 1}", await clients[i].ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            return await world.CountServersAsync() == 3 && await own.CountServersAsync() == 2;
        });
        foreach (RawClient busy in others[..2]) Assert.Equal("1", await busy.ScalarAsync("SELECT 1", Proxyd.Patience));
        foreach (RawClient client in (RawClient[])[.. others, .. clients]) client.Dispose();
    }

    private static async Task<string> SealOfAsync(SealedWorld world, TestTenant tenant)
    {
        using RawClient client = await world.Proxyd.LoginRawAsync(tenant);
        await client.QueryAsync("DISCARD ALL", Proxyd.Patience);
        return await client.ScalarAsync("SELECT current_setting('app.tenant_seal')", Proxyd.Patience) ?? "";
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
        while (!await isSo())
        {
            Assert.True(Environment.TickCount64 < deadline, "it does not come");
            await Task.Delay(50);
        }
    }

    private static async Task<string> BoundAsync(RawClient client, string value)
    {
        await client.SendAsync(Bind("", "s", value), Execute(), Sync);
        return string.Join('\n', await client.ReadUntilAsync(BackendMessage.ReadyForQuery, Proxyd.Patience));
    }

    private static async Task<string> RowsOrRefusalAsync(NpgsqlConnection connection)
    {
        try
        {
            return await connection.ReadAsync<string>("SELECT string_agg(slug, ',') FROM whose") ?? "nothing";
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }

    private static async Task<string> RefusalAsync(NpgsqlConnection connection, string sql)
    {
        try
        {
            await connection.RunAsync(sql);
            return "";
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }
}
