using ProxySuite.Tenancy.Units;

namespace ProxySuite.Tenancy.Model;

/// <summary>The range of every limit of a plan, said once; each answers null or the reason for refusing.</summary>
internal static class PlanRules
{
    public static string? Name(string name)
        => name.Length is 0 or > 63 || name.Any(c => c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '_'))
            ? $"a plan's name has 1 to 63 lower-case letters, digits, '-' or '_', not \"{name}\"" : null;

    public static string? StatementTimeout(TimeSpan value)
        => value < TimeSpan.FromMilliseconds(1) || value > TimeSpan.FromHours(24)
            ? $"statement timeout must be 1ms to 24h, not {Duration.Format(value)}" : null;

    public static string? WorkMem(long bytes)
        => bytes is < 64 * 1024 or > 1L << 40 || bytes % 1024 != 0
            ? $"work_mem must be 64kB to 1TB in whole kB, not {bytes} bytes" : null;

    public static string? Connections(int value)
        => value is < 1 or > 10_000 ? $"connections must be 1 to 10000, not {value}" : null;

    public static string? QueriesPerSecond(int? value)
        => value is < 1 or > 1_000_000 ? $"queries per second must be 1 to 1000000, not {value}" : null;

    public static string? Burst(int? value)
        => value is < 1 or > 1_000_000 ? $"burst must be 1 to 1000000 queries, not {value}" : null;

    public static string? ConnectionsPerSecond(int? value)
        => value is < 1 or > 100_000 ? $"connections per second must be 1 to 100000, not {value}" : null;

    public static string? ConcurrentQueries(int? value)
        => value is < 1 or > 10_000 ? $"concurrent queries must be 1 to 10000, not {value}" : null;

    public static string? QuerySecondsPerMinute(int? value)
        => value is < 1 or > 1_000_000 ? $"query seconds per minute must be 1 to 1000000, not {value}" : null;

    public static string? BytesPerMinute(long? value)
        => value is < 64 * 1024 or > 1L << 50 ? $"bytes per minute must be 64kB to 1PB, not {value} bytes" : null;

    public static string? ClientsMax(int? value)
        => value is < 1 or > 1_000_000 ? $"clients-max must be 1 to 1000000, not {value}" : null;

    public static string? ConnectionsMin(int value, int connections)
        => value < 0 || value > connections ? $"connections-min must be 0 to connections ({connections}), not {value}" : null;

    public static string? PinsMax(int? value)
        => value is < 1 or > 10_000 ? $"pins-max must be 1 to 10000, not {value}" : null;

    public static string? PinnedIdleTimeout(TimeSpan? value)
        => value is { } idle && idle != TimeSpan.Zero && (idle < TimeSpan.FromSeconds(1) || idle > TimeSpan.FromDays(7))
            ? $"pinned idle timeout must be 0 or 1s to 168h, not {Duration.Format(idle)}" : null;

    public static string? Weight(int value)
        => value is < 1 or > 1000 ? $"weight must be 1 to 1000, not {value}" : null;
}
