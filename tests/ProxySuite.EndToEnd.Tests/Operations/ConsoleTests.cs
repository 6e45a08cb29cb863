using System.Text.Json;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>The console of a running <c>proxyd</c>, by psql and by <c>proxyctl top</c>.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class ConsoleTests(ProxydWorld world)
{
    [Fact]
    public async Task It_reloads_and_shuts_down_as_signals_do_and_shows_no_secret()
    {
        await using Proxyd proxyd = await world.StartProxydAsync([.. AdminUsers.Options, "--Redis:Configuration=127.0.0.1:1,password=hunter2,connectTimeout=100"]);
        string config = await PsqlAsync(proxyd, "SHOW CONFIG");
        Assert.Contains("Pool:QueryWaitTimeout|10s|10s|yes", config, StringComparison.Ordinal);
        Assert.Contains("max_client_conn|20000|20000|yes", config, StringComparison.Ordinal);
        foreach (string secret in (string[])["hunter2", "SCRAM-SHA-256", "password"]) Assert.DoesNotContain(secret, config, StringComparison.OrdinalIgnoreCase);

        proxyd.WriteConfig("""{ "Limits": { "MaxClients": 4321 } }""");
        await PsqlAsync(proxyd, "RELOAD");
        Assert.Contains("max_client_conn|4321|20000|yes", await PsqlAsync(proxyd, "SHOW CONFIG"), StringComparison.Ordinal);
        proxyd.WriteConfig("""{ "Limits": { "MaxClients": "many" } }""");
        ProcessResult refused = await ProcessRunner.PsqlAsync(proxyd.Uri(), "RELOAD;");
        Assert.Contains("Limits:MaxClients", refused.Error, StringComparison.Ordinal);
        Assert.Contains("max_client_conn|4321|", await PsqlAsync(proxyd, "SHOW CONFIG"), StringComparison.Ordinal);

        await using NpgsqlConnection open = await proxyd.OpenAsync(world.Acme);
        await open.RunAsync("BEGIN");
        await PsqlAsync(proxyd, "SHUTDOWN");
        await proxyd.UntilItSaysAsync("draining");
        Assert.Equal(1, await open.ReadAsync<int>("SELECT 1"));
        await open.RunAsync("COMMIT");
        Assert.Equal(0, await proxyd.ExitCodeAsync());
        Assert.Contains("console command: user=ops", proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KILL_ends_what_a_tenant_runs_on_a_real_server_and_RECONNECT_changes_servers()
    {
        await using Proxyd proxyd = await world.StartProxydAsync(AdminUsers.Options);
        await using NpgsqlConnection runs = await proxyd.OpenAsync(world.Acme);
        await using NpgsqlConnection neighbour = await proxyd.OpenAsync(world.Umbrella);
        int before = await neighbour.ReadAsync<int>("SELECT pg_backend_pid()");
        Task query = runs.RunAsync("SELECT pg_sleep(300)");
        await UntilAsync(async () => (await PsqlAsync(proxyd, "SHOW QUERIES")).Contains("acme|app|", StringComparison.Ordinal));
        await PsqlAsync(proxyd, "KILL acme");
        Assert.Equal("57P01", (await Assert.ThrowsAsync<PostgresException>(() => query)).SqlState);
        await UntilAsync(async () => await world.Acme.CountServersAsync() == 0);
        Assert.Equal(before, await neighbour.ReadAsync<int>("SELECT pg_backend_pid()"));
        await PsqlAsync(proxyd, "RECONNECT umbrella");
        Assert.NotEqual(before, await neighbour.ReadAsync<int>("SELECT pg_backend_pid()"));
        await PsqlAsync(proxyd, "RESUME acme");
        await using NpgsqlConnection again = await proxyd.OpenAsync(world.Acme);
        Assert.Equal(1, await again.ReadAsync<int>("SELECT 1"));
    }

    [Fact]
    public async Task A_sealed_tenant_can_be_paused_killed_and_reconnected_too()
    {
        await world.ProxyctlAsync("shard", "add", "console-sealed", "--primary", world.Shard18.Uri(await world.Shard18.CreateDatabaseAsync()));
        await world.ProxyctlAsync("shard", "prepare", "console-sealed", "--lockdown", "strict");
        await world.ProxyctlAsync(["tenant", "create", "consealed", "--plan", "free", "--isolation", "pool", "--identity", "sealed", "--shard", "console-sealed", "--user", "app", "--password-stdin"], ProxydWorld.Password);
        var tenant = new TestTenant("consealed", Guid.Empty, "pool", world.Shard18);
        await using Proxyd proxyd = await world.StartProxydAsync(AdminUsers.Options);
        await using NpgsqlConnection client = await proxyd.OpenAsync(tenant);
        Assert.Equal(1, await client.ReadAsync<int>("SELECT 1"));
        await PsqlAsync(proxyd, "PAUSE consealed");
        Task<int> waits = client.ReadAsync<int>("SELECT 2");
        await UntilAsync(async () => (await PsqlAsync(proxyd, "SHOW WAITS")).Contains("consealed|console-sealed|", StringComparison.Ordinal));
        await PsqlAsync(proxyd, "RESUME consealed");
        Assert.Equal(2, await waits);
        await PsqlAsync(proxyd, "RECONNECT consealed");
        Assert.Equal(3, await client.ReadAsync<int>("SELECT 3"));
        await PsqlAsync(proxyd, "KILL consealed");
        Assert.Equal("57P01", (await Assert.ThrowsAsync<PostgresException>(() => client.ReadAsync<int>("SELECT 4"))).SqlState);
    }

    [Fact]
    public async Task Top_sums_what_two_proxies_say()
    {
        await using Proxyd first = await world.StartProxydAsync(AdminUsers.Options);
        await using Proxyd second = await world.StartProxydAsync(AdminUsers.Options);
        await using NpgsqlConnection left = await first.OpenAsync(world.Acme);
        await using NpgsqlConnection right = await second.OpenAsync(world.Acme);
        await using NpgsqlConnection other = await second.OpenAsync(world.Initech);
        for (int i = 0; i < 30; i++)
        {
            await left.ReadAsync<int>("SELECT 1");
            await right.ReadAsync<int>("SELECT 1");
        }
        JsonElement report = (await world.ProxyctlAsync("top", "--proxy", first.Uri("scrape"), "--proxy", second.Uri("scrape"), "--by", "queries", "--json")).Json;
        JsonElement acme = report.GetProperty("tenants")[0];
        Assert.Equal(("acme", 2, "growth"), (acme.GetProperty("tenant").GetString(), acme.GetProperty("clients").GetInt32(), acme.GetProperty("plan").GetString()));
        Assert.True(acme.GetProperty("queries").GetInt64() >= 60);
        Assert.Equal(2, report.GetProperty("proxies").GetArrayLength());
        Assert.Contains(report.GetProperty("shards").EnumerateArray(), shard => shard.GetProperty("shard").GetString() == "s1" && shard.GetProperty("leased").GetInt32() == 2);
        Assert.DoesNotContain(AdminUsers.Password, report.ToString(), StringComparison.Ordinal);

        string table = (await world.ProxyctlAsync("top", "--proxy", first.Uri(), "--once", "--limit", "1")).Output;
        Assert.StartsWith("SHARD", table, StringComparison.Ordinal);
        Assert.Contains("acme", table, StringComparison.Ordinal);
        // One that is away is said, and the others are shown.
        string partly = (await world.ProxyctlAsync("top", "--proxy", first.Uri(), "--proxy", "postgres://ops:x@127.0.0.1:1", "--once")).Output;
        Assert.Contains("127.0.0.1:1 cannot be asked", partly, StringComparison.Ordinal);
        Assert.Contains("acme", partly, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.ProxyctlAsync("top", "--proxy", "postgres://ops:x@127.0.0.1:1", "--once"));
    }

    private static async Task<string> PsqlAsync(Proxyd proxyd, string command)
        => (await ProcessRunner.PsqlAsync(proxyd.Uri(), command + ";")).MustSucceed("psql").Output;

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (int i = 0; !await isSo(); i++)
        {
            Assert.True(i < 600, "it did not come about");
            await Task.Delay(50);
        }
    }
}
