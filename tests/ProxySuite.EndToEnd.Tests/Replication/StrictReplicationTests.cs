using Npgsql;
using ProxySuite.EndToEnd.Tests.Sealed;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Replication;

/// <summary>Logical replication on a strict shard, beside sealed tenants: what is taken from everybody there does not keep a tenant from its own stream, nor a stream from being its own alone.</summary>
[Trait("Category", "Server")]
public sealed class StrictReplicationTests
{
    [Theory, InlineData(15), InlineData(18)]
    public async Task A_tenant_streams_its_own_changes_on_a_strict_shard_and_no_others(int version)
    {
        await using SealedWorld world = await SealedWorld.StartAsync(
            version, tenants: 1, shardConnections: 12, settings: new() { ["wal_level"] = "logical", ["max_slot_wal_keep_size"] = "1GB" });
        TestTenant own = await CreateAsync(world, "stream"), prey = await CreateAsync(world, "prey");
        Assert.Equal("strict", await world.Server.ScalarAsync<string>("SELECT lockdown FROM system.shards", "registry"));

        using RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, own);
        Assert.DoesNotContain(await client.QueryAsync("CREATE_REPLICATION_SLOT mine LOGICAL test_decoding"), message => message.Type == 'E');
        await ReplicationWorld.StartAsync(client, "mine");
        await using NpgsqlConnection app = await world.Proxyd.OpenAsync(own), neighbour = await world.Proxyd.OpenAsync(prey), ofSealed = await world.Proxyd.OpenAsync(world.Tenants[0]);
        await neighbour.RunAsync("INSERT INTO notes (body) VALUES ('the neighbour''s')");
        await ofSealed.RunAsync("INSERT INTO notes (body) VALUES ('the sealed one''s')");
        await app.RunAsync("INSERT INTO notes (body) VALUES ('its own')");
        string seen = await ReplicationWorld.ReadUntilAsync(client, "its own");
        Assert.DoesNotContain("neighbour", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("sealed", seen, StringComparison.Ordinal);

        // The neighbour's slot is not there for it, and SQL reaches none at all.
        using RawClient attacker = await ReplicationWorld.ConnectAsync(world.Proxyd, prey);
        Assert.Contains("does not exist", string.Join('\n', await attacker.QueryAsync("START_REPLICATION SLOT mine LOGICAL 0/0")), StringComparison.Ordinal);
        Assert.Contains(await attacker.QueryAsync("DROP_REPLICATION_SLOT mine"), message => message.Type == 'E');
        foreach (string sql in (string[])
            ["SELECT pg_create_logical_replication_slot('x', 'pgoutput')", "SELECT * FROM pg_logical_slot_peek_changes('mine', NULL, NULL)", "SELECT pg_drop_replication_slot('mine')", "SELECT slot_name FROM pg_replication_slots"])
        {
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => neighbour.RunAsync(sql));
            Assert.True(refused.SqlState is "42501", $"{sql}: {refused.SqlState} {refused.MessageText}");
        }
        // Whoever may not stream is told so, strict or not.
        using RawClient refusedLogin = await world.Proxyd.ConnectRawAsync();
        Assert.Equal("0A000", (await refusedLogin.TryLoginAsync("app", world.Tenants[0].Slug, ProxydWorld.Password, [new("replication", "database")]))?.SqlState);
    }

    [Fact]
    public async Task A_subscription_to_a_tenant_on_a_strict_shard_copies_and_follows()
    {
        await using SealedWorld world = await SealedWorld.StartAsync(18, tenants: 1, shardConnections: 12, settings: new() { ["wal_level"] = "logical", ["max_slot_wal_keep_size"] = "1GB" });
        TestTenant own = await CreateAsync(world, "stream");
        await using NpgsqlConnection owner = await world.Proxyd.OpenAsync(own, "owner"), app = await world.Proxyd.OpenAsync(own);
        await app.RunAsync("INSERT INTO notes (body) SELECT 'row ' || i FROM generate_series(1, 1000) i");
        await owner.RunAsync("CREATE PUBLICATION p FOR TABLE notes");
        PostgresServer other = await PostgresServer.SharedAsync(18);
        string database = await other.CreateDatabaseAsync("strictsubscriber");
        await other.ExecuteAsync("CREATE TABLE notes (id bigint PRIMARY KEY, body text NOT NULL)", database);
        string target = $"host=127.0.0.1 port={world.Proxyd.Port} user=owner password={ProxydWorld.Password.Replace(" ", "\\ ", StringComparison.Ordinal)} dbname={own.Slug}";
        await other.ExecuteAsync($"CREATE SUBSCRIPTION copy_of_strict CONNECTION '{target}' PUBLICATION p", database);
        await ReplicationWorld.PollAsync(async () => await other.ScalarAsync<long>("SELECT count(*) FROM notes", database) == 1000, "the copy of the table", 60);
        await app.RunAsync("UPDATE notes SET body = 'changed' WHERE id <= 10");
        await ReplicationWorld.PollAsync(async () => await other.ScalarAsync<long>("SELECT count(*) FROM notes WHERE body = 'changed'", database) == 10, "the changes", 60);
        await other.ExecuteAsync("DROP SUBSCRIPTION copy_of_strict", database);
        Assert.Equal(0, await world.Server.ScalarAsync<long>("SELECT count(*) FROM pg_replication_slots"));
    }

    /// <summary>A tenant with a database of its own that may replicate, with a table.</summary>
    private static async Task<TestTenant> CreateAsync(SealedWorld world, string slug)
    {
        string template = Path.Combine(Path.GetTempPath(), $"proxysuite-strict-{Guid.NewGuid():N}.sql");
        await File.WriteAllTextAsync(template, "CREATE TABLE notes (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, body text NOT NULL)");
        try
        {
            await world.ProxyctlAsync(["plan", "set", "stream", "--connections", "6", "--statement-timeout", "60s", "--work-mem", "8MB", "--replication", "on"]);
            var made = (await world.ProxyctlAsync(
                ["tenant", "create", slug, "--plan", "stream", "--isolation", "database", "--shard", "s1", "--template", template, "--user", "app", "--password-stdin", "--json"], ProxydWorld.Password)).Json;
            await world.ProxyctlAsync(["tenant", "add-user", slug, "owner", "--role", "owner", "--password-stdin"], ProxydWorld.Password);
            return new TestTenant(slug, Guid.Parse(made.GetProperty("id").GetString()!), "database", world.Server);
        }
        finally
        {
            File.Delete(template);
        }
    }
}
