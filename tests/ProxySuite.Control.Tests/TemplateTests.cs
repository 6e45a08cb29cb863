using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>Templates: what they may hold, who runs them, and that shared tables are refused unless they are safe to share.</summary>
[Trait("Category", "Server")]
public sealed class TemplateTests
{
    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_script_runs_whole_with_functions_and_quotes_as_psql_would_take_it(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        const string Template =
            """
            -- a comment; with a semicolon
            CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text DEFAULT 'a;b' CHECK (text <> E'\''));
            CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM notes; END;
            CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN NEW.text := $q$it's $1; @p :x$q$; RETURN NEW; END $body$;
            CREATE TRIGGER stamp BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION stamp();
            DO $$ BEGIN INSERT INTO notes DEFAULT VALUES; END $$;
            """;
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Template);
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        Assert.Equal("it's $1; @p :x", await app.ReadAsync<string>("SELECT text FROM notes"));
        Assert.Equal(1L, await app.ReadAsync<long>("SELECT total()"));
    }

    [Theory]
    [InlineData("CREATE TABLE a (id int);\nCREATE TABLE b (id itn);", "the template failed at line 2: type \"itn\" does not exist")]
    [InlineData("CREATE TABLE a (id int); COMMIT;", "EXECUTE of transaction commands is not implemented")]
    [InlineData("CREATE TABLE a (id int); RESET ROLE;", "the script changed the role it runs as")]
    [InlineData("CREATE TABLE public.a (id int);", "permission denied for schema public")]
    [InlineData("CREATE ROLE mine;", "permission denied to create role")]
    [InlineData("CREATE SCHEMA mine;", "permission denied for database")]
    public async Task A_script_that_fails_leaves_nothing_and_says_where(string template, string reason)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        ControlException failed = await Assert.ThrowsAsync<ControlException>(() => world.TenantAsync("acme", IsolationModel.Schema, template));
        Assert.Contains(reason, failed.Message, StringComparison.Ordinal);
        string id = (await world.EntryAsync("acme")).Tenant.Id.ToString("N");
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_roles WHERE rolname LIKE 't\\_{id}%'"));

        // Mended, the same tenant is finished.
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, Servers.NotesTemplate(IsolationModel.Schema));
        Assert.Equal(id, acme.Id.ToString("N"));
    }

    [Fact]
    public async Task A_script_is_not_run_where_a_tenants_own_functions_could_run_with_it()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, "CREATE TABLE a (i int)");
        string owner = BackendNames.Role(acme.Id, UserRole.Owner);
        string schema = BackendNames.Schema(acme.Id);
        await world.Server.ExecuteAsync($"SET ROLE {owner}; CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql RETURN 1", world.ShardDatabase);
        PostgresException refused = await Assert.ThrowsAsync<PostgresException>(
            () => world.Server.ExecuteAsync($"CALL proxysuite.apply_as('{owner}', '{schema}', 'INSERT INTO a VALUES (1)')", world.ShardDatabase));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Theory]
    [InlineData("CREATE TABLE a (id bigint PRIMARY KEY)", "table public.a has no column tenant_id uuid NOT NULL")]
    [InlineData("CREATE TABLE a (tenant_id uuid, id bigint)", "table public.a has no column tenant_id uuid NOT NULL")]
    [InlineData("CREATE TABLE a (tenant_id uuid NOT NULL, email text UNIQUE)", "unique index public.a_email_key has no tenant_id in its key")]
    [InlineData("CREATE TABLE a (tenant_id uuid NOT NULL, id uuid PRIMARY KEY); CREATE TABLE b (tenant_id uuid NOT NULL, a uuid REFERENCES a)", "foreign key b_a_fkey of public.b does not include tenant_id")]
    [InlineData("CREATE MATERIALIZED VIEW a AS SELECT 1", "materialized view public.a cannot be shared")]
    public async Task Shared_tables_that_would_leak_are_refused(string template, string reason)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => world.TenantAsync("acme", IsolationModel.Pool, template));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", world.ShardDatabase));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Policies_of_a_template_cannot_open_what_the_guard_closes(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        const string Template =
            """
            CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id));
            CREATE POLICY all_of_it ON notes USING (true) WITH CHECK (true);
            CREATE POLICY by_setting ON notes USING (tenant_id = current_setting('app.current_tenant_id')::uuid);
            CREATE VIEW every AS SELECT * FROM notes;
            """;
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool, Template);
        Tenant globex = await world.TenantAsync("globex", IsolationModel.Pool, Template);
        await using NpgsqlConnection a = await world.ConnectAsync(acme);
        await using NpgsqlConnection b = await world.ConnectAsync(globex);
        Assert.Equal(1, await a.RunAsync("INSERT INTO notes (id) VALUES (1)"));
        Assert.Equal(1L, await a.ReadAsync<long>("SELECT count(*) FROM every"));
        await b.RunAsync($"SET app.current_tenant_id = '{acme.Id}'");
        Assert.Equal(0L, await b.ReadAsync<long>("SELECT count(*) FROM notes"));
        Assert.Equal(0L, await b.ReadAsync<long>("SELECT count(*) FROM every"));
        Assert.Equal("42501", await b.RefusalAsync($"INSERT INTO notes (tenant_id, id) VALUES ('{acme.Id}', 2)"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Partitions_of_a_shared_table_are_closed_too(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        const string Template =
            """
            CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (tenant_id);
            CREATE TABLE notes_0 PARTITION OF notes FOR VALUES WITH (MODULUS 1, REMAINDER 0);
            """;
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool, Template);
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        Assert.Equal(1, await app.RunAsync("INSERT INTO notes (id) VALUES (1)"));
        Assert.Equal("42501", await app.RefusalAsync("SELECT * FROM notes_0"));
        Assert.Equal(2L, await world.Server.ScalarAsync<long>(
            "SELECT count(*) FROM pg_class WHERE relname IN ('notes', 'notes_0') AND relrowsecurity AND relforcerowsecurity", world.ShardDatabase));
    }

    [Fact]
    public async Task Tables_that_the_operator_makes_as_data_owner_are_protected_by_the_next_preparation()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool);
        await world.Server.ExecuteAsync("SET ROLE data_owner; CREATE TABLE public.notes (tenant_id uuid NOT NULL, id bigint, PRIMARY KEY (tenant_id, id))", world.ShardDatabase);
        await world.MustAsync("shard", "prepare", "s1");
        await using NpgsqlConnection app = await world.ConnectAsync(acme);
        Assert.Equal(1, await app.RunAsync("INSERT INTO notes (id) VALUES (1)"));
    }
}
