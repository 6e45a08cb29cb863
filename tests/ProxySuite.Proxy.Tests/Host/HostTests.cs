using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Listening;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>Start, reload, drain and stop, in order, around a fake data plane.</summary>
public sealed class HostTests
{
    [Fact]
    public async Task A_start_is_one_line_that_says_what_runs_and_where()
    {
        using var world = new HostWorld();
        await world.StartAsync();
        string line = Assert.Single(world.Log.Lines, line => line.Contains("ready", StringComparison.Ordinal));
        Assert.Matches(
            $"^Information proxyd 0\\.[0-9.]+ ready: clients=127\\.0\\.0\\.1:6432 metrics=127\\.0\\.0\\.1:{world.MetricsPort} registry=postgresql transport=epoll reactors=[0-9]+ runtime=10\\.[0-9.]+ startup=[0-9]+ms$",
            line);
        Assert.Equal(HttpStatusCode.OK, (await world.GetAsync("/readyz")).Status);
        world.Terminate();
        world.Server.LastClientLeft.SetResult();
        Assert.Equal(0, await world.ExitCodeAsync());
    }

    [Fact]
    public async Task SIGTERM_lets_clients_finish_while_the_pages_tell_of_it_and_then_stops()
    {
        using var world = new HostWorld("""{ "Shutdown": { "DrainTimeout": "7s" } }""");
        await world.StartAsync();
        world.Server.Health = world.Server.Health with { Clients = 2 };
        world.Terminate();
        Assert.Equal(TimeSpan.FromSeconds(7), await world.Server.DrainAsked.Task);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, """{"status":"not ready","reason":"draining","phase":"draining","registryReachable":true,"clients":2}"""),
            await world.GetAsync("/readyz"));
        Assert.Equal(HttpStatusCode.OK, (await world.GetAsync("/healthz")).Status);
        world.Server.Health = world.Server.Health with { Clients = 0 };
        world.Server.LastClientLeft.SetResult();
        Assert.Equal(0, await world.ExitCodeAsync());
        Assert.Equal(["start", "drain", "stop"], world.Server.Calls);
        Assert.Equal(
            ["Information draining: signal=SIGTERM clients=2 deadline=7000ms", "Information drained: clients=0", "Information proxyd stopped"],
            world.Log.Lines[^3..]);
        await Assert.ThrowsAsync<HttpRequestException>(() => world.GetAsync("/healthz"));
    }

    [Fact]
    public async Task A_second_SIGTERM_stops_at_once()
    {
        using var world = new HostWorld();
        await world.StartAsync();
        world.Server.Health = world.Server.Health with { Clients = 2 };
        world.Terminate();
        await world.Server.DrainAsked.Task;
        world.Terminate();
        Assert.Equal(0, await world.ExitCodeAsync());
        Assert.Equal(["start", "drain", "stop"], world.Server.Calls);
        Assert.Contains("Warning drain cut short by a second signal: clients=2", world.Log.Lines);
    }

    [Fact]
    public async Task SIGTERM_during_the_start_ends_it_with_0()
    {
        using var world = new HostWorld();
        world.Server.StartHangs = true;
        Task<int> run = world.RunAsync();
        await world.Server.StartAsked.Task;
        world.Terminate();
        Assert.Equal(0, await run);
        await Assert.ThrowsAsync<HttpRequestException>(() => world.GetAsync("/healthz"));
    }

    [Fact]
    public async Task A_reload_puts_the_file_in_force_and_names_what_changed()
    {
        using var world = new HostWorld("""{ "Pool": { "MaxWaiters": 1 } }""");
        world.Reload("""{ "Pool": { "MaxWaiters": 2, "Mode": "session" } }""");
        Assert.Equal(2, world.Options.Value.Pool.MaxWaiters);
        Assert.Equal(["Information configuration reloaded: changed=Pool:Mode,Pool:MaxWaiters"], world.Log.Lines);
    }

    [Fact]
    public void A_reload_that_finds_a_mistake_changes_nothing_and_says_so()
    {
        using var world = new HostWorld("""{ "Pool": { "MaxWaiters": 1 } }""");
        world.Reload("""{ "Pool": { "MaxWaiters": 2, "Mode": "both" } }""");
        Assert.Equal(1, world.Options.Value.Pool.MaxWaiters);
        Assert.StartsWith(
            "Error configuration not reloaded, the old one stays in force: problems=Pool:Mode: \"both\" is not one of transaction, session, statement (",
            Assert.Single(world.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reload_names_keys_that_wait_for_a_restart()
    {
        using var world = new HostWorld();
        world.Reload("""{ "Listen": { "Port": 7777 }, "Auth": { "LoginTimeout": "1m" } }""");
        Assert.Equal((6432, TimeSpan.FromMinutes(1)), (world.Options.Value.Listen.Port, world.Options.Value.Auth.LoginTimeout));
        Assert.Equal(
        [
            "Information configuration reloaded: changed=Auth:LoginTimeout",
            "Warning configuration changed in keys that wait for a restart: keys=Listen:Port",
        ], world.Log.Lines);
    }

    [Fact]
    public async Task Fewer_descriptors_than_clients_are_a_warning_at_start()
    {
        using var world = new HostWorld(maxClients: 1_000_000);
        world.Server.StartFailure = new StartupException("enough seen");
        await world.RunAsync();
        long limit = ProcessMetrics.OpenFilesMax();
        string warning = $"Warning too few file descriptors for Limits:MaxClients: limit={limit} maxClients=1000000; raise the process limit (LimitNOFILE, ulimit -n) or lower the key";
        Assert.Equal(limit is > 0 and <= 1_000_000, world.Log.Lines.Contains(warning));
    }

    [Fact]
    public async Task A_data_plane_that_cannot_start_is_one_sentence_and_exit_code_1()
    {
        using var world = new HostWorld();
        world.Server.StartFailure = new StartupException("cannot listen on 127.0.0.1:6432: Address already in use");
        Assert.Equal(1, await world.RunAsync());
        Assert.Equal(["Critical proxyd cannot start: cannot listen on 127.0.0.1:6432: Address already in use"], world.Log.Lines);
        await Assert.ThrowsAsync<HttpRequestException>(() => world.GetAsync("/healthz"));
    }

    [Fact]
    public async Task A_failure_nobody_foresaw_is_logged_and_exit_code_1()
    {
        using var world = new HostWorld();
        world.Server.StartFailure = new InvalidOperationException("surprise");
        Assert.Equal(1, await world.RunAsync());
        Assert.Equal(["Critical proxyd failed"], world.Log.Lines);
    }

    [Fact]
    public async Task A_metrics_port_in_use_is_named_with_its_keys()
    {
        using var world = new HostWorld();
        using var taken = new TcpListener(IPAddress.Loopback, world.MetricsPort);
        taken.Start();
        Assert.Equal(1, await world.RunAsync());
        Assert.Equal(
            [$"Critical proxyd cannot start: cannot listen on 127.0.0.1:{world.MetricsPort} (Metrics:Address, Metrics:Port): Address already in use"], world.Log.Lines);
        Assert.Empty(world.Server.Calls);
    }
}
