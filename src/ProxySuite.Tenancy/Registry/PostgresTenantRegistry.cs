using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Reads the registry in PostgreSQL, schema <c>system</c>; see <c>Migrations/0001_registry.sql</c>.</summary>
/// <remarks>The data source stays the caller's, who disposes it; <see cref="RegistryDataSource"/> makes one with bounded waits.</remarks>
public sealed class PostgresTenantRegistry(NpgsqlDataSource dataSource) : ITenantRegistry, ITenantLister
{
    private static readonly string FindTenant = TenantRow.Select + " WHERE t.slug = $1";
    private static readonly string FindTenants = TenantRow.Select + " WHERE t.slug = ANY ($1)";
    private const string ReadVersions =
        """
        SELECT t.slug, t.id, t.version, p.version, s.id, s.version
        FROM system.tenants t JOIN system.plans p ON p.name = t.plan JOIN system.shards s ON s.id = t.shard_id
        WHERE t.slug = ANY ($1)
        """;
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

    public Task<IReadOnlyList<TenantEntry>> FindTenantsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
        => AskAsync(() => ReadAllAsync(FindTenants, slugs, TenantRow.Read, cancellationToken));

    public Task<IReadOnlyList<TenantVersions>> ReadVersionsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
        => AskAsync(() => ReadAllAsync(ReadVersions, slugs, ReadTenantVersions, cancellationToken));

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

    public Task<IReadOnlyList<TenantSlug>> ListServedAsync(TenantSlug? after, int limit, CancellationToken cancellationToken)
        => AskAsync<IReadOnlyList<TenantSlug>>(async () =>
        {
            await using NpgsqlCommand command = dataSource.CreateCommand("SELECT slug FROM system.tenants WHERE state = 'active' AND slug > $1 ORDER BY slug LIMIT $2");
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after?.Value ?? "" });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            var slugs = new List<TenantSlug>();
            while (await reader.ReadAsync(cancellationToken)) slugs.Add(TenantSlug.Parse(reader.GetString(0)));
            return slugs;
        });

    private async Task<IReadOnlyList<T>> ReadAllAsync<T>(
        string sql, IReadOnlyCollection<TenantSlug> slugs, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slugs.Count, ITenantRegistry.BatchMax);
        await using NpgsqlCommand command = dataSource.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. slugs.Select(slug => slug.Value)] });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>(slugs.Count);
        while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
        return rows;
    }

    private static TenantVersions ReadTenantVersions(NpgsqlDataReader reader) => new(
        TenantSlug.Parse(reader.GetString(0)), new TenantId(reader.GetGuid(1)), Tenant: reader.GetInt64(2), Plan: reader.GetInt64(3),
        new ShardId(reader.GetInt32(4)), Shard: reader.GetInt64(5));

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception malformed) when (malformed is FormatException or InvalidCastException)
        {
            throw new RegistryDataException($"the registry holds what this version cannot read: {malformed.Message}", malformed);
        }
        catch (Exception failed) when (RegistryDataSource.IsUnreachable(failed))
        {
            throw new RegistryUnavailableException($"the registry does not answer: {failed.Message}", failed);
        }
    }
}
