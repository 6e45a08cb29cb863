using Npgsql;
using ProxySuite.Control.Audits;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests.Audits;

/// <summary>What the probes try does reach a neighbour where nothing keeps it away; so that "held" means something.</summary>
[Trait("Category", "Server")]
public sealed class ProbeAttackTests
{
    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task On_a_table_that_nothing_guards_the_attempts_get_through(int version)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Pool), globex = await world.TenantAsync("globex", IsolationModel.Pool);
        const string Table = "public.open";
        await world.Server.ExecuteAsync(
            $"CREATE TABLE {Table} (tenant_id uuid NOT NULL, id int NOT NULL, note text, PRIMARY KEY (tenant_id, id)); GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {Table} TO pool_app", world.ShardDatabase);
        var target = new ProbeTarget(acme.Id, BackendNames.Role(acme.Id, UserRole.App), Table, Table, IsShared: true);
        string row = $"TRUNCATE {Table}; INSERT INTO {Table} VALUES ('{acme.Id}', 1, 'mine')";

        await world.Server.ExecuteAsync(row, world.ShardDatabase);
        string[] seen = [.. await CollectAsync(ProbeAttacks.Readers(target), async sql =>
        {
            await using NpgsqlConnection b = await world.ConnectAsync(globex);
            return await ProbeAttacks.ReadAsync(b, sql, CancellationToken.None) is not null;
        })];
        // What is left needs another role, or another's statements.
        Assert.Equal(
            ["read", "read after SET of the tenant id", "read after set_config of the tenant id", "read after SET in dynamic SQL", "read after RESET ALL", "read by a search_path",
                "read without row security", "read through query_to_xml", "read with a temporary identity table"], seen);

        string[] changed = [.. await CollectAsync(ProbeAttacks.Writers(target), async sql =>
        {
            await world.Server.ExecuteAsync(row, world.ShardDatabase);
            await using NpgsqlConnection b = await world.ConnectAsync(globex);
            await ProbeAttacks.TryAsync(b, sql, CancellationToken.None);
            return await world.Server.ScalarAsync<string>($"SELECT string_agg(id || note, '') FROM {Table}", world.ShardDatabase) != "1mine";
        })];
        Assert.Equal(
            ["insert", "insert with ON CONFLICT", "insert after SET of the tenant id", "update", "delete", "delete after SET of the tenant id", "truncate"],
            changed.Except(["give a row away", "update by the row's place"]));
    }

    private static async Task<List<string>> CollectAsync(IEnumerable<(string Name, string Sql)> attempts, Func<string, Task<bool>> gotThrough)
    {
        var names = new List<string>();
        foreach ((string name, string sql) in attempts)
        {
            if (await gotThrough(sql)) names.Add(name);
        }
        return names;
    }
}
