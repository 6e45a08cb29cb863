using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What a session drew from sequences is its client's alone, though servers keep it from client to client.</summary>
[Trait("Category", "Server")]
public sealed class SequenceTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Currval_and_lastval_give_a_clients_own_value_or_none(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, 1);
        await world.Server.ExecuteAsync($"SET ROLE {world.Role}; CREATE SEQUENCE {world.Tenant.Tenant.Placement.SchemaName}.s", world.Proxy.Shard.Database);
        using RawClient a = await world.Proxy.ConnectAsync();
        using RawClient b = await world.Proxy.ConnectAsync();
        byte[][][] questions =
        [
            [Query("SELECT currval('s')")],
            [Query("SELECT lastval()")],
            [Parse("", "SELECT lastval()"), Bind("", ""), Execute(), Sync],
            [CloseStatement("p"), Parse("p", "SELECT currval('s')"), Bind("", "p"), Execute(), Sync],
            [Bind("", "p"), Execute(), Sync],
        ];
        int drawn = 0;
        foreach (byte[][] question in questions)
        {
            Assert.Equal($"{++drawn}", await a.ScalarAsync("SELECT nextval('s')"));
            Assert.Contains($"DataRow [\"{drawn}\"]", await AskAsync(a, question));
            Assert.Contains(await AskAsync(b, question), message => message.Contains("55000", StringComparison.Ordinal));
            // It has been taken from the server, and is not given back by asking again.
            Assert.Contains(await AskAsync(a, question), message => message.Contains("55000", StringComparison.Ordinal));
        }
        Assert.Equal($"{++drawn}", await b.ScalarAsync("SELECT nextval('s')"));
        await a.SendAsync(Query("BEGIN"), Query("SELECT nextval('s')"), Query("SELECT lastval()"), Query("COMMIT"));
        await a.ReadyAsync();
        await a.ReadyAsync();
        Assert.Contains($"DataRow [\"{drawn + 1}\"]", await a.ReadyAsync());
        await a.ReadyAsync();
        await world.Proxy.WaitForRestAsync();
    }

    private static async Task<string[]> AskAsync(RawClient client, byte[][] question)
    {
        await client.SendAsync(question);
        return await client.ReadyAsync();
    }
}
