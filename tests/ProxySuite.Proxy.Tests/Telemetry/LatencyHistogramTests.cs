using System.Diagnostics;
using ProxySuite.Proxy.Telemetry;
using Xunit;

namespace ProxySuite.Proxy.Tests.Telemetry;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Bounds_at_least_double_as_the_bucket_search_assumes()
    {
        double[] bounds = LatencyHistogram.UpperBoundsSeconds.ToArray();
        for (int index = 1; index < bounds.Length; index++) Assert.True(bounds[index] >= 2 * bounds[index - 1], $"{bounds[index]} after {bounds[index - 1]}");
    }

    [Fact]
    public void The_promised_p99_and_the_plans_statement_times_are_bounds()
    {
        foreach (double promise in (double[])[0.05, 5, 30, 60, 300]) Assert.Contains(promise, LatencyHistogram.UpperBoundsSeconds.ToArray());
    }

    [Fact]
    public void Every_duration_falls_into_the_first_bucket_whose_bound_it_does_not_exceed()
    {
        long[] bounds = Array.ConvertAll(LatencyHistogram.UpperBoundsSeconds.ToArray(), seconds => (long)Math.Round(seconds * Stopwatch.Frequency));
        var random = new Random(20261120);
        IEnumerable<long> edges = bounds.SelectMany(bound => (long[])[bound - 1, bound, bound + 1]);
        IEnumerable<long> powers = Enumerable.Range(0, 63).SelectMany(power => (long[])[(1L << power) - 1, 1L << power, (1L << power) + 1]);
        IEnumerable<long> any = Enumerable.Range(0, 100_000).Select(_ => random.NextInt64(1L << random.Next(1, 63)));
        foreach (long ticks in edges.Concat(powers).Concat(any).Append(long.MaxValue))
        {
            int expected = Array.FindIndex(bounds, bound => ticks <= bound);
            Assert.Equal(expected < 0 ? bounds.Length : expected, LatencyHistogram.IndexOf(ticks));
        }
    }

    [Fact]
    public void Count_and_sum_are_those_of_what_was_recorded()
    {
        var histogram = new LatencyHistogram();
        long millisecond = Stopwatch.Frequency / 1000;
        foreach (long milliseconds in (long[])[0, 1, 20, 20, 400_000]) histogram.Record(milliseconds * millisecond);
        var totals = new long[LatencyHistogram.BucketCount + 1];
        histogram.AddTo(totals);
        Assert.Equal(5, totals[..LatencyHistogram.BucketCount].Sum());
        Assert.Equal(400_041 * millisecond, totals[^1]);
        Assert.Equal(1, totals[^2]);
    }

    [Fact]
    public void A_negative_duration_counts_as_none()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        var totals = new long[LatencyHistogram.BucketCount + 1];
        histogram.AddTo(totals);
        Assert.Equal((1, 0), (totals[0], totals[^1]));
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int index = 0; index < 1000; index++) histogram.Record(index * 1000L);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
