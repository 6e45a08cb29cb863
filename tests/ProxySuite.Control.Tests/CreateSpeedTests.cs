using System.Diagnostics;
using System.Globalization;
using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>Many tenants on one shard, made in parallel, and how long one more takes in each model. An ordinary run makes few; <c>bench/load/create/run.sh</c> makes 1,000 and prints.</summary>
[Trait("Category", "Server")]
public sealed class CreateSpeedTests
{
    private static readonly int Tenants = int.TryParse(Environment.GetEnvironmentVariable("CREATE_TENANTS"), out int tenants) ? tenants : 40;
    private static readonly int Samples = int.TryParse(Environment.GetEnvironmentVariable("CREATE_SAMPLES"), out int samples) ? samples : 3;

    [Fact]
    public async Task Tenants_made_in_parallel_all_stand_and_one_more_takes_as_long_as_it_takes()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.MustAsync("shard", "set", "s1", "--max-tenants", "5000");
        // The library, as a service that makes tenants would use it: one control plane, many at once.
        var provisioning = new TenantProvisioning(world.Control, world.Key());
        var report = new List<string>();
        long began = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Tenants), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, cancellationToken) =>
        {
            IsolationModel model = (number % 2) == 0 ? IsolationModel.Schema : IsolationModel.Pool;
            await provisioning.CreateAsync(Request($"many-{number}", model), cancellationToken);
        });
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        int failures = (await world.Control.Store.ListAuditAsync(limit: 10_000)).Count(entry => !entry.Done);
        report.Add(string.Create(CultureInfo.InvariantCulture, $"{Tenants} tenants in parallel (8 at a time): {took.TotalSeconds:F1} s, {took.TotalMilliseconds / Tenants:F1} ms each, {failures} failures   promised 0"));

        foreach (IsolationModel model in Enum.GetValues<IsolationModel>())
        {
            var times = new List<double>();
            for (int i = 0; i < Samples; i++)
            {
                long start = Stopwatch.GetTimestamp();
                TenantCreated made = await provisioning.CreateAsync(Request($"one-{EnumText.Of(model)}-{i}", model), CancellationToken.None);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (i > 0) continue;
                await using NpgsqlConnection app = await world.ConnectAsync(made.Entry.Tenant);
                Assert.Equal(1, await app.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'x')"));
            }
            times.Sort();
            report.Add(string.Create(CultureInfo.InvariantCulture,
                $"create {EnumText.Of(model),-9} n={times.Count,-4} p50 {times[times.Count / 2],7:F1}  p99 {times[times.Count * 99 / 100],7:F1}  max {times[^1],7:F1} ms"));
        }
        Assert.Equal(0, failures);
        List<TenantEntry> all = await AllTenants.OfShardAsync(world.Control.Store, "s1", CancellationToken.None);
        Assert.Equal(Tenants + (3 * Samples), all.Count);
        Assert.All(all, entry => Assert.Equal(TenantState.Active, entry.Tenant.State));
        Assert.Empty(await world.Control.Store.ListJobsAsync(openOnly: true));
        CliRun audit = await world.RunAsync("audit", "--json");
        report.Add($"audit afterwards: exit code {audit.ExitCode}   promised 0");
        if (Environment.GetEnvironmentVariable("CREATE_REPORT") is not { Length: > 0 } path) return;
        await File.WriteAllLinesAsync(path, report);
        // Only here: in an ordinary run other tests spoil roles of the same server.
        Assert.Equal(0, audit.ExitCode);
    }

    private static TenantRequest Request(string slug, IsolationModel model)
        => new() { Slug = TenantSlug.Parse(slug), Plan = "free", Isolation = model, Template = Servers.NotesTemplate(model) };
}
