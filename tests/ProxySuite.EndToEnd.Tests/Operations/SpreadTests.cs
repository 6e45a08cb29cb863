using System.Diagnostics;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>A tenant large enough for two reactors of a running proxyd, with the defaults: one tenant to whoever looks, the shard above all.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class SpreadTests(ProxydWorld world, ITestOutputHelper output)
{
    private static int _names;

    [Theory]
    [InlineData("schema", "s1")]
    [InlineData("pool", "s2")]
    [InlineData("database", "s2")]
    public async Task Its_connections_are_those_of_its_plan_under_a_storm_also_while_the_plan_changes(string isolation, string shard)
    {
        (TestTenant tenant, string plan) = await CreateAsync(20, isolation, shard);
        await using Proxyd proxyd = await world.StartProxydAsync([.. AdminUsers.Options, "--Reactors:Count=2"]);
        using var stop = new CancellationTokenSource();
        var answered = new int[2];
        Task load = Task.WhenAll(Enumerable.Range(0, 32).Select(number => Task.Run(() => StormAsync(proxyd, tenant, number, answered, stop.Token))));
        Task<long> most = MostServersAsync(tenant, stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(2));
        long asked = Stopwatch.GetTimestamp();
        await world.ProxyctlAsync("plan", "set", plan, "--connections", "6");
        await UntilAsync(async () => await tenant.CountServersAsync() <= 6);
        output.WriteLine($"20 to 6 connections: {Stopwatch.GetElapsedTime(asked).TotalSeconds:F2} s from proxyctl's start; promised within 2 s");
        for (int i = 0; i < 50; i++) Assert.InRange(await tenant.CountServersAsync(), 0, 6);
        await world.ProxyctlAsync("plan", "set", plan, "--connections", "20");
        await UntilAsync(async () => await tenant.CountServersAsync() > 6);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await stop.CancelAsync();
        await load;
        output.WriteLine($"at most {await most} connections; answers by reactor {answered[0]}, {answered[1]}");
        Assert.InRange(await most, 7, 20);
        Assert.All(answered, static count => Assert.NotEqual(0, count));
        await using var console = new NpgsqlConnection($"Host=127.0.0.1;Port={proxyd.Port};Database=proxysuite;Username=ops;Password={AdminUsers.Password};Pooling=false;Server Compatibility Mode=NoTypeLoading");
        await console.OpenAsync();
        await using var show = new NpgsqlCommand($"SHOW TENANT {tenant.Slug}", console);
        await using NpgsqlDataReader row = await show.ExecuteReaderAsync();
        Assert.True(await row.ReadAsync());
        Assert.Equal(20, row["servers_max"]);
        Assert.InRange((int)row["servers_idle"] + (int)row["servers_active"], 1, 20);
        Assert.False(await row.ReadAsync());
    }

    [Fact]
    public async Task Npgsql_listens_notifies_and_cancels_on_either_reactor()
    {
        (TestTenant tenant, _) = await CreateAsync(20, "schema", "s2");
        await using Proxyd proxyd = await world.StartProxydAsync("--Reactors:Count=2");
        NpgsqlConnection[] connections = [await proxyd.OpenAsync(tenant), await proxyd.OpenAsync(tenant), await proxyd.OpenAsync(tenant), await proxyd.OpenAsync(tenant)];
        Assert.Equal(2, connections.Select(static connection => ReactorOf(connection.ProcessID)).Distinct().Count());
        var heard = connections.ToDictionary(static connection => connection, static _ => new List<string>());
        foreach (NpgsqlConnection connection in connections)
        {
            connection.Notification += (_, notification) => heard[connection].Add(notification.Payload);
            await connection.RunAsync("LISTEN news");
        }
        for (int i = 0; i < connections.Length; i++) await connections[i].RunAsync($"NOTIFY news, '{i}'");
        foreach (NpgsqlConnection connection in connections)
        {
            await UntilAsync(async () =>
            {
                await connection.RunAsync("SELECT 1");
                return heard[connection].Count == connections.Length;
            });
            Assert.Equal(["0", "1", "2", "3"], heard[connection]);
        }
        foreach (NpgsqlConnection connection in connections)
        {
            await using var sleep = new NpgsqlCommand("SELECT pg_sleep(60)", connection);
            Task<object?> asleep = sleep.ExecuteScalarAsync();
            await UntilAsync(async () => await tenant.Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{tenant.Role}' AND wait_event = 'PgSleep'") == 1);
            sleep.Cancel();
            var cancelled = await Assert.ThrowsAsync<OperationCanceledException>(() => asleep);
            Assert.Equal("57014", Assert.IsType<PostgresException>(cancelled.InnerException).SqlState);
            await connection.DisposeAsync();
        }
    }

    private async Task<(TestTenant Tenant, string Plan)> CreateAsync(int connections, string isolation, string shard)
    {
        string name = $"wide{Interlocked.Increment(ref _names)}-{isolation}";
        await world.ProxyctlAsync("plan", "set", name, "--connections", $"{connections}", "--statement-timeout", "60s", "--work-mem", "4MB");
        return (await world.CreateTenantAsync(name, name, isolation, shard), name);
    }

    // The process id that a client is given names its reactor.
    private static int ReactorOf(int processId) => (processId >>> 24) & 0x7f;

    private static async Task StormAsync(Proxyd proxyd, TestTenant tenant, int number, int[] answered, CancellationToken stop)
    {
        var random = new Random(number);
        while (!stop.IsCancellationRequested)
        {
            using RawClient client = await proxyd.LoginRawAsync(tenant);
            for (int round = random.Next(5, 60); round > 0 && !stop.IsCancellationRequested; round--)
            {
                if (random.Next(20) == 0)
                {
                    await client.SendAsync(FrontendBytes.Query("BEGIN; SELECT pg_sleep(0.02)"));
                    break; // leaves
                }
                await client.QueryAsync("BEGIN", Proxyd.Patience);
                Assert.Equal($"{number}-{round}", await client.ScalarAsync($"SELECT '{number}-{round}' FROM pg_sleep({(random.Next(3) == 0 ? "0.01" : "0")})", Proxyd.Patience));
                await client.QueryAsync("COMMIT", Proxyd.Patience);
                Interlocked.Increment(ref answered[ReactorOf(client.ProcessId)]);
            }
        }
    }

    private static async Task<long> MostServersAsync(TestTenant tenant, CancellationToken stop)
    {
        long most = 0;
        for (; !stop.IsCancellationRequested; await Task.Delay(10, CancellationToken.None)) most = Math.Max(most, await tenant.CountServersAsync());
        return most;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (long end = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds; !await condition();)
        {
            Assert.True(Environment.TickCount64 < end, "it did not come to that in time");
            await Task.Delay(10);
        }
    }
}
