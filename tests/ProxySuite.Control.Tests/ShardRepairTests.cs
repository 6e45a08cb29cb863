using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>What a tenant can do to its own roles, what it cannot, and that <c>shard repair</c> undoes it.</summary>
[Trait("Category", "Server")]
public sealed class ShardRepairTests
{
    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task A_tenant_that_locked_itself_out_is_let_in_again(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        await using (NpgsqlConnection app = await world.ConnectAsync(acme))
        {
            await app.RunAsync("ALTER ROLE CURRENT_USER PASSWORD 'mine'");
            await app.RunAsync("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on");
        }
        PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(acme));
        Assert.Equal("28P01", refused.SqlState);

        CliRun run = await world.MustAsync("shard", "repair", "s1", "--tenant", "acme");

        Assert.Contains("RESET default_transaction_read_only", run.Output, StringComparison.Ordinal);
        await using NpgsqlConnection again = await world.ConnectAsync(acme);
        Assert.Equal(1, await again.RunAsync("INSERT INTO notes (id) VALUES (1)"));
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task A_role_that_was_dropped_comes_back_with_its_rights_on_the_tables_that_are_there(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        string app = BackendNames.Role(acme.Id, UserRole.App);
        foreach (string database in (string[])[acme.Placement.Database, world.ShardDatabase]) await world.Server.ExecuteAsync($"DROP OWNED BY {app}", database);
        await world.Server.ExecuteAsync($"DROP ROLE {app}");

        await world.MustAsync("shard", "repair", "s1");

        await using NpgsqlConnection again = await world.ConnectAsync(acme);
        Assert.Equal(1, await again.RunAsync("INSERT INTO notes (id) VALUES (1)"));
        Assert.Equal(acme.Id.Value, await again.ReadAsync<Guid>("SELECT tenancy.role_tenant()"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_suspended_tenant_stays_outside_and_what_was_given_to_its_roles_is_taken_back(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema);
        string app = BackendNames.Role(acme.Id, UserRole.App);
        await world.MustAsync("tenant", "suspend", "acme");
        await world.Server.ExecuteAsync($"GRANT data_owner TO {app}; ALTER ROLE {app} LOGIN BYPASSRLS CONNECTION LIMIT -1");

        string[] undone = [.. (await world.MustAsync("shard", "repair", "s1", "--json")).Json.GetProperty("undone").EnumerateArray().Select(sql => sql.GetString()!)];

        Assert.Equal([$"REVOKE data_owner FROM {app}"], undone);
        Assert.Equal("f f 48", await world.Server.ScalarAsync<string>($"SELECT concat_ws(' ', rolcanlogin, rolbypassrls, rolconnlimit) FROM pg_roles WHERE rolname = '{app}'"));
        await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(acme));
        await world.MustAsync("tenant", "resume", "acme");
        await using NpgsqlConnection again = await world.ConnectAsync(acme);
    }

    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task No_role_can_lend_itself_or_reach_another_role(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model);
        Tenant globex = await world.TenantAsync("globex", model);
        string mine = BackendNames.Role(globex.Id, UserRole.App), theirs = BackendNames.Role(acme.Id, UserRole.App);
        await using NpgsqlConnection b = await world.ConnectAsync(globex);
        // Before 15 a role could hand itself on.
        foreach (string sql in (string[])
        [
            $"GRANT {mine} TO {theirs}", $"GRANT {theirs} TO {mine}", $"ALTER ROLE {theirs} PASSWORD 'x'", $"ALTER ROLE {theirs} SET search_path = x",
            $"ALTER ROLE {mine} CONNECTION LIMIT -1", $"ALTER ROLE {mine} VALID UNTIL 'infinity'", "ALTER ROLE ALL SET search_path = x",
            $"ALTER ROLE {mine} SET temp_file_limit = -1", "CREATE ROLE other", $"DROP ROLE {theirs}", $"ALTER DEFAULT PRIVILEGES FOR ROLE {theirs} GRANT SELECT ON TABLES TO {mine}",
            $"REASSIGN OWNED BY {theirs} TO {mine}", "ALTER DATABASE postgres SET search_path = x", "SET session_replication_role = replica",
        ])
        {
            Assert.Equal(("42501", sql), (await b.RefusalAsync(sql), sql));
        }
        Assert.Equal(0L, await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_auth_members WHERE roleid IN ('{mine}'::regrole, '{theirs}'::regrole) AND member <> 'ps_control'::regrole"));
    }

    [Fact]
    public async Task A_tenant_that_is_not_there_or_elsewhere_is_refused()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Assert.Equal(1, (await world.RunAsync("shard", "repair", "s1", "--tenant", "nobody")).ExitCode);
        Assert.Equal(1, (await world.RunAsync("shard", "repair", "nowhere")).ExitCode);
        Assert.Equal(2, (await world.RunAsync("shard", "repair")).ExitCode);
    }
}
