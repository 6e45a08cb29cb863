using System.Diagnostics;
using System.Text;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>Long work shows how far it has come where somebody watches, and nowhere else. The program itself, under script(1), which gives it a terminal.</summary>
[Trait("Category", "Server")]
public sealed class ProgressTests
{
    [Fact]
    public async Task On_a_terminal_long_work_draws_a_bar_and_its_answer_stays_as_it_is()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        for (int i = 0; i < 4; i++) await world.TenantAsync($"t{i}", IsolationModel.Schema);
        string file = world.WriteFile("answer", "");
        // Standard output in a file, standard error on the terminal.
        string seen = await OnTerminalAsync(world, $"{Program} shard repair s1 >{file}");
        Assert.Contains("\u001b[", seen, StringComparison.Ordinal);
        Assert.Contains("repairing", seen, StringComparison.Ordinal);
        Assert.Contains("%", seen, StringComparison.Ordinal);
        string answer = await File.ReadAllTextAsync(file);
        Assert.StartsWith("shard s1: roles and grants of 4 tenants are as the registry says", answer, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', answer);
        Assert.Contains("auditing", await OnTerminalAsync(world, $"{Program} audit --shard s1 --fail-on critical >{file}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_and_without_a_terminal_nothing_is_drawn()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.TenantAsync("acme", IsolationModel.Schema);
        string json = await OnTerminalAsync(world, $"{Program} shard repair s1 --json");
        Assert.StartsWith("{", json.Trim(), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', json);
        string file = world.WriteFile("errors", "");
        string text = await OnTerminalAsync(world, $"{Program} shard repair s1 2>{file} | cat");
        Assert.Equal("shard s1: roles and grants of 1 tenant are as the registry says", text.Trim());
        Assert.Empty(await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task Work_says_how_far_it_has_come_in_steps_that_end_at_the_whole()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        for (int i = 0; i < 3; i++) await world.TenantAsync($"t{i}", IsolationModel.Schema);
        await using ControlPlane control = world.NewControl();
        var told = new List<WorkProgress>();
        control.Progress = told.Add;
        await new Provisioning.ShardRepair(control, world.Key()).RunAsync("s1", null, CancellationToken.None);
        Assert.Equal([("t0", 0, 3), ("t1", 1, 3), ("t2", 2, 3)], told.Where(now => now.Total > 0).Select(now => (now.What, now.Done, now.Total)));
    }

    private static string Program => $"dotnet {Path.Combine(AppContext.BaseDirectory, "proxyctl.dll")}";

    private static async Task<string> OnTerminalAsync(ControlWorld world, string command)
    {
        var start = new ProcessStartInfo("script", ["-qefc", command, "/dev/null"]) { RedirectStandardOutput = true, RedirectStandardInput = true, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment["PROXYSUITE_REGISTRY"] = world.RegistryDsn;
        start.Environment["PROXYSUITE_MASTER_KEY_FILE"] = world.KeyFile;
        start.Environment["TERM"] = "xterm-256color";
        // Spectre draws no bar where it believes that a build machine watches.
        foreach (string name in (string[])["CI", "NO_COLOR", "GITHUB_ACTIONS", "TF_BUILD"]) start.Environment.Remove(name);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{command} ended with {process.ExitCode}: {output}");
        // The runtime's own words to a terminal that it may read keys from.
        return output.Replace("\u001b[?1h\u001b=", "", StringComparison.Ordinal);
    }
}
