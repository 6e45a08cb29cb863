using System.Globalization;
using System.Text;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.EndToEnd.Tests.MixUp;

/// <summary>
/// Six clients share two servers for a while, ask in every way there is, and die at every point: no answer reaches a client that did not
/// ask for it, and the pool is whole afterwards.
/// </summary>
/// <remarks>bench/load/mixup/run.sh runs it for longer: MIXUP_SECONDS, MIXUP_CLIENTS, MIXUP_SEED, and MIXUP_REPORT for a file with the figures.</remarks>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class MixUpTests(ProxydWorld world, ITestOutputHelper output)
{
    private const int Budget = 2;

    [Fact]
    public async Task Every_answer_reaches_who_asked_and_the_pool_is_whole_afterwards()
    {
        int seconds = Number("MIXUP_SECONDS", 8), clients = Number("MIXUP_CLIENTS", 6), seed = Number("MIXUP_SEED", Random.Shared.Next(1_000_000));
        // Both servers may be kept for temporary tables: who finds none waits for one.
        await world.ProxyctlAsync("plan", "set", "mixup", "--connections", "2", "--pins-max", "2", "--statement-timeout", "60s", "--work-mem", "16MB");
        TestTenant tenant = await world.CreateTenantAsync("mixup", "mixup", "schema", "s1");
        await using Proxyd proxyd = await world.StartProxydAsync("--Logging:Connections=off");
        var counts = new MixUpCounts();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        using var measured = new CancellationTokenSource();
        Task<long> most = MostServersAsync(tenant, measured.Token);
        await Task.WhenAll(Enumerable.Range(1, clients).Select(number => Task.Run(() => new MixClient(proxyd, tenant, number, seed, counts).RunAsync(stop.Token))));

        string[] atRest = ["clients", "waiting", "pinned", "servers active", "servers opening"];
        double[] left = [.. await Task.WhenAll(atRest.Select(gauge => LeftAsync(proxyd, gauge)))];
        double idle = await proxyd.MetricAsync("proxysuite_tenant_servers", "tenant=\"mixup\"", "state=\"idle\"");
        await measured.CancelAsync();
        long mostServers = await most, killed = await tenant.ScalarAsSuperuserAsync<long>($"SELECT count(*) FROM {tenant.Schema}.notes");
        double failures = await proxyd.MetricAsync("proxysuite_reactor_failures_total");

        var report = new StringBuilder();
        report.AppendLine(CultureInfo.InvariantCulture, $"{clients} clients on {Budget} servers for {seconds} s, seed {seed}");
        counts.Report(report);
        report.AppendLine(CultureInfo.InvariantCulture, $"at rest            {string.Join(", ", atRest.Zip(left, (gauge, value) => $"{gauge} {value}"))}, servers idle {idle} of {Budget}");
        report.AppendLine(CultureInfo.InvariantCulture, $"pg_stat_activity   at most {mostServers} servers of {Budget}");
        report.AppendLine(CultureInfo.InvariantCulture, $"rows left          {killed} of killed clients; failed handlers {failures}");
        output.WriteLine(report.ToString());
        if (Environment.GetEnvironmentVariable("MIXUP_REPORT") is { Length: > 0 } path) await File.WriteAllTextAsync(path, report.ToString());

        Assert.Empty(counts.MixUps);
        Assert.True(counts.Answers > 100, "hardly anything was asked");
        Assert.All(left, value => Assert.Equal(0, value));
        Assert.InRange(idle, 0, Budget);
        Assert.InRange(mostServers, 1, Budget);
        Assert.Equal(0, killed);
        Assert.Equal(0, failures);
        await AssertBudgetIsWholeAsync(proxyd, tenant);
    }

    // A permit that was lost would keep the last of these from its server.
    private static async Task AssertBudgetIsWholeAsync(Proxyd proxyd, TestTenant tenant)
    {
        List<RawClient> holders = [];
        for (int number = 0; number < Budget; number++)
        {
            RawClient holder = await proxyd.LoginRawAsync(tenant);
            holders.Add(holder);
            await holder.QueryAsync("BEGIN", Proxyd.Patience);
            Assert.Equal("1", await holder.ScalarAsync("SELECT 1"));
        }
        foreach (RawClient holder in holders) holder.Dispose();
    }

    /// <summary>What a gauge falls to once all clients are gone; 0 unless something was lost.</summary>
    private static async Task<double> LeftAsync(Proxyd proxyd, string gauge)
    {
        long deadline = Environment.TickCount64 + 20_000;
        while (true)
        {
            double value = gauge switch
            {
                "clients" => await proxyd.MetricAsync("proxysuite_clients"),
                "waiting" => await proxyd.MetricAsync("proxysuite_tenant_queue_depth"),
                "pinned" => await proxyd.MetricAsync("proxysuite_tenant_pinned_clients"),
                "servers active" => await proxyd.MetricAsync("proxysuite_tenant_servers", "state=\"active\""),
                _ => await proxyd.MetricAsync("proxysuite_tenant_servers", "state=\"opening\""),
            };
            if (value == 0 || Environment.TickCount64 > deadline) return value;
            await Task.Delay(20);
        }
    }

    private static async Task<long> MostServersAsync(TestTenant tenant, CancellationToken stop)
    {
        await using var connection = new NpgsqlConnection($"{tenant.Shard.Dsn()};Pooling=false");
        await connection.OpenAsync(CancellationToken.None);
        long most = 0;
        while (!stop.IsCancellationRequested)
        {
            most = Math.Max(most, await connection.ReadAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{tenant.Role}'"));
            await Task.Delay(5, CancellationToken.None);
        }
        return most;
    }

    private static int Number(string variable, int otherwise)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}
