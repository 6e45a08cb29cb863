using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Tests;

/// <summary>Shards after they were added, the doctor, and what makes <c>proxyctl</c> pleasant.</summary>
[Trait("Category", "Server")]
public sealed class ShardLifeTests
{
    [Fact]
    public async Task A_shards_limits_and_address_can_change_and_another_cluster_does_not_slip_in_under_its_name()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.MustAsync("shard", "set", "s1", "--max-tenants", "800", "--region", "us");
        Shard shard = await world.Control.Store.GetShardAsync("s1");
        Assert.Equal((800, 200, "us"), (shard.TenantsMax, shard.ConnectionsMax, shard.Region));

        string other = await world.Server.CreateDatabaseAsync("other");
        CliRun refused = await world.RunAsync("shard", "set", "s1", "--primary", world.Server.Dsn(other));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("is not the cluster and database of shard \"s1\"", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("throw-away", refused.Error, StringComparison.Ordinal);

        string twoHosts = $"postgres://postgres:{Password(world)}@127.0.0.1:{world.Server.Port},127.0.0.1:{world.Server.Port}/{world.ShardDatabase}";
        CliRun run = await world.MustAsync("shard", "set", "s1", "--primary", twoHosts, "--replica", twoHosts);
        Assert.Equal(2, (await world.Control.Store.GetShardAsync("s1")).Primary.Length);
        Assert.DoesNotContain(Password(world), (await world.MustAsync("shard", "show", "s1", "--json")).Output + run.Output, StringComparison.Ordinal);
        await world.TenantAsync("acme", IsolationModel.Schema);
        await world.MustAsync("shard", "set", "s1", "--no-replica");
        Assert.Empty((await world.Control.Store.GetShardAsync("s1")).Replicas);
    }

    [Fact]
    public async Task A_shard_goes_when_nobody_lives_there_any_more()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.TenantAsync("acme", IsolationModel.Schema);
        Assert.Equal(2, (await world.RunAsync("shard", "remove", "s1")).ExitCode);
        CliRun inUse = await world.RunAsync("shard", "remove", "s1", "--yes");
        Assert.Equal(1, inUse.ExitCode);
        Assert.Contains("holds tenants", inUse.Error, StringComparison.Ordinal);
        await world.MustAsync("tenant", "delete", "acme", "--yes");
        await world.MustAsync("tenant", "purge", "acme", "--yes");
        await world.MustAsync("shard", "remove", "s1", "--yes");
        Assert.Empty((await world.MustAsync("shard", "list", "--json")).Json.EnumerateArray());
    }

    [Fact]
    public async Task A_check_says_what_is_wrong_and_what_to_do_and_the_doctor_finds_it_too()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.TenantAsync("acme", IsolationModel.Schema);
        JsonElement[] fine = [.. (await world.MustAsync("shard", "check", "s1", "--json")).Json.EnumerateArray()];
        Assert.DoesNotContain(fine, finding => finding.GetProperty("result").GetString() == "wrong");
        Assert.Contains(fine, finding => finding.GetProperty("what").GetString() == "clock");
        CliRun well = await world.MustAsync("doctor");
        Assert.Contains("its tenants were made with this one", well.Output, StringComparison.Ordinal);
        Assert.Contains("none has said that it lives", well.Output, StringComparison.Ordinal);

        await world.Server.ExecuteAsync("UPDATE tenancy.lockdown_level SET level = 'strict'", world.ShardDatabase);
        CliRun ill = await world.RunAsync("doctor");
        Assert.Equal(1, ill.ExitCode);
        Assert.Contains("WRONG: shard s1, lockdown: Run: proxyctl shard prepare s1 --lockdown relaxed", ill.Output, StringComparison.Ordinal);
        Assert.Equal("proxyctl: one thing is wrong", ill.Error.Trim());
        await world.Server.ExecuteAsync("DROP SCHEMA proxysuite CASCADE", world.ShardDatabase);
        Assert.Contains("the registry says so, the database does not", (await world.RunAsync("shard", "check", "s1")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_that_says_that_it_lives_is_listed_until_it_is_silent()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await using NpgsqlDataSource registry = NpgsqlDataSource.Create(world.RegistryDsn);
        var table = new ProxyTable(registry);
        var id = Guid.CreateVersion7();
        await table.BeatAsync(id, "p1:6432", DateTimeOffset.UtcNow, """{"version":"1","clients":3}""", CancellationToken.None);
        JsonElement proxy = (await world.MustAsync("proxy", "list", "--json")).Json.EnumerateArray().Single();
        Assert.Equal(("p1:6432", "alive", 3), (proxy.GetProperty("name").GetString(), proxy.GetProperty("state").GetString(), proxy.GetProperty("details").GetProperty("clients").GetInt32()));
        await world.Server.ExecuteAsync("UPDATE system.proxies SET heartbeat_at = now() - interval '16 s'", new NpgsqlConnectionStringBuilder(world.RegistryDsn).Database!);
        Assert.Contains("silent", (await world.MustAsync("proxy", "list")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await world.RunAsync("doctor")).ExitCode);
        await table.LeaveAsync(id, CancellationToken.None);
        Assert.Empty((await world.MustAsync("proxy", "list", "--json")).Json.EnumerateArray());
    }

    [Fact]
    public async Task Bash_completes_verbs_options_and_their_choices()
    {
        await using ControlWorld world = await ControlWorld.EmptyAsync(18);
        string script = world.WriteFile("completion.bash", (await world.MustAsync("completion", "bash")).Output);
        Assert.Contains("create", await CompleteAsync(script, "proxyctl", "tenant", "cr"));
        Assert.Contains("--isolation", await CompleteAsync(script, "proxyctl", "tenant", "create", "acme", "--iso"));
        Assert.Equal(["database"], await CompleteAsync(script, "proxyctl", "tenant", "create", "acme", "--isolation", "da"));
        Assert.Contains("doctor", await CompleteAsync(script, "proxyctl", "do"));
    }

    private static string Password(ControlWorld world) => new NpgsqlConnectionStringBuilder(world.RegistryDsn).Password!;

    private static async Task<string[]> CompleteAsync(string script, params string[] words)
    {
        string quoted = string.Join(' ', words.Select(word => $"'{word}'"));
        var start = new ProcessStartInfo("bash", ["-c", $"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={words.Length - 1}; _proxyctl; printf '%s\\n' \"${{COMPREPLY[@]}}\""]) { RedirectStandardOutput = true };
        using Process bash = Process.Start(start)!;
        string output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
