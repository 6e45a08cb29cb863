using System.Collections.Immutable;
using System.Text.Json;
using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Plans and overrides as SQL reads them.</summary>
internal static class PlanRow
{
    public const string Columns =
        "p.name, p.statement_timeout_ms, p.work_mem_kb, p.connections, p.queries_per_second, p.weight, p.pool_mode, p.settings::text, p.version, p.pins_max, p.pinned_idle_ms, "
        + "p.burst, p.connections_per_second, p.concurrent_queries, p.query_seconds_per_minute, p.bytes_per_minute, p.clients_max, p.connections_min, p.replication";

    public const int ColumnCount = 19;

    public const string OverrideColumns =
        "o.statement_timeout_ms, o.work_mem_kb, o.connections, o.queries_per_second, o.weight, o.pool_mode, o.settings::text, o.pins_max, o.pinned_idle_ms, "
        + "o.burst, o.connections_per_second, o.concurrent_queries, o.query_seconds_per_minute, o.bytes_per_minute, o.clients_max, o.connections_min, o.replication";

    public const int OverrideColumnCount = 17;

    public static Plan Read(NpgsqlDataReader reader, int first) => new()
    {
        Name = reader.GetString(first),
        StatementTimeout = TimeSpan.FromMilliseconds(reader.GetInt64(first + 1)),
        WorkMemBytes = reader.GetInt64(first + 2) * 1024,
        Connections = reader.GetInt32(first + 3),
        QueriesPerSecond = reader.Nullable<int>(first + 4),
        Weight = reader.GetInt32(first + 5),
        PoolMode = ReadPoolMode(reader, first + 6),
        Settings = ReadSettings(reader.GetString(first + 7)),
        Version = reader.GetInt64(first + 8),
        PinsMax = reader.Nullable<int>(first + 9),
        PinnedIdleTimeout = reader.Nullable<long>(first + 10) is { } idle ? TimeSpan.FromMilliseconds(idle) : null,
        Burst = reader.Nullable<int>(first + 11),
        ConnectionsPerSecond = reader.Nullable<int>(first + 12),
        ConcurrentQueries = reader.Nullable<int>(first + 13),
        QuerySecondsPerMinute = reader.Nullable<int>(first + 14),
        BytesPerMinute = reader.Nullable<long>(first + 15),
        ClientsMax = reader.Nullable<int>(first + 16),
        ConnectionsMin = reader.GetInt32(first + 17),
        Replication = reader.GetBoolean(first + 18),
    };

    /// <returns><see cref="PlanOverrides.None"/> when the outer join found no row.</returns>
    public static PlanOverrides ReadOverrides(NpgsqlDataReader reader, int first) => reader.IsDBNull(first + 6) ? PlanOverrides.None : new()
    {
        StatementTimeout = reader.Nullable<long>(first) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null,
        WorkMemBytes = reader.Nullable<long>(first + 1) * 1024,
        Connections = reader.Nullable<int>(first + 2),
        QueriesPerSecond = reader.Nullable<int>(first + 3),
        Weight = reader.Nullable<int>(first + 4),
        PoolMode = ReadPoolMode(reader, first + 5),
        Settings = ReadSettings(reader.GetString(first + 6)),
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

    public static string SettingsText(ImmutableSortedDictionary<string, string> settings) => JsonSerializer.Serialize(settings);

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
