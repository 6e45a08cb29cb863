using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Provisioning;

/// <summary>
/// SQL for a tenant's login roles. They are members of nothing but, in the pool model, the pool's group; they own nothing but what the tenant's
/// owner makes; and they can log in only once everything else stands.
/// </summary>
internal static class TenantRoles
{
    /// <summary>Which roles a tenant has: in the pool model tables belong to all, so nobody of one tenant owns them.</summary>
    public static ImmutableArray<UserRole> Of(IsolationModel isolation)
        => isolation == IsolationModel.Pool ? [UserRole.App, UserRole.Readonly] : [UserRole.App, UserRole.Owner, UserRole.Readonly];

    /// <summary>The roles of one tenant: a sealed one has none of its own.</summary>
    public static ImmutableArray<UserRole> Of(Tenant tenant) => tenant.Identity == TenantIdentity.Sealed ? [] : Of(tenant.Isolation);

    /// <summary>
    /// What the server itself holds each role to, beside the proxies' own accounting. Twice the plan and eight more: connections of one
    /// proxy may be closing while another's open, and a limit that bites before the proxy's queue does would fail queries instead of letting them wait.
    /// </summary>
    public static int ConnectionLimit(Plan plan) => (2 * plan.Connections) + 8;

    /// <summary>Largest sum of a session's temporary files, in kB: 64 times work_mem and at least 1 GB. A session cannot raise it.</summary>
    public static long TempFileLimitKilobytes(Plan plan) => Math.Max(1024 * 1024, 64 * plan.WorkMemBytes / 1024);

    /// <summary>Makes the roles where they are missing, without a right to log in, and sets what each may do.</summary>
    /// <param name="serverVersion">Major version: since 16 a membership says by itself whether rights are inherited and whether SET ROLE is possible.</param>
    public static string Create(Tenant tenant, int serverVersion)
    {
        if (tenant.Identity == TenantIdentity.Sealed) return "";
        var sql = new StringBuilder();
        // Before 16 only the member's own attribute decides whether a group's rights reach it, and the pool's roles live by their group.
        string inherit = tenant.Isolation == IsolationModel.Pool ? "INHERIT" : "NOINHERIT";
        foreach (UserRole role in Of(tenant))
        {
            string name = BackendNames.Role(tenant.Id, role);
            sql.Append(CultureInfo.InvariantCulture, $"""
                DO $create$ BEGIN
                  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN; END IF;
                END $create$;
                ALTER ROLE {name} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION {inherit};

                """);
        }
        sql.Append(Limits(tenant));
        if (tenant.Isolation == IsolationModel.Pool)
        {
            string options = serverVersion >= 16 ? " WITH INHERIT TRUE, SET FALSE" : "";
            sql.Append(CultureInfo.InvariantCulture, $"""
                GRANT pool_app TO {BackendNames.Role(tenant.Id, UserRole.App)}{options};
                GRANT pool_readonly TO {BackendNames.Role(tenant.Id, UserRole.Readonly)}{options};

                """);
        }
        else
        {
            // Fleet migrations run as the tenant's owner, never as data_owner: a trigger or default made by a tenant runs with the rights of
            // whoever touches its table.
            string options = serverVersion >= 16 ? " WITH INHERIT FALSE, SET TRUE" : "";
            sql.Append(CultureInfo.InvariantCulture, $"GRANT {BackendNames.Role(tenant.Id, UserRole.Owner)} TO ps_control{options};\n");
        }
        return sql.ToString();
    }

    /// <summary>Tells <c>tenancy.role_tenant()</c> whose the roles are; run in the database that holds the tenant's tables.</summary>
    public static string Map(Tenant tenant)
        => tenant.Identity == TenantIdentity.Sealed ? "" : "INSERT INTO tenancy.role_map (rolname, tenant_id) VALUES "
            + string.Join(", ", Of(tenant).Select(role => $"('{BackendNames.Role(tenant.Id, role)}', '{tenant.Id}')"))
            + " ON CONFLICT (rolname) DO UPDATE SET tenant_id = excluded.tenant_id;\n";

    /// <summary>Sets what the plan says about the roles; for a change of plan too.</summary>
    public static string Limits(Tenant tenant)
    {
        var sql = new StringBuilder();
        foreach (string name in Of(tenant).Select(role => BackendNames.Role(tenant.Id, role)))
        {
            sql.Append(CultureInfo.InvariantCulture, $"""
                ALTER ROLE {name} CONNECTION LIMIT {ConnectionLimit(tenant.Plan)};
                ALTER ROLE {name} SET temp_file_limit = '{TempFileLimitKilobytes(tenant.Plan)}kB';

                """);
        }
        return sql.ToString();
    }

    /// <summary>Closes the door; sessions that are in stay in until <see cref="EndSessions"/>.</summary>
    public static string ForbidLogin(Tenant tenant)
        => tenant.Identity == TenantIdentity.Sealed
            // Its sessions are everybody's; what ends at once is what they may do for this tenant.
            ? $"INSERT INTO tenancy.sealed_fence (tenant_id, epoch) VALUES ('{tenant.Id}', {tenant.Placement.Epoch}) ON CONFLICT DO NOTHING;\n"
            : string.Concat(Of(tenant).Select(role => $"ALTER ROLE {BackendNames.Role(tenant.Id, role)} NOLOGIN;\n")) + ReplicationRole.ForbidLogin(tenant);

    /// <param name="atOnce">Also sessions in the middle of a transaction.</param>
    public static string EndSessions(Tenant tenant, bool atOnce = true)
        => tenant.Identity == TenantIdentity.Sealed ? "" : $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ({string.Join(", ",
            Of(tenant).Select(role => Literal(BackendNames.Role(tenant.Id, role))).Append(Literal(BackendNames.ReplicationRole(tenant.Id))))}){(atOnce ? "" : " AND state = 'idle'")};\n";

    /// <summary>Lets the roles log in with the passwords that follow from the master key; what travels and may be logged is a verifier of each.</summary>
    public static string AllowLogin(Tenant tenant, BackendPasswords passwords)
    {
        if (tenant.Identity == TenantIdentity.Sealed) return $"DELETE FROM tenancy.sealed_fence WHERE tenant_id = '{tenant.Id}' AND epoch <= {tenant.Placement.Epoch};\n";
        var sql = new StringBuilder();
        foreach (string name in Of(tenant).Select(role => BackendNames.Role(tenant.Id, role)))
        {
            // One iteration: the password has 256 random bits, so there is nothing to slow down, and logins cost the server no PBKDF2.
            var verifier = ScramVerifier.Create(passwords.PasswordFor(name, tenant.CredentialsEpoch), iterations: 1);
            sql.Append(CultureInfo.InvariantCulture, $"ALTER ROLE {name} LOGIN PASSWORD {Literal(verifier.ToStoredForm())};\n");
        }
        return sql.Append(ReplicationRole.AllowLogin(tenant, passwords)).ToString();
    }
}
