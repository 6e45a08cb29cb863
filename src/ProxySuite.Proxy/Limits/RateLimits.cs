using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Limits;

/// <summary>A tenant's limits over all proxies, as its plan has them; null for none.</summary>
/// <param name="QueriesPerSecond">Statements a second.</param>
/// <param name="Burst">Statements at a time after a pause; null for one second's worth.</param>
/// <param name="ConnectionsPerSecond">New client connections a second.</param>
/// <param name="ConcurrentQueries">Transactions under way at a time, at each proxy.</param>
/// <param name="QuerySecondsPerMinute">Seconds of query time within a minute.</param>
/// <param name="BytesPerMinute">Bytes from and to clients within a minute.</param>
/// <param name="ClientsMax">Client connections at a time, at each proxy.</param>
internal sealed record RateLimits(
    int? QueriesPerSecond = null, int? Burst = null, int? ConnectionsPerSecond = null, int? ConcurrentQueries = null, int? QuerySecondsPerMinute = null, long? BytesPerMinute = null,
    int? ClientsMax = null)
{
    /// <summary>No limit at all.</summary>
    public static readonly RateLimits None = new();

    /// <summary>Whether queries have to ask.</summary>
    public bool HoldsQueries => QueriesPerSecond is not null || ConcurrentQueries is not null || HasMinuteBudgets;

    /// <summary>Whether something is counted over the last minute.</summary>
    public bool HasMinuteBudgets => QuerySecondsPerMinute is not null || BytesPerMinute is not null;

    /// <summary>Whether several proxies have to share something.</summary>
    public bool IsShared => QueriesPerSecond is not null || ConnectionsPerSecond is not null || HasMinuteBudgets;

    /// <summary>The limits of a plan.</summary>
    public static RateLimits Of(Plan plan) => new(
        plan.QueriesPerSecond, plan.Burst, plan.ConnectionsPerSecond, plan.ConcurrentQueries, plan.QuerySecondsPerMinute, plan.BytesPerMinute, plan.ClientsMax);
}
