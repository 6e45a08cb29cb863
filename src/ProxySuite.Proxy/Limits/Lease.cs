namespace ProxySuite.Proxy.Limits;

/// <summary>This proxy's part of a tenant's limits, until it is renewed or ends.</summary>
/// <param name="Queries">Fraction of the limit of queries a second, 0 to 1.</param>
/// <param name="Connections">Likewise of connections a second.</param>
/// <param name="MillisecondsElsewhere">Query time that other proxies have seen within the last minute.</param>
/// <param name="BytesElsewhere">Likewise bytes.</param>
/// <param name="QueriesHanded">Statements that other proxies might have let through and nobody asked them for, as far as they are for this one; counted from the start.</param>
/// <param name="Proxies">How many have asked for the tenant lately, this one included.</param>
/// <param name="ValidUntil">In Stopwatch ticks. Beyond it the limit is divided by the number of proxies that live.</param>
internal sealed record Lease(double Queries, double Connections, long MillisecondsElsewhere, long BytesElsewhere, double QueriesHanded, int Proxies, long ValidUntil);
