using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Clients;

/// <summary>psql unchanged (A1): what people type, and what scripts do.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class PsqlTests(ProxydWorld world)
{
    public static TheoryData<string> Tenants => ["acme", "globex", "initech"];

    [Theory, MemberData(nameof(Tenants))]
    public async Task It_connects_and_sees_its_own_table(string slug)
    {
        TestTenant tenant = Tenant(slug);
        Assert.Contains("\nbody|text||not null|\n", (await MustAsync(tenant, "-c", "\\d notes")).Output, StringComparison.Ordinal);
        Assert.Equal([tenant.Schema, "notes"], (await MustAsync(tenant, "-c", "\\dt")).Output.Trim().Split('|')[..2]);
    }

    [Theory, MemberData(nameof(Tenants))]
    public async Task Copy_goes_both_ways(string slug)
    {
        TestTenant tenant = Tenant(slug);
        await tenant.AsSuperuserAsync("TRUNCATE notes");
        if (tenant.Isolation == "pool")
        {
            // PostgreSQL takes no COPY into tables with row level security (0A000), whoever asks.
            await MustAsync(tenant, "-c", "INSERT INTO notes (body) SELECT 'row ' || g FROM generate_series(1, 5000) g");
        }
        else
        {
            string rows = string.Concat(Enumerable.Range(1, 5000).Select(number => $"row {number}\n"));
            Assert.Equal("", (await ProcessRunner.RunAsync("psql", Arguments(tenant, "-c", "\\copy notes (body) from pstdin"), input: rows)).MustSucceed("psql").Output);
        }
        ProcessResult copied = await MustAsync(tenant, "-c", "\\copy (select body from notes order by id) to pstdout");
        Assert.Equal(Enumerable.Range(1, 5000).Select(number => $"row {number}"), copied.Output.TrimEnd('\n').Split('\n'));
        await tenant.AsSuperuserAsync("TRUNCATE notes");
    }

    [Fact]
    public async Task A_copy_of_nine_megabytes_comes_through_whole()
    {
        string[] sums = (await MustAsync(
            world.Acme, "-c", "BEGIN", "-c", "INSERT INTO notes (body) SELECT repeat(md5(g::text), 30) FROM generate_series(1, 10000) g",
            "-c", "SELECT md5(string_agg(body, E'\\n' ORDER BY id) || E'\\n') FROM notes", "-c", "\\copy (select body from notes order by id) to program 'md5sum' ",
            "-c", "ROLLBACK")).Output.Split('\n');
        Assert.Equal(sums[0], sums[1].Split(' ')[0]);
    }

    [Fact]
    public async Task Statements_of_one_c_option_are_one_transaction_and_all_answers_come()
    {
        ProcessResult result = await MustAsync(world.Acme, "-c", "SELECT 1; SELECT 2; SELECT txid_current() = txid_current()");
        Assert.Equal("1\n2\nt\n", result.Output);
        ProcessResult failed = await PsqlAsync(world.Acme, "-c", "INSERT INTO notes (body) VALUES ('undone'); SELECT 1/0; SELECT 'not reached'");
        Assert.Contains("division by zero", failed.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("not reached", failed.Output, StringComparison.Ordinal);
        Assert.Equal("0\n", (await MustAsync(world.Acme, "-c", "SELECT count(*) FROM notes WHERE body = 'undone'")).Output);
    }

    [Fact]
    public async Task A_transaction_over_several_commands_commits_and_rolls_back()
    {
        Assert.Equal("1\n0\n", (await MustAsync(
            world.Acme, "-c", "BEGIN", "-c", "INSERT INTO notes (body) VALUES ('draft')", "-c", "SELECT count(*) FROM notes WHERE body = 'draft'",
            "-c", "ROLLBACK", "-c", "SELECT count(*) FROM notes WHERE body = 'draft'")).Output);
        Assert.Equal("1\n", (await MustAsync(
            world.Acme, "-c", "BEGIN", "-c", "INSERT INTO notes (body) VALUES ('kept')", "-c", "SAVEPOINT s", "-c", "DELETE FROM notes WHERE body = 'kept'",
            "-c", "ROLLBACK TO s", "-c", "COMMIT", "-c", "SELECT count(*) FROM notes WHERE body = 'kept'")).Output);
        await MustAsync(world.Acme, "-1", "-c", "DELETE FROM notes WHERE body = 'kept'");
    }

    [Fact]
    public async Task A_script_stops_at_its_first_error_with_exit_code_3_and_goes_on_without_ON_ERROR_STOP()
    {
        const string Script = "SELECT 'before';\nSELECT * FROM no_such_table;\nSELECT 'after';\n";
        ProcessResult stopped = await ProcessRunner.RunAsync("psql", Arguments(world.Acme, "-v", "ON_ERROR_STOP=1", "-f", "-"), input: Script);
        Assert.Equal((3, "before\n"), (stopped.ExitCode, stopped.Output));
        Assert.Contains("relation \"no_such_table\" does not exist", stopped.Error, StringComparison.Ordinal);
        ProcessResult wentOn = await ProcessRunner.RunAsync("psql", Arguments(world.Acme, "-f", "-"), input: Script);
        Assert.Equal((0, "before\nafter\n"), (wentOn.ExitCode, wentOn.Output));
    }

    [Fact]
    public async Task Control_C_cancels_the_running_query_and_nothing_else()
    {
        using ServerProcess psql = await ServerProcess.StartAsync(
            Binaries.Program("psql"), Arguments(world.Acme, "-c", "SELECT 'started'", "-c", "SELECT pg_sleep(50)", "-c", "SELECT 'after'"));
        Task<string?> other = SleepBesideAsync();
        await UntilAsync(async () => await CountSleepersAsync(50) == 1);
        psql.Signal(UnixSignal.Interrupt);
        await psql.WaitForExitAsync(Proxyd.Patience);
        Assert.Contains("canceling statement due to user request", psql.Output, StringComparison.Ordinal);
        Assert.Equal("undisturbed", await other);
        await UntilAsync(async () => await CountSleepersAsync(50) == 0);
    }

    [Fact]
    public async Task Variables_of_the_connection_string_arrive()
    {
        Dictionary<string, string> environment = new() { ["PGAPPNAME"] = "nightly; job", ["PGTZ"] = "Asia/Tokyo", ["PGOPTIONS"] = "-c extra_float_digits=0 -c lock_timeout=7s" };
        ProcessResult result = await ProcessRunner.RunAsync(
            "psql", Arguments(world.Globex, "-c", "SHOW application_name", "-c", "SHOW timezone", "-c", "SHOW lock_timeout"), environment: environment);
        Assert.Equal("nightly; job\nAsia/Tokyo\n7s\n", result.MustSucceed("psql").Output);
    }

    private async Task<string?> SleepBesideAsync()
    {
        await using var connection = await world.Proxyd.OpenAsync(world.Acme);
        return await connection.ReadAsync<string>("SELECT 'undisturbed' FROM pg_sleep(2)");
    }

    private Task<long> CountSleepersAsync(int seconds) => world.Acme.ScalarAsSuperuserAsync<long>(
        $"SELECT count(*) FROM pg_stat_activity WHERE usename = '{world.Acme.Role}' AND state = 'active' AND query LIKE '%pg_sleep({seconds})%'");

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
        while (!await isSo())
        {
            Assert.True(Environment.TickCount64 < deadline, "it did not come to that");
            await Task.Delay(20);
        }
    }

    private TestTenant Tenant(string slug) => slug switch { "acme" => world.Acme, "globex" => world.Globex, _ => world.Initech };

    private string[] Arguments(TestTenant tenant, params string[] arguments) => ["-X", "-q", "-A", "-t", "-d", world.Proxyd.Uri(tenant), .. arguments];

    private Task<ProcessResult> PsqlAsync(TestTenant tenant, params string[] arguments) => ProcessRunner.RunAsync("psql", Arguments(tenant, arguments));

    private async Task<ProcessResult> MustAsync(TestTenant tenant, params string[] arguments) => (await PsqlAsync(tenant, arguments)).MustSucceed("psql");
}
