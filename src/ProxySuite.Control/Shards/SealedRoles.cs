using System.Globalization;
using System.Text;
using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Shards;

/// <summary>
/// What sealed tenants share on their shard: one login role per user role, and the keys that their seals are checked with. Under lockdown strict alone:
/// what a relaxed one leaves open (temporary tables, other sessions' texts, kill) would be open between tenants of one role.
/// </summary>
internal static class SealedRoles
{
    private static readonly UserRole[] Roles = [UserRole.App, UserRole.Readonly];

    // Largest sum of a session's temporary files; a session cannot raise it. The role knows no plan, so this is every tenant's.
    private const string TempFileLimit = "4GB";

    /// <summary>Makes roles and key, or brings them back to what they should be.</summary>
    /// <param name="shared">A connection to the shard's shared database, which is prepared.</param>
    /// <exception cref="ControlException">The shard was prepared with another master key.</exception>
    public static async Task InstallAsync(NpgsqlConnection shared, Shard shard, MasterKey masterKey, CancellationToken cancellationToken)
    {
        await MasterKeyGuard.RequireAsync(shared, masterKey, cancellationToken);
        await InstallKeyAsync(shared, SealKey.Of(masterKey, shard, shard.SealKid), cancellationToken);
        await shared.ExecuteAsync(CreateSql(shard, masterKey, shared.PostgreSqlVersion.Major), cancellationToken);
    }

    /// <summary>As <see cref="InstallAsync"/>, where it was not done before: a password set anew has another salt, and every proxy would derive its keys again.</summary>
    public static async Task EnsureAsync(NpgsqlConnection shared, Shard shard, MasterKey masterKey, CancellationToken cancellationToken)
    {
        const string Stands =
            """
            SELECT (SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1) AND rolcanlogin) = cardinality($1)
               AND EXISTS (SELECT FROM tenancy.seal_key WHERE kid = $2)
            """;
        string[] names = [.. Roles.Select(role => BackendNames.SealedRole(shard, role))];
        if (!await shared.ScalarAsync<bool>(Stands, cancellationToken, names, Text(shard.SealKid))) await InstallAsync(shared, shard, masterKey, cancellationToken);
    }

    /// <summary>Takes everything back that makes sealed sessions possible; for a shard whose lockdown becomes relaxed, and that holds no sealed tenant.</summary>
    public static async Task RemoveAsync(NpgsqlConnection shared, Shard shard, CancellationToken cancellationToken)
    {
        await shared.ExecuteAsync("DELETE FROM tenancy.seal_key", cancellationToken);
        foreach (UserRole role in Roles)
        {
            string name = BackendNames.SealedRole(shard, role);
            await shared.ExecuteAsync($"DO $close$ BEGIN ALTER ROLE {name} NOLOGIN; EXCEPTION WHEN undefined_object THEN NULL; END $close$", cancellationToken);
        }
    }

    /// <summary>Lets seals of this key count, too.</summary>
    public static Task InstallKeyAsync(NpgsqlConnection shared, SealKey key, CancellationToken cancellationToken)
    {
        (byte[] k1, byte[] k2) = key.Halves;
        return shared.ExecuteAsync(
            "INSERT INTO tenancy.seal_key (kid, k1, k2) VALUES ($1, $2, $3) ON CONFLICT (kid) DO UPDATE SET k1 = excluded.k1, k2 = excluded.k2",
            cancellationToken, Text(key.Kid), k1, k2);
    }

    /// <summary>Lets seals of no other key count.</summary>
    /// <returns>Keys removed.</returns>
    public static Task<int> RemoveOtherKeysAsync(NpgsqlConnection shared, int kid, CancellationToken cancellationToken)
        => shared.ExecuteAsync("DELETE FROM tenancy.seal_key WHERE kid <> $1", cancellationToken, Text(kid));

    private static string CreateSql(Shard shard, MasterKey masterKey, int serverVersion)
    {
        var passwords = new BackendPasswords(masterKey);
        var sql = new StringBuilder();
        // As with tenants' own roles in the pool model: rights come from the group, and 16 and later keep SET ROLE to it closed.
        string options = serverVersion >= 16 ? " WITH INHERIT TRUE, SET FALSE" : "";
        foreach (UserRole role in Roles)
        {
            string name = BackendNames.SealedRole(shard, role);
            var verifier = ScramVerifier.Create(passwords.PasswordFor(name, BackendNames.SealedPasswordEpoch), iterations: 1);
            // Bind parameters stay out of the server's log: the seal is one, and whoever reads it there could use it for a minute.
            sql.Append(CultureInfo.InvariantCulture, $"""
                DO $create$ BEGIN
                  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN; END IF;
                END $create$;
                ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT;
                ALTER ROLE {name} SET temp_file_limit = '{TempFileLimit}';
                ALTER ROLE {name} SET log_parameter_max_length = 0;
                GRANT {(role == UserRole.App ? "pool_app" : "pool_readonly")} TO {name}{options};
                ALTER ROLE {name} LOGIN PASSWORD {Literal(verifier.ToStoredForm())};

                """);
        }
        return sql.ToString();
    }

    private static string Text(int kid) => kid.ToString(CultureInfo.InvariantCulture);
}
