using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>The limit of queries at a time on the wire: a place is taken for a transaction, and given back whatever ends it.</summary>
public sealed class ConcurrentQueriesTests
{
    [Fact]
    public async Task A_transaction_keeps_its_place_and_the_next_one_waits_for_it()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.FromMinutes(1));
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await two.SendAsync(Query("SELECT 2"));
        await world.WaitForLimiterAsync(limiter => limiter is { Running: 1, Waiting: 1 });
        await one.RoundTripAsync(server, "SELECT 1", status: 'T');
        Assert.True(await two.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(100)));
        await one.RoundTripAsync(server, "COMMIT", "COMMIT");
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await two.ReadyAsync()).Length);
        Assert.Equal((0, 0), await world.OnLimiterAsync(limiter => (limiter.Running, limiter.Waiting)));
    }

    [Fact]
    public async Task Beyond_it_a_query_is_refused_and_a_pipeline_of_one_client_is_one()
    {
        await using ProxyWorld world = await StartAsync(TimeSpan.Zero);
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.SendAsync(Join(Query("SELECT 1"), Query("SELECT 2"), Query("SELECT 3")));
        await server.ExpectAsync("Query \"SELECT 1\"", "Query \"SELECT 2\"", "Query \"SELECT 3\"");
        await two.SendAsync(Query("SELECT 4"));
        await two.ExpectAsync("ErrorResponse ERROR 53400 \"limit of 1 queries at a time exceeded\"", "ReadyForQuery I");
        for (int i = 0; i < 3; i++) await server.AnswerAsync(OneRow("n", "1"));
        for (int i = 0; i < 3; i++) Assert.Equal(4, (await one.ReadyAsync()).Length);
        await two.RoundTripAsync(server, "SELECT 5");
        Assert.Equal(0, await world.OnLimiterAsync(limiter => limiter.Running));
    }

    public static TheoryData<string> Ends => ["client closed", "client reset", "client said good-bye", "server lost", "ended by an operator", "cancelled in the queue", "queue full"];

    [Theory, MemberData(nameof(Ends))]
    public async Task Whatever_ends_a_transaction_gives_its_place_back(string end)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 1, configure: options => options with
        {
            Limits = options.Limits with { MaxRateDelay = TimeSpan.FromMinutes(1) },
        });
        world.ChangePlan(plan => plan with { ConcurrentQueries = 2 });
        using RawClient client = await world.ConnectAsync();
        using RawClient holder = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        if (end is "cancelled in the queue" or "queue full")
        {
            await holder.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
            if (end == "queue full") world.Options.Swap(world.Options.Value with { Pool = world.Options.Value.Pool with { MaxWaiters = 0 } });
            await client.SendAsync(Query("SELECT 1"));
            if (end == "queue full") await client.ExpectAsync("ErrorResponse ERROR 53300 \"too many queries wait for a server connection: the limit is 0\"", "ReadyForQuery I");
            else
            {
                await world.WaitForLimiterAsync(limiter => limiter.Running == 2);
                await client.CancelAsync();
                await client.ExpectAsync("ErrorResponse ERROR 57014 \"canceling statement due to user request\"", "ReadyForQuery I");
            }
            await world.WaitForLimiterAsync(limiter => limiter.Running == 1);
            await holder.RoundTripAsync(server, "COMMIT", "COMMIT");
            await world.WaitForLimiterAsync(limiter => limiter.Running == 0);
            return;
        }
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        Assert.Equal(1, await world.OnLimiterAsync(limiter => limiter.Running));
        switch (end)
        {
            case "client closed":
                client.Dispose();
                break;
            case "client reset":
                client.Wire.Reset();
                break;
            case "client said good-bye":
                await client.SendAsync(Terminate);
                break;
            case "server lost":
                server.Close();
                break;
            default:
                await world.EndSessionsAsync();
                break;
        }
        await world.WaitForLimiterAsync(limiter => limiter is { Running: 0, Waiting: 0 });
    }

    private static async Task<ProxyWorld> StartAsync(TimeSpan maxDelay)
    {
        ProxyWorld world = await ProxyWorld.StartAsync(connections: 2, configure: options => options with { Limits = options.Limits with { MaxRateDelay = maxDelay } });
        world.ChangePlan(plan => plan with { ConcurrentQueries = 1 });
        return world;
    }
}
