using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Shards;

/// <summary>Makes a PostgreSQL cluster a shard: roles, identity functions, lockdown, the control plane's records, the pool's schema.</summary>
public static class ShardPreparation
{
    /// <summary>Prepares the shared database, and every tenant's own one, at a lockdown level. Safe to repeat, at another level too.</summary>
    /// <param name="shard">With <see cref="Shard.AdminDsn"/>, of a superuser.</param>
    /// <param name="ownDatabases">Databases of tenants in the database model on this shard; those that do not exist are passed over.</param>
    /// <param name="masterKey">What the keys of seals follow from; needed for lockdown strict.</param>
    /// <param name="progress">Told of each tenant's own database before it is prepared: its name, how many are done, how many there are.</param>
    /// <exception cref="ControlException">The server cannot hold tenants, and why.</exception>
    /// <exception cref="NpgsqlException">The server refused or cannot be reached.</exception>
    public static async Task<ShardReport> PrepareAsync(
        Shard shard, Lockdown lockdown, IReadOnlyList<string> ownDatabases, MasterKey? masterKey, CancellationToken cancellationToken,
        Action<string, int, int>? progress = null)
    {
        var servers = new ShardConnections(shard);
        await using NpgsqlConnection connection = await servers.OpenSharedAsync(cancellationToken);
        string version = await ShardInspection.RequireFitAsync(connection, cancellationToken);
        await ShardSql.PrepareSharedAsync(connection, lockdown, cancellationToken);
        if (lockdown == Lockdown.Relaxed) await SealedRoles.RemoveAsync(connection, shard, cancellationToken);
        else await SealedRoles.InstallAsync(connection, shard, masterKey ?? throw new ControlException("lockdown strict needs the master key", "Give --master-key-file FILE."), cancellationToken);
        List<string> existing = await connection.QueryAsync(
            "SELECT datname::text FROM pg_database WHERE datname = ANY ($1) AND datallowconn ORDER BY 1", row => row.GetString(0), cancellationToken, (object)ownDatabases.ToArray());
        for (int i = 0; i < existing.Count; i++)
        {
            string database = existing[i];
            progress?.Invoke(database, i, existing.Count);
            await using NpgsqlConnection own = await servers.OpenAsync(database, cancellationToken);
            await ShardSql.PrepareOwnAsync(own, lockdown, cancellationToken);
        }
        return new ShardReport(shard.Name, version, lockdown,
            await ShardInspection.ReadSettingsAsync(connection, shard, cancellationToken), ShardInspection.HostRules(connection));
    }
}
