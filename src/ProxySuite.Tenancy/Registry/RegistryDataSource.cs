using System.Net.Sockets;
using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Bounds of what talks to the registry's database.</summary>
public sealed record RegistryConnectionOptions
{
    /// <value>Longest wait for a connection; 1 s to 60 s, default 5 s.</value>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <value>Longest wait for one statement's answer; 1 s to 300 s, default 5 s.</value>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <value>Most connections held; 1 to 100, default 8.</value>
    public int ConnectionsMax { get; init; } = 8;

    /// <value>What <c>pg_stat_activity</c> shows.</value>
    public string ApplicationName { get; init; } = "proxysuite";
}

/// <summary>Opens the registry's database in one way for all: bounded waits, nothing taken from the session's surroundings.</summary>
public static class RegistryDataSource
{
    private const int KeepAliveSeconds = 10;

    public static NpgsqlDataSource Create(Dsn dsn, RegistryConnectionOptions? options = null)
    {
        NpgsqlConnectionStringBuilder settings = ConnectionSettings(dsn, options ?? new RegistryConnectionOptions());
        return Build(dsn, settings);
    }

    /// <summary>Whether an exception says that the server could not be asked, rather than that our program is wrong.</summary>
    /// <remarks>A host name that does not resolve comes out of Npgsql as a bare SocketException.</remarks>
    internal static bool IsUnreachable(Exception failed) => failed is NpgsqlException or TimeoutException or SocketException or IOException;

    /// <summary>For connections that wait for notifications: unpooled, and probed while they wait so that a vanished server is noticed.</summary>
    internal static NpgsqlDataSource CreateForListening(Dsn dsn)
    {
        NpgsqlConnectionStringBuilder settings = ConnectionSettings(dsn, new RegistryConnectionOptions());
        settings.Pooling = false;
        settings.KeepAlive = KeepAliveSeconds;
        return Build(dsn, settings);
    }

    private static NpgsqlDataSource Build(Dsn dsn, NpgsqlConnectionStringBuilder settings)
    {
        NpgsqlSlimDataSourceBuilder builder = Builder(settings);
        // With several hosts, writes and invalidations come from the primary alone.
        return dsn.Hosts.Length == 1 ? builder.Build() : builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary);
    }

    /// <summary>Knows the types that the product's SQL uses and no others: the full builder's tables of types cost 5 MB and a third of the start.</summary>
    internal static NpgsqlSlimDataSourceBuilder Builder(NpgsqlConnectionStringBuilder settings)
        => new NpgsqlSlimDataSourceBuilder(settings.ConnectionString).EnableArrays().EnableTransportSecurity().EnableIntegratedSecurity();

    private static NpgsqlConnectionStringBuilder ConnectionSettings(Dsn dsn, RegistryConnectionOptions options)
    {
        NpgsqlConnectionStringBuilder settings = dsn.ToNpgsql();
        settings.Timeout = (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds);
        settings.CommandTimeout = (int)Math.Ceiling(options.CommandTimeout.TotalSeconds);
        // A host that vanished answers neither a query nor its cancellation: give up at once after the timeout.
        settings.CancellationTimeout = -1;
        settings.MaxPoolSize = options.ConnectionsMax;
        settings.ApplicationName ??= options.ApplicationName;
        // All names in our SQL are qualified; the path is pinned so that no role setting or schema of that database can take their place.
        settings.SearchPath = "pg_catalog, pg_temp";
        return settings;
    }
}
