using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Reads the registry in PostgreSQL, schema <c>system</c>; see <c>Migrations/0001_registry.sql</c>.</summary>
/// <remarks>The data source stays the caller's, who disposes it; <see cref="RegistryDataSource"/> makes one with bounded waits.</remarks>
public sealed class PostgresTenantRegistry(NpgsqlDataSource dataSource) : ITenantRegistry
{
    private const string FindTenant = TenantRow.Select + " WHERE t.slug = $1";
    private const string FindShard = ShardRow.Select + " WHERE s.id = $1";
    private const string ListShards = ShardRow.Select + " ORDER BY s.name";

    public Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken)
        => AskAsync(async () =>
        {
            await using NpgsqlCommand command = dataSource.CreateCommand(FindTenant);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = slug.Value });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? TenantRow.Read(reader) : null;
        });

    public Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken)
        => AskAsync(async () =>
        {
            await using NpgsqlCommand command = dataSource.CreateCommand(FindShard);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Value });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? ShardRow.Read(reader, 0) : null;
        });

    public Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken)
        => AskAsync<IReadOnlyList<Shard>>(async () =>
        {
            await using NpgsqlCommand command = dataSource.CreateCommand(ListShards);
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            var shards = new List<Shard>();
            while (await reader.ReadAsync(cancellationToken)) shards.Add(ShardRow.Read(reader, 0));
            return shards;
        });

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        // FormatException, InvalidCastException: a row this version cannot read. The tenants already known go on being served.
        catch (Exception failed) when (failed is NpgsqlException or TimeoutException or FormatException or InvalidCastException)
        {
            throw new RegistryUnavailableException($"the registry does not answer: {failed.Message}", failed);
        }
    }
}
