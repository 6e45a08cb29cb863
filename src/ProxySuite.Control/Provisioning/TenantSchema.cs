using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Provisioning;

/// <summary>
/// SQL for the place that holds a tenant's own tables: a schema of the shared database, or schema public of its own database. The tenant's owner
/// creates there; what it creates, the other two roles get their rights on at once.
/// </summary>
internal static class TenantSchema
{
    private const string Rows = "SELECT, INSERT, UPDATE, DELETE"; // never ALL: TRUNCATE, REFERENCES and TRIGGER are the owner's

    public static string Create(TenantId id)
    {
        string schema = BackendNames.Schema(id);
        (string app, string owner, string reader) = Names(id);
        return $"""
            CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION data_owner;
            GRANT USAGE ON SCHEMA {schema} TO {app}, {reader};
            GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner};
            {DefaultPrivileges(owner, $"IN SCHEMA {schema} ", app, reader)}
            {DefaultPrivileges("data_owner", $"IN SCHEMA {schema} ", app, reader)}
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {app}, {reader};
            """;
    }

    /// <summary>
    /// Run in the tenant's own database, where its owner may make schemas and take trusted extensions, too. What the control plane keeps there is
    /// about this tenant alone and readable, because pg_dump of a whole database locks every table in it.
    /// </summary>
    public static string CreateInOwnDatabase(TenantId id)
    {
        (string app, string owner, string reader) = Names(id);
        return $"""
            GRANT USAGE ON SCHEMA public TO {app}, {reader};
            GRANT USAGE, CREATE ON SCHEMA public TO {owner};
            GRANT CREATE ON DATABASE {BackendNames.Database(id)} TO {owner};
            GRANT USAGE ON SCHEMA proxysuite TO {app}, {owner}, {reader};
            GRANT SELECT ON ALL TABLES IN SCHEMA tenancy, proxysuite TO {app}, {owner}, {reader};
            {DefaultPrivileges(owner, "", app, reader)}
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SCHEMAS TO {app}, {reader};
            """;
    }

    /// <summary>Run in the shared database: who may connect to the tenant's own.</summary>
    public static string GrantConnect(TenantId id)
    {
        string database = BackendNames.Database(id);
        (string app, string owner, string reader) = Names(id);
        return $"""
            REVOKE CONNECT ON DATABASE {database} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {app}, {owner}, {reader};
            """;
    }

    /// <summary>Rights on what is there already, for roles that were made after it.</summary>
    public static string GrantExisting(TenantId id, string schema)
    {
        (string app, _, string reader) = Names(id);
        return $"""
            GRANT {Rows} ON ALL TABLES IN SCHEMA {schema} TO {app};
            GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader};
            GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {app};
            GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {reader};
            GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {schema} TO {app}, {reader};
            """;
    }

    private static string DefaultPrivileges(string creator, string where, string app, string reader) => $"""
        ALTER DEFAULT PRIVILEGES FOR ROLE {creator} {where}GRANT {Rows} ON TABLES TO {app};
        ALTER DEFAULT PRIVILEGES FOR ROLE {creator} {where}GRANT SELECT ON TABLES TO {reader};
        ALTER DEFAULT PRIVILEGES FOR ROLE {creator} {where}GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {app};
        ALTER DEFAULT PRIVILEGES FOR ROLE {creator} {where}GRANT SELECT ON SEQUENCES TO {reader};
        """;

    private static (string App, string Owner, string Reader) Names(TenantId id)
        => (BackendNames.Role(id, UserRole.App), BackendNames.Role(id, UserRole.Owner), BackendNames.Role(id, UserRole.Readonly));
}
