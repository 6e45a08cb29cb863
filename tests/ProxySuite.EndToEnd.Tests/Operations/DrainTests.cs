using System.Net;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>Signals to a proxy with clients (D4): SIGTERM lets transactions finish, a second one does not, SIGHUP disturbs nobody.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class DrainTests(ProxydWorld world)
{
    [Fact]
    public async Task SIGTERM_lets_a_transaction_commit_and_ends_who_is_idle_and_lets_nobody_in()
    {
        await using Proxyd proxyd = await world.StartProxydAsync("--Shutdown:DrainTimeout=1m");
        using RawClient idle = await proxyd.LoginRawAsync(world.Acme);
        using RawClient working = await proxyd.LoginRawAsync(world.Acme);
        using RawClient knocking = await proxyd.ConnectRawAsync();
        await working.QueryAsync("BEGIN");
        await working.QueryAsync("INSERT INTO notes (body) VALUES ('written in a drain')");
        proxyd.Signal(UnixSignal.Terminate);
        await proxyd.UntilItSaysAsync("draining: signal=SIGTERM");

        AssertShutdown(await idle.Wire.ReadToEndAsync());
        await knocking.SendAsync(FrontendBytes.Startup("app", "acme"));
        AssertShutdown(await knocking.Wire.ReadToEndAsync());
        while (!await proxyd.RefusesConnectionsAsync()) await Task.Delay(20);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxyd.GetAsync("/readyz")).Status);

        Assert.Equal("1", await working.ScalarAsync("SELECT count(*) FROM notes WHERE body = 'written in a drain'"));
        await working.QueryAsync("COMMIT");
        AssertShutdown(await working.Wire.ReadToEndAsync());
        Assert.Equal(0, await proxyd.ExitCodeAsync());
        Assert.Equal(1, await world.Acme.ScalarAsSuperuserAsync<long>($"SELECT count(*) FROM {world.Acme.Schema}.notes WHERE body = 'written in a drain'"));
        await world.Acme.AsSuperuserAsync("TRUNCATE notes");
        Assert.DoesNotContain(" ERR ", proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_SIGTERM_ends_what_still_runs()
    {
        await using Proxyd proxyd = await world.StartProxydAsync("--Shutdown:DrainTimeout=10m");
        using RawClient working = await proxyd.LoginRawAsync(world.Acme);
        await working.QueryAsync("BEGIN");
        await working.QueryAsync("INSERT INTO notes (body) VALUES ('never committed')");
        proxyd.Signal(UnixSignal.Terminate);
        await proxyd.UntilItSaysAsync("draining: signal=SIGTERM");
        Assert.True(await working.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(300)));
        proxyd.Signal(UnixSignal.Terminate);
        AssertShutdown(await working.Wire.ReadToEndAsync());
        Assert.Equal(0, await proxyd.ExitCodeAsync());
        Assert.Contains("drain cut short by a second signal: clients=1", proxyd.Output, StringComparison.Ordinal);
        await UntilNoServersAsync();
        Assert.Equal(0, await world.Acme.ScalarAsSuperuserAsync<long>($"SELECT count(*) FROM {world.Acme.Schema}.notes WHERE body = 'never committed'"));
    }

    [Fact]
    public async Task SIGHUP_changes_limits_under_a_clients_open_transaction()
    {
        await using Proxyd proxyd = await world.StartProxydAsync();
        using RawClient working = await proxyd.LoginRawAsync(world.Acme);
        await working.QueryAsync("BEGIN");
        proxyd.WriteConfig("""{ "Limits": { "MaxClients": 1 } }""");
        proxyd.Signal(UnixSignal.Hangup);
        await proxyd.UntilItSaysAsync("configuration reloaded: changed=Limits:MaxClients");
        using RawClient second = await proxyd.ConnectRawAsync();
        Assert.Equal("53300", (await second.TryLoginAsync("app", "acme", ProxydWorld.Password))?.SqlState);
        Assert.Equal("1", await working.ScalarAsync("SELECT 1"));
        await working.QueryAsync("COMMIT");
        proxyd.WriteConfig("{}");
        proxyd.Signal(UnixSignal.Hangup);
        while (proxyd.Output.Split("configuration reloaded").Length < 3) await Task.Delay(20);
        using RawClient third = await proxyd.LoginRawAsync(world.Acme);
        Assert.Equal("1", await third.ScalarAsync("SELECT 1"));
    }

    private static void AssertShutdown(IReadOnlyList<WireMessage> messages)
    {
        WireMessage error = messages.Single(message => message.Type == (char)BackendMessage.ErrorResponse);
        Assert.Equal(("FATAL", "57P01"), (ErrorResponse.Read(error.Body).ToPgError().Severity, ErrorResponse.Read(error.Body).ToPgError().SqlState));
    }

    private async Task UntilNoServersAsync()
    {
        long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
        while (await world.Acme.ScalarAsSuperuserAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND usename LIKE 't\\_%'") > 0)
        {
            Assert.True(Environment.TickCount64 < deadline, "a transaction of the ended proxy is still open");
            await Task.Delay(20);
        }
    }
}
