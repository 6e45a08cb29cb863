using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>The program itself on a real registry: start, health, signals, exit codes.</summary>
[Trait("Category", "Server")]
public sealed class ProxydLifeTests
{
    private static async Task<string> RegistryAsync(PostgresServer postgres)
    {
        string database = await postgres.CreateDatabaseAsync("registry");
        await using NpgsqlDataSource dataSource = RegistryDataSource.Create(DsnParser.Parse(postgres.Uri(database)));
        await RegistrySchema.InitAsync(dataSource);
        return postgres.Uri(database);
    }

    private static async Task<ProxydWorld> StartAsync(params string[] arguments)
        => await ProxydWorld.StartAsync(await RegistryAsync(await PostgresServer.SharedAsync()), arguments);

    [Fact]
    public async Task It_starts_tells_that_it_is_ready_and_ends_with_0_on_SIGTERM()
    {
        await using ProxydWorld proxyd = await StartAsync();
        await proxyd.UntilItSaysAsync("proxyd 0.1.0 ready: ");
        Assert.Equal("""{"status":"ready","phase":"accepting","registryReachable":true,"clients":0}""", await proxyd.GetAsync("/readyz"));
        Assert.Equal("""{"status":"ok","phase":"accepting","registryReachable":true,"clients":0}""", await proxyd.GetAsync("/healthz"));
        Assert.Contains("\nproxysuite_build_info{version=\"0.1.0\"", await proxyd.GetAsync("/metrics"), StringComparison.Ordinal);
        proxyd.Signal(UnixSignal.Terminate);
        Assert.Equal(0, await proxyd.ExitCodeAsync());
        Assert.Matches("draining: signal=SIGTERM clients=0 deadline=30000ms\n.* drained: clients=0\n.* proxyd stopped\n$", proxyd.Output);
    }

