using System.Diagnostics;
using System.Numerics;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>
/// Counts durations in fixed buckets from 100 µs to 5 min. One thread records, any thread reads; a reader may miss what is recorded while it reads,
/// never more.
/// </summary>
public sealed class LatencyHistogram
{
    // Each bound is at least twice the one before, so no power of two's range holds two of them: see IndexOf.
    // 50 ms is there for the promise on p99, 5 s to 300 s for the plans' statement times (A7).
    private static readonly double[] Seconds =
        [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

    private static readonly long[] BoundTicks = Array.ConvertAll(Seconds, seconds => (long)Math.Round(seconds * Stopwatch.Frequency));

    // By leading zeros of a duration: the first bucket that a duration of that length may fall into.
    private static readonly byte[] FirstBucket = MakeFirstBuckets();

    private readonly long[] _counts = new long[BucketCount];
    private long _sumTicks;

    /// <summary>Buckets, the last of which has no upper bound.</summary>
    public static int BucketCount => Seconds.Length + 1;

    /// <summary>Upper bounds in seconds, inclusive, ascending; the last bucket's is not among them.</summary>
    public static ReadOnlySpan<double> UpperBoundsSeconds => Seconds;

    /// <summary>Counts one duration: one table look-up, one comparison, two additions.</summary>
    /// <param name="stopwatchTicks">Length in <see cref="Stopwatch"/> ticks; a negative one, as clocks of two cores may give, counts as 0.</param>
    public void Record(long stopwatchTicks)
    {
        if (stopwatchTicks < 0) stopwatchTicks = 0;
        _counts[IndexOf(stopwatchTicks)]++;
        _sumTicks += stopwatchTicks;
    }

    /// <summary>Sum of all durations in Stopwatch ticks.</summary>
    internal long SumTicks => Volatile.Read(ref _sumTicks);

    /// <summary>Durations counted.</summary>
    internal long Count
    {
        get
        {
            long count = 0;
            for (int bucket = 0; bucket < _counts.Length; bucket++) count += Volatile.Read(ref _counts[bucket]);
            return count;
        }
    }

    /// <summary>The bucket a duration falls into, 0 to <see cref="BucketCount"/> − 1.</summary>
    internal static int IndexOf(long stopwatchTicks)
    {
        int bucket = FirstBucket[BitOperations.LeadingZeroCount((ulong)stopwatchTicks)];
        return bucket < BoundTicks.Length && stopwatchTicks > BoundTicks[bucket] ? bucket + 1 : bucket;
    }

    /// <summary>Adds the counts of all buckets, then the sum in Stopwatch ticks, to <paramref name="totals"/> (<see cref="BucketCount"/> + 1 long).</summary>
    internal void AddTo(Span<long> totals)
    {
        for (int bucket = 0; bucket < _counts.Length; bucket++) totals[bucket] += Volatile.Read(ref _counts[bucket]);
        totals[_counts.Length] += Volatile.Read(ref _sumTicks);
    }

    /// <summary>The median in seconds, as exact as the buckets are: its place within its bucket is taken for even. 0 when nothing was counted.</summary>
    /// <param name="counts">Of each bucket.</param>
    internal static double MedianSeconds(ReadOnlySpan<long> counts)
    {
        long total = 0;
        foreach (long count in counts) total += count;
        long before = 0;
        for (int bucket = 0; bucket < counts.Length; bucket++)
        {
            if (counts[bucket] == 0 || (before + counts[bucket]) * 2 < total)
            {
                before += counts[bucket];
                continue;
            }
            double from = bucket == 0 ? 0 : Seconds[bucket - 1], to = bucket < Seconds.Length ? Seconds[bucket] : from;
            return from + ((to - from) * ((total / 2.0) - before) / counts[bucket]);
        }
        return 0;
    }

    private static byte[] MakeFirstBuckets()
    {
        var first = new byte[65];
        for (int zeros = 0; zeros <= 64; zeros++)
        {
            long shortest = zeros == 64 ? 0 : zeros == 0 ? long.MaxValue : 1L << (63 - zeros);
            int bucket = 0;
            while (bucket < BoundTicks.Length && BoundTicks[bucket] < shortest) bucket++;
            first[zeros] = (byte)bucket;
        }
        return first;
    }
}
