using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>The functions that policies ask: <c>tenancy.role_tenant()</c>, <c>sealed_tenant()</c> and <c>current_tenant()</c>, which serves both.</summary>
[Trait("Category", "Server")]
public sealed class TenancyFunctionsTests
{
    private static readonly byte[] K1 = RandomNumberGenerator.GetBytes(64);
    private static readonly byte[] K2 = RandomNumberGenerator.GetBytes(64);

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_session_that_is_no_tenants_gets_an_error_and_never_null(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await using NpgsqlConnection stranger = await StrangerAsync(world);
        foreach (string function in (string[])["role_tenant", "sealed_tenant", "current_tenant"])
        {
            Assert.Equal("42501", await stranger.RefusalAsync($"SELECT tenancy.{function}()"));
        }
        foreach (string table in (string[])["tenancy.role_map", "tenancy.seal_key", "tenancy.sealed_fence", "tenancy.lockdown_revoked", "proxysuite.schema_ledger"])
        {
            Assert.Equal("42501", await stranger.RefusalAsync($"SELECT * FROM {table}"));
        }
        foreach (string call in (string[])["tenancy.apply_lockdown('relaxed')", "tenancy.protect_pool_tables()", "proxysuite.apply_as('data_owner', 'public', '')"])
        {
            Assert.Equal("42501", await stranger.RefusalAsync($"CALL {call}"));
        }
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_fenced_tenant_gets_an_error_that_tells_the_proxy_it_has_moved(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool, Servers.NotesTemplate(IsolationModel.Pool));
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        Assert.Equal(0L, await app.ReadAsync<long>("SELECT count(*) FROM notes"));

        await world.Server.ExecuteAsync($"UPDATE tenancy.role_map SET fenced_epoch = 2 WHERE tenant_id = '{acme.Id}'", world.ShardDatabase);

        PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => app.ReadAsync<long>("SELECT count(*) FROM notes"));
        Assert.Equal(("42501", "proxysuite:moved"), (refused.SqlState, refused.Hint));
        Assert.Equal("42501", await app.RefusalAsync("INSERT INTO notes (id) VALUES (1)"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_seal_holds_for_its_own_session_tenant_and_time_alone(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        await world.Server.ExecuteAsync(
            $"INSERT INTO tenancy.seal_key VALUES ('900', '\\x{Convert.ToHexString(K1)}', '\\x{Convert.ToHexString(K2)}')", world.ShardDatabase);
        await using NpgsqlConnection shared = await StrangerAsync(world);
        await using NpgsqlConnection other = await StrangerAsync(world);
        var acme = TenantId.New();
        var globex = TenantId.New();
        long now = await shared.ReadAsync<long>("SELECT extract(epoch FROM now())::bigint");

        await SealAsync(shared, acme, Seal(acme, shared.ProcessID, now));
        Assert.Equal(acme.Value, await shared.ReadAsync<Guid>("SELECT tenancy.sealed_tenant()"));
        Assert.Equal(acme.Value, await shared.ReadAsync<Guid>("SELECT tenancy.current_tenant()"));

        await shared.RunAsync($"SET app.current_tenant_id = '{globex}'");
        Assert.Equal("42501", await shared.RefusalAsync("SELECT tenancy.sealed_tenant()"));
        foreach (string wrong in (string[])
        [
            Seal(acme, shared.ProcessID, now - 120), Seal(acme, shared.ProcessID, now + 120), Seal(acme, shared.ProcessID + 1, now),
            Seal(globex, shared.ProcessID, now), Seal(acme, shared.ProcessID, now) + "0", "900." + now + ".", "901." + now + ".00", "", "x",
        ])
        {
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => SealAsync(shared, acme, wrong));
            Assert.Equal("42501", refused.SqlState);
            // What a client can set is checked where it counts.
            await shared.RunAsync($"SET app.tenant_seal = '{wrong}'");
            Assert.Equal("42501", await shared.RefusalAsync("SELECT tenancy.current_tenant()"));
        }
        await other.RunAsync($"SET app.current_tenant_id = '{acme}'; SET app.tenant_seal = '{Seal(acme, shared.ProcessID, now)}'");
        Assert.Equal("42501", await other.RefusalAsync("SELECT tenancy.current_tenant()"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_tenants_own_role_stays_that_tenant_whatever_seal_it_shows(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await world.Server.ExecuteAsync(
            $"INSERT INTO tenancy.seal_key VALUES ('900', '\\x{Convert.ToHexString(K1)}', '\\x{Convert.ToHexString(K2)}')", world.ShardDatabase);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool);
        var globex = TenantId.New();
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        long now = await app.ReadAsync<long>("SELECT extract(epoch FROM now())::bigint");
        await SealAsync(app, globex, Seal(globex, app.ProcessID, now, BackendNames.Role(acme.Id, UserRole.App)));
        Assert.Equal(acme.Id.Value, await app.ReadAsync<Guid>("SELECT tenancy.current_tenant()"));
    }

    private static async Task<NpgsqlConnection> StrangerAsync(ControlWorld world)
    {
        await world.Server.ExecuteAsync("DO $$ BEGIN CREATE ROLE stranger LOGIN PASSWORD 'stranger'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
        var connection = new NpgsqlConnection(world.Server.Dsn(world.ShardDatabase, "stranger", "stranger") + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task SealAsync(NpgsqlConnection connection, TenantId tenant, string seal)
    {
        await connection.RunAsync($"SET app.current_tenant_id = '{tenant}'");
        await using var command = new NpgsqlCommand("SELECT tenancy.seal($1)", connection) { Parameters = { new() { Value = seal } } };
        await command.ExecuteNonQueryAsync();
    }

    private static string Seal(TenantId tenant, int pid, long issued, string user = "stranger")
    {
        byte[] message = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{tenant}|{pid}|{issued}|{user}"));
        byte[] mac = SHA256.HashData([.. K2, .. SHA256.HashData([.. K1, .. message])]);
        return string.Create(CultureInfo.InvariantCulture, $"900.{issued}.{Convert.ToHexStringLower(mac)}");
    }
}
