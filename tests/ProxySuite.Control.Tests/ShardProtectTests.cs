using System.Text.Json;
using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary><c>shard protect</c>: policies on a setting become unforgeable, unedited, and can be had back.</summary>
[Trait("Category", "Server")]
public sealed class ShardProtectTests
{
    // As an application brings it along: its own policy on a setting, keys that lead with the tenant.
    private const string Existing =
        """
        CREATE TABLE orders (tenant_id uuid NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id));
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY by_setting ON orders USING (tenant_id = current_setting('app.current_tenant_id')::uuid);
        CREATE TABLE letters (tenant_id text NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id));
        GRANT SELECT, INSERT, UPDATE, DELETE ON orders, letters TO pool_app;
        """;

    private const string Everything =
        """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
          SELECT format('%s %s %s', c.oid::regclass, relrowsecurity, relforcerowsecurity) AS line FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          UNION ALL SELECT format('%s %s %s %s %s', polrelid::regclass, polname, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy) AS lines
        """;

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task A_forged_setting_finds_nothing_once_the_table_is_protected(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await world.Server.ExecuteAsync(Existing, world.ShardDatabase);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool);
        Tenant globex = await world.TenantAsync("globex", IsolationModel.Pool);
        await using NpgsqlConnection a = await world.ConnectAsync(acme);
        await a.RunAsync($"INSERT INTO orders VALUES ('{acme.Id}', 1); INSERT INTO letters VALUES ('{acme.Id}', 1)");
        await using NpgsqlConnection b = await world.ConnectAsync(globex);
        string forge = $"SET app.current_tenant_id = '{acme.Id}'; SELECT count(*) FROM orders";
        Assert.Equal(1L, await b.ReadAsync<long>(forge));

        string printed = (await world.MustAsync("shard", "protect", "s1")).Output;

        Assert.Contains("public.orders: guarded now; its policies on app.current_tenant_id stay as they are", printed, StringComparison.Ordinal);
        Assert.Equal(0L, await b.ReadAsync<long>(forge));
        Assert.Equal("42501", await b.RefusalAsync($"INSERT INTO orders VALUES ('{acme.Id}', 2)"));
        Assert.Equal(0, await b.RunAsync("UPDATE orders SET id = 3"));
        Assert.Equal(0, await b.RunAsync("DELETE FROM orders"));
        Assert.Equal(0L, await b.ReadAsync<long>("SELECT count(*) FROM letters"));
        Assert.Equal(1L, await a.ReadAsync<long>("SELECT count(*) FROM orders"));
        Assert.Equal(1L, await a.ReadAsync<long>("SELECT count(*) FROM letters"));
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task Protecting_again_changes_nothing_and_removing_puts_all_back(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await world.Server.ExecuteAsync(Existing, world.ShardDatabase);
        string? before = await world.Server.ScalarAsync<string>(Everything, world.ShardDatabase);

        JsonElement dry = (await world.MustAsync("shard", "protect", "s1", "--dry-run", "--json")).Json;
        Assert.Equal(before, await world.Server.ScalarAsync<string>(Everything, world.ShardDatabase));
        JsonElement wet = (await world.MustAsync("shard", "protect", "s1", "--json")).Json;
        Assert.Equal(dry.GetProperty("tables").ToString(), wet.GetProperty("tables").ToString());
        string? guarded = await world.Server.ScalarAsync<string>(Everything, world.ShardDatabase);
        Assert.NotEqual(before, guarded);

        JsonElement again = (await world.MustAsync("shard", "protect", "s1", "--json")).Json;
        Assert.All(again.GetProperty("tables").EnumerateArray(), table => Assert.Equal(0, table.GetProperty("sql").GetArrayLength()));
        Assert.Equal(guarded, await world.Server.ScalarAsync<string>(Everything, world.ShardDatabase));

        await world.MustAsync("shard", "protect", "s1", "--remove");
        Assert.Equal(before, await world.Server.ScalarAsync<string>(Everything, world.ShardDatabase));
        await world.MustAsync("shard", "protect", "s1", "--remove");
    }

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task One_table_is_protected_when_one_is_named_and_what_cannot_be_is_said(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        await world.Server.ExecuteAsync(Existing + "CREATE TABLE numbered (tenant_id bigint, id int); CREATE TABLE plain (id int)", world.ShardDatabase);
        await world.MustAsync("shard", "protect", "s1", "--table", "letters");
        Assert.Equal("f", await world.Server.ScalarAsync<string>("SELECT relforcerowsecurity::text::char FROM pg_class WHERE relname = 'orders'", world.ShardDatabase));

        CliRun refused = await world.RunAsync("shard", "protect", "s1");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("public.numbered: not changed; column tenant_id is of type int8", refused.Output, StringComparison.Ordinal);
        Assert.Contains("public.orders: guarded now", refused.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await world.RunAsync("shard", "protect", "s1", "--table", "plain")).ExitCode);
        Assert.Equal(1, (await world.RunAsync("shard", "protect", "s1", "--table", "nowhere")).ExitCode);
        Assert.Contains("a policy reads app.current_tenant_id, which the proxies do not set; they set app.who",
            (await world.MustAsync("shard", "protect", "s1", "--table", "orders", "--guc", "app.who")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_in_use_is_left_alone_and_said_so()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.Server.ExecuteAsync(Existing, world.ShardDatabase);
        await using var reader = new NpgsqlConnection(world.Server.Dsn(world.ShardDatabase) + ";Pooling=false");
        await reader.OpenAsync();
        await reader.RunAsync("BEGIN; SELECT * FROM orders");
        CliRun run = await world.RunAsync("shard", "protect", "s1", "--table", "orders");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("in use", run.Output, StringComparison.Ordinal);
        await reader.RunAsync("ROLLBACK");
        await world.MustAsync("shard", "protect", "s1", "--table", "orders");
    }
}
