using System.Text;
using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Tests;

/// <summary>Tenants with identity sealed, as <c>proxyctl</c> makes them and as PostgreSQL then holds them apart.</summary>
[Trait("Category", "Server")]
public sealed class SealedTenantTests
{
    private const string Template = "CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint NOT NULL, text text, PRIMARY KEY (tenant_id, id));";

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_sealed_tenant_has_no_role_of_its_own_and_sees_its_rows_alone(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        Tenant acme = await CreateAsync(world, "acme");
        Tenant globex = await CreateAsync(world, "globex");
        Assert.Equal((TenantIdentity.Sealed, IsolationModel.Pool), (acme.Identity, acme.Isolation));
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 't_{acme.Id.ToString("N")}')"));
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM tenancy.role_map WHERE tenant_id = '{acme.Id}'", world.ShardDatabase));

        await using NpgsqlConnection app = await ConnectAsync(world);
        await using NpgsqlConnection reader = await ConnectAsync(world, UserRole.Readonly);
        await SealAsync(world, app, acme);
        await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'of acme')");
        await SealAsync(world, app, globex);
        await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'of globex')");
        Assert.Equal("of globex", await app.ReadAsync<string>("SELECT string_agg(text, ',') FROM notes"));
        Assert.Equal("42501", await app.RefusalAsync($"INSERT INTO notes VALUES ('{acme.Id}', 2, 'planted')"));
        Assert.Equal(0, await app.RunAsync($"UPDATE notes SET text = 'taken' WHERE tenant_id = '{acme.Id}'"));
        Assert.Equal(0, await app.RunAsync($"DELETE FROM notes WHERE tenant_id = '{acme.Id}'"));

        // The audit knows the shared roles for what they are.
        string sealedRole = BackendNames.SealedRole(await world.Control.Store.GetShardAsync("s1"), UserRole.App);
        CliRun audit = await world.RunAsync("audit", "--shard", "s1", "--json");
        Assert.DoesNotContain(audit.Json.GetProperty("findings").EnumerateArray(), finding => finding.GetRawText().Contains(sealedRole, StringComparison.Ordinal));
        await SealAsync(world, reader, acme, UserRole.Readonly);
        Assert.Equal("of acme", await reader.ReadAsync<string>("SELECT string_agg(text, ',') FROM notes"));
        Assert.Equal("42501", await reader.RefusalAsync("INSERT INTO notes (id) VALUES (3)"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Without_a_good_seal_every_statement_on_shared_tables_is_refused(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        Tenant acme = await CreateAsync(world, "acme");
        await using NpgsqlConnection app = await ConnectAsync(world);
        await using NpgsqlConnection other = await ConnectAsync(world);
        Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM notes"));
        await app.RunAsync($"SET app.current_tenant_id = '{acme.Id}'");
        Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM notes"));
        Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM tenancy.seal_key"));
        foreach (string seal in await WrongSealsAsync(world, app, other, acme))
        {
            Assert.Equal("42501", await app.RefusalAsync($"SELECT tenancy.seal('{seal}')"));
            await app.RunAsync($"SET app.tenant_seal = '{seal}'");
            Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM notes"));
            Assert.Equal("42501", await app.RefusalAsync("INSERT INTO notes (id) VALUES (1)"));
            Assert.Equal("42501", await app.RefusalAsync("DELETE FROM notes"));
        }
        await SealAsync(world, app, acme);
        Assert.Equal("", await app.RefusalAsync("SELECT * FROM notes"));
        await app.RunAsync("DISCARD ALL");
        Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM notes"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_rotation_lets_two_keys_count_until_it_is_finished(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        Tenant acme = await CreateAsync(world, "acme");
        await using NpgsqlConnection app = await ConnectAsync(world);
        await SealAsync(world, app, acme, kid: 1);
        await RefusedSealAsync(world, app, acme, kid: 2);

        CliRun rotated = await world.MustAsync("shard", "rotate-seal", "s1", "--json");
        Assert.Equal(2, rotated.Json.GetProperty("seal_kid").GetInt32());
        Assert.Equal(2, (await world.EntryAsync("acme")).Shard.SealKid);
        await SealAsync(world, app, acme, kid: 1);
        await SealAsync(world, app, acme, kid: 2);
        CliRun again = await world.RunAsync("shard", "rotate-seal", "s1");
        Assert.Equal((1, true), (again.ExitCode, again.Error.Contains("--finish", StringComparison.Ordinal)));

        await world.MustAsync("shard", "rotate-seal", "s1", "--finish");
        await RefusedSealAsync(world, app, acme, kid: 1);
        await SealAsync(world, app, acme, kid: 2);
        // Preparing again brings back the key in use and no older one.
        await world.MustAsync("shard", "prepare", "s1");
        await RefusedSealAsync(world, app, acme, kid: 1);
        await SealAsync(world, app, acme, kid: 2);
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_suspended_sealed_tenant_is_refused_by_the_engine_and_its_neighbours_are_not(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        Tenant acme = await CreateAsync(world, "acme");
        Tenant globex = await CreateAsync(world, "globex");
        await using NpgsqlConnection app = await ConnectAsync(world);
        await SealAsync(world, app, acme);
        await world.MustAsync("tenant", "suspend", "acme");
        Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM notes"));
        await SealAsync(world, app, globex);
        Assert.Equal("", await app.RefusalAsync("SELECT * FROM notes"));
        await world.MustAsync("tenant", "resume", "acme");
        await SealAsync(world, app, acme);
        Assert.Equal("", await app.RefusalAsync("SELECT * FROM notes"));
        await world.MustAsync("tenant", "set-plan", "acme", "growth");
        await world.MustAsync("plan", "set", "growth", "--connections", "21");
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Sealed_tenants_need_a_strict_shard_and_a_strict_shard_stays_one_while_it_has_some(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        CliRun refused = await world.RunAsync("tenant", "create", "acme", "--plan", "free", "--identity", "sealed", "--shard", "s1", "--generate-password");
        Assert.Equal((1, true), (refused.ExitCode, refused.Error.Contains("lockdown strict", StringComparison.Ordinal)));
        Assert.Equal(1, (await world.RunAsync("shard", "rotate-seal", "s1")).ExitCode);

        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "strict");
        Assert.Equal(1L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM tenancy.seal_key", world.ShardDatabase));
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "relaxed");
        Assert.Equal(0L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM tenancy.seal_key", world.ShardDatabase));
        Shard shard = (await world.Control.Store.GetShardAsync("s1"))!;
        Assert.False(await world.Server.ScalarAsync<bool>($"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{BackendNames.SealedRole(shard, UserRole.App)}'"));

        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "strict");
        await CreateAsync(world, "acme");
        Assert.Equal(1, (await world.RunAsync("shard", "prepare", "s1", "--lockdown", "relaxed")).ExitCode);
        Assert.Equal(1L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM tenancy.seal_key", world.ShardDatabase));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task The_shared_role_owns_nothing_and_can_become_nobody(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        await CreateAsync(world, "acme");
        Shard shard = await world.Control.Store.GetShardAsync("s1");
        string name = BackendNames.SealedRole(shard, UserRole.App);
        Assert.True(await world.Server.ScalarAsync<bool>(
            $"SELECT NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication) FROM pg_roles WHERE rolname = '{name}'"));
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_class WHERE relowner = '{name}'::regrole", world.ShardDatabase));
        await using NpgsqlConnection app = await ConnectAsync(world);
        foreach (string role in (string[])["data_owner", "tenancy_owner", "ps_control", BackendNames.SealedRole(shard, UserRole.Readonly)])
        {
            Assert.Equal("42501", await app.RefusalAsync($"SET ROLE {role}"));
        }
        foreach (string sql in (string[])["SET log_parameter_max_length = -1", "SET temp_file_limit = -1", "DO $$ BEGIN END $$", "CREATE TEMP TABLE t (i int)", "SELECT set_config('app.x', '1', false)"])
        {
            Assert.Equal("42501", await app.RefusalAsync(sql));
        }
    }

    private static async Task<Tenant> CreateAsync(ControlWorld world, string slug)
    {
        string template = world.WriteFile("shared.sql", Template);
        await world.MustAsync("tenant", "create", slug, "--plan", "free", "--isolation", "pool", "--identity", "sealed", "--shard", "s1", "--template", template, "--generate-password");
        return (await world.EntryAsync(slug)).Tenant;
    }

    private static async Task<NpgsqlConnection> ConnectAsync(ControlWorld world, UserRole role = UserRole.App)
    {
        string name = BackendNames.SealedRole(await world.Control.Store.GetShardAsync("s1"), role);
        string password = new BackendPasswords(world.Key()).PasswordFor(name, BackendNames.SealedPasswordEpoch);
        var connection = new NpgsqlConnection(world.Server.Dsn(world.ShardDatabase, name, password) + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task SealAsync(ControlWorld world, NpgsqlConnection connection, Tenant tenant, UserRole role = UserRole.App, int kid = 1)
    {
        string seal = await SealOfAsync(world, connection.ProcessID, tenant, role, kid, await NowAsync(connection));
        await connection.RunAsync($"SET app.current_tenant_id = '{tenant.Id}'");
        await using var command = new NpgsqlCommand("SELECT tenancy.seal($1)", connection) { Parameters = { new() { Value = seal } } };
        await command.ExecuteNonQueryAsync();
    }

    private static async Task RefusedSealAsync(ControlWorld world, NpgsqlConnection connection, Tenant tenant, int kid)
        => Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => SealAsync(world, connection, tenant, kid: kid))).SqlState);

    private static Task<long> NowAsync(NpgsqlConnection connection) => connection.ReadAsync<long>("SELECT extract(epoch FROM now())::bigint");

    private static async Task<string[]> WrongSealsAsync(ControlWorld world, NpgsqlConnection app, NpgsqlConnection other, Tenant acme)
    {
        long now = await NowAsync(app);
        string good = await SealOfAsync(world, app.ProcessID, acme, UserRole.App, 1, now);
        return
        [
            await SealOfAsync(world, other.ProcessID, acme, UserRole.App, 1, now),
            await SealOfAsync(world, app.ProcessID, acme, UserRole.Readonly, 1, now),
            await SealOfAsync(world, app.ProcessID, acme, UserRole.App, 2, now),
            await SealOfAsync(world, app.ProcessID, acme, UserRole.App, 1, now - 90),
            await SealOfAsync(world, app.ProcessID, acme, UserRole.App, 1, now + 90),
            await SealOfAsync(world, app.ProcessID, acme with { Id = TenantId.New() }, UserRole.App, 1, now),
            "2" + good[1..], good[..^1], good + "0", good.Replace($".{now}.", $".{now + 1}.", StringComparison.Ordinal), "", ".", "..", "1..", "1.x.y",
        ];
    }

    private static async Task<string> SealOfAsync(ControlWorld world, int pid, Tenant tenant, UserRole role, int kid, long issued)
    {
        Shard shard = await world.Control.Store.GetShardAsync("s1");
        var seal = new byte[SealKey.SealBytesMax];
        int length = SealKey.Of(world.Key(), shard, kid).Write(seal, tenant.Id, pid, issued, Encoding.UTF8.GetBytes(BackendNames.SealedRole(shard, role)));
        return Encoding.ASCII.GetString(seal, 0, length);
    }
}
