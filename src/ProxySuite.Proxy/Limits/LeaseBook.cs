using System.Diagnostics;
using System.Globalization;
using ProxySuite.Tenancy.Cache;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// What the exchange knows of one tenant: what is wanted here, on all reactors that serve it, what the other proxies said, and the lease that follows from it. Pure: its
/// caller has the clock.
/// </summary>
/// <remarks>Times are Stopwatch ticks.</remarks>
internal sealed class LeaseBook
{
    /// <summary>How long a lease, and another proxy's word, are good for.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Seldom = TimeSpan.FromSeconds(1);

    // What was wanted a quarter of a second ago counts a third of what is wanted now.
    private static readonly double Memory = 0.25;

    // Who waits is to be served within this time.
    private const double BacklogSeconds = 0.25;

    private readonly Dictionary<string, Other> _others = new(StringComparer.Ordinal);
    private long _measuredAt, _takenAt;
    private long _dueAt;
    private long _activeAt;
    private long _queries, _connections, _delivered;
    private double _queriesWanted, _connectionsWanted, _queriesHanded, _toHand;
    private bool _isStarted;
    private LeaseCell[] _cells = [];
    private LeaseSum _apart; // what cells had counted when they left, less what they had when they came

    /// <summary>Adds a reactor's cell, whose counts are told and which is given leases. Not beside the other calls.</summary>
    public void Add(LeaseCell cell)
    {
        if (_cells.Contains(cell)) return;
        _cells = [.. _cells, cell];
        // A cell counts for as long as its tenant is there; what it counted before is not this book's, or has been told of.
        SetApart(cell, -1);
    }

    /// <summary>Takes one out.</summary>
    /// <returns>True when none is left.</returns>
    public bool Remove(LeaseCell cell)
    {
        if (!_cells.Contains(cell)) return _cells.Length == 0;
        _cells = [.. _cells.Where(other => !ReferenceEquals(other, cell))];
        SetApart(cell, +1);
        return _cells.Length == 0;
    }

    /// <summary>Looks what is wanted here.</summary>
    /// <param name="line">What to tell the others.</param>
    /// <param name="queries">Statements let through that no post has told of.</param>
    /// <returns>False when there is nothing to say now.</returns>
    public bool TryMeasure(long now, out string line, out long queries)
    {
        (line, queries) = ("", 0);
        LeaseSum cell = Sum();
        if (!_isStarted) (_isStarted, _measuredAt, _activeAt) = (true, now - Ticks(Often), now);
        bool isActive = cell.QueriesWanted != _queries || cell.ConnectionsWanted != _connections || cell.Backlog > 0;
        if (isActive) _activeAt = now;
        // Nobody here has asked for anything for a while: the others forget this proxy.
        else if (now - _activeAt > Ticks(Lifetime)) return false;
        double seconds = (double)(now - _measuredAt) / Stopwatch.Frequency;
        if (seconds <= 0 || (now < _dueAt && !IsRising(cell, seconds))) return false;
        double kept = Math.Exp(-seconds / Memory);
        _queriesWanted = Fade(_queriesWanted, cell.QueriesWanted - _queries, seconds, kept);
        _connectionsWanted = Fade(_connectionsWanted, cell.ConnectionsWanted - _connections, seconds, kept);
        (_queries, _connections, _measuredAt) = (cell.QueriesWanted, cell.ConnectionsWanted, now);
        bool isBusy = _queriesWanted > cell.QueriesLimit * 0.1 || _connectionsWanted > cell.ConnectionsLimit * 0.1 || cell.Backlog > 0;
        _dueAt = now + Ticks(isBusy ? Often : Seldom) - Ticks(TimeSpan.FromMilliseconds(10));
        line = Own(cell).ToString();
        queries = cell.QueriesAdmitted - _delivered;
        return true;
    }

    /// <summary>The post was delivered, and this is what the others said: renews the lease.</summary>
    public void Take(IReadOnlyList<RateNote> notes, long delivered, long now)
    {
        _delivered += delivered;
        foreach (RateNote note in notes)
        {
            if (!Line.TryParse(note.Line, out Line said)) continue;
            // What a proxy once said holds for its time, though the board may have lost it.
            long until = now + Ticks(Lifetime) - Ticks(note.Age);
            if (until <= now) continue;
            // What it had no use for before it was known is gone.
            if (!_others.TryGetValue(note.Proxy, out Other? other)) _others[note.Proxy] = other = new Other { Taken = said.Unused };
            (other.Line, other.Until) = (said, until);
        }
        foreach ((string proxy, Other other) in _others)
            if (other.Until <= now) _others.Remove(proxy);
        Line[] others = [.. _others.Values.Select(static other => other.Line)];
        LeaseSum cell = Sum();
        Line own = Own(cell);
        double handed = Handed(cell.QueriesLimit, own, now);
        var lease = new Lease(
            cell.QueriesLimit > 0 ? Shares.Of(cell.QueriesLimit, own.Queries, Array.ConvertAll(others, static other => other.Queries)) : 1,
            cell.ConnectionsLimit > 0 ? Shares.Of(cell.ConnectionsLimit, own.Connections, Array.ConvertAll(others, static other => other.Connections)) : 1,
            others.Sum(static other => other.Milliseconds), others.Sum(static other => other.Bytes), _queriesHanded += handed, others.Length + 1, now + Ticks(Lifetime));
        foreach (LeaseCell each in _cells) each.Lease = lease;
    }

