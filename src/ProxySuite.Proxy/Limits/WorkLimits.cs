namespace ProxySuite.Proxy.Limits;

/// <summary>For how long a tenant's server connections may work, and its clients may not, by the proxy's clock; zero for no limit.</summary>
/// <param name="Statement">The plan's statement time. The server's own timeout comes first; this is for clients that have raised it.</param>
/// <param name="Transaction">From the first statement of a transaction to its end.</param>
/// <param name="IdleInTransaction">Between two statements of a transaction.</param>
/// <param name="ClientIdle">A client outside a transaction; null where the plan leaves it to Limits:ClientIdleTimeout.</param>
internal readonly record struct WorkLimits(TimeSpan Statement, TimeSpan Transaction, TimeSpan IdleInTransaction, TimeSpan? ClientIdle = null);
