using System.Net.Sockets;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

[Collection(nameof(LargeMessageTests))]
public sealed class AllocationTests
{
    private const int Queries = 1000;

    public static TheoryData<string> Uses => ["simple", "unnamed", "prepared", "pipelined", "limited"];

    [Theory]
    [MemberData(nameof(Uses))]
    public async Task The_relay_allocates_nothing_for_a_query(string use)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        if (use == "limited") world.ChangePlan(plan => plan with { QueriesPerSecond = 1_000_000 });
        using RawClient client = await world.ConnectAsync();
        await client.SendAsync(Parse("s", "SELECT $1"), Sync);
        await client.ReadyAsync();
        (byte[] request, int ready) = use switch
        {
            "simple" or "limited" => (Query("SELECT 1"), 1),
            "unnamed" => (Join(Parse("", "SELECT $1"), Bind("", "", "1"), DescribePortal(""), Execute(), Sync), 1),
            "prepared" => (Join(Bind("", "s", "1"), Execute(), Sync), 1),
            _ => (Join(Query("SELECT 1"), Query("SELECT 2"), Bind("", "s", "1"), Execute(), Sync), 3),
        };
        await RunAsync(client.Wire.Socket, request, ready, 2 * Queries);
        // Asking allocates a little on the reactor's thread itself: what two questions in a row show is taken off.
        long[] asked = new long[3];
        for (int i = 0; i < asked.Length; i++) asked[i] = await ProbeAsync(world);
        long perQuestion = Math.Max(asked[1] - asked[0], asked[2] - asked[1]);
        await RunAsync(client.Wire.Socket, request, ready, Queries);
        long allocated = await ProbeAsync(world) - asked[2];
        // Less than a byte a query: what the pool's own clock costs in that time is not the relay's.
        Assert.InRange(allocated - perQuestion, long.MinValue, Queries - 1);
    }

    private static Task<long> ProbeAsync(ProxyWorld world) => world.RunOnReactorAsync(GC.GetAllocatedBytesForCurrentThread);

    /// <summary>Sends and waits for the answer, so often; ReadyForQuery is told by its six bytes, which the echoed texts do not contain.</summary>
    private static async Task RunAsync(Socket socket, byte[] request, int ready, int times)
    {
        byte[] buffer = new byte[64 * 1024];
        for (int i = 0; i < times; i++)
        {
            await socket.SendAsync(request);
            int length = 0;
            while (Count(buffer.AsSpan(0, length)) < ready) length += await socket.ReceiveAsync(buffer.AsMemory(length));
        }
    }

    private static int Count(ReadOnlySpan<byte> bytes) => bytes.Count("Z\0\0\0\u0005I"u8);
}
