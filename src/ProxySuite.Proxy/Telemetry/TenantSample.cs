using System.Diagnostics;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>A tenant's numbers at one moment, summed over reactors: what the console shows. Any thread may take one.</summary>
/// <param name="Queries">Requests answered.</param>
/// <param name="Transactions">Transactions finished.</param>
/// <param name="Errors">Of all sides.</param>
/// <param name="BytesIn">From clients.</param>
/// <param name="BytesOut">To clients.</param>
/// <param name="QueryTicks">Sum of the times of queries, in Stopwatch ticks.</param>
/// <param name="WaitTicks">Sum of the waits for servers, in Stopwatch ticks.</param>
/// <param name="LentTicks">Sum of the times that servers were lent, in Stopwatch ticks.</param>
/// <param name="Checkouts">Times that a query was given a server after a wait.</param>
/// <param name="Delayed">Queries that the rate limit delayed.</param>
/// <param name="Refused">Queries that the rate limit refused.</param>
internal readonly record struct TenantSample(
    long Queries, long Transactions, long Errors, long BytesIn, long BytesOut, long QueryTicks, long WaitTicks, long LentTicks, long Checkouts, long Delayed, long Refused)
{
    /// <summary>The numbers now.</summary>
    public static TenantSample Of(StatsRegistry.TenantEntry entry)
    {
        TenantSample sum = default;
        foreach (TenantStats? stats in Volatile.Read(ref entry.Reactors))
        {
            if (stats is not null) sum += Of(stats);
        }
        return sum;
    }

    public static TenantSample operator +(TenantSample left, TenantSample right) => new(
        left.Queries + right.Queries, left.Transactions + right.Transactions, left.Errors + right.Errors, left.BytesIn + right.BytesIn, left.BytesOut + right.BytesOut,
        left.QueryTicks + right.QueryTicks, left.WaitTicks + right.WaitTicks, left.LentTicks + right.LentTicks, left.Checkouts + right.Checkouts, left.Delayed + right.Delayed,
        left.Refused + right.Refused);

    public static TenantSample operator -(TenantSample left, TenantSample right) => new(
        left.Queries - right.Queries, left.Transactions - right.Transactions, left.Errors - right.Errors, left.BytesIn - right.BytesIn, left.BytesOut - right.BytesOut,
        left.QueryTicks - right.QueryTicks, left.WaitTicks - right.WaitTicks, left.LentTicks - right.LentTicks, left.Checkouts - right.Checkouts, left.Delayed - right.Delayed,
        left.Refused - right.Refused);

    /// <summary>Ticks as seconds.</summary>
    public static double Seconds(long ticks) => ticks / (double)Stopwatch.Frequency;

    /// <summary>Ticks as microseconds.</summary>
    public static long Microseconds(long ticks) => (long)(ticks * (1_000_000.0 / Stopwatch.Frequency));

    private static TenantSample Of(TenantStats stats) => new(
        Volatile.Read(ref stats.Queries), Volatile.Read(ref stats.Transactions),
        Volatile.Read(ref stats.ErrorsClient) + Volatile.Read(ref stats.ErrorsServer) + Volatile.Read(ref stats.ErrorsProxy) + Volatile.Read(ref stats.ErrorsRegistry),
        Volatile.Read(ref stats.BytesIn), Volatile.Read(ref stats.BytesOut), stats.QueryTime.SumTicks, stats.WaitTime.SumTicks, Volatile.Read(ref stats.LentTicks),
        stats.WaitTime.Count, Volatile.Read(ref stats.RateDelayed), Volatile.Read(ref stats.RateRefused));
}
