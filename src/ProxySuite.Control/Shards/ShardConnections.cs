using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Shards;

/// <summary>The control plane's connections to one shard's databases, as the DSN's user.</summary>
internal sealed class ShardConnections
{
    private const int ConnectTimeoutSeconds = 10;
    private const int CommandTimeoutSeconds = 60;

    private readonly NpgsqlConnectionStringBuilder _settings;
    private readonly Shard _shard;

    /// <exception cref="ControlException">The shard was read without its administrator's login.</exception>
    /// <param name="anyHost">Take any of the DSN's hosts, not the primary alone.</param>
    public ShardConnections(Shard shard, bool anyHost = false)
    {
        _shard = shard;
        Dsn dsn = shard.AdminDsn ?? throw new ControlException($"shard \"{shard.Name}\" has no DSN for its administrator");
        _settings = dsn.ToNpgsql();
        _settings.Timeout = ConnectTimeoutSeconds;
        _settings.CommandTimeout = CommandTimeoutSeconds;
        _settings.ApplicationName ??= "proxyctl";
        // All names in our SQL are qualified; no role setting or schema of that database takes their place.
        _settings.SearchPath = "pg_catalog, pg_temp";
        _settings.MaxPoolSize = 8;
        if (dsn.Hosts.Length > 1 && !anyHost) _settings.TargetSessionAttributes = "primary";
    }

    /// <summary>The database that tenants of the models pool and schema share.</summary>
    public Task<NpgsqlConnection> OpenSharedAsync(CancellationToken cancellationToken) => OpenAsync(_settings, cancellationToken);

    /// <summary>Another database of the shard; the connection is not pooled, so that it does not outlive its use.</summary>
    public Task<NpgsqlConnection> OpenAsync(string database, CancellationToken cancellationToken)
        => OpenAsync(new NpgsqlConnectionStringBuilder(_settings.ConnectionString) { Database = database, Pooling = false }, cancellationToken);

    private async Task<NpgsqlConnection> OpenAsync(NpgsqlConnectionStringBuilder settings, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (Exception failed) when (failed is NpgsqlException or TimeoutException)
        {
            await connection.DisposeAsync();
            string reason = failed is PostgresException refused ? refused.MessageText : failed.InnerException?.Message ?? failed.Message;
            throw new ControlException($"shard \"{_shard.Name}\" ({_shard.AdminDsn!.WithDatabase(settings.Database!)}) cannot be logged in to: {reason}",
                "See that the server runs, that the shard's DSN is right, and that its pg_hba.conf lets this machine in.", failed) { IsTransient = true };
        }
    }
}
