using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class UpkeepTests
{
    [Fact]
    public async Task A_server_idle_for_too_long_is_closed_in_order()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { ServerIdleTimeout = TimeSpan.FromMilliseconds(100) } });
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await server.ExpectAsync("Terminate");
        server.Close();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await client.SendAsync(Query("SELECT 1"));
        await client.AnsweredByAsync(await world.Backend.NextConnectionAsync());
    }

    [Fact]
    public async Task A_server_that_is_too_old_is_closed_when_it_comes_back()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { ServerLifetime = TimeSpan.FromMilliseconds(300) } });
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await Task.Delay(400);
        await client.RoundTripAsync(server, "COMMIT", "COMMIT");
        await server.ExpectAsync("Terminate");
    }

    [Fact]
    public async Task A_plan_that_is_lowered_closes_as_many_idle_servers_as_are_too_many()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2, backend: RelayScript.Echo());
        RawClient[] clients = [await world.ConnectAsync(), await world.ConnectAsync()];
        foreach (RawClient client in clients) await client.QueryAsync("BEGIN");
        foreach (RawClient client in clients) await client.QueryAsync("COMMIT");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 2, Linked: 0));
        Change(world, tenant => tenant with { Plan = tenant.Plan with { Connections = 1 } });
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await world.WaitForRestAsync();
        Assert.Equal(1, (await world.RestAsync())[0].Total);
    }

    [Fact]
    public async Task A_plan_that_is_raised_serves_those_who_wait()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await two.SendAsync(Query("SELECT 1"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        Change(world, tenant => tenant with { Plan = tenant.Plan with { Connections = 2 } });
        await two.AnsweredByAsync(await world.Backend.NextConnectionAsync());
        await one.RoundTripAsync(server, "COMMIT", "COMMIT");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task Servers_opened_for_other_settings_are_not_used_again()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        Assert.Equal("30000ms", server.Startup!.Parameters.Single(parameter => parameter.Key == "statement_timeout").Value);
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        Change(world, tenant => tenant with { Plan = tenant.Plan with { StatementTimeout = TimeSpan.FromSeconds(5) } });
        for (int i = 0; i < 500 && !await world.OnPoolAsync("acme", pool => pool.Config.Fingerprint.Contains("5000ms", StringComparison.Ordinal)); i++) await Task.Delay(10);
        await client.RoundTripAsync(server, "COMMIT", "COMMIT");
        await server.ExpectAsync("Terminate");
        server.Close();
        await client.SendAsync(Query("SELECT 1"));
        ScriptedConnection fresh = await world.Backend.NextConnectionAsync();
        Assert.Equal("5000ms", fresh.Startup!.Parameters.Single(parameter => parameter.Key == "statement_timeout").Value);
        await client.AnsweredByAsync(fresh);
    }

    [Fact]
    public async Task A_tenant_that_is_suspended_loses_its_clients_and_gets_no_new_ones()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        Change(world, tenant => tenant with { State = TenantState.Suspended });
        Assert.StartsWith("ErrorResponse FATAL 57P01", (await client.Wire.ReadToEndAsync())[^1].ToString(), StringComparison.Ordinal);
        using RawClient late = await RawClient.ConnectAsync(world.Port);
        Assert.Equal(SqlState.InvalidAuthorizationSpecification, (await late.TryLoginAsync("app", "acme", ProxyWorld.Password))?.SqlState);
        using RawClient guess = await RawClient.ConnectAsync(world.Port);
        Assert.Equal(SqlState.InvalidPassword, (await guess.TryLoginAsync("app", "acme", "wrong"))?.SqlState);
    }

    [Fact]
    public async Task At_the_shards_cap_an_idle_server_of_another_tenant_makes_room()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(shardConnections: 1, backend: RelayScript.Echo());
        using RawClient acme = await world.ConnectAsync();
        using RawClient globex = await world.ConnectAsync("globex");
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("SELECT 'a'", await acme.ScalarAsync("SELECT 'a'"));
            Assert.Equal("SELECT 'g'", await globex.ScalarAsync("SELECT 'g'"));
            Assert.InRange(world.ShardPermitsLeased, 1, 1);
        }
        await world.WaitForRestAsync();
    }

    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 1)]
    public async Task The_users_of_a_tenant_share_its_budget_and_neither_starves(int connections, int shardConnections)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections, shardConnections: shardConnections, backend: RelayScript.Echo());
        using RawClient app = await world.ConnectAsync();
        using RawClient owner = await world.ConnectAsync(user: "owner");
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("SELECT 'a'", await app.ScalarAsync("SELECT 'a'"));
            Assert.Equal("SELECT 'o'", await owner.ScalarAsync("SELECT 'o'"));
        }
        Assert.All(world.Backend.Connections, server => Assert.Matches("^t_[0-9a-f]{32}(_o)?$", server.Startup!.User));
        await world.WaitForRestAsync();
        Assert.Equal(1, world.ShardPermitsLeased);
    }

    [Fact]
    public async Task In_session_mode_a_client_keeps_its_server_until_it_leaves()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2, mode: ProxySuite.Tenancy.Model.PoolMode.Session);
        RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "SELECT 1");
        await client.RoundTripAsync(server, "SET a.b = 'c'", "SET");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await client.RoundTripAsync(server, "SELECT 2");
        await client.SendAsync(Terminate);
        await server.AnswerResetAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task In_statement_mode_a_transaction_block_ends_the_client_and_its_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(mode: ProxySuite.Tenancy.Model.PoolMode.Statement);
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "SELECT 1");
        await client.SendAsync(Query("BEGIN"));
        await server.ExpectAsync("Query \"BEGIN\"");
        await server.AnswerAsync(CommandComplete("BEGIN"), ReadyForQuery('T'));
        Assert.StartsWith("ErrorResponse FATAL 0A000", (await client.Wire.ReadToEndAsync())[^1].ToString(), StringComparison.Ordinal);
        await server.ExpectAsync("Terminate");
        server.Close();
        await world.WaitForRestAsync();
    }

    private static void Change(ProxyWorld world, Func<Tenant, Tenant> change)
    {
        TenantEntry entry = world.Registry["acme"];
        world.Registry.Put(entry with { Tenant = change(entry.Tenant) });
    }
}
