using Npgsql;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>
/// A tenant has moved from a shard on PostgreSQL 15 to one on 18, and the proxy was not told. The old shard's fence (no LOGIN, no rights, no sessions) is what keeps its
/// clients from writing there; the proxy finds the new place by itself.
/// </summary>
[Trait("Category", "Server")]
public sealed class FenceTests : IAsyncLifetime
{
    private PostgresServer _old = null!, _new = null!;
    private ProxyWorld _proxy = null!;
    private TenantEntry _tenant = null!;
    private Shard _target = null!;
    private string _role = "", _schema = "";

    public async Task InitializeAsync()
    {
        _old = await PostgresServer.SharedAsync(15);
        _new = await PostgresServer.SharedAsync(18);
        Shard source = await ShardAsync(1, _old);
        _target = await ShardAsync(2, _new);
        _proxy = await ProxyWorld.OnServerAsync(source);
        _tenant = _proxy.AddTenant("acme", connections: 2);
        _role = BackendNames.Role(_tenant.Tenant.Id, UserRole.App);
        _schema = _tenant.Tenant.Placement.SchemaName;
        foreach ((PostgresServer server, Shard shard) in ((PostgresServer, Shard)[])[(_old, source), (_new, _target)])
        {
            await server.ExecuteAsync($"""
                CREATE ROLE {_role} LOGIN PASSWORD '{_proxy.BackendPassword(_tenant.Tenant, UserRole.App)}';
                CREATE SCHEMA {_schema};
                CREATE TABLE {_schema}.notes (id int);
                GRANT USAGE ON SCHEMA {_schema} TO {_role};
                GRANT ALL ON {_schema}.notes TO {_role};
                """, shard.Database);
        }
    }

    public async Task DisposeAsync() => await _proxy.DisposeAsync();

