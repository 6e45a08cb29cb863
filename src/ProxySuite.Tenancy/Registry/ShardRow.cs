using System.Collections.Immutable;
using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Shards as SQL reads them; the columns without the control plane's logins.</summary>
internal static class ShardRow
{
    public const string Columns =
        "s.id, s.name, s.primary_endpoints, s.replica_endpoints, s.database_name, s.tls_mode, s.region, s.tenants_max, s.connections_max, " +
        "s.lockdown, s.accepting, s.version, s.seal_kid";

    public const string Select = $"SELECT {Columns} FROM system.shards s";

    /// <summary>How many columns <see cref="Columns"/> names.</summary>
    public const int ColumnCount = 13;

    /// <param name="reader">Stands on a row.</param>
    /// <param name="first">Ordinal of the first of the <see cref="Columns"/>.</param>
    /// <exception cref="FormatException">A value this version does not know.</exception>
    public static Shard Read(NpgsqlDataReader reader, int first) => new()
    {
        Id = new ShardId(reader.GetInt32(first)),
        Name = reader.GetString(first + 1),
        Primary = Endpoints(reader.GetFieldValue<string[]>(first + 2)),
        Replicas = Endpoints(reader.GetFieldValue<string[]>(first + 3)),
        Database = reader.GetString(first + 4),
        Tls = EnumText.Parse<TlsMode>(reader.GetString(first + 5)),
        Region = reader.GetString(first + 6),
        TenantsMax = reader.GetInt32(first + 7),
        ConnectionsMax = reader.GetInt32(first + 8),
        Lockdown = EnumText.Parse<Lockdown>(reader.GetString(first + 9)),
        Accepting = reader.GetBoolean(first + 10),
        Version = reader.GetInt64(first + 11),
        SealKid = reader.GetInt32(first + 12),
    };

    private static ImmutableArray<ShardEndpoint> Endpoints(string[] texts) => [.. texts.Select(text => ShardEndpoint.Parse(text))];
}
