using System.Collections.Immutable;

namespace ProxySuite.Tenancy.Model;

/// <summary>The limits that may be left out, of a plan and of what one tenant has otherwise: said once for both.</summary>
public abstract record PlanLimits
{
    private protected PlanLimits()
    {
    }

    /// <value>Most queries a second, 1 to 1 000 000; null for no limit.</value>
    public int? QueriesPerSecond { get; init; }

    /// <value>Queries that may come at once before <see cref="QueriesPerSecond"/> holds, 1 to 1 000 000; null for one second's worth.</value>
    public int? Burst { get; init; }

    /// <value>Most new client connections a second, 1 to 100 000; null for no limit.</value>
    public int? ConnectionsPerSecond { get; init; }

    /// <value>Most queries under way at a time, 1 to 10 000; null for no limit beyond the plan's connections.</value>
    public int? ConcurrentQueries { get; init; }

    /// <value>Most server time of a tenant's queries in any 60 seconds, in seconds, 1 to 1 000 000; null for no limit.</value>
    public int? QuerySecondsPerMinute { get; init; }

    /// <value>Most bytes from and to a tenant's clients in any 60 seconds, 64 kB to 1 PB; null for no limit.</value>
    public long? BytesPerMinute { get; init; }

    /// <value>Most client connections of one tenant at one proxy, 1 to 1 000 000; null for the proxy's own setting.</value>
    public int? ClientsMax { get; init; }

    /// <value>The pool mode; null for the proxy's own setting <c>Pool:Mode</c>.</value>
    public PoolMode? PoolMode { get; init; }

    /// <value>Clients of one tenant that may keep a server connection for session state at a time, 1 to 10 000; null for all connections but one.</value>
    public int? PinsMax { get; init; }

    /// <value>How long such a client may be idle, 1 s to 7 d, or zero for any time; null for the proxy's own setting <c>Pool:PinnedIdleTimeout</c>.</value>
    public TimeSpan? PinnedIdleTimeout { get; init; }

    /// <value>Further run-time parameters set on every server connection; see <see cref="PlanSettings"/> for what is refused.</value>
    public ImmutableSortedDictionary<string, string> Settings { get; init; } = PlanSettings.None;

    /// <summary>Why these limits cannot be; null when they can.</summary>
    private protected string? WhyLimitsRefused()
        => PlanRules.QueriesPerSecond(QueriesPerSecond)
        ?? PlanRules.Burst(Burst)
        ?? PlanRules.ConnectionsPerSecond(ConnectionsPerSecond)
        ?? PlanRules.ConcurrentQueries(ConcurrentQueries)
        ?? PlanRules.QuerySecondsPerMinute(QuerySecondsPerMinute)
        ?? PlanRules.BytesPerMinute(BytesPerMinute)
        ?? PlanRules.ClientsMax(ClientsMax)
        ?? PlanRules.PinsMax(PinsMax)
        ?? PlanRules.PinnedIdleTimeout(PinnedIdleTimeout)
        ?? PlanSettings.WhyRefused(Settings);

    /// <summary>This one with the other's limits, where the other has any.</summary>
    private protected PlanLimits Under(PlanLimits above) => this with
    {
        QueriesPerSecond = above.QueriesPerSecond ?? QueriesPerSecond,
        Burst = above.Burst ?? Burst,
        ConnectionsPerSecond = above.ConnectionsPerSecond ?? ConnectionsPerSecond,
        ConcurrentQueries = above.ConcurrentQueries ?? ConcurrentQueries,
        QuerySecondsPerMinute = above.QuerySecondsPerMinute ?? QuerySecondsPerMinute,
        BytesPerMinute = above.BytesPerMinute ?? BytesPerMinute,
        ClientsMax = above.ClientsMax ?? ClientsMax,
        PoolMode = above.PoolMode ?? PoolMode,
        PinsMax = above.PinsMax ?? PinsMax,
        PinnedIdleTimeout = above.PinnedIdleTimeout ?? PinnedIdleTimeout,
        Settings = Settings.SetItems(above.Settings),
    };
}
