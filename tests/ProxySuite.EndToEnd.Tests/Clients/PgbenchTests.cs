using System.Globalization;
using System.Text.RegularExpressions;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Servers;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.EndToEnd.Tests.Clients;

/// <summary>pgbench: its tables made by the tenant's owner, its load by 32 clients of role app over the plan's four servers.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed partial class PgbenchTests(ProxydWorld world, ITestOutputHelper report)
{
    [Fact]
    public async Task It_makes_its_tables_as_owner_and_runs_both_loads_in_every_protocol_without_a_failure()
    {
        await RunAsync("-i", "-q", "-s", "1", world.Proxyd.Uri(world.Bench, "owner"));
        Assert.Equal("100000", await CountAsync("pgbench_accounts"));
        foreach (string protocol in (string[])["simple", "extended", "prepared"])
        {
            await LoadAsync(protocol, "select-only", transactions: 100);
            await LoadAsync(protocol, "tpcb-like", transactions: 25);
        }
        // Every transaction of TPC-B leaves one row; what was lost or done twice would show here.
        Assert.Equal($"{3 * 32 * 25}", await CountAsync("pgbench_history"));
        Assert.Equal("t", await ScalarAsync("SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches)"));
        Assert.InRange(await world.Bench.CountServersAsync(), 1, 8); // four of role app, and those the owner used
    }

    private async Task LoadAsync(string protocol, string script, int transactions)
    {
        string output = (await RunAsync(
            "-n", "-M", protocol, "-b", script, "-c", "32", "-j", "2", "-t", $"{transactions}", world.Proxyd.Uri(world.Bench))).Output;
        int expected = 32 * transactions;
        Assert.Contains($"number of transactions actually processed: {expected}/{expected}", output, StringComparison.Ordinal);
        Assert.Contains("number of failed transactions: 0 (0.000%)", output, StringComparison.Ordinal);
        report.WriteLine($"{script,-12} {protocol,-9} {double.Parse(Tps().Match(output).Groups[1].Value, CultureInfo.InvariantCulture),8:F0} transactions/s");
    }

    private Task<string> CountAsync(string table) => ScalarAsync($"SELECT count(*) FROM {table}");

    private async Task<string> ScalarAsync(string sql)
        => (await ProcessRunner.PsqlAsync(world.Proxyd.Uri(world.Bench), sql)).MustSucceed("psql").Output.Trim();

    private static async Task<ProcessResult> RunAsync(params string[] arguments)
        => (await ProcessRunner.RunAsync("pgbench", arguments, TimeSpan.FromMinutes(4))).MustSucceed("pgbench");

    [GeneratedRegex(@"tps = ([\d.]+)")]
    private static partial Regex Tps();
}