    [Fact]
    public async Task SIGINT_drains_as_well()
    {
        await using ProxydWorld proxyd = await StartAsync();
        await proxyd.UntilItSaysAsync("ready: ");
        proxyd.Signal(UnixSignal.Interrupt);
        Assert.Equal(0, await proxyd.ExitCodeAsync());
        Assert.Contains("draining: signal=SIGINT", proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGHUP_puts_a_changed_file_in_force_and_refuses_a_broken_one()
    {
        await using ProxydWorld proxyd = await StartAsync();
        await proxyd.UntilItSaysAsync("ready: ");
        File.WriteAllText(proxyd.ConfigFile, """{ "Pool": { "MaxWaiters": 5 } }""");
        proxyd.Signal(UnixSignal.Hangup);
        await proxyd.UntilItSaysAsync("configuration reloaded: changed=Pool:MaxWaiters\n");
        File.WriteAllText(proxyd.ConfigFile, """{ "Pool": { "MaxWaters": 5 } }""");
        proxyd.Signal(UnixSignal.Hangup);
        await proxyd.UntilItSaysAsync("configuration not reloaded, the old one stays in force: problems=Pool:MaxWaters: unknown key; did you mean Pool:MaxWaiters?");
        Assert.Contains("\"ready\"", await proxyd.GetAsync("/readyz"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_JSON_every_line_is_an_object_and_none_holds_a_password()
    {
        await using ProxydWorld proxyd = await StartAsync("--Logging:Format=json", "--Logging:Level=trace");
        await proxyd.UntilItSaysAsync("\"Ready\"");
        proxyd.Signal(UnixSignal.Terminate);
        await proxyd.ExitCodeAsync();
        foreach (string line in proxyd.Output.TrimEnd('\n').Split('\n'))
        {
            using var json = JsonDocument.Parse(line);
            Assert.True(json.RootElement.TryGetProperty("Level", out _), line);
        }
        Assert.DoesNotContain(PostgresServer.SuperPassword, proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Systemd_hears_when_it_is_ready_and_when_it_stops()
    {
        string path = Path.Combine(Path.GetTempPath(), $"proxysuite-notify-{Environment.ProcessId}");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            string registry = await RegistryAsync(await PostgresServer.SharedAsync());
            await using ProxydWorld proxyd = await ProxydWorld.StartAsync(registry, [], new() { ["NOTIFY_SOCKET"] = path });
            Assert.Equal("READY=1", await ReceiveAsync());
            proxyd.Signal(UnixSignal.Terminate);
            Assert.Equal("STOPPING=1", await ReceiveAsync());
            Assert.Equal(0, await proxyd.ExitCodeAsync());
        }
        finally
        {
            File.Delete(path);
        }

        async Task<string> ReceiveAsync()
        {
            var buffer = new byte[100];
            int length = await socket.ReceiveAsync(buffer).WaitAsync(ProxydWorld.Patience);
            return Encoding.UTF8.GetString(buffer, 0, length);
        }
    }

    [Fact]
    public async Task A_port_in_use_is_one_sentence_and_exit_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using ProxydWorld proxyd = await StartAsync($"--Listen:Port={port}");
        Assert.Equal(1, await proxyd.ExitCodeAsync());
        Assert.Contains($"FTL proxyd cannot start: cannot listen on 127.0.0.1:{port} (section Listen): Address already in use", proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_a_registry_is_one_sentence_and_exit_code_1()
    {
        PostgresServer postgres = await PostgresServer.SharedAsync();
        string database = await postgres.CreateDatabaseAsync("empty");
        await using ProxydWorld proxyd = await ProxydWorld.StartAsync(postgres.Uri(database), []);
        Assert.Equal(1, await proxyd.ExitCodeAsync());
        Assert.EndsWith(
            $"FTL proxyd cannot start: the registry at postgres://postgres:***@127.0.0.1:{postgres.Port}/{database} has no schema \"system\"; run: proxyctl init\n",
            proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registry_that_refuses_the_password_is_one_sentence_and_exit_code_1()
    {
        PostgresServer postgres = await PostgresServer.SharedAsync();
        await using ProxydWorld proxyd = await ProxydWorld.StartAsync(postgres.Uri(password: "wrong"), []);
        Assert.Equal(1, await proxyd.ExitCodeAsync());
        Assert.EndsWith(
            $"FTL proxyd cannot start: the registry at postgres://postgres:***@127.0.0.1:{postgres.Port}/postgres refuses: password authentication failed for user \"postgres\"\n",
            proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sidecar_runs_on_a_registry_file()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("proxysuite-registry-").FullName, "registry.json");
        File.WriteAllText(path, """{ "Shards": [ { "Name": "s1", "Hosts": ["127.0.0.1:1"], "Database": "apps" } ], "Tenants": [] }""");
        await using ProxydWorld proxyd = await ProxydWorld.StartAsync("", ["--Registry:File", path]);
        await proxyd.UntilItSaysAsync("registry=file");
        Assert.Contains("\"ready\"", await proxyd.GetAsync("/readyz"), StringComparison.Ordinal);
        proxyd.Signal(UnixSignal.Terminate);
        Assert.Equal(0, await proxyd.ExitCodeAsync());
    }

    [Fact]
    public async Task Without_its_registry_it_starts_and_is_ready_as_soon_as_the_registry_is()
    {
        await using PostgresServer postgres = await PostgresServer.CreateAsync(18);
        string registry = await RegistryAsync(postgres);
        await postgres.StopAsync();
        await using ProxydWorld proxyd = await ProxydWorld.StartAsync(registry, []);
        await proxyd.UntilItSaysAsync("the registry cannot be reached, starting without it: registry=postgres://postgres:***@");
        await proxyd.UntilItSaysAsync("ready: ");
        Assert.Equal(
            """{"status":"not ready","reason":"the registry cannot be reached and no tenant is known","phase":"accepting","registryReachable":false,"clients":0}""",
            await proxyd.GetAsync("/readyz"));
        Assert.Contains("\"ok\"", await proxyd.GetAsync("/healthz"), StringComparison.Ordinal);
        await postgres.StartAsync();
        Assert.Equal("""{"status":"ready","phase":"accepting","registryReachable":true,"clients":0}""", await proxyd.GetAsync("/readyz"));
    }
}
