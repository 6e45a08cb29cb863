using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Messages;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class CancelTests
{
    [Fact]
    public async Task A_cancel_reaches_the_server_that_works_for_this_client_and_no_other()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        await one.SendAsync(Query("SELECT 'one'"));
        await first.NextAsync();
        await two.SendAsync(Query("SELECT 'two'"));
        await second.NextAsync();
        await two.CancelAsync();
        Assert.Same(second, world.Backend.FindConnection(await world.Backend.NextCancelAsync()));
        await one.CancelAsync();
        Assert.Same(first, world.Backend.FindConnection(await world.Backend.NextCancelAsync()));
    }

    [Fact]
    public async Task A_client_is_given_a_key_that_is_not_the_servers()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        Assert.False(client.ProcessId == server.ProcessId && client.SecretKey.SequenceEqual(server.Key));
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        using RawClient stranger = await RawClient.ConnectAsync(world.Port);
        await stranger.SendAsync(CancelRequest(server.ProcessId, server.Key));
        Assert.Empty(await stranger.Wire.ReadToEndAsync());
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextCancelAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task A_wrong_key_does_nothing_and_is_told_nothing()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        byte[] wrong = [.. client.SecretKey];
        wrong[^1] ^= 1;
        foreach (byte[] key in new[] { wrong, [.. client.SecretKey, 0], client.SecretKey[..^1], new byte[32] })
        {
            if (key.Length < 4) continue;
            using RawClient stranger = await RawClient.ConnectAsync(world.Port);
            await stranger.SendAsync(CancelRequest(client.ProcessId, key));
            Assert.Empty(await stranger.Wire.ReadToEndAsync());
        }
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextCancelAsync(TimeSpan.FromMilliseconds(100)));
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
    }

    [Fact]
    public async Task A_cancel_of_an_idle_client_does_nothing_though_its_last_server_works_for_another()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient idle = await world.ConnectAsync();
        using RawClient busy = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await idle.RoundTripAsync(server, "SELECT 1");
        await busy.SendAsync(Query("SELECT 2"));
        await server.NextAsync();
        await idle.CancelAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextCancelAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task A_cancel_of_a_client_between_two_queries_of_a_transaction_does_nothing()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await client.CancelAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextCancelAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task A_server_under_cancel_serves_nobody_before_the_cancel_is_over()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        (RawClient client, ScriptedConnection server) = await world.FirstAsync();
        using RawClient mine = client;
        using RawClient next = await world.ConnectAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.ExpectAsync("Query \"SELECT 1\"");
        Task cancelling = client.CancelAsync();
        ScriptedConnection cancel = await world.Backend.AcceptAsync(1);
        await cancel.ExpectAsync("CancelRequest *");
        // The query ends by itself while the cancel is on its way.
        await server.AnswerAsync(OneRow("n", "1"));
        await client.ReadyAsync();
        await next.SendAsync(Query("SELECT 2"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0, Waiting: 1));
        Assert.True(await server.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(50)));
        cancel.Close();
        await server.AnswerResetAsync();
        await server.ExpectAsync("Query \"SELECT 2\"");
        await cancelling;
    }

    [Fact]
    public async Task A_cancel_that_never_ends_costs_the_server_and_not_the_pool()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => options with { Pool = options.Pool with { CancelTimeout = TimeSpan.FromMilliseconds(200) } },
            backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        (RawClient client, ScriptedConnection server) = await world.FirstAsync();
        using RawClient mine = client;
        await client.SendAsync(Query("SELECT 1"));
        await server.ExpectAsync("Query \"SELECT 1\"");
        _ = client.CancelAsync();
        ScriptedConnection cancel = await world.Backend.AcceptAsync(1);
        await cancel.ExpectAsync("CancelRequest *");
        await server.AnswerAsync(OneRow("n", "1"));
        await client.ReadyAsync();
        // Nobody answers anything any more.
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_cancel_that_nobody_knows_the_end_of_costs_the_server_when_its_query_is_over()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => options with { Pool = options.Pool with { CancelTimeout = TimeSpan.FromMilliseconds(200) } },
            backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        (RawClient client, ScriptedConnection server) = await world.FirstAsync();
        using RawClient mine = client;
        await client.SendAsync(Query("SELECT 1"));
        await server.ExpectAsync("Query \"SELECT 1\"");
        Task cancelling = client.CancelAsync();
        await (await world.Backend.AcceptAsync(1)).ExpectAsync("CancelRequest *");
        await cancelling;
        // It may still arrive: the answer is this client's, and nobody comes after it on this connection.
        await server.AnswerAsync(OneRow("n", "1"));
        await client.ReadyAsync();
        await server.ExpectAsync("Terminate");
    }

    [Fact]
    public async Task A_query_that_waits_is_canceled_in_the_queue_and_the_others_keep_their_places()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient busy = await world.ConnectAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await busy.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await one.SendAsync(Query("SELECT 1"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await two.SendAsync(Query("SELECT 2"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 2));
        await one.CancelAsync();
        await one.ExpectAsync("ErrorResponse ERROR 57014 \"canceling statement due to user request\"", "ReadyForQuery I");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await Assert.ThrowsAsync<TimeoutException>(() => world.Backend.NextCancelAsync(TimeSpan.FromMilliseconds(50)));
        await busy.RoundTripAsync(server, "COMMIT", "COMMIT");
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "2"));
        await two.ReadyAsync();
        await one.RoundTripAsync(server, "SELECT 3");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_batch_that_waits_is_canceled_up_to_its_sync()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient busy = await world.ConnectAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await busy.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await client.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), FrontendBytes.Sync, Query("SELECT 2"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await client.CancelAsync();
        await client.ExpectAsync("ErrorResponse ERROR 57014 \"canceling statement due to user request\"", "ReadyForQuery I");
        // What came behind the Sync is another query.
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await busy.RoundTripAsync(server, "COMMIT", "COMMIT");
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "2"));
        await client.ReadyAsync();
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(2, 32)]
    public async Task The_key_is_as_long_as_the_protocol_version_allows(int minor, int length)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.LoginAsync("app", "acme", ProxyWorld.Password, version: new ProtocolVersion(0x0003_0000 + minor));
        Assert.Equal(length, client.SecretKey.Length);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        await client.CancelAsync();
        Assert.Same(server, world.Backend.FindConnection(await world.Backend.NextCancelAsync()));
    }
}
