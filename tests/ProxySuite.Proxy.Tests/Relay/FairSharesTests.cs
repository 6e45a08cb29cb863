using System.Diagnostics;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A real shard with fewer connections than its tenants want.</summary>
public sealed class FairSharesTests
{
    private const int Cap = 5;
    private const int Tenants = 12;

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
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        long[] before = await ServedAsync(world);
        await Task.Delay(TimeSpan.FromSeconds(6));
        long[] after = await ServedAsync(world);
        await stop.CancelAsync();
        await clients;
        double[] shares = [.. after.Select((served, i) => (served - before[i]) / (double)Stopwatch.Frequency / weights[i])];
        double jain = Math.Pow(shares.Sum(), 2) / (shares.Length * shares.Sum(static share => share * share));
        Assert.True(jain >= 0.9, $"Jain index {jain:F3}: {string.Join(", ", shares.Select(static share => $"{share:F2}"))} s by weight");
        Assert.InRange(await most, 1, Cap);
        await world.Proxy.WaitForRestAsync();
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
        int most = 0;
        while (!stop.IsCancellationRequested)
        {
            long count = await world.Server.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE datname = '{world.Proxy.Shard.Database}' AND usename LIKE 't\\_%'");
            most = Math.Max(most, (int)count);
            await Task.Delay(20, CancellationToken.None);
        }
        return most;
    }
}
