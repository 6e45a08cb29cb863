using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A tenant that moves or is suspended takes its sessions along, those that wait included.</summary>
public sealed class PoolChangeTests
{
    [Fact]
    public async Task After_a_move_idle_and_waiting_clients_are_served_by_the_new_shard()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        await using ScriptedBackend target = ScriptedBackend.Start();
        using RawClient busy = await world.ConnectAsync();
        using RawClient idle = await world.ConnectAsync();
        using RawClient waiting = await world.ConnectAsync();
        ScriptedConnection old = await world.Backend.NextConnectionAsync();
        await idle.SendAsync(Parse("s", "SELECT 'prepared'"), Sync);
        for (int i = 0; i < 2; i++) await old.NextAsync();
        await old.AnswerAsync(ParseComplete, ReadyForQuery('I'));
        await idle.ReadyAsync();
        await busy.RoundTripAsync(old, "BEGIN", "BEGIN", 'T');
        await waiting.SendAsync(Query("SELECT 'waiting'"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));

        TenantEntry entry = world.Registry["acme"];
        Shard shard = entry.Shard with { Id = new ShardId(2), Name = "two", Primary = [new ShardEndpoint("127.0.0.1", target.Port)] };
        world.Registry.Put(new TenantEntry(entry.Tenant with { Placement = entry.Tenant.Placement with { ShardId = shard.Id, Epoch = 2 } }, shard));

        ScriptedConnection moved = await target.NextConnectionAsync();
        await moved.ExpectAsync("Query \"SELECT 'waiting'\"");
        await moved.AnswerAsync(OneRow("n", "1"));
        await waiting.ReadyAsync();
        // The open transaction ends where it began, and its server with it.
        await busy.RoundTripAsync(old, "COMMIT", "COMMIT");
        await old.ExpectAsync("Terminate");
        old.Close();
        await busy.RoundTripAsync(moved, "SELECT 1");
        await idle.SendAsync(Bind("", "s"), Execute(), Sync);
        Assert.StartsWith("Parse ", (await moved.NextAsync()).ToString(), StringComparison.Ordinal);
        for (int i = 0; i < 3; i++) await moved.NextAsync();
        await moved.AnswerAsync(ParseComplete, BindComplete, DataRow("prepared"), CommandComplete("SELECT 1"), ReadyForQuery('I'));
        Assert.Equal("BindComplete", (await idle.ReadyAsync())[0]);
        await world.WaitForRestAsync();
        Assert.Equal(1, world.ShardPermitsLeased);
    }

    [Fact]
    public async Task A_login_that_waits_while_its_tenant_is_suspended_is_refused()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { Welcome = Welcome.Script });
        Task<RawClient> connecting = world.ConnectAsync();
        ScriptedConnection server = await world.Backend.AcceptAsync(0);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0, Opening: 1, Waiting: 1));
        TenantEntry entry = world.Registry["acme"];
        world.Registry.Put(entry with { Tenant = entry.Tenant with { State = TenantState.Suspended } });
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => connecting);
        Assert.StartsWith("FATAL 28000 this tenant is suspended", refused.Message, StringComparison.Ordinal);
        world.Registry.Put(world.Registry["acme"] with { Tenant = world.Registry["acme"].Tenant with { State = TenantState.Active } });
        connecting = world.ConnectAsync();
        await server.WelcomeAsync();
        using RawClient client = await connecting;
        await client.RoundTripAsync(server, "SELECT 1");
    }

    [Fact]
    public async Task Logins_that_the_registry_cannot_answer_are_counted_for_tenants_that_have_been_here()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        world.Stats.Tenant("ghost", 0);
        world.Registry.IsDown = true;
        foreach (string tenant in (string[])["ghost", "never-seen"])
        {
            using RawClient client = await RawClient.ConnectAsync(world.Port);
            Assert.Equal("57P03", (await client.TryLoginAsync("app", tenant, ProxyWorld.Password))!.SqlState);
        }
        Assert.Equal(1, world.Stats.Tenant("ghost", 0).ErrorsRegistry);
        Assert.Null(world.Stats.Find("never-seen", 0));
    }
}
