using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>On every path free + leased stays the budget, and the queue is served in order.</summary>
public sealed class PermitTests
{
    [Fact]
    public async Task A_server_goes_from_hand_to_hand_in_the_order_of_asking_and_its_permit_with_it()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 20);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        for (int i = 0; i < clients.Length; i++)
        {
            await clients[i].SendAsync(Query($"SELECT {i}"));
            await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: i));
        }
        for (int i = 0; i < clients.Length; i++)
        {
            await server.ExpectAsync($"Query \"SELECT {i}\"");
            await server.AnswerAsync(OneRow("n", $"{i}"));
            Assert.Contains($"DataRow [\"{i}\"]", await clients[i].ReadyAsync());
        }
        Assert.Single(world.Backend.Connections);
        await world.WaitForRestAsync();
        Assert.Equal(1, world.ShardPermitsLeased);
        foreach (RawClient client in clients) client.Dispose();
    }

    [Fact]
    public async Task Whoever_leaves_the_queue_is_passed_over()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 3);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        for (int i = 0; i < 3; i++)
        {
            await clients[i].SendAsync(Query($"SELECT {i}"));
            await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: i));
        }
        clients[1].Wire.Reset();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await server.ExpectAsync("Query \"SELECT 0\"");
        await server.AnswerAsync(OneRow("n", "0"));
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "2"));
        await clients[2].ReadyAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_wait_that_ends_while_servers_are_handed_over_has_one_winner()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            backend: new ScriptedBackendOptions { Respond = Slow(new EchoResponder()) });
        RawClient[] clients = await ManyAsync(world, 8);
        // Only now: a login waits for a server, too.
        world.Options.Swap(world.Options.Value with { Pool = world.Options.Value.Pool with { QueryWaitTimeout = TimeSpan.FromMilliseconds(20) } });
        int served = 0, refused = 0;
        await Task.WhenAll(clients.Select((client, number) => Task.Run(async () =>
        {
            for (int i = 0; i < 40; i++)
            {
                string tag = $"SELECT {number}/{i}";
                await client.SendAsync(Query(tag));
                string[] answer = await client.ReadyAsync();
                if (answer[0].StartsWith("ErrorResponse ERROR 53300", StringComparison.Ordinal)) Interlocked.Increment(ref refused);
                else
                {
                    Assert.Equal($"DataRow [\"{tag}\"]", answer[1]);
                    Interlocked.Increment(ref served);
                }
            }
        })));
        Assert.Equal(320, served + refused);
        Assert.True(served > 0 && refused > 0, $"{served} served, {refused} refused");
        await world.WaitForRestAsync();
        Assert.Equal(1, world.ShardPermitsLeased);
    }

    [Fact]
    public async Task A_full_queue_and_a_long_wait_are_refused_with_53300_and_the_connection_goes_on()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => options with { Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromMilliseconds(300), MaxWaiters = 1 } });
        RawClient[] clients = await ManyAsync(world, 3);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await clients[0].RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await clients[1].SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), Query("SELECT 'skipped'"), Sync);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await clients[2].SendAsync(Query("SELECT 2"));
        await clients[2].ExpectAsync("ErrorResponse ERROR 53300 \"too many queries wait for a server connection: the limit is 1\"", "ReadyForQuery I");
        await clients[1].ExpectAsync("ErrorResponse ERROR 53300 \"no server connection became free within 0.3 s\"", "ReadyForQuery I");
        await clients[0].RoundTripAsync(server, "COMMIT", "COMMIT");
        await clients[1].RoundTripAsync(server, "SELECT 1");
        await clients[2].RoundTripAsync(server, "SELECT 2");
        await world.WaitForRestAsync();
        Assert.Equal((1, 1), await world.OnPoolAsync("acme", pool => ((int)pool.Stats.WaitersRefused, (int)pool.Stats.WaitersTimedOut)));
    }

    [Fact]
    public async Task A_client_that_leaves_in_a_transaction_gives_its_place_back_and_its_server_is_ended()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 2);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await clients[0].RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await clients[1].SendAsync(Query("SELECT 1"));
        clients[0].Wire.Reset();
        await server.ExpectAsync("Terminate");
        server.Close();
        ScriptedConnection fresh = await world.Backend.NextConnectionAsync();
        await clients[1].AnsweredByAsync(fresh);
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_of_a_message_ends_its_server_without_a_word()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 2);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        byte[] query = Query("SELECT '" + new string('x', 500_000) + "'");
        await clients[0].SendAsync(query[..300_000]);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await clients[1].SendAsync(Query("SELECT 1"));
        clients[0].Wire.Reset();
        Assert.Empty(await server.ReadToEndAsync());
        // The backend may still be at work: its place is not given away before it has hung up.
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextConnectionAsync(TimeSpan.FromMilliseconds(100)));
        server.Close();
        await clients[1].AnsweredByAsync(await world.Backend.NextConnectionAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_message_that_is_announced_and_never_comes_takes_no_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 2);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await clients[0].SendAsync([(byte)'Q', 0x3f, 0xff, 0, 0, (byte)'S']);
        await clients[1].RoundTripAsync(server, "SELECT 1");
        Assert.Equal(new PoolCounts(Idle: 1, Linked: 0), await world.PoolAsync());
    }

    [Fact]
    public async Task A_malformed_message_ends_its_client_and_frees_its_server_at_once()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 2);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await clients[0].SendAsync(Parse("", "SELECT 1"), [(byte)'S', 0, 0, 0, 5, 0]);
        Assert.StartsWith("ErrorResponse FATAL 08P01", (await clients[0].Wire.ReadToEndAsync())[^1].ToString(), StringComparison.Ordinal);
        await server.ReadToEndAsync();
        await clients[1].SendAsync(Query("SELECT 1"));
        await clients[1].AnsweredByAsync(await world.Backend.NextConnectionAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_leaves_while_a_large_row_streams_has_its_query_cancelled_and_its_place_freed()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient[] clients = await ManyAsync(world, 2);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await clients[0].SendAsync(Query("SELECT 'large'"));
        await server.NextAsync();
        byte[] row = DataRow(new string('x', 2_000_000));
        await server.AnswerAsync(RowDescription("n"), row[..100_000]);
        await clients[0].ReadUntilAsync(BackendMessage.RowDescription);
        clients[0].Wire.Reset();
        // Asked again while the server goes on: a cancel that comes before its query finds nothing to cancel.
        for (int i = 0; i < 3; i++) Assert.Same(server, world.Backend.FindConnection(await world.Backend.NextCancelAsync()));
        await clients[1].SendAsync(Query("SELECT 1"));
        await server.AnswerAsync(row[100_000..], Error("57014", "canceled"), ReadyForQuery('I'));
        await server.ExpectAsync("Terminate");
        server.Close();
        await clients[1].AnsweredByAsync(await world.Backend.NextConnectionAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_server_that_does_not_hang_up_is_cut_off_after_the_limit()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { CancelTimeout = TimeSpan.FromMilliseconds(100) } });
        RawClient[] clients = await ManyAsync(world, 2);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await clients[0].RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        clients[0].Dispose();
        await clients[1].SendAsync(Query("SELECT 1"));
        await clients[1].AnsweredByAsync(await world.Backend.NextConnectionAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_says_good_bye_behind_a_statement_has_it_carried_out()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient client = (await ManyAsync(world, 1))[0];
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("INSERT INTO t VALUES (1)"), Terminate);
        await server.ExpectAsync("Query \"INSERT INTO t VALUES (1)\"", "Terminate");
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextCancelAsync(TimeSpan.FromMilliseconds(100)));
    }

    private static async Task<RawClient[]> ManyAsync(ProxyWorld world, int count)
    {
        var clients = new RawClient[count];
        for (int i = 0; i < count; i++) clients[i] = await world.ConnectAsync();
        return clients;
    }

    private static Func<ScriptedConnection, WireMessage, byte[]?> Slow(EchoResponder echo) => (connection, message) =>
    {
        if (message.Type == 'Q') Thread.Sleep(Random.Shared.Next(8));
        return echo.Respond(connection, message);
    };
}
