using Npgsql;

namespace ProxySuite.Tenancy.Registry;

/// <summary>A proxy as the registry knows it.</summary>
/// <param name="Id">Made at each start.</param>
/// <param name="Name">Where it runs: host and port.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="HeartbeatAt">When it last said that it lives, by the registry's clock.</param>
/// <param name="Silence">How long ago that was, by the registry's clock.</param>
/// <param name="DetailsJson">Version, clients, and what else it says of itself; a JSON object.</param>
public sealed record ProxyRecord(Guid Id, string Name, DateTimeOffset StartedAt, DateTimeOffset HeartbeatAt, TimeSpan Silence, string DetailsJson)
{
    /// <summary>How often a proxy says that it lives.</summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);

    /// <value>False for one that missed three heartbeats: a hold does not wait for it.</value>
    public bool IsAlive => Silence < 3 * HeartbeatInterval;
}

/// <summary>The proxies of this registry, as they say themselves.</summary>
public sealed class ProxyTable(NpgsqlDataSource dataSource)
{
    // One that has been silent for a day was killed and will not take its row back.
    private const string Beat =
        """
        WITH gone AS (DELETE FROM system.proxies WHERE heartbeat_at < now() - interval '1 day')
        INSERT INTO system.proxies (id, name, started_at, details) VALUES ($1, $2, $3, $4::jsonb)
        ON CONFLICT (id) DO UPDATE SET heartbeat_at = now(), details = excluded.details
        """;

    /// <summary>Says that a proxy lives.</summary>
    /// <exception cref="RegistryUnavailableException">The registry does not answer.</exception>
    public Task BeatAsync(Guid id, string name, DateTimeOffset startedAt, string detailsJson, CancellationToken cancellationToken)
        => ExecuteAsync(Beat, [id, name, startedAt.ToUniversalTime(), detailsJson], cancellationToken);

    /// <summary>How many proxies live: those that missed fewer than three heartbeats.</summary>
    /// <exception cref="RegistryUnavailableException">The registry does not answer.</exception>
    public async Task<int> CountAliveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlCommand command = dataSource.CreateCommand("SELECT count(*) FROM system.proxies WHERE heartbeat_at > now() - $1");
            command.Parameters.Add(new NpgsqlParameter { Value = 3 * ProxyRecord.HeartbeatInterval });
            return (int)(long)(await command.ExecuteScalarAsync(cancellationToken))!;
        }
        catch (Exception failed) when (RegistryDataSource.IsUnreachable(failed))
        {
            throw new RegistryUnavailableException($"the registry does not answer: {failed.Message}", failed);
        }
    }

    /// <summary>Says good-bye.</summary>
    /// <exception cref="RegistryUnavailableException">The registry does not answer.</exception>
    public Task LeaveAsync(Guid id, CancellationToken cancellationToken) => ExecuteAsync("DELETE FROM system.proxies WHERE id = $1", [id], cancellationToken);

    private async Task ExecuteAsync(string sql, object[] parameters, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlCommand command = dataSource.CreateCommand(sql);
            foreach (object value in parameters) command.Parameters.Add(new NpgsqlParameter { Value = value });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception failed) when (RegistryDataSource.IsUnreachable(failed))
        {
            throw new RegistryUnavailableException($"the registry does not answer: {failed.Message}", failed);
        }
    }
}

public sealed partial class RegistryStore
{
    /// <summary>All proxies that said they live within the last day, by name.</summary>
    public Task<IReadOnlyList<ProxyRecord>> ListProxiesAsync(CancellationToken cancellationToken = default)
        => QueryAsync(Command("SELECT id, name, started_at, heartbeat_at, now() - heartbeat_at, details::text FROM system.proxies ORDER BY name, started_at"),
            reader => new ProxyRecord(reader.GetGuid(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3),
                reader.GetFieldValue<TimeSpan>(4), reader.GetString(5)), cancellationToken);

    /// <summary>The registry's clock.</summary>
    public async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<DateTimeOffset> now = await QueryAsync(Command("SELECT clock_timestamp()"), reader => reader.GetFieldValue<DateTimeOffset>(0), cancellationToken);
        return now[0];
    }
}
