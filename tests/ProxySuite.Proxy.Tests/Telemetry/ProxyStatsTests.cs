using ProxySuite.Proxy.Telemetry;
using Xunit;

namespace ProxySuite.Proxy.Tests.Telemetry;

public sealed class ProxyStatsTests
{
    [Fact]
    public async Task Counts_from_many_threads_are_all_there()
    {
        var stats = new ProxyStats();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int count = 0; count < 10_000; count++)
            {
                stats.ClientOpened();
                stats.Count(CancelResult.Sent);
                stats.Count(RefusalReason.Timeout);
                stats.ClientClosed();
            }
        })));
        Assert.Equal((40_000L, 0L), (stats.Accepted, stats.Clients));
        Assert.Equal((40_000L, 40_000L), (stats.Total(CancelResult.Sent), stats.Total(RefusalReason.Timeout)));
        Assert.Equal((0L, 0L), (stats.Total(CancelResult.Idle), stats.Total(RefusalReason.Protocol)));
    }

    [Fact]
    public void Each_kind_of_event_has_its_own_hundred_of_numbers()
    {
        int[] bases = [.. typeof(EventIds).GetFields().Select(field => (int)field.GetRawConstantValue()!)];
        Assert.Equal(bases.Distinct(), bases);
        Assert.All(bases, number => Assert.Equal(0, number % 100));
    }
}
