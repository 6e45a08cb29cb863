using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>What a client costs the proxy's memory that logs in and leaves again. Bytes are counted, not time.</summary>
[Collection(nameof(Relay.LargeMessageTests))]
public sealed class LoginAllocationTests
{
    private const int Logins = 100;

    [Fact]
    public async Task A_login_by_password_stays_within_its_budget()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        KeyValuePair<string, string>[] parameters = [new("application_name", "storm"), new("client_encoding", "UTF8")];
        long allocated = await ReactorAllocations.OfAsync(world, Logins, logins => RunAsync(world, parameters, logins));
        Assert.InRange(allocated / Logins, 500, 6500);
    }

    private static async Task RunAsync(ProxyWorld world, KeyValuePair<string, string>[] parameters, int logins)
    {
        for (int i = 0; i < logins; i++)
        {
            using RawClient client = await world.ConnectAsync(parameters: parameters);
            await client.SendAsync(FrontendBytes.Terminate);
            await client.Wire.ReadToEndAsync();
        }
    }
}
