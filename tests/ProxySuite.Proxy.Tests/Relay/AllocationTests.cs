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
        long allocated = await ReactorAllocations.OfAsync(world, Queries, times => RunAsync(client.Wire.Socket, request, ready, times));
        // Less than a byte a query: what the pool's own clock costs in that time is not the relay's.
        Assert.InRange(allocated, long.MinValue, Queries - 1);
    }

    [Fact]
    public async Task Two_clients_that_share_a_server_and_a_statement_allocate_nothing_for_a_query()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        foreach (RawClient client in (RawClient[])[one, two])
        {
            await client.SendAsync(Parse("of_" + (client == one ? "one" : "two"), "SELECT $1"), Sync);
            await client.ReadyAsync();
        }
        byte[] ofOne = Join(Bind("", "of_one", "1"), Execute(), Sync), ofTwo = Join(Bind("", "of_two", "1"), Execute(), Sync);
        long allocated = await ReactorAllocations.OfAsync(world, Queries, async times =>
        {
            for (int i = 0; i < times / 2; i++)
            {
                await RunAsync(one.Wire.Socket, ofOne, ready: 1, times: 1);
                await RunAsync(two.Wire.Socket, ofTwo, ready: 1, times: 1);
            }
        });
        Assert.InRange(allocated, long.MinValue, Queries - 1);
    }

    [Fact] // The measurement itself: what is known to allocate shows.
    public async Task A_statement_with_a_name_and_a_text_of_its_own_is_seen_to_allocate()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        using RawClient client = await world.ConnectAsync();
        int number = 0;
        long allocated = await ReactorAllocations.OfAsync(world, Queries, async times =>
        {
            for (int i = 0; i < times; i++) await RunAsync(client.Wire.Socket, Join(Parse($"s{++number}", $"SELECT {number}"), Sync), ready: 1, times: 1);
        });
        Assert.InRange(allocated, 50L * Queries, long.MaxValue);
    }

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