    [Fact]
    public async Task A_session_writes_at_the_new_place_and_its_client_notices_nothing()
    {
        await using NpgsqlConnection client = await OpenAsync();
        await using var insert = new NpgsqlCommand("INSERT INTO notes VALUES ($1) RETURNING current_setting('server_version_num')", client) { Parameters = { new() { Value = 1 } } };
        await insert.PrepareAsync();
        Assert.StartsWith("15", (string)(await insert.ExecuteScalarAsync())!, StringComparison.Ordinal);
        await RunAsync(client, "SET statement_timeout = '7s'");

        await FenceOldAsync();
        _proxy.Registry.PutInSilence(Moved());
        insert.Parameters[0].Value = 2;
        Assert.StartsWith("18", (string)(await insert.ExecuteScalarAsync())!, StringComparison.Ordinal);
        Assert.Equal("7s", await ReadAsync(client, "SHOW statement_timeout"));
        Assert.Equal((1L, 1L), (await RowsAsync(_old, 1), await RowsAsync(_new, 2)));
        await _proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_logs_in_is_served_at_the_new_place()
    {
        await using (await OpenAsync())
        {
            await FenceOldAsync();
        }
        await _proxy.WaitForPoolAsync(new PoolCounts(0, 0));
        _proxy.Registry.PutInSilence(Moved());
        await using NpgsqlConnection client = await OpenAsync();
        Assert.StartsWith("18", await ReadAsync(client, "SHOW server_version_num"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_who_wait_go_to_the_new_place_together()
    {
        NpgsqlConnection[] clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OpenAsync()));
        await FenceOldAsync();
        _proxy.Registry.PutInSilence(Moved());
        int questions = _proxy.Registry.Questions;
        string[] versions = await Task.WhenAll(clients.Select(client => ReadAsync(client, "SHOW server_version_num")));
        Assert.All(versions, version => Assert.StartsWith("18", version, StringComparison.Ordinal));
        Assert.Equal(questions + 1, _proxy.Registry.Questions);
        foreach (NpgsqlConnection client in clients) await client.DisposeAsync();
        await _proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_transaction_that_was_open_is_not_repeated_elsewhere()
    {
        await using NpgsqlConnection client = await OpenAsync();
        await RunAsync(client, "BEGIN; INSERT INTO notes VALUES (1)");
        await FenceOldAsync(expectIdle: false);
        _proxy.Registry.PutInSilence(Moved());
        PostgresException lost = await Assert.ThrowsAsync<PostgresException>(() => RunAsync(client, "INSERT INTO notes VALUES (2)"));
        Assert.Equal("57P01", lost.SqlState);
        Assert.Equal((0L, 0L), (await RowsAsync(_old, 1), await RowsAsync(_new, 2)));
    }

    [Fact]
    public async Task A_tenant_that_is_let_in_nowhere_is_told_so_and_the_registry_is_asked_once_a_second()
    {
        await using (NpgsqlConnection first = await OpenAsync()) await FenceOldAsync();
        int questions = _proxy.Registry.Questions;
        for (int i = 0; i < 5; i++)
        {
            await using NpgsqlConnection client = await OpenAsync();
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => ReadAsync(client, "SELECT 'x'"));
            Assert.Equal("57P03", refused.SqlState);
        }
        Assert.InRange(_proxy.Registry.Questions - questions, 1, 5);
        await _old.ExecuteAsync($"ALTER ROLE {_role} LOGIN");
        await using NpgsqlConnection again = await OpenAsync();
        Assert.Equal("x", await ReadAsync(again, "SELECT 'x'"));
    }

    [Fact]
    public async Task During_a_cutover_those_who_wait_are_held_until_the_tenant_has_changed_hands()
    {
        await using NpgsqlConnection client = await OpenAsync();
        await FenceOldAsync();
        Tenant moving = _tenant.Tenant with { Placement = _tenant.Tenant.Placement with { State = PlacementState.Cutover } };
        _proxy.Registry.PutInSilence(_tenant with { Tenant = moving });
        int questions = _proxy.Registry.Questions;
        Task<string> waiting = ReadAsync(client, "SHOW server_version_num");
        while (_proxy.Registry.Questions == questions) await Task.Delay(5);
        Assert.False(waiting.IsCompleted);
        _proxy.Registry.Put(Moved());
        Assert.StartsWith("18", await waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_suspended_tenant_nothing_is_written_by_a_proxy_that_was_not_told()
    {
        await using NpgsqlConnection idle = await OpenAsync(), busy = await OpenAsync();
        await RunAsync(idle, "INSERT INTO notes VALUES (1)");
        await RunAsync(busy, "BEGIN; INSERT INTO notes VALUES (2)");
        // As proxyctl suspends: the door first, then idle sessions, and those in a transaction when it is over.
        TenantEntry known = _proxy.Registry["acme"];
        _proxy.Registry.PutInSilence(known with { Tenant = known.Tenant with { State = TenantState.Suspended } });
        await _old.ExecuteAsync($"ALTER ROLE {_role} NOLOGIN");
        await _old.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{_role}' AND state = 'idle'");
        await _proxy.WaitForPoolAsync(new PoolCounts(0, 1));
        await RunAsync(busy, "INSERT INTO notes VALUES (2); COMMIT");
        await _old.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{_role}' AND state = 'idle'");
        await _proxy.WaitForPoolAsync(new PoolCounts(0, 0));

        foreach (NpgsqlConnection client in (NpgsqlConnection[])[idle, busy])
        {
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => RunAsync(client, "INSERT INTO notes VALUES (3)"));
            Assert.Equal(("57P01", true), (refused.SqlState, refused.IsTransient));
        }
        Assert.Equal("28000", (await Assert.ThrowsAsync<PostgresException>(OpenAsync)).SqlState);
        Assert.Equal(3L, await RowsAsync(_old, 1));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task What_the_fence_refuses_on_a_server_that_is_logged_in_the_client_is_told_to_run_again(bool inTransaction)
    {
        // As in the pool model: each row is checked by a function of the shard that knows who is fenced off.
        foreach ((PostgresServer server, string database) in ((PostgresServer, string)[])[(_old, _tenant.Shard.Database), (_new, _target.Database)])
        {
            await server.ExecuteAsync($"""
                CREATE FUNCTION {_schema}.here() RETURNS boolean LANGUAGE sql AS 'SELECT true';
                ALTER TABLE {_schema}.notes ENABLE ROW LEVEL SECURITY;
                CREATE POLICY rows ON {_schema}.notes USING ({_schema}.here()) WITH CHECK ({_schema}.here());
                """, database);
        }
        NpgsqlConnection[] clients = await Task.WhenAll(OpenAsync(), OpenAsync());
        foreach (NpgsqlConnection client in clients) await RunAsync(client, "INSERT INTO notes VALUES (1)");
        await _old.ExecuteAsync($"""
            CREATE OR REPLACE FUNCTION {_schema}.here() RETURNS boolean LANGUAGE plpgsql AS
              $$ BEGIN RAISE EXCEPTION 'the tenant is not served here' USING ERRCODE = '42501', HINT = 'proxysuite:moved'; END $$
            """, _tenant.Shard.Database);
        _proxy.Registry.PutInSilence(Moved());
        foreach (NpgsqlConnection client in clients)
        {
            // As a driver's own loop over serialization failures does.
            int refusals = 0;
            while (true)
            {
                try
                {
                    await RunAsync(client, inTransaction ? "BEGIN; INSERT INTO notes VALUES (2); COMMIT" : "INSERT INTO notes VALUES (2)");
                    break;
                }
                catch (PostgresException again) when (again.SqlState == "40001" && refusals++ < 1000)
                {
                    Assert.Contains("Run it again", again.Hint, StringComparison.Ordinal);
                    if (inTransaction) await RunAsync(client, "ROLLBACK");
                    await Task.Delay(10);
                }
            }
        }
        Assert.Equal((2L, 2L), (await RowsAsync(_old, 1), await RowsAsync(_new, 2)));
        foreach (NpgsqlConnection client in clients) await client.DisposeAsync();
        await _proxy.WaitForRestAsync();
    }

    private static async Task<Shard> ShardAsync(int id, PostgresServer server) => new()
    {
        Id = new ShardId(id), Name = $"s{id}", Primary = [new ShardEndpoint(server.Host, server.Port)], Database = await server.CreateDatabaseAsync($"fence{Guid.NewGuid():N}"[..20]),
    };

    private TenantEntry Moved()
    {
        Tenant tenant = _proxy.Registry["acme"].Tenant;
        return new TenantEntry(tenant with { Placement = new Placement(_target.Id, 2, _target.Database, _schema, PlacementState.Active) }, _target);
    }

    private async Task FenceOldAsync(bool expectIdle = true)
    {
        await _old.ExecuteAsync($"ALTER ROLE {_role} NOLOGIN; REVOKE ALL ON {_schema}.notes FROM {_role}", _tenant.Shard.Database);
        await _old.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{_role}'");
        // A statement sent to a server that is being ended is lost with it: here the next one comes when the proxy has seen the end.
        if (expectIdle) await _proxy.WaitForPoolAsync(new PoolCounts(0, 0));
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var client = new NpgsqlConnection($"Host=127.0.0.1;Port={_proxy.Port};Database=acme;Username=app;Password={ProxyWorld.Password};Pooling=false;Timeout=30;SSL Mode=Disable");
        await client.OpenAsync();
        return client;
    }

    private Task<long> RowsAsync(PostgresServer server, int shard)
        => server.ScalarAsync<long>($"SELECT count(*) FROM {_schema}.notes", shard == 1 ? _tenant.Shard.Database : _target.Database);

    private static async Task RunAsync(NpgsqlConnection client, string sql)
    {
        await using var command = new NpgsqlCommand(sql, client);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> ReadAsync(NpgsqlConnection client, string sql)
    {
        await using var command = new NpgsqlCommand(sql, client);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
