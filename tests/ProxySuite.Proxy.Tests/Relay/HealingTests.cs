using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Statements that servers cannot run any more as they parsed them.</summary>
[Trait("Category", "Server")]
public sealed class HealingTests
{
    private const string Changed = "ErrorResponse ERROR 0A000 \"cached plan must not change result type\"";

    [Fact]
    public async Task A_result_of_another_shape_is_asked_for_again_when_the_client_asks_for_the_shape_too()
    {
        await using PostgresWorld world = await ShapeWorldAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        await PrepareOnBothAsync(client);
        await world.Server.ExecuteAsync($"ALTER TABLE {world.Tenant.Tenant.Placement.SchemaName}.shape ADD m int DEFAULT 2", world.Proxy.Shard.Database);
        for (int i = 0; i < 4; i++)
        {
            await client.SendAsync(Bind("", "s"), DescribePortal(""), Execute(), Sync);
            Assert.Equal(["BindComplete", "RowDescription [n, m]", "DataRow [\"1\", \"2\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I"], await client.ReadyAsync());
        }
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_keeps_the_old_shape_is_told_once_and_its_new_statement_is_right_everywhere()
    {
        await using PostgresWorld world = await ShapeWorldAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        await PrepareOnBothAsync(client);
        await world.Server.ExecuteAsync($"ALTER TABLE {world.Tenant.Tenant.Placement.SchemaName}.shape ADD m int DEFAULT 2", world.Proxy.Shard.Database);
        await client.SendAsync(Bind("", "s"), Execute(), Sync);
        await client.ExpectAsync(Changed, "ReadyForQuery I");
        await client.SendAsync(CloseStatement("s"), Parse("s", "SELECT * FROM shape"), DescribeStatement("s"), Sync);
        Assert.Contains("RowDescription [n, m]", await client.ReadyAsync());
        for (int i = 0; i < 4; i++)
        {
            await client.SendAsync(Bind("", "s"), Execute(), Sync);
            Assert.Contains("DataRow [\"1\", \"2\"]", await client.ReadyAsync());
        }
    }

    [Fact]
    public async Task Inside_a_transaction_the_error_is_the_clients()
    {
        await using PostgresWorld world = await ShapeWorldAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        await PrepareOnBothAsync(client);
        await world.Server.ExecuteAsync($"ALTER TABLE {world.Tenant.Tenant.Placement.SchemaName}.shape ADD m int DEFAULT 2", world.Proxy.Shard.Database);
        await client.SendAsync(Query("BEGIN"));
        await client.ReadyAsync();
        await client.SendAsync(Bind("", "s"), DescribePortal(""), Execute(), Sync);
        await client.ExpectAsync(Changed, "ReadyForQuery E");
        await client.SendAsync(Query("ROLLBACK"));
        await client.ReadyAsync();
        await client.SendAsync(Bind("", "s"), DescribePortal(""), Execute(), Sync);
        Assert.Contains("RowDescription [n, m]", await client.ReadyAsync());
    }

    [Theory]
    [InlineData("EXECUTE 'DEALLOCATE ALL'")]
    [InlineData("EXECUTE 'DISCARD PLANS'; EXECUTE 'DEALLOCATE ALL'")]
    public async Task Statements_that_a_function_dropped_are_there_for_everybody_else(string body)
    {
        await using PostgresWorld world = await ShapeWorldAsync();
        string schema = world.Tenant.Tenant.Placement.SchemaName;
        await world.Server.ExecuteAsync(
            $"CREATE FUNCTION {schema}.vandal() RETURNS int LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN 1; END $$", world.Proxy.Shard.Database);
        using RawClient innocent = await world.Proxy.ConnectAsync();
        await PrepareOnBothAsync(innocent);
        using RawClient vandal = await world.Proxy.ConnectAsync();
        for (int i = 0; i < 2; i++)
        {
            await vandal.SendAsync(Query("SELECT vandal()"));
            Assert.Contains("DataRow [\"1\"]", await vandal.ReadyAsync());
        }
        for (int i = 0; i < 4; i++)
        {
            await innocent.SendAsync(Bind("", "s"), Execute(), Sync);
            Assert.Equal(["BindComplete", "DataRow [\"1\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I"], await innocent.ReadyAsync());
        }
        await world.Proxy.WaitForRestAsync();
    }

    private static async Task<PostgresWorld> ShapeWorldAsync()
    {
        PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2);
        await world.Server.ExecuteAsync(
            $"SET ROLE {world.Role}; SET search_path = {world.Tenant.Tenant.Placement.SchemaName}; CREATE TABLE shape AS SELECT 1 AS n", world.Proxy.Shard.Database);
        return world;
    }

    /// <summary>Prepares s and runs it on both servers, which are lent in turn.</summary>
    private static async Task PrepareOnBothAsync(RawClient client)
    {
        await client.SendAsync(Parse("s", "SELECT * FROM shape"), Sync);
        await client.ReadyAsync();
        for (int i = 0; i < 4; i++)
        {
            await client.SendAsync(Bind("", "s"), Execute(), Sync);
            Assert.Contains("DataRow [\"1\"]", await client.ReadyAsync());
        }
    }
}
