namespace ProxySuite.Proxy.Telemetry;

/// <summary>
/// Chooses which tenants have series of their own, and sums the rest under <c>_other</c>, so that ten thousand tenants do not make a million series (D1).
/// </summary>
/// <remarks>
/// <para>No counter ever falls back, and nothing is counted twice. At every moment a tenant's count so far is split in two: what its own series has told
/// and what <c>_other</c> has told. While it is shown, only the first part grows; while it is hidden, only the second. A tenant that comes back goes on where its
/// series stood.</para>
/// <para>One scrape at a time uses an instance.</para>
/// </remarks>
internal sealed class TenantSeries(StatsRegistry registry)
{
    /// <summary>A hidden tenant takes a shown one's place when it is this many times as busy: without a margin two equals would trade places at every scrape.</summary>
    private const double SwapFactor = 2;

    /// <summary>What a scrape keeps of the activity before it; the last few scrapes decide who is busy.</summary>
    private const double ActivityKept = 0.5;

    private readonly Dictionary<StatsRegistry.TenantEntry, Series> _series = [];
    private readonly List<Series> _shown = [];
    private readonly List<Series> _hidden = [];
    private readonly TenantTotals _forgotten = new();

    /// <summary>Tenants with series of their own, after <see cref="Collect"/>; their <see cref="Series.Own"/> is what to write.</summary>
    public IReadOnlyList<Series> Shown => _shown;

    /// <summary>The sum of all others, after <see cref="Collect"/>.</summary>
    public TenantTotals Other { get; } = new();

    /// <summary>True once a tenant was summed: from then on <c>_other</c> has series.</summary>
    public bool HasOther { get; private set; }

    /// <summary>Reads all statistics and settles who is shown.</summary>
    /// <param name="shownMax">Most tenants to show.</param>
    public void Collect(int shownMax)
    {
        ReadAll();
        Choose(shownMax);
        Other.Clear();
        Add(_forgotten.Counters, Other.Counters);
        foreach (Series series in _hidden)
        {
            HasOther = true;
            series.Settle();
            AddDifference(series.Current.Counters, series.Apart, Other.Counters);
            Add(series.Current.Gauges, Other.Gauges);
        }
        foreach (Series series in _shown)
        {
            Array.Clear(series.Own.Counters);
            AddDifference(series.Current.Counters, series.Apart, series.Own.Counters);
            series.Current.Gauges.CopyTo(series.Own.Gauges, 0);
            if (series.Apart is not null) Add(series.Apart, Other.Counters);
        }
    }

    private void ReadAll()
    {
        foreach (StatsRegistry.TenantEntry entry in registry.Tenants())
        {
            if (!_series.TryGetValue(entry, out Series? series))
            {
                _series[entry] = series = new Series(entry.Slug);
                _hidden.Add(series);
            }
            series.Read(entry);
        }
        // Two deletions may have passed between scrapes, so look at the entry and not at its slug.
        foreach ((StatsRegistry.TenantEntry entry, Series series) in _series)
        {
            if (!entry.IsForgotten) continue;
            _series.Remove(entry);
            series.Read(entry);
            if (_hidden.Remove(series)) AddDifference(series.Current.Counters, series.Apart, _forgotten.Counters);
            else if (_shown.Remove(series) && series.Apart is not null) Add(series.Apart, _forgotten.Counters);
        }
    }

    private void Choose(int shownMax)
    {
        _shown.Sort(static (left, right) => left.Activity.CompareTo(right.Activity));
        int excess = Math.Max(0, _shown.Count - shownMax);
        foreach (Series series in _shown[..excess])
        {
            series.Hide();
            _hidden.Add(series);
        }
        _shown.RemoveRange(0, excess);
        if (_hidden.Count == 0) return;
        _hidden.Sort(static (left, right) => left.Activity.CompareTo(right.Activity));
        for (; _hidden.Count > 0 && _shown.Count < shownMax; _hidden.RemoveAt(_hidden.Count - 1))
        {
            _hidden[^1].Show();
            _shown.Add(_hidden[^1]);
        }
        // Shown ascend in activity where they were before this scrape; each hidden one, the busiest first, may take the place of the least busy.
        for (int quietest = 0; _hidden.Count > 0 && quietest < _shown.Count; quietest++)
        {
            Series candidate = _hidden[^1];
            if (candidate.Activity <= _shown[quietest].Activity * SwapFactor) break;
            Series leaving = _shown[quietest];
            _hidden.RemoveAt(_hidden.Count - 1);
            candidate.Show();
            leaving.Hide();
            _shown[quietest] = candidate;
            _hidden.Insert(0, leaving);
        }
    }

    private static void Add(long[] numbers, long[] totals)
    {
        for (int index = 0; index < totals.Length; index++) totals[index] += numbers[index];
    }

    private static void AddDifference(long[] numbers, long[]? less, long[] totals)
    {
        for (int index = 0; index < totals.Length; index++) totals[index] += numbers[index] - (less is null ? 0 : less[index]);
    }

    /// <summary>What the exporter keeps of a tenant from scrape to scrape.</summary>
    internal sealed class Series(string slug)
    {
        private long _queriesBefore;
        private bool _isNew = true;

        /// <summary>The label <c>tenant="…"</c>, encoded.</summary>
        public byte[] Label { get; } = PrometheusText.Label("tenant", slug);

        /// <summary>All counts since the process started.</summary>
        public TenantTotals Current { get; } = new();

        /// <summary>What to write while the tenant is shown.</summary>
        public TenantTotals Own { get; } = new();

        /// <summary>The part of the counts that stands still: while shown what <c>_other</c> has told, while hidden what the tenant's series has told. Null for nothing.</summary>
        public long[]? Apart { get; private set; }

        /// <summary>Queries and clients of the last scrapes, older ones counting less.</summary>
        public double Activity { get; private set; }

        public void Read(StatsRegistry.TenantEntry entry)
        {
            Current.Clear();
            foreach (TenantStats? stats in Volatile.Read(ref entry.Reactors)) stats?.AddTo(Current);
            long queries = Current.Counters[TenantTotals.Queries];
            long clients = Current.Gauges[TenantTotals.ClientsActive] + Current.Gauges[TenantTotals.ClientsWaiting];
            Activity = (Activity * ActivityKept) + (queries - _queriesBefore) + clients;
            _queriesBefore = queries;
        }

        /// <summary>Not chosen at its first scrape: its counts are told by <c>_other</c> from the start.</summary>
        public void Settle() => _isNew = false;

        /// <summary>From hidden to shown: what <c>_other</c> has told, up to now, stands still.</summary>
        public void Show()
        {
            if (_isNew)
            {
                _isNew = false; // shown from its first scrape on: nothing was told elsewhere
                return;
            }
            Apart ??= new long[Current.Counters.Length];
            for (int index = 0; index < Apart.Length; index++) Apart[index] = Current.Counters[index] - Apart[index];
        }

        /// <summary>From shown to hidden: what its series has told stands still. That is up to the last page; what came since is told by <c>_other</c>.</summary>
        public void Hide()
        {
            Apart ??= new long[Current.Counters.Length];
            Own.Counters.CopyTo(Apart, 0);
        }
    }
}
