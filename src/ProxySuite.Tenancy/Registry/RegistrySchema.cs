using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace ProxySuite.Tenancy.Registry;

/// <summary>How a database's registry compares with what this program needs.</summary>
public enum RegistryState
{
    Missing,  // no registry in this database
    Outdated, // made by an older program; `proxyctl init` brings it up
    Current,
    Newer,    // made by a newer program; this one may not understand it
}

/// <param name="Found">Version found; 0 for none.</param>
/// <param name="Needed">Version this program brings.</param>
public readonly record struct RegistryVersion(int Found, int Needed)
{
    public RegistryState State => Found switch
    {
        0 => RegistryState.Missing,
        _ when Found < Needed => RegistryState.Outdated,
        _ when Found > Needed => RegistryState.Newer,
        _ => RegistryState.Current,
    };
}

/// <summary>The schema <c>system</c>, as numbered SQL files carried in this assembly. Files are applied in order, each once and whole.</summary>
public static class RegistrySchema
{
    // Two that start at once: the second waits for this advisory lock and then finds nothing to do.
    private const long LockKey = 0x7072_6f78_7973_7569; // "proxysui"

    /// <summary>Longest wait for one file or for another program's turn, in seconds.</summary>
    private const int StatementSecondsMax = 120;

    private static readonly ImmutableArray<Migration> Migrations = Load();

    /// <summary>The version this program needs.</summary>
    public static int NeededVersion => Migrations[^1].Version;

    /// <summary>Makes the registry, or brings an older one up. Safe to repeat, to interrupt and to run twice at once.</summary>
    /// <returns>The versions applied now; none when all was done already.</returns>
    /// <exception cref="RegistrySchemaException">An applied file differs from ours: this registry was made by something else.</exception>
    /// <exception cref="NpgsqlException">The database refused; what was applied before stays, the file at fault does not.</exception>
    public static Task<IReadOnlyList<int>> InitAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
        => InitAsync(dataSource, NeededVersion, cancellationToken);

    /// <summary>Up to a version and no further: what an older program made.</summary>
    internal static async Task<IReadOnlyList<int>> InitAsync(NpgsqlDataSource dataSource, int versionMax, CancellationToken cancellationToken = default)
    {
        await using NpgsqlConnection connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({LockKey.ToString(CultureInfo.InvariantCulture)})", cancellationToken);
        Dictionary<int, string> applied = await ReadAppliedAsync(connection, cancellationToken);
        var done = new List<int>();
        foreach (Migration migration in Migrations.Where(migration => migration.Version <= versionMax))
        {
            if (applied.TryGetValue(migration.Version, out string? checksum))
            {
                if (checksum != migration.Checksum) throw new RegistrySchemaException($"registry version {migration.Version} was applied from another file than {migration.Name}");
                continue;
            }
            await ExecuteAsync(connection, migration.Sql, cancellationToken);
            await RecordAsync(connection, migration, cancellationToken);
            done.Add(migration.Version);
        }
        await transaction.CommitAsync(cancellationToken);
        return done;
    }

    /// <summary>Which version a database has, for a program that starts and must not run on another.</summary>
    /// <exception cref="NpgsqlException">The database cannot be asked.</exception>
    public static async Task<RegistryVersion> CheckAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        await using NpgsqlConnection connection = await dataSource.OpenConnectionAsync(cancellationToken);
        Dictionary<int, string> applied = await ReadAppliedAsync(connection, cancellationToken);
        return new RegistryVersion(applied.Keys.DefaultIfEmpty(0).Max(), NeededVersion);
    }

    private static async Task<Dictionary<int, string>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var exists = new NpgsqlCommand("SELECT to_regclass('system.registry_versions') IS NOT NULL", connection);
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true) return [];
        await using var versions = new NpgsqlCommand("SELECT version, checksum FROM system.registry_versions", connection);
        await using NpgsqlDataReader reader = await versions.ExecuteReaderAsync(cancellationToken);
        var applied = new Dictionary<int, string>();
        while (await reader.ReadAsync(cancellationToken)) applied.Add(reader.GetInt32(0), reader.GetString(1));
        return applied;
    }

    private static async Task RecordAsync(NpgsqlConnection connection, Migration migration, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand("INSERT INTO system.registry_versions (version, name, checksum) VALUES ($1, $2, $3)", connection);
        insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = migration.Version });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = migration.Name });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = migration.Checksum });
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = StatementSecondsMax };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static ImmutableArray<Migration> Load()
    {
        const string Prefix = "registry/";
        Assembly assembly = typeof(RegistrySchema).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(resource => Migration.Read(assembly, resource, resource[Prefix.Length..]))
            .OrderBy(migration => migration.Version)];
    }

    private sealed record Migration(int Version, string Name, string Sql, string Checksum)
    {
        // The name is the file's, such as 0001_registry.sql.
        public static Migration Read(Assembly assembly, string resource, string name)
        {
            using Stream stream = assembly.GetManifestResourceStream(resource)!;
            using var reader = new StreamReader(stream, Encoding.UTF8);
            string sql = reader.ReadToEnd().ReplaceLineEndings("\n");
            int version = int.Parse(name.AsSpan(0, name.IndexOf('_')), NumberStyles.None, CultureInfo.InvariantCulture);
            return new Migration(version, name, sql, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))));
        }
    }
}

/// <summary>The registry in the database is not one that this program made.</summary>
public sealed class RegistrySchemaException(string message) : Exception(message);
