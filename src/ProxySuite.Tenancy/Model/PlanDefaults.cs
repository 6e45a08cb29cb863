using System.Collections.Immutable;

namespace ProxySuite.Tenancy.Model;

/// <summary>The plans that a new registry starts with (A7). They are data: the registry's rows are what counts afterwards.</summary>
public static class PlanDefaults
{
    private const long Megabyte = 1024 * 1024;

    public static readonly Plan Free = New("free", TimeSpan.FromSeconds(5), 4, connections: 2, weight: 1);
    public static readonly Plan Starter = New("starter", TimeSpan.FromSeconds(30), 16, connections: 5, weight: 2);
    public static readonly Plan Growth = New("growth", TimeSpan.FromSeconds(60), 64, connections: 20, weight: 4);
    public static readonly Plan Enterprise = New("enterprise", TimeSpan.FromSeconds(300), 256, connections: 100, weight: 8);

    public static readonly ImmutableArray<Plan> All = [Free, Starter, Growth, Enterprise];

    private static Plan New(string name, TimeSpan statementTimeout, long workMemMegabytes, int connections, int weight) => new()
    {
        Name = name,
        StatementTimeout = statementTimeout,
        WorkMemBytes = workMemMegabytes * Megabyte,
        Connections = connections,
        Weight = weight,
    };
}
