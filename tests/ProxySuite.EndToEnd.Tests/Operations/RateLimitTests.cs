using System.Diagnostics;
using System.Globalization;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>
/// Two proxies share a tenant's queries a second through Redis, under uneven load that shifts, while Redis is killed and comes back empty. An ordinary run asks that never more is let through than
/// the limit allows; <c>bench/load/rate-limit/run.sh</c> runs longer and compares what was let through with the promise.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class RateLimitTests(ProxydWorld world)
{
    private const int Limit = 200;
    private const double Tolerance = 0.1;

    private static readonly bool IsMeasured = Environment.GetEnvironmentVariable("RATE_REPORT") is { Length: > 0 };
    private static readonly TimeSpan Phase = TimeSpan.FromSeconds(double.TryParse(Environment.GetEnvironmentVariable("RATE_SECONDS"), CultureInfo.InvariantCulture, out double seconds) ? seconds : 4);

    [Fact]
    public async Task Two_proxies_together_keep_a_tenant_to_its_limit()
    {
        await using RedisServer redis = await RedisServer.CreateAsync();
        string[] options = [$"--Redis:Configuration={redis.Configuration}"];
        await using Proxyd first = await world.StartProxydAsync(options);
        await using Proxyd second = await world.StartProxydAsync(options);
        string plan = $"rated-{Environment.TickCount64 % 100_000}";
        await world.ProxyctlAsync("plan", "set", plan, "--connections", "20", "--statement-timeout", "60s", "--work-mem", "16MB", "--queries-per-second", $"{Limit}");
        TestTenant tenant = await world.CreateTenantAsync($"{plan}-t", plan, "schema", "s1");
        var report = new List<string>();
        double proxies = 0;
        using var load = new Load(first, second, tenant);
        await load.StartAsync();

        await RunAsync("nine tenths at the first", 1.8, 0.2);
        await RunAsync("nine tenths at the second", 0.2, 1.8);
        await RunAsync("shifting every 2 s", 1.8, 0.2, isShifting: true);
        await redis.StopAsync();
        // The last leases hold for three seconds; then each proxy has an even part.
        await Task.Delay(TimeSpan.FromSeconds(4));
        proxies = await first.MetricAsync("proxysuite_rate_proxies");
        await RunAsync("Redis killed", 1.8, 0.2, isAway: true);
        await redis.StartAsync();
        await first.UntilMetricAsync(1, "proxysuite_rate_leases_up");
        await second.UntilMetricAsync(1, "proxysuite_rate_leases_up");
        await RunAsync("Redis back, empty", 1.8, 0.2);
        Assert.True(await first.MetricAsync("proxysuite_tenant_rate_limited_total", $"tenant=\"{tenant.Slug}\"", "decision=\"delayed\"") > 0);
        Assert.True(await first.MetricAsync("proxysuite_rate_lease_failures_total") > 0);
        if (Environment.GetEnvironmentVariable("RATE_REPORT") is { Length: > 0 } path) await File.AppendAllLinesAsync(path, report);

        async Task RunAsync(string name, double one, double two, bool isShifting = false, bool isAway = false)
        {
            load.Set(one * Limit, two * Limit);
            await Task.Delay(TimeSpan.FromSeconds(2)); // the burst, and the shift itself
            (long before, long refusedBefore, long started) = (load.Admitted, load.Refused, Stopwatch.GetTimestamp());
            for (int i = 0; Stopwatch.GetElapsedTime(started) < Phase; i++)
            {
                if (isShifting && i > 0) load.Set(i % 2 == 0 ? one * Limit : two * Limit, i % 2 == 0 ? two * Limit : one * Limit);
                await Task.Delay(TimeSpan.FromSeconds(Math.Min(2, Phase.TotalSeconds)));
            }
            (long admitted, long refused, double elapsed) = (load.Admitted - before, load.Refused - refusedBefore, Stopwatch.GetElapsedTime(started).TotalSeconds);
            double promised = isAway ? Math.Min(Limit / proxies, one * Limit) + Math.Min(Limit / proxies, two * Limit) : Limit;
            report.Add(string.Create(CultureInfo.InvariantCulture,
                $"{name,-26} let through {admitted / elapsed,6:F1}/s  promised {promised,5:F0}/s ± {Tolerance:P0}   refused {refused / elapsed,6:F1}/s   {elapsed:F1} s"));
            // However slow the machine: never more than the limit in the time that passed, and its burst.
            Assert.True(admitted <= ((promised * elapsed) + Limit) * (1 + Tolerance), report[^1]);
            Assert.True(admitted > 0, report[^1]);
            if (IsMeasured) Assert.InRange(admitted / elapsed, promised * (1 - Tolerance), promised * (1 + Tolerance));
        }
    }

    /// <summary>Clients at two proxies that send at a pace, whether they are answered or not.</summary>
    private sealed class Load(Proxyd first, Proxyd second, TestTenant tenant) : IDisposable
    {
        private const int Clients = 20;

        private readonly List<RawClient> _clients = [];
        private readonly CancellationTokenSource _end = new();
        private readonly double[] _rates = new double[2];
        private long _admitted, _refused;

        public long Admitted => Volatile.Read(ref _admitted);

        public long Refused => Volatile.Read(ref _refused);

        /// <summary>Queries a second at each proxy.</summary>
        public void Set(double one, double two) => (_rates[0], _rates[1]) = (one, two);

        public async Task StartAsync()
        {
            foreach ((Proxyd proxyd, int index) in ((Proxyd, int)[])[(first, 0), (second, 1)])
            {
                for (int i = 0; i < Clients; i++)
                {
                    RawClient client = await proxyd.LoginRawAsync(tenant);
                    _clients.Add(client);
                    _ = RunAsync(client, index);
                }
            }
        }

        public void Dispose()
        {
            _end.Cancel();
            foreach (RawClient client in _clients) client.Dispose();
            _end.Dispose();
        }

        private async Task RunAsync(RawClient client, int index)
        {
            try
            {
                var random = new Random();
                while (!_end.IsCancellationRequested)
                {
                    double pace = _rates[index] / Clients;
                    if (pace <= 0)
                    {
                        await Task.Delay(50, _end.Token);
                        continue;
                    }
                    long sent = Stopwatch.GetTimestamp();
                    IReadOnlyList<WireMessage> answer = await client.QueryAsync("SELECT 1");
                    bool isRefused = answer.Any(message => message.Type == (char)BackendMessage.ErrorResponse);
                    Interlocked.Increment(ref isRefused ? ref _refused : ref _admitted);
                    TimeSpan left = TimeSpan.FromSeconds((0.75 + (random.NextDouble() / 2)) / pace) - Stopwatch.GetElapsedTime(sent);
                    if (left > TimeSpan.Zero) await Task.Delay(left, _end.Token);
                }
            }
            catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException or IOException)
            {
                // The run is over.
            }
        }
    }
}
