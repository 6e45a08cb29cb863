using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class QueueNoticeTests
{
    [Fact]
    public async Task Who_waits_for_long_is_told_once_and_then_served()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Pool = options.Pool with { QueueNoticeAfter = TimeSpan.FromMilliseconds(50) } });
        using RawClient busy = await world.ConnectAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await busy.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await one.SendAsync(Query("SELECT 1"));
        await two.SendAsync(Query("SELECT 2"));
        foreach (RawClient waiting in (RawClient[])[one, two])
        {
            Assert.StartsWith("NoticeResponse NOTICE 00000 \"the query has waited for a server connection for 0.05 s and goes on waiting\"", (await waiting.NextAsync())!.ToString(), StringComparison.Ordinal);
            Assert.True(await waiting.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(150)));
        }
        await busy.RoundTripAsync(server, "COMMIT", "COMMIT");
        foreach (RawClient waiting in (RawClient[])[one, two])
        {
            await server.NextAsync();
            await server.AnswerAsync(OneRow("n", "1"));
            Assert.Equal(4, (await waiting.ReadyAsync()).Length);
        }
    }
}
