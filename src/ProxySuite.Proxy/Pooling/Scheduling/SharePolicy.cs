using System.Diagnostics;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Proxy.Pooling.Scheduling;

/// <summary>The numbers that a shard's places are shared by. Times in the unit of whoever keeps the clock; the proxy's is <see cref="Stopwatch"/> ticks.</summary>
/// <param name="Quantum">How long a place serves its tenant before somebody who has had less may be given it.</param>
/// <param name="OpeningsMax">Connections that are opened at a time, from 1.</param>
/// <param name="TimePerOpening">Time between two openings in the long run.</param>
/// <param name="BackoffMin">First pause after a failed opening; it doubles with each further one.</param>
/// <param name="BackoffMax">Longest pause, but for the jitter of a quarter.</param>
internal sealed record SharePolicy(long Quantum, int OpeningsMax, long TimePerOpening, long BackoffMin, long BackoffMax)
{
    /// <summary>For how long openings that were not made are kept as a right to make more at once.</summary>
    public long OpeningBurst { get; init; } = TimePerOpening * 50;

    /// <summary>Shortest and longest time for which an idle place is kept for its tenant, whatever an opening takes.</summary>
    public long LingerMin { get; init; } = Math.Max(1, Quantum / 500);

    /// <inheritdoc cref="LingerMin"/>
    public long LingerMax { get; init; } = Math.Max(1, Quantum / 10);

    /// <summary>As the options say.</summary>
    public static SharePolicy From(PoolOptions options) => new(
        Ticks(options.ShareQuantum), options.OpeningsMax, Stopwatch.Frequency / options.OpeningsPerSecond, Ticks(TimeSpan.FromMilliseconds(50)), Ticks(TimeSpan.FromSeconds(2)))
    {
        OpeningBurst = Stopwatch.Frequency,
    };

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
