using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>How many clients there may be, and that none is counted any more once it is gone, wherever it was on its way.</summary>
public sealed class ClientLimitTests
{
    [Fact]
    public async Task A_tenants_clients_are_bounded_by_its_plan_and_a_place_given_back_is_free()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        world.ChangePlan(plan => plan with { ClientsMax = 2 });
        using RawClient one = await world.ConnectAsync();
        RawClient two = await world.ConnectAsync();
        PgError refused = await RefusedAsync(world, "acme");
        Assert.Equal((SqlState.TooManyConnections, "FATAL", "too many client connections of this tenant: the limit is 2"), (refused.SqlState, refused.Severity, refused.Message));
        await UntilCountedAsync(world, RefusalReason.TenantClients, 1);
        using RawClient neighbour = await world.ConnectAsync("globex");
        two.Dispose();
        await world.WaitForLimiterAsync(limiter => limiter.Clients == 1);
        using RawClient next = await world.ConnectAsync();
    }

    [Fact]
    public async Task Where_the_plan_does_not_say_the_proxys_own_bound_holds_and_is_taken_over_at_run_time()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Limited(limits => limits with { MaxClientsPerTenant = 1 }));
        using RawClient one = await world.ConnectAsync();
        Assert.Contains("Limits:MaxClientsPerTenant", (await RefusedAsync(world, "acme")).Hint, StringComparison.Ordinal);
        world.ChangePlan(plan => plan with { ClientsMax = 2 });
        await world.WaitForLimiterAsync(limiter => limiter.Limits.ClientsMax == 2);
        using RawClient two = await world.ConnectAsync();
        Assert.Contains("clients-max", (await RefusedAsync(world, "acme")).Hint, StringComparison.Ordinal);
    }

    /// <summary>A stranger is told what every stranger is told, and takes no place from anybody.</summary>
    [Fact]
    public async Task Only_who_has_proved_who_it_is_hears_of_a_tenants_limits_or_uses_them_up()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        world.ChangePlan(plan => plan with { ClientsMax = 1, ConnectionsPerSecond = 1 });
        using RawClient one = await world.ConnectAsync();
        foreach ((string tenant, string password) in ((string, string)[])[("acme", "wrong"), ("nobody", "wrong")])
        {
            using RawClient stranger = await RawClient.ConnectAsync(world.Port);
            PgError error = (await stranger.TryLoginAsync("app", tenant, password))!;
            Assert.Equal((SqlState.InvalidPassword, "password authentication failed for user \"app\""), (error.SqlState, error.Message));
        }
        Assert.Equal(1, await world.OnLimiterAsync(limiter => limiter.Cell.ConnectionsWanted));
    }

    [Fact]
    public async Task New_connections_beyond_the_rate_are_refused_and_the_others_stay()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: Relay.RelayScript.Echo());
        world.ChangePlan(plan => plan with { ConnectionsPerSecond = 1 });
        using RawClient one = await world.ConnectAsync();
        // Enough of them that the machine cannot be so slow as to let all of them pass, one a second.
        PgError?[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using RawClient client = await RawClient.ConnectAsync(world.Port);
            return await client.TryLoginAsync("app", "acme", ProxyWorld.Password);
        }));
        PgError refused = answers.First(answer => answer is not null)!;
        Assert.Equal((SqlState.ConfigurationLimitExceeded, "FATAL", "rate limit of 1 new connections per second exceeded"), (refused.SqlState, refused.Severity, refused.Message));
        await UntilCountedAsync(world, RefusalReason.ConnectionRate, answers.Count(answer => answer is not null));
        await one.QueryAsync("SELECT 1");
    }

    [Fact]
    public async Task Clients_of_one_address_are_bounded_before_they_log_in()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => Limited(limits => limits with { MaxClientsPerAddress = 2 })(options) with
        {
            Auth = options.Auth with { LoginTimeout = TimeSpan.FromMinutes(2) }, // the silent one stays for as long as this test takes
        });
        using RawClient one = await world.ConnectAsync();
        RawClient silent = await RawClient.ConnectAsync(world.Port);
        await UntilAsync(() => world.Stats.Proxy.Clients == 2);
        PgError refused = await RefusedAsync(world, "nobody");
        Assert.Equal((SqlState.TooManyConnections, "too many client connections from this address: the limit is 2"), (refused.SqlState, refused.Message));
        await UntilCountedAsync(world, RefusalReason.AddressClients, 1);
        await UntilAsync(() => world.Stats.Proxy.Clients == 2);
        await one.CancelAsync(); // a cancel is no client
        silent.Dispose();
        await UntilAsync(() => world.Stats.Proxy.Clients == 1);
        using RawClient next = await world.ConnectAsync();
    }

    [Fact]
    public async Task Unix_sockets_have_no_address()
    {
        string directory = Directory.CreateTempSubdirectory("ps-limit-").FullName;
        int port = Testing.Servers.FreePort.Next();
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => Limited(limits => limits with { MaxClientsPerAddress = 1 })(options) with
        {
            Listen = options.Listen with { Port = port, UnixSocketDirectory = directory },
        });
        using RawClient network = await world.ConnectAsync();
        for (int i = 0; i < 3; i++)
        {
            using RawClient local = await RawClient.ConnectUnixAsync(directory, port);
            await local.LoginAsync("app", "acme", ProxyWorld.Password);
        }
        Assert.Equal(SqlState.TooManyConnections, (await RefusedAsync(world, "acme")).SqlState);
        Directory.Delete(directory, recursive: true);
    }

    public static TheoryData<string, bool> Steps
    {
        get
        {
            var steps = new TheoryData<string, bool>();
            foreach (string step in (string[])["connected", "half a packet", "TLS asked for", "start-up sent", "challenged", "wrong proof", "right proof", "logged in", "in a transaction", "broken"])
            {
                steps.Add(step, false);
                steps.Add(step, true);
            }
            return steps;
        }
    }

    /// <summary>At every step of a login, and behind it: closed or reset, on the reactor that accepted it or its tenant's.</summary>
    [Theory, MemberData(nameof(Steps))]
    public async Task A_client_that_is_lost_is_counted_no_more(string step, bool isReset)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            connections: 4, configure: options => Limited(limits => limits with { MaxClientsPerAddress = 100 })(options) with { Reactors = new ReactorsOptions { Count = 2 } }, backend: Relay.RelayScript.Echo());
        foreach (string tenant in (string[])["acme", "globex"]) world.ChangePlan(plan => plan with { ClientsMax = 100, QueriesPerSecond = 1000 }, tenant);
        using RawClient witness = await world.ConnectAsync();
        for (int i = 0; i < 6; i++)
        {
            RawClient client = await RawClient.ConnectAsync(world.Port);
            await GoAsync(client, step, i % 2 == 0 ? "acme" : "globex");
            if (isReset) client.Wire.Reset();
            else client.Dispose();
        }
        await UntilAsync(() => world.Stats.Proxy.Clients == 1 && world.AddressesCounted == 1);
        await world.WaitForLimiterAsync(limiter => limiter is { Clients: 1, Running: 0, Waiting: 0 });
        witness.Dispose();
        await UntilAsync(() => world.Stats.Proxy.Clients == 0 && world.AddressesCounted == 0);
        await world.WaitForLimiterAsync(limiter => limiter.Clients == 0);
    }

    private static async Task GoAsync(RawClient client, string step, string tenant)
    {
        switch (step)
        {
            case "connected":
                return;
            case "half a packet":
                await client.SendAsync(Startup("app", tenant)[..9]);
                return;
            case "TLS asked for":
                await client.RequestSslAsync();
                return;
            case "broken":
                await client.SendAsync([0, 0, 0, 8, 1, 2, 3, 4]);
                return;
            case "logged in" or "in a transaction":
                await client.LoginAsync("app", tenant, ProxyWorld.Password);
                if (step == "in a transaction") await client.SendAsync(Query("BEGIN"));
                return;
        }
        await client.SendAsync(Startup("app", tenant));
        if (step == "start-up sent") return;
        await client.NextAsync();
        var scram = new ScramClient(step == "wrong proof" ? "wrong" : ProxyWorld.Password);
        await client.SendAsync(Make(to => SASLInitialResponse.Write(to, Authentication.ScramSha256, scram.Start())));
        WireMessage challenge = (await client.NextAsync())!;
        if (step == "challenged") return;
        Assert.True(scram.TryAnswer(Authentication.Read(challenge.Body).Data, out byte[]? answer));
        await client.SendAsync(Make(to => SASLResponse.Write(to, answer)));
    }

    /// <summary>Away while it waits for the tenant's first server connection, which never comes.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_client_lost_while_its_login_waits_for_a_server_is_counted_no_more(bool isReset)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => options with { Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromSeconds(1), ServerConnectTimeout = TimeSpan.FromMilliseconds(500) } },
            backend: new ScriptedBackendOptions { Welcome = Welcome.Silence });
        RawClient client = await RawClient.ConnectAsync(world.Port);
        await GoAsync(client, "right proof", "acme");
        await world.WaitForLimiterAsync(limiter => limiter.Clients == 1);
        if (isReset) client.Wire.Reset();
        else client.Dispose();
        await UntilAsync(() => world.Stats.Proxy.Clients == 0 && world.AddressesCounted == 0);
        await world.WaitForLimiterAsync(limiter => limiter.Clients == 0);
    }

    private static async Task<PgError> RefusedAsync(ProxyWorld world, string tenant)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? error = await client.TryLoginAsync("app", tenant, ProxyWorld.Password);
        Assert.NotNull(error);
        return error;
    }

    // The answer is on its way before it is counted: a client may read it first.
    private static async Task UntilCountedAsync(ProxyWorld world, RefusalReason reason, int times)
    {
        await UntilAsync(() => world.Stats.Proxy.Total(reason) >= times);
        Assert.Equal(times, world.Stats.Proxy.Total(reason));
    }

    private static Func<ProxyOptions, ProxyOptions> Limited(Func<LimitsOptions, LimitsOptions> change) => options => options with { Limits = change(options.Limits) };

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (int i = 0; i < 2000; i++)
        {
            if (condition()) return;
            await Task.Delay(10);
        }
        Assert.Fail("it did not come about");
    }
}
