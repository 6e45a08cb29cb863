using System.Collections.Frozen;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>A login takes as long as its client likes; what the registry says at its end counts, not what it said at the beginning.</summary>
public sealed class SlowLoginTests
{
    [Fact]
    public async Task A_tenant_suspended_meanwhile_is_not_served()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient early = await world.ConnectAsync();
        using RawClient slow = await RawClient.ConnectAsync(world.Port);
        byte[] proof = await BeginAsync(slow, "acme");
        Put(world, tenant => tenant with { State = TenantState.Suspended });
        await early.ReadUntilAsync(BackendMessage.ErrorResponse); // the proxy has heard of it
        Assert.Equal(SqlState.InvalidAuthorizationSpecification, (await FinishAsync(slow, proof))?.SqlState);
    }

    [Fact]
    public async Task A_user_dropped_meanwhile_is_refused_like_a_wrong_password()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient early = await world.ConnectAsync();
        using RawClient slow = await RawClient.ConnectAsync(world.Port);
        byte[] proof = await BeginAsync(slow, "acme");
        Put(world, tenant => tenant with { Users = FrozenDictionary<string, TenantUser>.Empty });
        await WaitForAsync(world, static pool => ((TenantEntry)pool.Source!).Tenant.Users.Count == 0);
        Assert.Equal(SqlState.InvalidPassword, (await FinishAsync(slow, proof))?.SqlState);
    }

    [Fact]
    public async Task A_plan_lowered_meanwhile_is_not_raised_again()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 5);
        using RawClient early = await world.ConnectAsync();
        using RawClient slow = await RawClient.ConnectAsync(world.Port);
        byte[] proof = await BeginAsync(slow, "acme");
        Put(world, tenant => tenant with { Plan = tenant.Plan with { Connections = 2 } });
        await WaitForAsync(world, static pool => pool.Budget.Total == 2);
        Assert.Null(await FinishAsync(slow, proof));
        Assert.Equal(2, await world.OnPoolAsync("acme", static pool => pool.Budget.Total));
    }

    private static void Put(ProxyWorld world, Func<Tenant, Tenant> change)
    {
        TenantEntry entry = world.Registry["acme"];
        world.Registry.Put(entry with { Tenant = change(entry.Tenant) });
    }

    private static async Task WaitForAsync(ProxyWorld world, Func<TenantPool, bool> isSo)
    {
        for (int i = 0; i < 500; i++)
        {
            if (await world.OnPoolAsync("acme", isSo)) return;
            await Task.Delay(10);
        }
        throw new TimeoutException("the pool never heard of the change");
    }

    /// <returns>The proof that is left to be sent.</returns>
    private static async Task<byte[]> BeginAsync(RawClient client, string tenant)
    {
        await client.SendAsync(FrontendBytes.Startup("app", tenant));
        await client.NextAsync();
        var scram = new ScramClient(ProxyWorld.Password);
        await client.SendAsync(FrontendBytes.Make(to => SASLInitialResponse.Write(to, Authentication.ScramSha256, scram.Start())));
        WireMessage challenge = (await client.NextAsync())!;
        Assert.True(scram.TryAnswer(Authentication.Read(challenge.Body).Data, out byte[]? answer));
        return answer;
    }

    private static async Task<PgError?> FinishAsync(RawClient client, byte[] proof)
    {
        await client.SendAsync(FrontendBytes.Make(to => SASLResponse.Write(to, proof)));
        while (await client.NextAsync() is { } message)
        {
            if ((BackendMessage)message.Type == BackendMessage.ErrorResponse) return ErrorResponse.Read(message.Body).ToPgError();
            if ((BackendMessage)message.Type == BackendMessage.ReadyForQuery) return null;
        }
        throw new InvalidOperationException($"the connection ended:\n{client.Transcript}");
    }
}
