using System.Globalization;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What a client is told at each limit on clients and queues, in front of a real server: code, words, the name of the limit in the hint, and what becomes of its connection (docs/limits.md).</summary>
[Trait("Category", "Server")]
public sealed class LimitAnswerTests
{
    [Fact]
    public async Task Clients_of_the_proxy()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1, options => options with { Limits = options.Limits with { MaxClients = 2 } });
        await IsRefusedAtLoginAsync(world, "too many client connections: the limit is 2", "Limits:MaxClients");
    }

    [Fact]
    public async Task Clients_of_an_address()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1, options => options with { Limits = options.Limits with { MaxClientsPerAddress = 2 } });
        await IsRefusedAtLoginAsync(world, "too many client connections from this address: the limit is 2", "Limits:MaxClientsPerAddress");
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Clients_of_a_tenant(bool isOfPlan)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(
            18, connections: 1, options => options with { Limits = options.Limits with { MaxClientsPerTenant = isOfPlan ? 50 : 2 } });
        if (isOfPlan) world.Proxy.ChangePlan(plan => plan with { ClientsMax = 2 });
        await IsRefusedAtLoginAsync(world, "too many client connections of this tenant: the limit is 2", isOfPlan ? "clients-max" : "Limits:MaxClientsPerTenant");
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task Queries_that_wait_for_a_server(int version)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(
            version, connections: 1, options => options with { Pool = options.Pool with { MaxWaiters = 1, QueryWaitTimeout = TimeSpan.FromSeconds(1), QueueNoticeAfter = TimeSpan.FromMilliseconds(200) } });
        using RawClient busy = await world.Proxy.ConnectAsync();
        using RawClient waits = await world.Proxy.ConnectAsync();
        using RawClient late = await world.Proxy.ConnectAsync();
        await busy.QueryAsync("BEGIN");
        await waits.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), FrontendBytes.Sync);
        await world.Proxy.WaitForPoolAsync(new(Idle: 0, Linked: 1, Waiting: 1));
        PgError full = Error((await late.QueryAsync("SELECT 2"))[0]);
        Assert.Equal(("ERROR", SqlState.TooManyConnections, "too many queries wait for a server connection: the limit is 1"), (full.Severity, full.SqlState, full.Message));
        Assert.Contains("Pool:MaxWaiters", full.Hint, StringComparison.Ordinal);
        string[] answer = await waits.ReadyAsync();
        Assert.Equal(3, answer.Length);
        Assert.StartsWith("NoticeResponse NOTICE 00000 \"the query has waited for a server connection for 0.2 s and goes on waiting\"", answer[0], StringComparison.Ordinal);
        Assert.Contains("Pool:QueueNoticeAfter", answer[0], StringComparison.Ordinal);
        Assert.StartsWith("ErrorResponse ERROR 53300 \"no server connection became free within 1 s\"", answer[1], StringComparison.Ordinal);
        Assert.Contains("All 1 connections of the tenant's plan are busy. Shorten transactions, or move to a plan with more connections (Pool:QueryWaitTimeout).", answer[1], StringComparison.Ordinal);
        await busy.QueryAsync("COMMIT");
        foreach (RawClient client in (RawClient[])[waits, late]) Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
        await world.Proxy.WaitForRestAsync();
    }

    [Fact]
    public async Task Queries_that_a_limit_of_the_plan_holds_back_for_long()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 2, options => options with
        {
            Limits = options.Limits with { MaxRateDelay = TimeSpan.FromSeconds(1) }, Pool = options.Pool with { QueueNoticeAfter = TimeSpan.FromMilliseconds(200) },
        });
        world.Proxy.ChangePlan(plan => plan with { ConcurrentQueries = 1 });
        using RawClient busy = await world.Proxy.ConnectAsync();
        using RawClient waits = await world.Proxy.ConnectAsync();
        await busy.QueryAsync("BEGIN");
        string[] answer = [.. (await waits.QueryAsync("SELECT 1")).Select(message => message.ToString())];
        Assert.Equal(3, answer.Length);
        Assert.StartsWith("NoticeResponse NOTICE 00000 \"the query has waited for 0.2 s because of a limit of the tenant's plan and goes on waiting\"", answer[0], StringComparison.Ordinal);
        Assert.Contains("Pool:QueueNoticeAfter", answer[0], StringComparison.Ordinal);
        Assert.StartsWith("ErrorResponse ERROR 53400 \"limit of 1 queries at a time exceeded\"", answer[1], StringComparison.Ordinal);
        Assert.Contains("concurrent-queries", answer[1], StringComparison.Ordinal);
        await busy.QueryAsync("COMMIT");
        Assert.Equal("1", await waits.ScalarAsync("SELECT 1"));
    }

    /// <summary>Two are let in and served; the third is told and its connection ends; once one has left there is room.</summary>
    private static async Task IsRefusedAtLoginAsync(PostgresWorld world, string message, string limit)
    {
        using RawClient one = await world.Proxy.ConnectAsync();
        using (RawClient two = await world.Proxy.ConnectAsync())
        {
            Assert.Equal("2", await two.ScalarAsync("SELECT 2"));
            using RawClient refused = await RawClient.ConnectAsync(world.Proxy.Port);
            PgError error = (await refused.TryLoginAsync("app", "acme", ProxyWorld.Password))!;
            Assert.Equal(("FATAL", SqlState.TooManyConnections, message), (error.Severity, error.SqlState, error.Message));
            Assert.Contains(limit, error.Hint, StringComparison.Ordinal);
            Assert.Null(await refused.NextAsync());
        }
        PgError? last = null;
        for (int i = 0; i < 1000; i++)
        {
            using RawClient next = await RawClient.ConnectAsync(world.Proxy.Port);
            last = await next.TryLoginAsync("app", "acme", ProxyWorld.Password);
            if (last is null)
            {
                Assert.Equal("3", await next.ScalarAsync("SELECT 3"));
                Assert.Equal("1", await one.ScalarAsync("SELECT 1"));
                return;
            }
            await Task.Delay(10);
        }
        Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"no room after one has left: {last}"));
    }

    private static PgError Error(WireMessage message)
    {
        Assert.True(message.Type == (char)BackendMessage.ErrorResponse, message.ToString());
        return ErrorResponse.Read(message.Body).ToPgError();
    }
}
