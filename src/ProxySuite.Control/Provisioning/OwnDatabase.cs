using Npgsql;
using ProxySuite.Tenancy.Model;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Provisioning;

/// <summary>Makes the database of a tenant in the database model.</summary>
internal static class OwnDatabase
{
    // Since 17 the locale of any provider is in one column, before it ICU's in another.
    private const string Locale =
        """
        SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
        FROM pg_database d WHERE datname = current_database()
        """;

    /// <summary>Creates it where it is missing, with the shared database's encoding and collation: a tenant that changes its model sorts as before.</summary>
    /// <param name="shared">A connection to the shard's shared database, without a transaction.</param>
    public static async Task CreateAsync(NpgsqlConnection shared, TenantId id, CancellationToken cancellationToken)
    {
        string name = BackendNames.Database(id);
        if (await shared.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", cancellationToken, name)) return;
        string options = (await shared.QueryAsync(Locale, Options, cancellationToken))[0];
        // template0 has nothing in it, and nobody is ever connected to it; template1 may fail for either.
        await shared.ExecuteAsync($"CREATE DATABASE {name} OWNER data_owner TEMPLATE template0 {options}", cancellationToken);
    }

    private static string Options(NpgsqlDataReader row)
    {
        string common = $"ENCODING {Literal(row.GetString(0))} LC_COLLATE {Literal(row.GetString(1))} LC_CTYPE {Literal(row.GetString(2))}";
        return row.GetString(3) switch
        {
            "i" => $"{common} LOCALE_PROVIDER icu ICU_LOCALE {Literal(row.GetString(4))}",
            "b" => $"{common} LOCALE_PROVIDER builtin BUILTIN_LOCALE {Literal(row.GetString(4))}",
            _ => $"{common} LOCALE_PROVIDER libc",
        };
    }
}
