using System.Diagnostics;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Helpers;

public sealed class ProcessTests
{
    [Fact]
    public async Task A_program_gets_its_input_and_variables_and_gives_both_outputs_and_its_exit_code()
    {
        ProcessResult result = await ProcessRunner.RunAsync(
            "/bin/sh", ["-c", "cat; echo \"$GREETING\" >&2; exit 3"], input: "typed", environment: new Dictionary<string, string> { ["GREETING"] = "hello" });
        Assert.Equal(new ProcessResult(3, "typed", "hello\n"), result);
        Assert.Contains("hello", Assert.Throws<InvalidOperationException>(() => result.MustSucceed("sh")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_does_not_end_is_killed_and_says_what_it_said()
    {
        TimeoutException timeout = await Assert.ThrowsAsync<TimeoutException>(
            () => ProcessRunner.RunAsync("/bin/sh", ["-c", "echo waiting; sleep 600"], TimeSpan.FromMilliseconds(500)));
        Assert.Contains("waiting", timeout.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_is_missing_is_named_with_the_command_that_installs_it()
    {
        InvalidOperationException missing = await Assert.ThrowsAsync<InvalidOperationException>(() => ProcessRunner.RunAsync("no-such-program", []));
        Assert.Contains("no-such-program is not installed", missing.Message, StringComparison.Ordinal);
        Assert.Contains("./test.sh", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_process_is_signalled_by_pid_and_leaves()
    {
        using ServerProcess server = await ServerProcess.StartAsync("/bin/sh", ["-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"]);
        Assert.True(SpinWait.SpinUntil(() => server.Output.Contains("up", StringComparison.Ordinal), TimeSpan.FromSeconds(20)));
        server.Signal(UnixSignal.Terminate);
        await server.WaitForExitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(7, server.ExitCode);
        Assert.Contains("bye", server.Output, StringComparison.Ordinal);
    }

    // What makes a server die with its test host: setpriv's parent-death signal, also when the parent is killed and runs no handler.
    // (TERM here, since a shell starts its background jobs with QUIT ignored.)
    [Fact]
    public async Task A_server_dies_with_the_process_that_started_it_even_when_that_is_killed()
    {
        using Process host = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "setpriv --pdeathsig TERM -- sleep 600 & echo $!; wait"]) { RedirectStandardOutput = true })!;
        string pid = (await host.StandardOutput.ReadLineAsync())!;
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{pid}/cmdline").StartsWith("sleep", StringComparison.Ordinal), TimeSpan.FromSeconds(20)));
        host.Kill();
        Assert.True(SpinWait.SpinUntil(() => IsGone(pid), TimeSpan.FromSeconds(20)));
    }

    private static bool IsGone(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    [Fact, Trait("Category", "Server")]
    public async Task Psql_stops_at_the_first_error_and_prints_rows_plainly()
    {
        PostgresServer server = await PostgresServer.SharedAsync(15);
        Assert.Equal("1|two\n", (await ProcessRunner.PsqlAsync(server.Uri(), "SELECT 1, 'two'")).MustSucceed("psql").Output);
        ProcessResult failed = await ProcessRunner.PsqlAsync(server.Uri(), "SELECT 1/0; SELECT 'not reached'");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.DoesNotContain("not reached", failed.Output, StringComparison.Ordinal);
    }
}
