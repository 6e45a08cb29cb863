using System.Collections.Immutable;
using System.Text.Json;
using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Plans and overrides as SQL reads and writes them: both tables have the same columns for limits.</summary>
internal static class PlanRow
{
    private const int SettingsAt = 6;

    // In the order of Values and of ReadOverrides.
    private static readonly string[] Limits =
    [
        "statement_timeout_ms", "work_mem_kb", "connections", "queries_per_second", "weight", "pool_mode", "settings", "pins_max", "pinned_idle_ms", "burst", "connections_per_second",
        "concurrent_queries", "query_seconds_per_minute", "bytes_per_minute", "clients_max", "connections_min", "replication",
    ];

    /// <summary>To be read by <see cref="Read"/>.</summary>
    public static readonly string Columns = $"p.name, p.version, {Selected("p")}";

    /// <summary>To be read by <see cref="ReadOverrides"/>.</summary>
    public static readonly string OverrideColumns = Selected("o");

    public static readonly int ColumnCount = 2 + Limits.Length;

    public static readonly int OverrideColumnCount = Limits.Length;

    /// <summary>The limits' columns as they are written, behind one key.</summary>
    public static readonly string Written = string.Join(", ", Limits);

    /// <summary>Parameters for <see cref="Values"/>, from $2 on.</summary>
    public static readonly string Parameters = string.Join(", ", Limits.Select(static (name, at) => $"${at + 2}{(at == SettingsAt ? "::jsonb" : "")}"));

    /// <summary>The parameter behind them.</summary>
    public static readonly string NextParameter = $"${Limits.Length + 2}";

    /// <summary>What is written.</summary>
    public static object?[] Values(PlanOverrides limits) =>
    [
        (long?)limits.StatementTimeout?.TotalMilliseconds, limits.WorkMemBytes / 1024, limits.Connections, limits.QueriesPerSecond, limits.Weight,
        limits.PoolMode is { } mode ? EnumText.Of(mode) : null, JsonSerializer.Serialize(limits.Settings), limits.PinsMax, (long?)limits.PinnedIdleTimeout?.TotalMilliseconds, limits.Burst,
        limits.ConnectionsPerSecond, limits.ConcurrentQueries, limits.QuerySecondsPerMinute, limits.BytesPerMinute, limits.ClientsMax, limits.ConnectionsMin, limits.Replication,
    ];

    public static Plan Read(NpgsqlDataReader reader, int first)
        => ReadOverrides(reader, first + 2).AsPlan(reader.GetString(first)) with { Version = reader.GetInt64(first + 1) };

    /// <returns><see cref="PlanOverrides.None"/> when the outer join found no row.</returns>
    public static PlanOverrides ReadOverrides(NpgsqlDataReader reader, int first) => reader.IsDBNull(first + SettingsAt) ? PlanOverrides.None : new()
    {
        StatementTimeout = reader.Nullable<long>(first) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null,
        WorkMemBytes = reader.Nullable<long>(first + 1) * 1024,
        Connections = reader.Nullable<int>(first + 2),
        QueriesPerSecond = reader.Nullable<int>(first + 3),
        Weight = reader.Nullable<int>(first + 4),
        PoolMode = ReadPoolMode(reader, first + 5),
        Settings = ReadSettings(reader.GetString(first + SettingsAt)),
        PinsMax = reader.Nullable<int>(first + 7),
        PinnedIdleTimeout = reader.Nullable<long>(first + 8) is { } idle ? TimeSpan.FromMilliseconds(idle) : null,
        Burst = reader.Nullable<int>(first + 9),
        ConnectionsPerSecond = reader.Nullable<int>(first + 10),
        ConcurrentQueries = reader.Nullable<int>(first + 11),
        QuerySecondsPerMinute = reader.Nullable<int>(first + 12),
        BytesPerMinute = reader.Nullable<long>(first + 13),
        ClientsMax = reader.Nullable<int>(first + 14),
        ConnectionsMin = reader.Nullable<int>(first + 15),
        Replication = reader.Nullable<bool>(first + 16),
    };

    private static string Selected(string table) => string.Join(", ", Limits.Select((name, at) => $"{table}.{name}{(at == SettingsAt ? "::text" : "")}"));

    private static PoolMode? ReadPoolMode(NpgsqlDataReader reader, int column)
        => reader.IsDBNull(column) ? null : EnumText.Parse<PoolMode>(reader.GetString(column));

    private static ImmutableSortedDictionary<string, string> ReadSettings(string json)
    {
        if (json == "{}") return PlanSettings.None;
        try
        {
            ImmutableSortedDictionary<string, string> settings =
                PlanSettings.None.AddRange(JsonSerializer.Deserialize<Dictionary<string, string>>(json) ?? []);
            return PlanSettings.WhyRefused(settings) is { } reason ? throw new FormatException(reason) : settings;
        }
        catch (JsonException malformed)
        {
            throw new FormatException($"the settings of a plan are not an object of texts: {malformed.Message}", malformed);
        }
    }

    private static T? Nullable<T>(this NpgsqlDataReader reader, int column) where T : struct
        => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);
}
