using System.Diagnostics;
using System.Globalization;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>
/// Each field of a plan, changed by <c>proxyctl</c> while clients are connected: in force on the connections that are open, and no client is dropped (A7). An ordinary run tries each
/// once and asks only that it comes; <c>bench/load/plan-changes/run.sh</c> tries more often and prints the promise of 2 s beside what was measured.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class PlanChangesTests(ProxydWorld world, ITestOutputHelper output)
{
    private static readonly int Tries = int.TryParse(Environment.GetEnvironmentVariable("PLAN_CHANGES_TRIES"), out int tries) ? tries : 1;
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(2);
    private static int _names;

    private readonly Dictionary<string, List<double>> _times = [];

    /// <param name="byPlan">Changes the plan that the tenant has; else the tenant's own limits.</param>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Every_field_is_effective_for_clients_that_are_connected(bool byPlan)
    {
        string name = $"changes{Interlocked.Increment(ref _names)}-{(byPlan ? "plan" : "own")}";
        await world.ProxyctlAsync("plan", "set", name, "--connections", "2", "--statement-timeout", "30s", "--work-mem", "16MB", "--pins-max", "1");
        TestTenant tenant = await world.CreateTenantAsync(name, name, "schema", "s1");
        await using Proxyd proxyd = await world.StartProxydAsync([.. AdminUsers.Options, "--Limits:MaxRateDelay=0s"]);
        await using NpgsqlConnection console = await OpenConsoleAsync(proxyd);
        await using NpgsqlConnection watched = await proxyd.OpenAsync(tenant);
        await using NpgsqlConnection second = await proxyd.OpenAsync(tenant);
        await using NpgsqlConnection third = await proxyd.OpenAsync(tenant);
        await using NpgsqlConnection pinned = await proxyd.OpenAsync(tenant);
        using RawClient more = await proxyd.LoginRawAsync(tenant); // Npgsql closes a connection by itself when it reads 53300
        for (int i = 0; i < Tries; i++)
        {
            foreach ((string option, string setting, string changed, string original) in ((string, string, string, string)[])
            [
                ("--statement-timeout", "statement_timeout", "45s", "30s"),
                ("--work-mem", "work_mem", "32MB", "16MB"),
            ])
            {
                await ShowsAsync(option, changed, setting, changed);
                await ShowsAsync(option, original, setting, original);
            }
            await ShowsAsync("--setting", "lock_timeout=2s", "lock_timeout", "2s", "settings");
            await ShowsAsync("--setting", "lock_timeout=3s", "lock_timeout", "3s", "settings");

            await ConsoleShowsAsync("weight", "7", "--weight");
            await ConsoleShowsAsync("weight", "1", "--weight");
            await ConsoleShowsAsync("servers_min", "1", "--connections-min");
            await ConsoleShowsAsync("servers_min", "0", "--connections-min");
            await ConnectionsAsync();
            await PinsAsync();
            await RatesAsync();
            await ClientsAsync();
            await PinnedIdleAsync();
            await PoolModeAsync();
        }
        // Nobody was dropped: these are the connections from the beginning.
        foreach (NpgsqlConnection connection in (NpgsqlConnection[])[watched, second, third, pinned]) Assert.Equal(1, await connection.ReadAsync<int>("SELECT 1"));
        Assert.Equal("1", await more.ScalarAsync("SELECT 1"));
        await ReportAsync(byPlan);

        Task ChangeAsync(params string[] options) => world.ProxyctlAsync(byPlan ? ["plan", "set", name, .. options] : ["tenant", "set", name, .. options]);

        async Task ShowsAsync(string option, string value, string setting, string expected, string? field = null)
            => await MeasureAsync(field ?? option[2..], () => ChangeAsync(option, value), async () => await watched.ReadAsync<string>($"SHOW {setting}") == expected);

        async Task ConsoleShowsAsync(string column, string value, string option)
            => await MeasureAsync(option[2..], () => ChangeAsync(option, value), async () => await ColumnAsync(console, name, column) == value);

        async Task ConnectionsAsync()
        {
            await watched.RunAsync("BEGIN");
            await second.RunAsync("BEGIN");
            Task<int> waits = third.ReadAsync<int>("SELECT 3"); // both connections are held
            while (await ColumnAsync(console, name, "waiting") != "1") await Task.Delay(10);
            await MeasureAsync("connections (up)", () => ChangeAsync("--connections", "3"), () => Task.FromResult(waits.IsCompleted));
            Assert.Equal(3, await waits);
            await third.RunAsync("BEGIN");
            Assert.Equal(3, await tenant.CountServersAsync());
            foreach (NpgsqlConnection connection in (NpgsqlConnection[])[watched, second, third]) await connection.RunAsync("COMMIT");
            await MeasureAsync("connections (down)", () => ChangeAsync("--connections", "2"), async () => await tenant.CountServersAsync() <= 2);
        }

        async Task PinsAsync()
        {
            await pinned.RunAsync("CREATE TEMP TABLE kept (a int)");
            Assert.False(await PinAsync());
            await ChangeAsync("--connections", "4"); // two for those who are pinned, and some for the rest
            await MeasureAsync("pins-max", () => ChangeAsync("--pins-max", "2"), PinAsync);
            // Who is pinned keeps the server with what it was opened with; the others have what is new.
            string before = await pinned.ReadAsync<string>("SHOW work_mem") ?? "";
            await ShowsAsync("--work-mem", "64MB", "work_mem", "64MB");
            Assert.Equal(before, await pinned.ReadAsync<string>("SHOW work_mem"));
            Assert.Equal(0L, await pinned.ReadAsync<long>("SELECT count(*) FROM kept"));
            await pinned.RunAsync("DISCARD ALL");
            await more.QueryAsync("DISCARD ALL");
            await UntilAsync(async () => await pinned.ReadAsync<string>("SHOW work_mem") == "64MB");
            await ChangeAsync("--work-mem", "16MB", "--pins-max", "1", "--connections", "2");
            await UntilAsync(async () => await watched.ReadAsync<string>("SHOW work_mem") == "16MB" && await ColumnAsync(console, name, "servers_max") == "2");
        }

        async Task<bool> PinAsync()
        {
            IReadOnlyList<WireMessage> answer = await more.QueryAsync("CREATE TEMP TABLE more (a int)");
            WireMessage? error = answer.FirstOrDefault(message => message.Type == (char)BackendMessage.ErrorResponse);
            Assert.True(error is null || error.ToString().Contains("53300", StringComparison.Ordinal), $"{error}");
            return error is null;
        }

        async Task RatesAsync()
        {
            await MeasureAsync("queries-per-second", () => ChangeAsync("--queries-per-second", "1", "--burst", "1"), () => IsRefusedAsync("SELECT 1"));
            await ChangeAsync("--queries-per-second", "1000000", "--burst", "1000");
            await UntilAsync(async () => !await IsRefusedAsync("SELECT 1", times: 20));
            await ChangeAsync("--queries-per-second", "5"); // a thousand may still come at once
            await MeasureAsync("burst", () => ChangeAsync("--burst", "1"), () => IsRefusedAsync("SELECT 1"));
            await ChangeAsync("--queries-per-second", "1000000", "--burst", "1000");
            await UntilAsync(async () => !await IsRefusedAsync("SELECT 1", times: 20));
            await watched.RunAsync("BEGIN");
            await MeasureAsync("concurrent-queries", () => ChangeAsync("--concurrent-queries", "1"), () => IsRefusedAsync("SELECT 1"));
            await watched.RunAsync("COMMIT");
            await ChangeAsync("--concurrent-queries", "1000");
            await MeasureAsync("bytes-per-minute", () => ChangeAsync("--bytes-per-minute", "1MB"), () => IsRefusedAsync("SELECT repeat('x', 1200000)"));
            await ChangeAsync("--bytes-per-minute", "1TB");
            await UntilAsync(async () => !await IsRefusedAsync("SELECT 1"));
            await ChangeAsync("--query-seconds-per-minute", "1");
            await UntilAsync(() => IsRefusedAsync("SELECT pg_sleep(0.5)")); // a second has to be used up first: nothing to measure
            await ChangeAsync("--query-seconds-per-minute", "10000");
            await UntilAsync(async () => !await IsRefusedAsync("SELECT 1"));
        }

        async Task<bool> IsRefusedAsync(string sql, int times = 3)
        {
            bool isRefused = false;
            for (int i = 0; i < times; i++) isRefused |= (await more.QueryAsync(sql)).Any(message => message.ToString().Contains("53400", StringComparison.Ordinal));
            return isRefused;
        }

        async Task ClientsAsync()
        {
            await MeasureAsync("clients-max", () => ChangeAsync("--clients-max", "5"), async () => await LoginAsync(proxyd, tenant) == "53300");
            await MeasureAsync("clients-max (up)", () => ChangeAsync("--clients-max", "1000"), async () => await LoginAsync(proxyd, tenant) == "");
            await MeasureAsync("connections-per-second", () => ChangeAsync("--connections-per-second", "1"), async () => await LoginAsync(proxyd, tenant) == "53400");
            await ChangeAsync("--connections-per-second", "100000");
            await UntilAsync(async () => await LoginAsync(proxyd, tenant) == "");
        }

        async Task PinnedIdleAsync()
        {
            using RawClient keeps = await proxyd.LoginRawAsync(tenant);
            await keeps.QueryAsync("CREATE TEMP TABLE kept (a int)");
            await Task.Delay(TimeSpan.FromMilliseconds(1100));
            Task<IReadOnlyList<WireMessage>> end = keeps.Wire.ReadToEndAsync(Proxyd.Patience);
            await MeasureAsync("pinned-idle-timeout", () => ChangeAsync("--pinned-idle-timeout", "1s"), () => Task.FromResult(end.IsCompleted));
            Assert.Contains("57P05", (await end)[^1].ToString(), StringComparison.Ordinal);
            await ChangeAsync("--pinned-idle-timeout", "10m");
        }

        async Task PoolModeAsync()
        {
            // In this mode a transaction ends the connection that begins it, so one is opened for that.
            using (RawClient begins = await proxyd.LoginRawAsync(tenant))
            {
                await MeasureAsync("pool-mode (statement)", () => ChangeAsync("--pool-mode", "statement"), async () =>
                {
                    try
                    {
                        IReadOnlyList<WireMessage> answers = [.. await begins.QueryAsync("BEGIN"), .. await begins.QueryAsync("ROLLBACK")];
                        return answers.Any(message => message.Type == (char)BackendMessage.ErrorResponse);
                    }
                    catch (Exception ended) when (ended is IOException or System.Net.Sockets.SocketException)
                    {
                        return true;
                    }
                });
            }
            // Session mode begins with a login: who is connected goes on in transactions.
            await MeasureAsync("pool-mode (session)", () => ChangeAsync("--pool-mode", "session"), async () =>
            {
                using RawClient next = await proxyd.LoginRawAsync(tenant);
                return await next.ScalarAsync("SELECT pg_backend_pid()") == next.ProcessId.ToString(CultureInfo.InvariantCulture);
            });
            await MeasureAsync("pool-mode (transaction)", () => ChangeAsync("--pool-mode", "transaction"), async () =>
            {
                using RawClient next = await proxyd.LoginRawAsync(tenant);
                return await next.ScalarAsync("SELECT pg_backend_pid()") != next.ProcessId.ToString(CultureInfo.InvariantCulture);
            });
            await second.RunAsync("BEGIN");
            await second.RunAsync("COMMIT");
        }
    }

    private async Task MeasureAsync(string field, Func<Task> change, Func<Task<bool>> isEffective)
    {
        await change();
        long done = Stopwatch.GetTimestamp();
        while (!await isEffective())
        {
            Assert.True(Stopwatch.GetElapsedTime(done) < Proxyd.Patience, $"{field} is not effective");
            await Task.Delay(2);
        }
        if (!_times.TryGetValue(field, out List<double>? times)) _times[field] = times = [];
        times.Add(Stopwatch.GetElapsedTime(done).TotalMilliseconds);
    }

    private async Task ReportAsync(bool byPlan)
    {
        var lines = new List<string>();
        foreach ((string field, List<double> times) in _times)
        {
            times.Sort();
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"{(byPlan ? "plan set" : "tenant set"),-11} {field,-24} n={times.Count,-3} p50 {times[times.Count / 2],7:F1}  max {times[^1],7:F1} ms   promised {Promise.TotalMilliseconds:F0}   {(times[^1] < Promise.TotalMilliseconds ? "kept" : "BROKEN")}"));
        }
        foreach (string line in lines) output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("PLAN_CHANGES_REPORT") is { Length: > 0 } path) await File.AppendAllLinesAsync(path, lines);
    }

    /// <returns>The SQLSTATE of the refusal; empty when logged in.</returns>
    private static async Task<string> LoginAsync(Proxyd proxyd, TestTenant tenant)
    {
        using RawClient client = await proxyd.ConnectRawAsync();
        return (await client.TryLoginAsync("app", tenant.Slug, ProxydWorld.Password))?.SqlState ?? "";
    }

    private static async Task<NpgsqlConnection> OpenConsoleAsync(Proxyd proxyd)
    {
        var console = new NpgsqlConnection($"Host=127.0.0.1;Port={proxyd.Port};Database=proxysuite;Username=scrape;Password={AdminUsers.Password};Pooling=false;Timeout=30;Server Compatibility Mode=NoTypeLoading");
        await console.OpenAsync();
        return console;
    }

    /// <summary>A column of SHOW TENANT, as text.</summary>
    private static async Task<string> ColumnAsync(NpgsqlConnection console, string slug, string column)
    {
        await using var command = new NpgsqlCommand($"SHOW TENANT \"{slug}\"", console);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        return Convert.ToString(reader[column], CultureInfo.InvariantCulture)!;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (int i = 0; !await isSo(); i++)
        {
            Assert.True(i < 600, "it did not come about");
            await Task.Delay(50);
        }
    }
}
