using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Benchmarks;

/// <summary>Whether a query of a tenant with limits may start, and that it has ended. A tenant without any is asked nothing.</summary>
public class LimiterBenchmarks
{
    private TenantLimiter _limiter = null!;
    private long _now;

    [GlobalSetup]
    public void Setup()
    {
        var cell = new LeaseCell();
        var group = new LimiterGroup();
        group.Add(cell);
        _limiter = new TenantLimiter(new TenantStats(), new TimerWheel(0), () => _now, new CurrentOptions(new ProxyOptions()), new ProxyStats(), cell, group);
        _limiter.Update(new RateLimits(QueriesPerSecond: 1_000_000, ConcurrentQueries: 100));
    }

    [Benchmark]
    public bool Enter_and_exit()
    {
        _now += Stopwatch.Frequency / 100_000; // 10 us a query: the bucket never runs dry
        if (!_limiter.TryEnter()) return false;
        _limiter.Exit();
        return true;
    }
}
