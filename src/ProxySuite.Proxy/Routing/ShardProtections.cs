using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Pooling.Scheduling;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Routing;

/// <summary>Looks at all shards once a second and has those that suffer get fewer connections, while <c>Limits:AdaptiveProtection</c> is on.</summary>
internal sealed class ShardProtections(ShardBudgets shards, StatsRegistry stats, CurrentOptions options, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, Watched> _watched = [];

    /// <summary>Runs until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stop)) Look();
    }

    /// <summary>One look at all shards.</summary>
    public void Look()
    {
        LimitsOptions limits = options.Value.Limits;
        foreach ((_, ShardBudget budget) in shards.All)
        {
            if (!_watched.TryGetValue(budget.Name, out Watched? watched)) _watched.Add(budget.Name, watched = new Watched());
            if (!limits.AdaptiveProtection)
            {
                if (watched.Protection.Limit is not null) logger.ProtectionEnded(budget.Name, budget.Total);
                watched.Protection.Clear();
                budget.Protect(null);
                watched.Sample(stats.ShardAnswers(budget.Name), budget.TakeMostLeased());
                continue;
            }
            // Guaranteed connections are nine tenths of what there is at most: the scheduler keeps the rest for all.
            int guaranteed = budget.Guaranteed, forThem = guaranteed == 0 ? 1 : guaranteed + 1 + (guaranteed / 9);
            int least = Math.Min(budget.Total, Math.Max((int)Math.Ceiling(budget.Total * limits.AdaptiveProtectionMin / 100.0), forThem));
            ShardSample sample = watched.Sample(stats.ShardAnswers(budget.Name), budget.TakeMostLeased());
            int? before = watched.Protection.Limit;
            int? now = watched.Protection.Next(sample, new ProtectionBounds(budget.Total, least, limits.AdaptiveProtectionLatency / 100.0));
            if (now == before) continue;
            budget.Protect(now);
            if (now is null) logger.ProtectionEnded(budget.Name, budget.Total);
            else if (now < (before ?? budget.Total)) logger.ProtectionReduced(budget.Name, now.Value, budget.Total, sample.Median * 1000, watched.Protection.Usual * 1000, sample.Faults);
            else logger.ProtectionRestored(budget.Name, now.Value, budget.Total);
        }
    }

    /// <summary>A shard, and the counts at the last look.</summary>
    private sealed class Watched
    {
        private long[] _before = new long[LatencyHistogram.BucketCount + 1];
        private long _faultsBefore;

        public ShardProtection Protection { get; } = new();

        public ShardSample Sample((long[] Times, long Faults) counts, int used)
        {
            var times = new long[LatencyHistogram.BucketCount];
            long answers = 0;
            for (int i = 0; i < times.Length; i++) answers += times[i] = counts.Times[i] - _before[i];
            var sample = new ShardSample(answers, LatencyHistogram.MedianSeconds(times), counts.Faults - _faultsBefore, used);
            (_before, _faultsBefore) = counts;
            return sample;
        }
    }
}

/// <summary>What the protection of shards says.</summary>
internal static partial class ProtectionLog
{
    [LoggerMessage(EventIds.Routing + 20, LogLevel.Warning,
        "shard is protected: shard={Shard} connections={Limit} of {Cap}, median {MedianMs:F1} ms, usually {UsualMs:F1} ms, {Faults} connections failed in the last second")]
    public static partial void ProtectionReduced(this ILogger logger, string shard, int limit, int cap, double medianMs, double usualMs, long faults);

    [LoggerMessage(EventIds.Routing + 21, LogLevel.Information, "shard recovers: shard={Shard} connections={Limit} of {Cap}")]
    public static partial void ProtectionRestored(this ILogger logger, string shard, int limit, int cap);

    [LoggerMessage(EventIds.Routing + 22, LogLevel.Information, "shard is no longer protected: shard={Shard} connections={Cap}")]
    public static partial void ProtectionEnded(this ILogger logger, string shard, int cap);
}
