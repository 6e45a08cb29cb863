using System.Net.Sockets;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class IdleClockTests
{
    [Theory, EveryTransport]
    public async Task A_deadline_armed_by_what_ends_a_long_sleep_counts_from_then(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        var stillArmed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var timer = new WheelTimer(static _ => { }, null);
        var handler = new TestHandler
        {
            Bytes = (_, bytes) =>
            {
                world.Reactor.Timers.Arm(timer, TimeSpan.FromSeconds(1));
                // The turn that delivered the bytes is over when posted work has run twice.
                world.Reactor.Post(_ => world.Reactor.Post(_ => stillArmed.SetResult(timer.IsArmed), null), null);
                return new Consumed(bytes.Length, true);
            },
        };
        (Socket peer, _) = await world.ConnectAsync(handler);
        using (peer)
        {
            await Task.Delay(1500); // the reactor sleeps longer than the deadline is
            await peer.SendAsync("x"u8.ToArray());
            Assert.True(await stillArmed.Task.WaitAsync(TransportWorld.Patience));
        }
    }
}
