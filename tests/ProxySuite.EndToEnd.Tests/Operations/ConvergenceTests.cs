using System.Diagnostics;
using System.Globalization;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>
/// Two proxies on one registry, with Redis and without: how long after <c>proxyctl</c> is done both know of it. An ordinary run tries each change a few times and asks only that
/// it comes; <c>bench/load/convergence/run.sh</c> tries often and prints the distribution.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class ConvergenceTests(ProxydWorld world)
{
    private static readonly int Tries = int.TryParse(Environment.GetEnvironmentVariable("CONVERGENCE_TRIES"), out int tries) ? tries : 2;
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(1);
    private static int _names;

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_change_is_effective_on_both_proxies(bool withRedis)
    {
        await using RedisServer? redis = withRedis ? await RedisServer.CreateAsync() : null;
        string[] options = redis is null ? [] : [$"--Redis:Configuration={redis.Configuration}"];
        await using Proxyd first = await world.StartProxydAsync(options);
        await using Proxyd second = await world.StartProxydAsync(options);
        Proxyd[] both = [first, second];
        var times = new Dictionary<string, List<double>>();
        foreach (string change in (string[])["suspend", "resume", "set-plan", "rotate", "new tenant"]) times[change] = [];

        TestTenant tenant = await world.CreateTenantAsync(Name("conv"), "free", "schema", "s1");
        string password = ProxydWorld.Password;
        foreach (Proxyd proxyd in both) await UntilAsync("", () => LoginAsync(proxyd, tenant.Slug, password));
        NpgsqlConnection[] open = await OpenAsync(both, tenant, password);
        for (int i = 0; i < Tries; i++)
        {
            string next = $"password number {i}";
            await MeasureAsync("rotate", () => world.ProxyctlAsync(["tenant", "rotate-password", tenant.Slug, "app", "--password-stdin"], next),
                both.Select(proxyd => (Func<Task<bool>>)(async () => await LoginAsync(proxyd, tenant.Slug, next) == "")));
            password = next;
            string plan = i % 2 == 0 ? "growth" : "free";
            string workMem = i % 2 == 0 ? "64MB" : "4MB";
            await MeasureAsync("set-plan", () => world.ProxyctlAsync("tenant", "set-plan", tenant.Slug, plan),
                open.Select(connection => (Func<Task<bool>>)(async () => await connection.ReadAsync<string>("SHOW work_mem") == workMem)));
            await MeasureAsync("suspend", () => world.ProxyctlAsync("tenant", "suspend", tenant.Slug),
                both.Select(proxyd => (Func<Task<bool>>)(async () => await LoginAsync(proxyd, tenant.Slug, password) == "28000")));
            await MeasureAsync("resume", () => world.ProxyctlAsync("tenant", "resume", tenant.Slug),
                both.Select(proxyd => (Func<Task<bool>>)(async () => await LoginAsync(proxyd, tenant.Slug, password) == "")));
            foreach (NpgsqlConnection connection in open) await connection.DisposeAsync();
            open = await OpenAsync(both, tenant, password);
            string newcomer = Name("conv");
            // Just asked for, and remembered as unknown by both.
            foreach (Proxyd proxyd in both) Assert.Equal("28P01", await LoginAsync(proxyd, newcomer, ProxydWorld.Password));
            await MeasureAsync("new tenant", () => world.ProxyctlAsync(["tenant", "create", newcomer, "--plan", "free", "--shard", "s1", "--password-stdin"], ProxydWorld.Password),
                both.Select(proxyd => (Func<Task<bool>>)(async () => await LoginAsync(proxyd, newcomer, ProxydWorld.Password) == "")));
        }
        foreach (NpgsqlConnection connection in open) await connection.DisposeAsync();
        if (redis is not null) Assert.True(await first.MetricAsync("proxysuite_registry_lookups_total", "source=\"redis\"") + await second.MetricAsync("proxysuite_registry_lookups_total", "source=\"redis\"") > 0, "Redis was asked");
        await ReportAsync(withRedis, times);

        async Task MeasureAsync(string change, Func<Task> work, IEnumerable<Func<Task<bool>>> isEffective)
        {
            await work();
            long done = Stopwatch.GetTimestamp();
            await Task.WhenAll(isEffective.Select(async isSo =>
            {
                while (!await isSo())
                {
                    Assert.True(Stopwatch.GetElapsedTime(done) < Proxyd.Patience, $"{change} is not effective");
                    await Task.Delay(2);
                }
            }));
            times[change].Add(Stopwatch.GetElapsedTime(done).TotalMilliseconds);
        }
    }

    private static async Task ReportAsync(bool withRedis, Dictionary<string, List<double>> times)
    {
        if (Environment.GetEnvironmentVariable("CONVERGENCE_REPORT") is not { Length: > 0 } path) return;
        var lines = new List<string>();
        bool isKept = true;
        foreach ((string change, List<double> all) in times)
        {
            all.Sort();
            isKept &= all[^1] < Promise.TotalMilliseconds;
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"{(withRedis ? "with Redis" : "without"),-11} {change,-11} n={all.Count,-4} p50 {all[all.Count / 2],7:F1}  p95 {all[all.Count * 95 / 100],7:F1}  max {all[^1],7:F1} ms   promised {Promise.TotalMilliseconds:F0}"));
        }
        await File.AppendAllLinesAsync(path, lines);
        // Only where times are asked for: an ordinary run shares its machine.
        Assert.True(isKept, "a change took longer than promised");
    }

    private static string Name(string start) => $"{start}-{Interlocked.Increment(ref _names)}-{Environment.TickCount64 % 100_000}";

    private static async Task<NpgsqlConnection[]> OpenAsync(Proxyd[] proxies, TestTenant tenant, string password)
        => await Task.WhenAll(proxies.Select(proxyd => proxyd.OpenAsync(tenant, password: password)));

    private static async Task<string> LoginAsync(Proxyd proxyd, string slug, string password)
    {
        using RawClient client = await proxyd.ConnectRawAsync();
        PgError? refused = await client.TryLoginAsync("app", slug, password);
        return refused?.SqlState ?? "";
    }

    private static async Task UntilAsync(string expected, Func<Task<string>> read)
    {
        long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
        while (await read() != expected && Environment.TickCount64 < deadline) await Task.Delay(20);
    }
}
