using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>What each of a tenant's three roles may do with the tenant's own tables, and what its roles are (C3).</summary>
[Trait("Category", "Server")]
public sealed class TenantRightsTests
{
    [Theory]
    [InlineData(15, IsolationModel.Schema), InlineData(15, IsolationModel.Database)]
    [InlineData(18, IsolationModel.Schema), InlineData(18, IsolationModel.Database)]
    public async Task What_the_owner_creates_is_at_once_writable_for_app_and_readable_for_readonly(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model);
        await using (NpgsqlConnection owner = await world.ConnectAsync(acme, UserRole.Owner))
        {
            await owner.RunAsync("CREATE TABLE orders (id bigserial PRIMARY KEY, note text)");
            await owner.RunAsync("ALTER TABLE orders ADD COLUMN total numeric; CREATE INDEX ON orders (total); CREATE VIEW totals AS SELECT sum(total) AS total FROM orders");
            await owner.RunAsync("CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'");
        }
        await using (NpgsqlConnection app = await world.ConnectAsync(acme, UserRole.App))
        {
            Assert.Equal(1, await app.RunAsync("INSERT INTO orders (note, total) VALUES ('x', 5)"));
            Assert.Equal(1, await app.RunAsync("UPDATE orders SET total = 7"));
            Assert.Equal(7m, await app.ReadAsync<decimal>("SELECT total FROM totals"));
            Assert.Equal(1, await app.ReadAsync<int>("SELECT one()"));
            Assert.Equal("42501", await app.RefusalAsync("CREATE TABLE mine (id int)"));
            Assert.Equal("42501", await app.RefusalAsync("ALTER TABLE orders ADD COLUMN x int"));
            Assert.Equal("42501", await app.RefusalAsync("DROP TABLE orders"));
            Assert.Equal("42501", await app.RefusalAsync("TRUNCATE orders"));
        }
        await using (NpgsqlConnection reader = await world.ConnectAsync(acme, UserRole.Readonly))
        {
            Assert.Equal("x", await reader.ReadAsync<string>("SELECT note FROM orders"));
            Assert.Equal("42501", await reader.RefusalAsync("INSERT INTO orders (note) VALUES ('y')"));
            Assert.Equal("42501", await reader.RefusalAsync("UPDATE orders SET note = 'y'"));
            Assert.Equal("42501", await reader.RefusalAsync("DELETE FROM orders"));
            Assert.Equal("42501", await reader.RefusalAsync("SELECT nextval('orders_id_seq')"));
            Assert.Equal("42501", await reader.RefusalAsync("CREATE TABLE mine (id int)"));
        }
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task The_templates_tables_belong_to_no_role_that_an_application_uses(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        string? owner = await world.Server.ScalarAsync<string>(
            $"SELECT relowner::regrole::text FROM pg_class WHERE oid = '{acme.Placement.SchemaName}.notes'::regclass", acme.Placement.Database);
        Assert.Equal(model == IsolationModel.Pool ? "data_owner" : BackendNames.Role(acme.Id, UserRole.Owner), owner);
        await using NpgsqlConnection reader = await world.ConnectAsync(acme, UserRole.Readonly);
        Assert.Equal(0L, await reader.ReadAsync<long>("SELECT count(*) FROM notes"));
        Assert.Equal("42501", await reader.RefusalAsync("INSERT INTO notes (id) VALUES (1)"));
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task The_roles_have_no_attribute_membership_or_setting_beyond_what_they_need(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, plan: "free");
        string mine = $"rolname LIKE 't\\_{acme.Id.ToString("N")}%'";

        Assert.Equal(model == IsolationModel.Pool ? 2L : 3L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_roles WHERE {mine}"));
        Assert.Equal(0L, await world.Server.ScalarAsync<long>(
            $"SELECT count(*) FROM pg_roles WHERE {mine} AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication OR NOT rolcanlogin)"));
        // Free has 2 connections: twice that and eight more; and at least 1 GB of temporary files.
        Assert.Equal("12", await world.Server.ScalarAsync<string>($"SELECT string_agg(DISTINCT rolconnlimit::text, ',') FROM pg_roles WHERE {mine}"));
        Assert.Equal("temp_file_limit=1048576kB", await world.Server.ScalarAsync<string>($"SELECT string_agg(DISTINCT array_to_string(rolconfig, ' '), ',') FROM pg_roles WHERE {mine}"));
        string? groups = await world.Server.ScalarAsync<string>(
            $"SELECT string_agg(DISTINCT m.roleid::regrole::text, ',' ORDER BY m.roleid::regrole::text) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE {mine}");
        Assert.Equal(model == IsolationModel.Pool ? "pool_app,pool_readonly" : null, groups);
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Names_on_the_shard_say_nothing_of_the_tenant(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        foreach (IsolationModel model in Enum.GetValues<IsolationModel>()) await world.TenantAsync($"conspicuous-{EnumText.Of(model)}", model);
        Assert.Equal(0L, await world.Server.ScalarAsync<long>(
            """
            SELECT (SELECT count(*) FROM pg_roles WHERE rolname LIKE '%conspicuous%') + (SELECT count(*) FROM pg_database WHERE datname LIKE '%conspicuous%')
                 + (SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%conspicuous%') + (SELECT count(*) FROM pg_shdescription WHERE description LIKE '%conspicuous%')
            """, world.ShardDatabase));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task The_shard_stores_a_verifier_of_one_iteration_and_never_sees_a_password(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema);
        string? stored = await world.Server.ScalarAsync<string>($"SELECT rolpassword FROM pg_authid WHERE rolname = '{BackendNames.Role(acme.Id, UserRole.App)}'");
        Assert.StartsWith("SCRAM-SHA-256$1:", stored, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task The_limit_of_temporary_files_cannot_be_raised_by_a_session(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema);
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        Assert.Equal("42501", await app.RefusalAsync("SET temp_file_limit = -1"));
        Assert.Equal("4GB", await app.ReadAsync<string>("SHOW temp_file_limit")); // 64 times the 64 MB of plan growth
    }
}
