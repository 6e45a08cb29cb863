using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>To the console a tenant that two reactors serve is one tenant.</summary>
public sealed class ConsoleSpreadTests
{
    [Fact]
    public async Task What_it_has_on_all_reactors_is_one_row_that_adds_up()
    {
        await using ConsoleWorld world = await StartAsync();
        RawClient[] clients = await ConnectAsync(world, 4);
        foreach (RawClient client in clients) await client.QueryAsync("BEGIN");
        RawClient waiting = await world.Proxy.ConnectAsync();
        await waiting.SendAsync(Query("SELECT 'waits'"));
        await ConsoleWorld.UntilAsync(async () => (await world.RowsAsync("SHOW WAITS")).Count == 1);
        Dictionary<string, object?> waits = Assert.Single(await world.RowsAsync("SHOW WAITS"));
        Assert.Equal(("acme", 1, "own budget", 4, 4), (waits["tenant"], waits["waiting"], waits["waits_for"], waits["held"], waits["budget"]));
        Dictionary<string, object?> tenant = Assert.Single(await world.RowsAsync("SHOW TENANT acme"));
        Assert.Equal((5, 4, 0, 1, 4), (tenant["clients"], tenant["servers_active"], tenant["servers_idle"], tenant["waiting"], tenant["servers_max"]));
        Dictionary<string, object?> pool = Assert.Single(await world.RowsAsync("SHOW POOLS"), static row => (string)row["database"]! == "acme");
        Assert.Equal((4, 1, 4), (pool["cl_active"], pool["cl_waiting"], pool["sv_active"]));
        Dictionary<string, object?> database = Assert.Single(await world.RowsAsync("SHOW DATABASES"), static row => (string)row["name"]! == "acme");
        Assert.Equal((4, 4), (database["pool_size"], database["current_connections"]));
        Assert.Equal(5, (await world.RowsAsync("SHOW CLIENTS")).Count(static row => (string)row["database"]! == "acme"));
        Assert.Equal(4, (await world.RowsAsync("SHOW SERVERS")).Count(static row => (string)row["database"]! == "acme"));
        foreach (RawClient client in clients) await client.QueryAsync("COMMIT");
        await waiting.ReadyAsync();
    }

    [Fact]
    public async Task PAUSE_holds_the_clients_of_all_reactors_and_RESUME_lets_all_go()
    {
        await using ConsoleWorld world = await StartAsync();
        RawClient[] clients = await ConnectAsync(world, 4);
        foreach (RawClient client in clients) await client.QueryAsync("BEGIN");
        Task pause = world.TellAsync("PAUSE acme");
        for (int i = 0; i < clients.Length; i++)
        {
            await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["paused"]! == 1);
            Assert.False(pause.IsCompleted);
            await clients[i].QueryAsync("COMMIT");
        }
        await pause;
        foreach (RawClient client in clients) await client.SendAsync(Query("SELECT 'held'"));
        await ConsoleWorld.UntilAsync(async () => (int)(await world.RowsAsync("SHOW TENANT acme"))[0]["waiting"]! == 4);
        await world.TellAsync("RESUME acme");
        foreach (RawClient client in clients) Assert.Contains("DataRow [\"SELECT 'held'\"]", await client.ReadyAsync());
    }

    [Fact]
    public async Task KILL_ends_the_clients_of_all_reactors_and_RECONNECT_opens_the_servers_of_all_anew()
    {
        await using ConsoleWorld world = await StartAsync();
        RawClient[] clients = await ConnectAsync(world, 4);
        foreach (RawClient client in clients) await client.QueryAsync("BEGIN");
        foreach (RawClient client in clients) await client.QueryAsync("COMMIT");
        int[] before = await PidsAsync();
        await world.TellAsync("RECONNECT acme");
        await ConsoleWorld.UntilAsync(async () => !(await PidsAsync()).Intersect(before).Any());
        foreach (RawClient client in clients) await client.QueryAsync("SELECT 1");
        await world.TellAsync("KILL acme");
        foreach (RawClient client in clients) Assert.Equal(SqlState.AdminShutdown, (await client.NextAsync())!.ToString().Split(' ')[2]);
        await world.TellAsync("RESUME acme");
        Assert.Equal("SELECT 2", await (await world.Proxy.ConnectAsync()).ScalarAsync("SELECT 2"));

        async Task<int[]> PidsAsync() => [.. (await world.RowsAsync("SHOW SERVERS")).Where(static row => (string)row["database"]! == "acme").Select(static row => (int)row["remote_pid"]!)];
    }

    private static async Task<RawClient[]> ConnectAsync(ConsoleWorld world, int count)
    {
        var clients = new RawClient[count];
        for (int i = 0; i < count; i++) clients[i] = await world.Proxy.ConnectAsync();
        Assert.Equal(2, clients.Select(static client => SessionTable.ReactorOf(client.ProcessId)).Distinct().Count());
        return clients;
    }

    private static Task<ConsoleWorld> StartAsync()
        => ConsoleWorld.StartAsync(4, static options => options with { Reactors = new ReactorsOptions { Count = 2 }, Pool = options.Pool with { SpreadFrom = 2 } });
}
