using System.Globalization;
using System.Text;
using ProxySuite.EndToEnd.Tests.MixUp;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.EndToEnd.Tests.Sealed;

/// <summary>
/// Clients of several sealed tenants share three servers, ask in every way there is, check each answer against question and tenant, and die at every point.
/// </summary>
/// <remarks>SEALED_MIXUP_SECONDS and SEALED_MIXUP_SEED repeat or prolong a run; MIXUP_REPORT names a file for the figures.</remarks>
[Trait("Category", "Server")]
public sealed class SealedMixUpTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Every_answer_is_of_the_tenant_and_the_client_that_asked(int version)
    {
        int seconds = Number("SEALED_MIXUP_SECONDS", 8), seed = Number("SEALED_MIXUP_SEED", Random.Shared.Next(1_000_000));
        await using SealedWorld world = await SealedWorld.StartAsync(version, tenants: 5, shardConnections: 3, options: $"--Reactors:Count={(version == 15 ? 1 : 2)}");
        var counts = new MixUpCounts();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        await Task.WhenAll(Enumerable.Range(0, 10)
            .Select(number => Task.Run(() => new MixClient(world.Proxyd, world.Tenants[number % world.Tenants.Count], number + 1, seed, counts, isShared: true).RunAsync(stop.Token))));

        var report = new StringBuilder();
        report.AppendLine(CultureInfo.InvariantCulture, $"10 clients of 5 sealed tenants on 3 servers of PostgreSQL {version} for {seconds} s, seed {seed}");
        counts.Report(report);
        output.WriteLine(report.ToString());
        if (Environment.GetEnvironmentVariable("MIXUP_REPORT") is { Length: > 0 } path) await File.AppendAllTextAsync(path, report.ToString());
        Assert.Empty(counts.MixUps);
        Assert.True(counts.Answers > 100, "hardly anything was asked");
        await world.Proxyd.UntilMetricAsync(0, "proxysuite_tenant_servers", "state=\"active\"");
        await world.Proxyd.UntilMetricAsync(0, "proxysuite_tenant_queue_depth");
        Assert.InRange(await world.CountServersAsync(), 0, 3);
        Assert.Equal(0L, await world.Server.ScalarAsync<long>("SELECT count(*) FROM notes"));
        Assert.Equal(0, await world.Proxyd.MetricAsync("proxysuite_reactor_failures_total"));
    }

    private static int Number(string variable, int otherwise)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}
