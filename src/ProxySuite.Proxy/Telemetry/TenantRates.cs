namespace ProxySuite.Proxy.Telemetry;

/// <summary>
/// How fast tenants' counters grow. Two samples are kept; a rate is the growth since the older one, so it covers between one and two intervals whenever
/// it is asked for. Any thread.
/// </summary>
/// <param name="registry">Where the counters are.</param>
/// <param name="time">The clock between samples.</param>
internal sealed class TenantRates(StatsRegistry registry, TimeProvider time)
{
    /// <summary>Time between two samples.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private Samples _older = new(time.GetTimestamp(), []);
    private Samples _newer = new(time.GetTimestamp(), []);

    /// <summary>Takes a sample; to be called every <see cref="Interval"/>.</summary>
    public void Sample()
    {
        var tenants = new Dictionary<StatsRegistry.TenantEntry, TenantSample>();
        foreach (StatsRegistry.TenantEntry entry in registry.Tenants()) tenants[entry] = TenantSample.Of(entry);
        lock (_gate)
        {
            _older = _newer;
            _newer = new Samples(time.GetTimestamp(), tenants);
        }
    }

    /// <summary>All tenants' numbers now, with what they grew by since the older sample.</summary>
    /// <param name="seconds">How long ago that was; above 0.</param>
    public IReadOnlyList<(string Tenant, TenantSample Total, TenantSample Growth)> Read(out double seconds)
    {
        Samples before;
        lock (_gate) before = _older;
        seconds = Math.Max(0.001, time.GetElapsedTime(before.At).TotalSeconds);
        var all = new List<(string, TenantSample, TenantSample)>();
        foreach (StatsRegistry.TenantEntry entry in registry.Tenants())
        {
            TenantSample now = TenantSample.Of(entry);
            all.Add((entry.Slug, now, now - before.Tenants.GetValueOrDefault(entry)));
        }
        return all;
    }

    private sealed record Samples(long At, Dictionary<StatsRegistry.TenantEntry, TenantSample> Tenants);
}
