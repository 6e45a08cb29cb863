using ProxySuite.Proxy.Listening;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>A start-up packet that came before is not taken apart again; what a client is told and may do does not depend on that.</summary>
public sealed class KnownStartupTests
{
    [Fact]
    public async Task Only_who_has_proved_who_it_is_makes_its_packet_known()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        byte[] packet = FrontendBytes.Startup("app", "acme", [new("application_name", "one")]);
        using (RawClient stranger = await RawClient.ConnectAsync(world.Port))
        {
            PgError? refused = await stranger.TryLoginAsync("app", "acme", "wrong", [new("application_name", "one")]);
            Assert.Equal(SqlState.InvalidPassword, refused?.SqlState);
        }
        Assert.False(await IsKnownAsync(world, packet));
        using RawClient client = await world.ConnectAsync(parameters: [new("application_name", "one")]);
        Assert.True(await IsKnownAsync(world, packet));
    }

    [Fact]
    public async Task A_known_packet_still_asks_for_the_password()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        using RawClient stranger = await RawClient.ConnectAsync(world.Port);
        Assert.Equal(SqlState.InvalidPassword, (await stranger.TryLoginAsync("app", "acme", "wrong"))?.SqlState);
    }

    [Fact]
    public async Task Each_client_is_told_what_its_own_packet_says()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(
            connections: 2, backend: new ScriptedBackendOptions { Parameters = new Dictionary<string, string> { ["application_name"] = "", ["session_authorization"] = "t_1" } });
        for (int round = 0; round < 2; round++)
        {
            foreach (string name in (string[])["one", "two"])
            {
                foreach (string tenant in (string[])["acme", "globex"])
                {
                    using RawClient client = await world.ConnectAsync(tenant, parameters: [new("application_name", name)]);
                    Assert.Equal(name, client.Parameters["application_name"]);
                    Assert.Equal("app", client.Parameters["session_authorization"]);
                }
            }
        }
    }

    private static Task<bool> IsKnownAsync(ProxyWorld world, byte[] packet)
        => world.RunOnReactorAsync(() => ((ProxyServer)world.Server).Contexts[0].Startups.Find(packet) is not null);
}
