using System.Diagnostics;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// One reactor's part of the rates of a tenant that several serve: what it wants beside what the others do (<see cref="Shares"/>), looked at ten times a second. Each works
/// out its own part from the same numbers, so the parts add up to the whole but for what changes between two looks.
/// </summary>
/// <remarks>Times are Stopwatch ticks.</remarks>
internal sealed class ReactorPart(LeaseCell cell)
{
    private static readonly long Interval = Stopwatch.Frequency / 10;

    // As between proxies (LeaseBook): what was wanted a quarter of a second ago counts a third, and who waits is to be served within that time.
    private const double Memory = 0.25;

    private long _measuredAt;
    private long _dueAt;
    private long _queriesSeen, _connectionsSeen;
    private double _spilledSeen, _offered;
    private int _count = 1;

    /// <summary>Fraction of this proxy's queries a second, above 0 and up to 1.</summary>
    public double Queries { get; private set; } = 1;

    /// <summary>Likewise of connections a second.</summary>
    public double Connections { get; private set; } = 1;

    /// <summary>Statements that the other reactors had no use for, as far as they are for this one. Each is given once.</summary>
    public double TakeOffered()
    {
        double offered = _offered;
        _offered = 0;
        return offered;
    }

    /// <summary>Reactors that the limits are divided between.</summary>
    public int Count => _count;

    /// <summary>Looks anew, when it is time.</summary>
    /// <param name="group">All limiters of the tenant.</param>
    /// <param name="ofProxy">This proxy's fractions of the tenant's limits.</param>
    /// <param name="now">The time.</param>
    /// <returns>True when the parts may have changed.</returns>
    public bool Renew(LimiterGroup group, (double Queries, double Connections) ofProxy, long now)
    {
        int count = Math.Max(1, group.Count);
        if (count == 1)
        {
            if (_count == 1) return false;
            (_count, Queries, Connections) = (1, 1, 1);
            return true;
        }
        if (count == _count && now < _dueAt) return false;
        Measure(now);
        _dueAt = now + Interval;
        bool isSameCount = count == _count;
        _count = count;
        Span<double> queries = count <= 64 ? stackalloc double[count] : new double[count], connections = count <= 64 ? stackalloc double[count] : new double[count];
        int others = 0;
        double own = cell.QueriesRate + (cell.Backlog / Memory), wanted = own, spilled = 0;
        foreach (LeaseCell other in group.Cells)
        {
            if (ReferenceEquals(other, cell) || others == count) continue;
            double kept = Faded(now - other.MeasuredAt);
            wanted += queries[others] = (other.QueriesRate * kept) + (other.Backlog / Memory);
            spilled += other.QueriesSpilled;
            connections[others++] = other.ConnectionsRate * kept;
        }
        Queries = cell.QueriesLimit > 0 ? Shares.Of(cell.QueriesLimit * ofProxy.Queries, own, queries[..others]) : 1;
        Connections = cell.ConnectionsLimit > 0 ? Shares.Of(cell.ConnectionsLimit * ofProxy.Connections, cell.ConnectionsRate, connections[..others]) : 1;
        if (isSameCount && wanted > 0) _offered = Math.Max(0, spilled - _spilledSeen) * own / wanted;
        _spilledSeen = spilled;
        return true;
    }

    private void Measure(long now)
    {
        double seconds = Math.Max(0.01, (double)(now - _measuredAt) / Stopwatch.Frequency), kept = Math.Exp(-seconds / Memory);
        cell.QueriesRate = (cell.QueriesRate * kept) + ((cell.QueriesWanted - _queriesSeen) / seconds * (1 - kept));
        cell.ConnectionsRate = (cell.ConnectionsRate * kept) + ((cell.ConnectionsWanted - _connectionsSeen) / seconds * (1 - kept));
        (_queriesSeen, _connectionsSeen, _measuredAt, cell.MeasuredAt) = (cell.QueriesWanted, cell.ConnectionsWanted, now, now);
    }

    // Whoever is asked for nothing does not measure: what it last said is believed for two intervals, and then fades.
    private static double Faded(long age) => age <= 2 * Interval ? 1 : Math.Exp(-(age - (2 * Interval)) / (Memory * Stopwatch.Frequency));
}
