using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>Requirement C5 at the engine: the backend roles, connected directly, without a proxy in front that could help.</summary>
[Trait("Category", "Server")]
public sealed class IsolationTests
{
    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task A_tenant_reads_and_writes_its_own_rows_and_none_of_its_neighbour(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        Tenant globex = await world.TenantAsync("globex", model, Servers.NotesTemplate(model));
        await using NpgsqlConnection a = await world.ConnectAsync(acme);
        await using NpgsqlConnection b = await world.ConnectAsync(globex);

        Assert.Equal(1, await a.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'of acme')"));
        Assert.Equal(1, await b.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'of globex')"));
        Assert.Equal("of acme", await a.ReadAsync<string>("SELECT string_agg(text, ',') FROM notes"));
        Assert.Equal("of globex", await b.ReadAsync<string>("SELECT string_agg(text, ',') FROM notes"));
        Assert.Equal(1, await b.RunAsync("UPDATE notes SET text = 'changed'"));
        Assert.Equal(1, await b.RunAsync("DELETE FROM notes"));
        Assert.Equal("of acme", await a.ReadAsync<string>("SELECT string_agg(text, ',') FROM notes"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task In_the_pool_model_no_statement_reaches_the_neighbours_rows(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool, Servers.NotesTemplate(IsolationModel.Pool));
        Tenant globex = await world.TenantAsync("globex", IsolationModel.Pool, Servers.NotesTemplate(IsolationModel.Pool));
        await using NpgsqlConnection a = await world.ConnectAsync(acme);
        await using NpgsqlConnection b = await world.ConnectAsync(globex);
        await a.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'of acme')");

        Assert.Equal(0L, await b.ReadAsync<long>($"SELECT count(*) FROM notes WHERE tenant_id = '{acme.Id}'"));
        Assert.Equal("42501", await b.RefusalAsync($"INSERT INTO notes (tenant_id, id) VALUES ('{acme.Id}', 2)"));
        Assert.Equal(0, await b.RunAsync($"UPDATE notes SET text = 'mine' WHERE tenant_id = '{acme.Id}'"));
        Assert.Equal(0, await b.RunAsync("DELETE FROM notes WHERE id = 1"));
        Assert.Equal("42501", await b.RefusalAsync($"INSERT INTO notes (tenant_id, id) VALUES ('{acme.Id}', 1) ON CONFLICT (tenant_id, id) DO UPDATE SET text = 'mine'"));
        await b.RunAsync("INSERT INTO notes (id) VALUES (7)");
        Assert.Equal("42501", await b.RefusalAsync($"UPDATE notes SET tenant_id = '{acme.Id}' WHERE id = 7"));
        Assert.Equal("42501", await b.RefusalAsync("TRUNCATE notes"));
        Assert.Equal("42501", await b.RefusalAsync("ALTER TABLE notes DISABLE ROW LEVEL SECURITY"));
        Assert.Equal("42501", await b.RefusalAsync("DROP POLICY tenancy_rows ON notes"));

        // What names a tenant to applications is no identity: forging it changes nothing.
        await b.RunAsync($"SET app.current_tenant_id = '{acme.Id}'; SELECT set_config('app.current_tenant_id', '{acme.Id}', false)");
        await b.RunAsync($"DO $$ BEGIN EXECUTE 'SET app.current_' || 'tenant_id = ''{acme.Id}'''; END $$");
        await b.RunAsync("CREATE TEMP TABLE role_map (rolname name, tenant_id uuid, fenced_epoch bigint)");
        await b.RunAsync($"INSERT INTO role_map VALUES (session_user, '{acme.Id}', NULL)");
        Assert.Equal(0L, await b.ReadAsync<long>($"SELECT count(*) FROM notes WHERE tenant_id = '{acme.Id}'"));
        Assert.Equal(globex.Id.Value, await b.ReadAsync<Guid>("SELECT tenancy.current_tenant()"));
        Assert.Equal("of acme", await a.ReadAsync<string>("SELECT string_agg(text, ',') FROM notes"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task In_the_schema_model_no_role_of_a_tenant_reaches_into_the_neighbours_schema(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        Tenant globex = await world.TenantAsync("globex", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        string schema = acme.Placement.SchemaName;
        foreach (UserRole role in Enum.GetValues<UserRole>())
        {
            await using NpgsqlConnection b = await world.ConnectAsync(globex, role);
            Assert.Equal("42501", await b.RefusalAsync($"SELECT * FROM {schema}.notes"));
            Assert.Equal("42501", await b.RefusalAsync($"INSERT INTO {schema}.notes VALUES (1)"));
            Assert.Equal("42501", await b.RefusalAsync($"UPDATE {schema}.notes SET text = ''"));
            Assert.Equal("42501", await b.RefusalAsync($"DELETE FROM {schema}.notes"));
            Assert.Equal("42501", await b.RefusalAsync($"CREATE TABLE {schema}.mine (id int)"));
            Assert.Equal("42501", await b.RefusalAsync("CREATE TABLE public.mine (id int)"));
            Assert.Equal("42501", await b.RefusalAsync("CREATE SCHEMA mine"));
            Assert.Equal("42P01", await b.RefusalAsync($"SET search_path = {schema}; SELECT * FROM notes"));
        }
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task In_the_database_model_only_the_tenants_own_roles_may_connect(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Database, Servers.NotesTemplate(IsolationModel.Database));
        foreach (IsolationModel model in Enum.GetValues<IsolationModel>())
        {
            Tenant other = await world.TenantAsync($"other-{EnumText.Of(model)}", model);
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(other, database: acme.Placement.Database));
            Assert.Equal("42501", refused.SqlState);
        }
        await using NpgsqlConnection own = await world.ConnectAsync(acme, UserRole.Owner);
        Assert.Equal(acme.Id.Value, await own.ReadAsync<Guid>("SELECT tenancy.role_tenant()"));
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task A_tenants_role_cannot_become_another_role(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model);
        Tenant globex = await world.TenantAsync("globex", model);
        string[] others =
        [
            "postgres", "data_owner", "tenancy_owner", "ps_control", "ps_mover", "ps_archiver", "pg_read_all_data",
            BackendNames.Role(acme.Id, UserRole.App), BackendNames.Role(globex.Id, UserRole.Readonly),
        ];
        await using NpgsqlConnection b = await world.ConnectAsync(globex);
        foreach (string other in others)
        {
            Assert.Equal("42501", await b.RefusalAsync($"SET ROLE {other}"));
            Assert.Equal("42501", await b.RefusalAsync($"SET SESSION AUTHORIZATION {other}"));
            Assert.Equal("42501", await b.RefusalAsync($"SELECT set_config('role', '{other}', false)"));
            Assert.Equal("42501", await b.RefusalAsync($"GRANT {other} TO {BackendNames.Role(globex.Id, UserRole.App)}"));
        }
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Becoming_the_pools_group_is_refused_since_16_and_before_changes_nothing(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool, Servers.NotesTemplate(IsolationModel.Pool));
        Tenant globex = await world.TenantAsync("globex", IsolationModel.Pool);
        await using NpgsqlConnection a = await world.ConnectAsync(acme);
        await a.RunAsync("INSERT INTO notes (id) VALUES (1)");
        await using NpgsqlConnection b = await world.ConnectAsync(globex);

        string refusal = await b.RefusalAsync("SET ROLE pool_app");

        Assert.Equal(version >= 16 ? "42501" : "", refusal);
        Assert.Equal(0L, await b.ReadAsync<long>("SELECT count(*) FROM notes"));
        Assert.Equal("42501", await b.RefusalAsync($"INSERT INTO notes (tenant_id, id) VALUES ('{acme.Id}', 2)"));
    }
}
