using System.Diagnostics;
using System.Globalization;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A real shard with fewer connections than its tenants want.</summary>
public sealed class FairSharesTests
{
    private const int Cap = 5;
    private const int Tenants = 12;
    private const int Turns = 250; // 14 by weight, a few seconds; where all stands still for a second now and then, ten times that even it out
    private const int TurnsMax = 10 * Turns;
    private const double JainMin = 0.97; // 0.90 is what it would be if weights did not count, and 1.00 what it is

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Tenants_of_unequal_demand_get_served_time_by_weight_and_the_cap_holds()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, 1, static options => options with
        {
            Reactors = new ReactorsOptions { Count = 2 },
            Pool = options.Pool with { ShareQuantum = TimeSpan.FromMilliseconds(100), QueryWaitTimeout = TimeSpan.FromSeconds(60) },
        }, shardConnections: Cap);
        var weights = new int[Tenants];
        for (int i = 0; i < Tenants; i++)
        {
            TenantEntry entry = await world.AddTenantAsync($"share{i}", connections: 4);
            weights[i] = 1 + (i % 2);
            world.Proxy.Registry.Put(entry with { Tenant = entry.Tenant with { Plan = entry.Tenant.Plan with { Weight = weights[i] } } });
        }
        using var stop = new CancellationTokenSource();
        // From two clients of a tenant to nine: shares are not to follow that.
        Task clients = Task.WhenAll(Enumerable.Range(0, Tenants).SelectMany(tenant => Enumerable.Range(0, 2 + (tenant * 7 / Tenants)).Select(_ => Task.Run(() => RunAsync(world, tenant, stop.Token)))));
        Task<int> most = MostConnectionsAsync(world, stop.Token);
        // In turns and not in seconds: on a busy machine a turn takes longer, and fewer of them than go round once or twice say nothing about shares.
        var watch = Stopwatch.StartNew();
        long start = await TurnsAsync(world, Turns / 4, watch);
        long[] before = await ServedAsync(world);
        double[] shares = [];
        double jain = 0;
        long turns = 0;
        for (int wanted = Turns; jain < JainMin && wanted <= TurnsMax && watch.Elapsed < Patience; wanted *= 3)
        {
            turns = await TurnsAsync(world, start + wanted, watch) - start;
            long[] after = await ServedAsync(world);
            shares = [.. after.Select((served, i) => (served - before[i]) / (double)Stopwatch.Frequency / weights[i])];
            jain = Math.Pow(shares.Sum(), 2) / (shares.Length * shares.Sum(static share => share * share));
        }
        await stop.CancelAsync();
        await clients;
        Assert.True(jain >= JainMin, $"Jain index {jain:F3} after {turns} turns: {string.Join(", ", shares.Select(static share => $"{share:F2}"))} s by weight");
        Assert.InRange(turns, Turns, long.MaxValue);
        Assert.InRange(await most, 1, Cap);
        await world.Proxy.WaitForRestAsync();
    }

    // Connections that went from one tenant to another, once there have been so many or patience is at its end.
    private static async Task<long> TurnsAsync(PostgresWorld world, long wanted, Stopwatch watch)
    {
        ShardShareStats shares = world.Proxy.Stats.Shares(world.Proxy.Shard.Name);
        while (true)
        {
            long turns = Volatile.Read(ref shares.HandOvers) + Volatile.Read(ref shares.Evictions);
            if (turns >= wanted || watch.Elapsed > Patience) return turns;
            await Task.Delay(20);
        }
    }

    private static async Task<long[]> ServedAsync(PostgresWorld world)
    {
        var served = new long[Tenants];
        for (int i = 0; i < Tenants; i++) served[i] = await world.Proxy.OnPoolAsync($"share{i}", static pool => ((ProxySuite.Proxy.Pooling.IShardUser)pool).Served);
        return served;
    }

    private static async Task RunAsync(PostgresWorld world, int tenant, CancellationToken stop)
    {
        using RawClient client = await world.Proxy.ConnectAsync($"share{tenant}");
        var random = new Random(tenant);
        while (!stop.IsCancellationRequested)
        {
            await client.SendAsync(Query($"SELECT pg_sleep({(1 + random.Next(15)) / 1000.0})"));
            string[] answer = await client.ReadyAsync();
            Assert.Equal("CommandComplete \"SELECT 1\"", answer[^2]);
        }
    }

    private static async Task<int> MostConnectionsAsync(PostgresWorld world, CancellationToken stop)
    {
        // One connection for all looks: opening one for each takes more of a busy machine than what is looked at.
        using RawClient client = await RawClient.ConnectAsync(world.Server.Port);
        await client.LoginAsync(PostgresServer.SuperUser, "postgres", PostgresServer.SuperPassword);
        int most = 0;
        while (!stop.IsCancellationRequested)
        {
            string? count = await client.ScalarAsync($"SELECT count(*) FROM pg_stat_activity WHERE datname = '{world.Proxy.Shard.Database}' AND usename LIKE 't\\_%'");
            most = Math.Max(most, int.Parse(count!, CultureInfo.InvariantCulture));
            await Task.Delay(20, CancellationToken.None);
        }
        return most;
    }
}
