using System.Text.Json;
using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary><c>shard prepare</c>: what it changes, that it can be repeated, and what each lockdown leaves to applications.</summary>
[Trait("Category", "Server")]
public sealed class ShardPreparationTests
{
    // Everything PUBLIC may do with what PostgreSQL itself brings, and with the database.
    private const string PublicPrivileges =
        """
        SELECT string_agg(p, E'\n' ORDER BY p) FROM (
          SELECT 'function ' || f.oid::regprocedure || ' ' || a.privilege_type AS p
            FROM pg_proc f, aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0 AND pronamespace = 'pg_catalog'::regnamespace
          UNION ALL SELECT 'table ' || c.oid::regclass || ' ' || a.privilege_type
            FROM pg_class c, aclexplode(coalesce(relacl, acldefault('r', relowner))) a WHERE a.grantee = 0 AND relnamespace = 'pg_catalog'::regnamespace
          UNION ALL SELECT 'language ' || lanname || ' ' || a.privilege_type FROM pg_language, aclexplode(coalesce(lanacl, acldefault('l', lanowner))) a WHERE a.grantee = 0
          UNION ALL SELECT 'schema ' || nspname || ' ' || a.privilege_type FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a
            WHERE a.grantee = 0 AND nspname IN ('public', 'pg_catalog')
          UNION ALL SELECT 'database ' || a.privilege_type FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a
            WHERE a.grantee = 0 AND datname = current_database()) AS privileges
        """;

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Strict_and_back_to_relaxed_gives_back_exactly_what_strict_took(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        string[] relaxed = await PrivilegesAsync(world);
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "strict");
        string[] strict = await PrivilegesAsync(world);
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "relaxed");

        Assert.Equal(relaxed, await PrivilegesAsync(world));
        Assert.Contains("function set_config(text,text,boolean) EXECUTE", relaxed.Except(strict));
        Assert.Empty(strict.Except(relaxed));
        Assert.DoesNotContain("function lo_import(text) EXECUTE", relaxed);
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task What_the_operator_closed_stays_closed_when_strict_ends(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await world.Server.ExecuteAsync("REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC", world.ShardDatabase);
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "strict");
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "relaxed");
        Assert.DoesNotContain("function pg_notify(text,text) EXECUTE", await PrivilegesAsync(world));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Relaxed_takes_from_everyone_only_what_no_application_uses(int version)
    {
        await using ControlWorld world = await ControlWorld.EmptyAsync(version);
        string[] fresh = await PrivilegesAsync(world);
        await world.MustAsync("init");
        await world.MustAsync("shard", "add", "s1", "--primary", world.Server.Dsn(world.ShardDatabase));
        await world.MustAsync("shard", "prepare", "s1");
        string[] taken = [.. fresh.Except(await PrivilegesAsync(world))];
        Assert.All(taken, privilege => Assert.Matches("pg_logical_emit_message|pg_settings UPDATE|_replication_slots?\\(|pg_logical_slot_|pg_replication_slot_advance", privilege));
        // pg_sync_replication_slots is new in 17.
        Assert.Equal(version >= 17 ? 18 : 17, taken.Length);
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Prepared_again_at_the_same_level_nothing_changes(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        string[] before = await PrivilegesAsync(world);
        JsonElement report = (await world.MustAsync("shard", "prepare", "s1", "--json")).Json;
        Assert.Equal("strict", report.GetProperty("lockdown").GetString());
        Assert.Equal(before, await PrivilegesAsync(world));
        await using NpgsqlConnection app = await world.ConnectAsync((await world.EntryAsync("acme")).Tenant);
        Assert.Equal(1, await app.RunAsync("INSERT INTO notes VALUES (1, 'x')"));
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task Under_relaxed_ordinary_applications_work(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        foreach (string sql in Liberties) Assert.Equal("", await app.RefusalAsync(sql));
        Assert.Equal("42501", await app.RefusalAsync("SELECT pg_logical_emit_message(true, 'proxysuite.fence', '')"));
        if (model == IsolationModel.Pool) return;
        await using NpgsqlConnection owner = await world.ConnectAsync(acme, UserRole.Owner);
        Assert.Equal("", await owner.RefusalAsync("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION f()"));
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task Under_strict_no_statement_runs_sql_text_or_reaches_the_whole_database(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version, "strict");
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        foreach (string sql in Liberties) Assert.Equal("42501", await app.RefusalAsync(sql));
        foreach (string sql in (string[])
        [
            "SELECT query_to_xml('SELECT 1', true, true, '')", "SELECT ts_stat('SELECT to_tsvector(1)')", "SELECT pg_notify('c', '')", "SELECT * FROM pg_stat_activity",
            "SELECT pg_terminate_backend(1)", "SELECT setseed(0)", "UPDATE pg_settings SET setting = '0' WHERE name = 'statement_timeout'", "SELECT * FROM pg_locks",
        ])
        {
            Assert.Equal("42501", await app.RefusalAsync(sql));
        }
        Assert.Equal(1, await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'x')"));
        Assert.Equal("notes", await app.ReadAsync<string>("SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace"));
        if (model == IsolationModel.Pool) return;
        await using NpgsqlConnection owner = await world.ConnectAsync(acme, UserRole.Owner);
        Assert.Equal("", await owner.RefusalAsync("CREATE TABLE orders (id bigint PRIMARY KEY); ALTER TABLE orders ADD COLUMN note text"));
        Assert.Equal("42501", await owner.RefusalAsync("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_change_of_level_reaches_tenants_own_databases(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Database);
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "strict");
        await using (NpgsqlConnection app = await world.ConnectAsync(acme)) Assert.Equal("42501", await app.RefusalAsync("DO $$ BEGIN END $$"));
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", "relaxed");
        await using (NpgsqlConnection app = await world.ConnectAsync(acme)) Assert.Equal("", await app.RefusalAsync("DO $$ BEGIN END $$"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_login_that_is_no_superuser_is_refused_with_the_reason(int version)
    {
        await using ControlWorld world = await ControlWorld.EmptyAsync(version);
        await world.Server.ExecuteAsync("DO $$ BEGIN CREATE ROLE plain LOGIN CREATEROLE PASSWORD 'plain'; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        await world.MustAsync("init");
        await world.MustAsync("shard", "add", "s1", "--primary", world.Server.Dsn(world.ShardDatabase, "plain", "plain"));
        CliRun run = await world.RunAsync("shard", "prepare", "s1");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("role \"plain\" is no superuser", run.Error, StringComparison.Ordinal);
        Assert.Equal("not prepared", (await world.MustAsync("shard", "show", "s1", "--json")).Json.GetProperty("state").GetString());
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Two_preparations_at_once_both_succeed(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await world.MustAsync("shard", "add", "s2", "--primary", world.Server.Dsn(world.ShardDatabase));
        CliRun[] runs = await Task.WhenAll(
            world.RunAsync("shard", "prepare", "s1"), world.RunAsync("shard", "prepare", "s2"), world.RunAsync("shard", "prepare", "s1"), world.RunAsync("shard", "prepare", "s2"));
        Assert.All(runs, run => Assert.True(run.ExitCode == 0, run.Error));
    }

    private static readonly string[] Liberties =
    [
        "CREATE TEMP TABLE mine (id int)",
        "DO $$ BEGIN PERFORM 1; END $$",
        "SELECT set_config('search_path', '', false)",
        "SELECT pg_advisory_lock(1), pg_advisory_unlock(1)",
        "SELECT lo_unlink(lo_create(0))",
    ];

    private static async Task<string[]> PrivilegesAsync(ControlWorld world)
        => (await world.Server.ScalarAsync<string>(PublicPrivileges, world.ShardDatabase))!.Split('\n');
}
