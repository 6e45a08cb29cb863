using System.Collections.Immutable;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>How long a client may take to log in, and how long it may be idle.</summary>
public sealed class ClientTimeTests
{
    [Fact]
    public async Task A_login_that_is_not_complete_in_time_is_told_so_and_ended()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Auth = options.Auth with { LoginTimeout = TimeSpan.FromMilliseconds(300) } });
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.SendAsync(Startup("app", "acme"));
        await client.NextAsync();
        WireMessage error = (await client.NextAsync())!;
        Assert.StartsWith("ErrorResponse FATAL 57014 \"canceling authentication due to timeout\"", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Auth:LoginTimeout", error.ToString(), StringComparison.Ordinal);
        Assert.Null(await client.NextAsync());
    }

    [Fact]
    public async Task A_client_that_is_idle_for_too_long_is_told_so_and_ended()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            connections: 2, configure: options => options with { Limits = options.Limits with { ClientIdleTimeout = TimeSpan.FromMilliseconds(200) } }, backend: Relay.RelayScript.Echo());
        using RawClient idle = await world.ConnectAsync();
        WireMessage error = (await idle.NextAsync())!;
        Assert.StartsWith("ErrorResponse FATAL 57P05 \"terminating connection due to idle-session timeout\"", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Limits:ClientIdleTimeout", error.ToString(), StringComparison.Ordinal);
        Assert.Null(await idle.NextAsync());
    }

    /// <summary>For the plan's tenants, and by the proxy's clock alone: a server that kept it would end connections of the pool.</summary>
    [Fact]
    public async Task A_plans_idle_session_timeout_is_its_clients_and_not_its_servers()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        world.ChangePlan(plan => plan with { Settings = PlanSettings.None.SetItem("idle_session_timeout", "200ms") });
        using RawClient other = await world.ConnectAsync("globex");
        using RawClient client = await world.ConnectAsync();
        Assert.Contains("57P05", (await client.NextAsync())!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(world.Backend.Connections, connection => connection.Transcript.ToString().Contains("idle_session_timeout", StringComparison.Ordinal));
        Assert.True(await other.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task Idle_clients_are_looked_for_while_a_plan_of_somebody_here_has_a_limit()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { ServerIdleTimeout = TimeSpan.FromSeconds(1) } });
        ImmutableSortedDictionary<string, string> limit = PlanSettings.None.SetItem("idle_session_timeout", "1h");
        Assert.False(await HasLimitsAsync());
        using RawClient other = await world.ConnectAsync("globex");
        using RawClient client = await world.ConnectAsync();
        Assert.False(await HasLimitsAsync());
        world.ChangePlan(plan => plan with { Settings = limit });
        await UntilAsync(hasLimits: true);
        world.ChangePlan(plan => plan with { Settings = PlanSettings.None });
        await UntilAsync(hasLimits: false);
        world.ChangePlan(plan => plan with { Settings = limit });
        await UntilAsync(hasLimits: true);
        client.Dispose();
        await UntilAsync(hasLimits: false); // with the tenant's pool

        Task<bool> HasLimitsAsync() => world.AskReactorAsync(static router => router.HasIdleLimits);

        async Task UntilAsync(bool hasLimits)
        {
            for (int i = 0; i < 3000 && await HasLimitsAsync() != hasLimits; i++) await Task.Delay(10);
            Assert.Equal(hasLimits, await HasLimitsAsync());
        }
    }
}