    /// <summary>
    /// What is for this proxy of what others had no use for: it goes to the rest of them by what they want. Without it a part that is larger than what is asked of it, for
    /// its headroom or because the load has just left, would be lost to the limit.
    /// </summary>
    private double Handed(long limit, in Line own, long now)
    {
        // Whatever a board says, no more is handed on than the limit brings.
        _toHand = Math.Min(limit, _toHand + (limit * Math.Max(0, (double)(now - _takenAt) / Stopwatch.Frequency)));
        _takenAt = now;
        double wanted = own.Queries, handed = 0;
        foreach (Other other in _others.Values) wanted += other.Line.Queries;
        foreach (Other other in _others.Values)
        {
            double left = Math.Min(other.Line.Unused - other.Taken, _toHand);
            // Less than before: a reactor over there took some after all. That is made up for before anything more is handed on.
            if (left <= 0) continue;
            other.Taken = other.Line.Unused;
            _toHand -= left;
            // Of numbers of very different size the difference may be too small.
            if (own.Queries > 0) handed += left * Math.Min(1, own.Queries / Math.Max(own.Queries, wanted - other.Line.Queries));
        }
        return handed;
    }

    private Line Own(in LeaseSum cell) => new(_queriesWanted + (cell.Backlog / BacklogSeconds), _connectionsWanted, cell.Milliseconds, cell.Bytes, Math.Max(0, cell.QueriesUnused));

    private void SetApart(LeaseCell cell, int sign) => _apart = _apart with
    {
        QueriesWanted = _apart.QueriesWanted + (sign * cell.QueriesWanted),
        QueriesAdmitted = _apart.QueriesAdmitted + (sign * cell.QueriesAdmitted),
        QueriesUnused = _apart.QueriesUnused + (sign * (cell.QueriesSpilled - cell.QueriesTaken)),
        ConnectionsWanted = _apart.ConnectionsWanted + (sign * cell.ConnectionsWanted),
    };

    private LeaseSum Sum()
    {
        LeaseSum sum = LeaseSum.Of(_cells);
        return sum with
        {
            QueriesWanted = sum.QueriesWanted + _apart.QueriesWanted,
            QueriesAdmitted = sum.QueriesAdmitted + _apart.QueriesAdmitted,
            QueriesUnused = sum.QueriesUnused + _apart.QueriesUnused,
            ConnectionsWanted = sum.ConnectionsWanted + _apart.ConnectionsWanted,
        };
    }

    // From a standstill to a rush: worth an exchange before its time.
    private bool IsRising(in LeaseSum cell, double seconds)
        => seconds >= Often.TotalSeconds * 0.9
        && (cell.Backlog > 0 || cell.QueriesWanted - _queries > cell.QueriesLimit * 0.1 * seconds || cell.ConnectionsWanted - _connections > cell.ConnectionsLimit * 0.1 * seconds);

    private static double Fade(double before, long asked, double seconds, double kept) => (before * kept) + (asked / seconds * (1 - kept));

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Another proxy: what it said last, how long that holds, and how much of what it had no use for has been shared out.</summary>
    private sealed class Other
    {
        public Line Line { get; set; }

        public long Until { get; set; }

        public double Taken { get; set; }
    }

    /// <summary>What a proxy says of a tenant: wanted a second, used within the last minute, and statements of its part that nobody has asked for, ever.</summary>
    private readonly record struct Line(double Queries, double Connections, long Milliseconds, long Bytes, double Unused)
    {
        public static bool TryParse(string text, out Line line)
        {
            line = default;
            string[] parts = text.Split(' ');
            if (parts.Length < 4 || !TryNumber(parts[0], out double queries) || !TryNumber(parts[1], out double connections)
                || !TryNumber(parts[2], out double milliseconds) || !TryNumber(parts[3], out double bytes))
            {
                return false;
            }
            // Proxies of before the fifth number leave nothing to others.
            double unused = parts.Length > 4 && TryNumber(parts[4], out double said) ? said : 0;
            line = new Line(queries, connections, (long)milliseconds, (long)bytes, unused);
            return true;
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Queries:F2} {Connections:F2} {Milliseconds} {Bytes} {Unused:F2}");

        private static bool TryNumber(string text, out double number)
            => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number) && number is >= 0 and < 1e15;
    }
}
