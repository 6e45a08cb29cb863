using System.Buffers;
using System.Globalization;
using System.Text;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>
/// Writes Prometheus' text format 0.0.4 into a rented buffer that grows. A family's samples follow its heading and stand together, as the format asks.
/// Labels are handed in encoded (see <see cref="Label"/>), so that a page of many thousand samples encodes each tenant's name once.
/// </summary>
internal sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly byte[][] BucketLabels = MakeBucketLabels();

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
    private int _length;
    private byte[] _name = [];

    /// <summary>What was written so far; valid until the next write or <see cref="Dispose"/>.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    /// <summary>Encodes <c>name="value"</c> with the escapes of the format: backslash, quote and line feed.</summary>
    public static byte[] Label(string name, string value)
        => Encoding.UTF8.GetBytes($"{name}=\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal)}\"");

    /// <summary>Starts a family of counters; samples until the next heading belong to it.</summary>
    /// <param name="name">Full name, ending in <c>_total</c>.</param>
    /// <param name="help">One sentence without line feed or backslash.</param>
    public void Counter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> help) => Heading(name, help, "counter"u8);

    /// <summary>Starts a family of gauges.</summary>
    public void Gauge(ReadOnlySpan<byte> name, ReadOnlySpan<byte> help) => Heading(name, help, "gauge"u8);

    /// <summary>Starts a family of histograms, whose samples are written by <see cref="Histogram"/>.</summary>
    public void HistogramFamily(ReadOnlySpan<byte> name, ReadOnlySpan<byte> help) => Heading(name, help, "histogram"u8);

    /// <summary>One sample of the family. Either label set may be empty.</summary>
    public void Sample(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> moreLabels, long value)
    {
        SampleStart(""u8, labels, moreLabels);
        Number(value);
    }

    /// <summary>One sample of the family. Either label set may be empty.</summary>
    public void Sample(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> moreLabels, double value)
    {
        SampleStart(""u8, labels, moreLabels);
        Number(value);
    }

    /// <summary>The buckets, sum and count of one histogram.</summary>
    /// <param name="labels">Its labels.</param>
    /// <param name="counts">Counts of each bucket by itself, then the sum in Stopwatch ticks, as <see cref="LatencyHistogram.AddTo"/> leaves them.</param>
    public void Histogram(ReadOnlySpan<byte> labels, ReadOnlySpan<long> counts)
    {
        long count = 0;
        for (int bucket = 0; bucket < LatencyHistogram.BucketCount; bucket++)
        {
            count += counts[bucket];
            SampleStart("_bucket"u8, labels, BucketLabels[bucket]);
            Number(count);
        }
        SampleStart("_sum"u8, labels, ""u8);
        Number(counts[LatencyHistogram.BucketCount] / (double)System.Diagnostics.Stopwatch.Frequency);
        SampleStart("_count"u8, labels, ""u8);
        Number(count);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Heading(ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, ReadOnlySpan<byte> type)
    {
        _name = name.ToArray();
        Write("# HELP "u8);
        Write(name);
        Write(" "u8);
        Write(help);
        Write("\n# TYPE "u8);
        Write(name);
        Write(" "u8);
        Write(type);
        Write("\n"u8);
    }

    private void SampleStart(ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> labels, ReadOnlySpan<byte> moreLabels)
    {
        Write(_name);
        Write(suffix);
        if (!labels.IsEmpty || !moreLabels.IsEmpty)
        {
            Write("{"u8);
            Write(labels);
            if (!labels.IsEmpty && !moreLabels.IsEmpty) Write(","u8);
            Write(moreLabels);
            Write("}"u8);
        }
        Write(" "u8);
    }

    private void Number<T>(T value) where T : IUtf8SpanFormattable
    {
        Reserve(32);
        value.TryFormat(_buffer.AsSpan(_length), out int written, default, CultureInfo.InvariantCulture);
        _length += written;
        Write("\n"u8);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - _length >= bytes) return;
        byte[] grown = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + bytes));
        _buffer.AsSpan(0, _length).CopyTo(grown);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
    }

    private static byte[][] MakeBucketLabels()
    {
        var labels = new byte[LatencyHistogram.BucketCount][];
        for (int bucket = 0; bucket < labels.Length - 1; bucket++)
            labels[bucket] = Label("le", LatencyHistogram.UpperBoundsSeconds[bucket].ToString(CultureInfo.InvariantCulture));
        labels[^1] = Label("le", "+Inf");
        return labels;
    }
}
