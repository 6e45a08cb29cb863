using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>A shard to be entered. Where proxies connect to and which database they use is taken from its DSNs.</summary>
public sealed record NewShard
{
    public required string Name { get; init; }

    /// <value>The control plane's login; all hosts the primary may be on.</value>
    public required Dsn Primary { get; init; }

    public Dsn? Replica { get; init; }

    public string Region { get; init; } = "";

    public int TenantsMax { get; init; } = 500;

    public int ConnectionsMax { get; init; } = 200;
}

/// <summary>A shard and how full it is.</summary>
/// <param name="Shard">With the control plane's DSNs.</param>
/// <param name="TenantCount">Tenants placed on it or moving to it.</param>
public sealed record ShardSummary(Shard Shard, int TenantCount);

public sealed partial class RegistryStore
{
    private const string ShardSelect = $"SELECT {ShardRow.Columns}, s.primary_dsn, s.replica_dsn, s.prepared_at FROM system.shards s";

    private const string TenantCountOfShard = "(SELECT count(*)::integer FROM system.tenants t WHERE t.shard_id = s.id OR t.migrating_to_shard = s.id)";

    /// <returns>The shard as entered. It takes no tenants before <see cref="MarkShardPreparedAsync"/>.</returns>
    public async Task<Shard> InsertShardAsync(NewShard shard, CancellationToken cancellationToken = default)
    {
        const string Insert =
            """
            INSERT INTO system.shards (name, primary_endpoints, replica_endpoints, database_name, tls_mode, primary_dsn, replica_dsn, region, tenants_max, connections_max)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """;
        await ChangeOneAsync(
            Command(Insert, shard.Name, Endpoints(shard.Primary), Endpoints(shard.Replica), shard.Primary.Database, EnumText.Of(shard.Primary.Tls),
                shard.Primary.Reveal(), shard.Replica?.Reveal(), shard.Region, shard.TenantsMax, shard.ConnectionsMax),
            RegistryFailure.Refused, $"shard \"{shard.Name}\" was not entered", cancellationToken);
        return await GetShardAsync(shard.Name, cancellationToken);
    }

    /// <returns>Null when there is none of that name.</returns>
    public Task<Shard?> FindShardAsync(string name, CancellationToken cancellationToken = default)
        => QueryOneAsync(Command(ShardSelect + " WHERE s.name = $1", name), ReadShard, cancellationToken);

    /// <returns>Null when there is none of that id.</returns>
    public Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken = default)
        => QueryOneAsync(Command(ShardSelect + " WHERE s.id = $1", id.Value), ReadShard, cancellationToken);

    /// <exception cref="RegistryException">NotFound.</exception>
    public async Task<Shard> GetShardAsync(string name, CancellationToken cancellationToken = default)
        => await FindShardAsync(name, cancellationToken) ?? throw new RegistryException(RegistryFailure.NotFound, $"there is no shard \"{name}\"");

    /// <summary>All shards by name, with how many tenants each holds.</summary>
    public Task<IReadOnlyList<ShardSummary>> ListShardsAsync(CancellationToken cancellationToken = default)
        => QueryAsync(
            Command($"SELECT {ShardRow.Columns}, s.primary_dsn, s.replica_dsn, s.prepared_at, {TenantCountOfShard} FROM system.shards s ORDER BY s.name"),
            reader => new ShardSummary(ReadShard(reader), reader.GetInt32(ShardRow.ColumnCount + 3)), cancellationToken);

    /// <summary>Stores region, limits and whether it accepts tenants, if nobody changed the shard since it was read.</summary>
    public Task UpdateShardAsync(Shard shard, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("UPDATE system.shards SET region = $3, tenants_max = $4, connections_max = $5, accepting = $6 WHERE id = $1 AND version = $2",
                shard.Id.Value, shard.Version, shard.Region, shard.TenantsMax, shard.ConnectionsMax, shard.Accepting),
            RegistryFailure.VersionChanged, $"shard \"{shard.Name}\" was changed by somebody else", cancellationToken);

    /// <summary>Stores another way to reach the shard, with all that follows from it.</summary>
    /// <exception cref="RegistryException">VersionChanged.</exception>
    public Task SetShardDsnsAsync(Shard shard, Dsn primary, Dsn? replica, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command(
                """
                UPDATE system.shards SET primary_endpoints = $3, replica_endpoints = $4, database_name = $5, tls_mode = $6, primary_dsn = $7, replica_dsn = $8
                WHERE id = $1 AND version = $2
                """,
                shard.Id.Value, shard.Version, Endpoints(primary), Endpoints(replica), primary.Database, EnumText.Of(primary.Tls), primary.Reveal(), replica?.Reveal()),
            RegistryFailure.VersionChanged, $"shard \"{shard.Name}\" was changed by somebody else", cancellationToken);

    /// <exception cref="RegistryException">InUse: tenants are, were or are going there; NotFound.</exception>
    public Task DeleteShardAsync(Shard shard, CancellationToken cancellationToken = default)
        => ChangeOneAsync(Command("DELETE FROM system.shards WHERE id = $1 AND version = $2", shard.Id.Value, shard.Version),
            RegistryFailure.VersionChanged, $"shard \"{shard.Name}\" was changed by somebody else", cancellationToken);

    /// <summary>Notes that the shard is ready for tenants, and under which lockdown.</summary>
    public Task MarkShardPreparedAsync(ShardId id, Lockdown lockdown, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("UPDATE system.shards SET prepared_at = now(), lockdown = $2 WHERE id = $1", id.Value, EnumText.Of(lockdown)),
            RegistryFailure.NotFound, $"there is no shard {id}", cancellationToken);

    /// <summary>Names the key that proxies seal with from now on, if nobody changed the shard since it was read.</summary>
    public Task SetShardSealKidAsync(Shard shard, int kid, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("UPDATE system.shards SET seal_kid = $3 WHERE id = $1 AND version = $2", shard.Id.Value, shard.Version, kid),
            RegistryFailure.VersionChanged, $"shard \"{shard.Name}\" was changed by somebody else", cancellationToken);

    private static Shard ReadShard(NpgsqlDataReader reader) => ShardRow.Read(reader, 0) with
    {
        AdminDsn = DsnParser.Parse(reader.GetString(ShardRow.ColumnCount)),
        ReplicaDsn = reader.IsDBNull(ShardRow.ColumnCount + 1) ? null : DsnParser.Parse(reader.GetString(ShardRow.ColumnCount + 1)),
        PreparedAt = reader.IsDBNull(ShardRow.ColumnCount + 2) ? null : reader.GetFieldValue<DateTimeOffset>(ShardRow.ColumnCount + 2),
    };

    private static string[] Endpoints(Dsn? dsn) => dsn is null ? [] : [.. dsn.Hosts.Select(host => host.ToString())];
}
