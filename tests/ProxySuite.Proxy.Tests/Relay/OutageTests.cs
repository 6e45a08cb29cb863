using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class OutageTests
{
    [Fact]
    public async Task A_shard_that_refuses_connections_is_answered_with_57P03()
    {
        var shard = new Shard { Id = new ShardId(1), Name = "gone", Primary = [new ShardEndpoint("127.0.0.1", FreePort.Next())], Database = "app" };
        await using ProxyWorld world = await ProxyWorld.OnServerAsync(shard, Impatient);
        world.AddTenant("acme", 1);
        await AssertUnavailableAsync(world);
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_frozen_server_is_answered_with_57P03()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Impatient, backend: new ScriptedBackendOptions { Welcome = Welcome.Silence });
        await AssertUnavailableAsync(world);
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_login_that_is_refused_as_such_is_not_tried_again_for_those_who_wait()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { PasswordOf = _ => "another" });
        await AssertUnavailableAsync(world);
        Assert.Single(world.Backend.Connections);
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_server_that_breaks_off_the_exchange_has_not_shown_that_it_is_the_one()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        Task refused = AssertUnavailableAsync(world);
        ScriptedConnection server = await world.Backend.AcceptAsync(0);
        await server.NextAsync();
        await server.AnswerAsync(Make(to => Authentication.WriteSASL(to, withChannelBinding: false)));
        Assert.Equal('p', (await server.NextAsync()).Type);
        await server.AnswerAsync(Make(Authentication.WriteOk), BackendKeyData(1, [1, 2, 3, 4]), ReadyForQuery('I'));
        await refused;
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_server_that_comes_back_serves_those_who_still_wait()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        Task<RawClient> connecting = world.ConnectAsync();
        (await world.Backend.AcceptAsync(0)).Wire.Reset();
        ScriptedConnection starting = await world.Backend.AcceptAsync(1);
        await starting.NextAsync();
        await starting.AnswerAsync(Error("57P03", "the database system is starting up", "FATAL"));
        starting.Close();
        ScriptedConnection server = await world.Backend.AcceptAsync(2);
        await server.WelcomeAsync();
        using RawClient client = await connecting;
        await client.RoundTripAsync(server, "SELECT 1");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_query_of_a_client_that_is_in_is_refused_with_57P03_and_the_next_one_is_served()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            configure: options => options with { Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromMilliseconds(400) } },
            backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        (RawClient client, ScriptedConnection first) = await world.FirstAsync();
        using RawClient mine = client;
        await client.RoundTripAsync(first, "SELECT 1");
        first.Close();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await client.SendAsync(Query("SELECT 2"));
        using var stop = new CancellationTokenSource();
        Task refusing = RefuseAsync(world.Backend, from: 1, stop.Token);
        await client.ExpectAsync("ErrorResponse ERROR 57P03 \"the tenant's database server is not available now\"", "ReadyForQuery I");
        await stop.CancelAsync();
        int next = await RefusedAsync(refusing, world.Backend);
        Task welcoming = WelcomeAndAnswerAsync(world.Backend, next);
        string[] answer;
        do
        {
            // The pool knocks again after its back-off, which may be longer than one query waits.
            await client.SendAsync(Query("SELECT 3"));
            answer = await client.ReadyAsync();
        }
        while (answer.Length == 2);
        Assert.Contains("DataRow [\"3\"]", answer);
        await welcoming;
        await world.WaitForRestAsync();
    }

    private static async Task WelcomeAndAnswerAsync(ScriptedBackend backend, int number)
    {
        ScriptedConnection back = await backend.AcceptAsync(number);
        await back.WelcomeAsync();
        await back.ExpectAsync("Query \"SELECT 3\"");
        await back.AnswerAsync(OneRow("n", "3"));
    }

    private static async Task<int> RefusedAsync(Task refusing, ScriptedBackend backend)
    {
        await refusing;
        return backend.Connections.Count;
    }

    private static async Task RefuseAsync(ScriptedBackend backend, int from, CancellationToken stop)
    {
        int number = from;
        while (!stop.IsCancellationRequested)
        {
            if (backend.Connections.Count > number) backend.Connections[number++].Wire.Reset();
            else await Task.Delay(5, CancellationToken.None);
        }
        while (backend.Connections.Count > number) backend.Connections[number++].Wire.Reset();
    }

    private static ProxyOptions Impatient(ProxyOptions options)
        => options with { Pool = options.Pool with { QueryWaitTimeout = TimeSpan.FromMilliseconds(500), ServerConnectTimeout = TimeSpan.FromMilliseconds(150) } };

    private static async Task AssertUnavailableAsync(ProxyWorld world)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? error = await client.TryLoginAsync("app", "acme", ProxyWorld.Password);
        Assert.Equal((SqlState.CannotConnectNow, "FATAL"), (error?.SqlState, error?.Severity));
    }
}
