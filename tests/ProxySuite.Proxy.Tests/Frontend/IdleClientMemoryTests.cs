using System.Runtime.InteropServices;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>What a client that is logged in and asks nothing holds of the proxy's memory. Bytes that a collection leaves are counted, so no run differs from another.</summary>
[Collection(nameof(Relay.LargeMessageTests))]
public sealed class IdleClientMemoryTests
{
    private const int Clients = 1000;

    [Fact]
    public async Task An_idle_client_stays_within_its_budget()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        var descriptors = new List<int>(2 * Clients);
        try
        {
            // What is made once, or grows by doubling, is there before.
            await LogInAsync(world, descriptors, Clients / 10);
            long before = Held();
            await LogInAsync(world, descriptors, Clients);
            long held = Held() - before;
            Assert.Equal(descriptors.Count, world.Server.Health.Clients);
            Assert.InRange(held / Clients, 500, 1300);
        }
        finally
        {
            foreach (int descriptor in descriptors) _ = Close(descriptor);
        }
    }

    // To its end: GetTotalMemory(true) is content with a difference of 5 %, which is as much as is looked for.
    private static long Held()
    {
        for (int i = 0; i < 5; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: false);
    }

    // The test's own end of a connection is a number: an object for it would be counted with the proxy's.
    private static async Task LogInAsync(ProxyWorld world, List<int> descriptors, int clients)
    {
        KeyValuePair<string, string>[] parameters = [new("application_name", "crowd"), new("client_encoding", "UTF8")];
        for (int i = 0; i < clients; i++)
        {
            RawClient client = await world.ConnectAsync(parameters: parameters);
            descriptors.Add(Duplicate((int)client.Wire.Socket.Handle));
            client.Wire.Socket.Dispose(); // without the shutdown that ends the connection
        }
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Duplicate(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int descriptor);
}
