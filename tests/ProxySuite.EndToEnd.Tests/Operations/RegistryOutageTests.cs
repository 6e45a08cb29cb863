using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>
/// The registry and Redis go away under load, one after the other and both together, and come back: known tenants notice nothing, and what changed meanwhile arrives. An ordinary
/// run takes seconds; <c>bench/load/outage/run.sh</c> takes as long as it is told.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class RegistryOutageTests(ProxydWorld world)
{
    private static readonly int Seconds = int.TryParse(Environment.GetEnvironmentVariable("OUTAGE_SECONDS"), out int seconds) ? seconds : 2;

    [Fact]
    public async Task Known_tenants_have_no_errors_while_registry_or_Redis_are_away_and_all_is_well_afterwards()
    {
        await using RedisServer redis = await RedisServer.CreateAsync();
        await using Proxyd proxyd = await world.StartProxydAsync($"--Redis:Configuration={redis.Configuration}", "--Metrics:TenantSeriesMax=10");
        TestTenant tenant = await world.CreateTenantAsync($"outage-{Environment.TickCount64 % 100_000}", "growth", "schema", "s1");
        using var stop = new CancellationTokenSource();
        var load = new Load(proxyd, [world.Acme, world.Globex, world.Initech, tenant], stop.Token);
        var report = new List<string>();

        await PhaseAsync("all well", () => Task.CompletedTask);
        await PhaseAsync("registry down", world.Registry.KillAsync);
        await world.Registry.StartAsync();
        await PhaseAsync("registry back", () => Task.CompletedTask);
        await PhaseAsync("Redis down", redis.StopAsync);
        await PhaseAsync("both down", world.Registry.KillAsync);
        await world.Registry.StartAsync();
        await redis.StartAsync();
        // A change made by somebody right after the outage is known like any other.
        await world.ProxyctlAsync("tenant", "set-plan", tenant.Slug, "enterprise");
        await using (NpgsqlConnection connection = await proxyd.OpenAsync(tenant))
        {
            long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
            while (await connection.ReadAsync<string>("SHOW work_mem") != "256MB" && Environment.TickCount64 < deadline) await Task.Delay(20);
            Assert.Equal("256MB", await connection.ReadAsync<string>("SHOW work_mem"));
        }
        await PhaseAsync("both back", () => Task.CompletedTask);
        await stop.CancelAsync();
        await load.Running;
        if (Environment.GetEnvironmentVariable("OUTAGE_REPORT") is { Length: > 0 } path) await File.WriteAllLinesAsync(path, report);
        Assert.Empty(load.Errors);

        async Task PhaseAsync(string name, Func<Task> begin)
        {
            (long done, long logins, int errors) = (load.Done, load.Logins, load.Errors.Count);
            await begin();
            await Task.Delay(TimeSpan.FromSeconds(Seconds), CancellationToken.None);
            long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
            while ((load.Done < done + 20 || load.Logins < logins + 4) && Environment.TickCount64 < deadline) await Task.Delay(20);
            Assert.True(load.Done > done, $"{name}: nothing was answered; {string.Join("; ", load.Errors.Take(5))}");
            report.Add(string.Create(CultureInfo.InvariantCulture, $"{name,-15} {load.Done - done,8} queries {load.Logins - logins,6} logins {load.Errors.Count - errors,4} errors   promised 0"));
        }
    }

    /// <summary>Clients that ask on open connections, and others that log in anew each time, without a pause for the registry's sake.</summary>
    private sealed class Load
    {
        private long _done, _logins;

        public Load(Proxyd proxyd, TestTenant[] tenants, CancellationToken stop)
            => Running = Task.WhenAll(tenants.SelectMany(tenant => (Task[])[AskAsync(proxyd, tenant, stop), AskAsync(proxyd, tenant, stop), LogInAsync(proxyd, tenant, stop)]));

        public Task Running { get; }

        public long Done => Interlocked.Read(ref _done);

        public long Logins => Interlocked.Read(ref _logins);

        public ConcurrentQueue<string> Errors { get; } = new();

        private async Task AskAsync(Proxyd proxyd, TestTenant tenant, CancellationToken stop)
        {
            await using NpgsqlConnection connection = await proxyd.OpenAsync(tenant);
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await connection.ReadAsync<int>("SELECT 1");
                    Interlocked.Increment(ref _done);
                    await Task.Delay(2, CancellationToken.None);
                }
                catch (NpgsqlException failed)
                {
                    Errors.Enqueue($"{tenant.Slug}: {failed.SqlState} {failed.Message}");
                    return;
                }
            }
        }

        private async Task LogInAsync(Proxyd proxyd, TestTenant tenant, CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await using NpgsqlConnection connection = await proxyd.OpenAsync(tenant);
                    Interlocked.Increment(ref _logins);
                }
                catch (NpgsqlException failed)
                {
                    Errors.Enqueue($"{tenant.Slug}, login: {failed.SqlState} {failed.Message}");
                }
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }
}
