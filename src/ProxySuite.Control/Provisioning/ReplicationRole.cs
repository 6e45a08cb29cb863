using System.Diagnostics;
using System.Globalization;
using Npgsql;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Provisioning;

/// <summary>
/// The login role of a tenant's replication connections. It exists only while the tenant has a database of its own and its plan allows them: the attribute REPLICATION is the cluster's, and what
/// keeps such a session within its database is that nobody but proxies can log in with it, and that the functions it opens are closed to all (lockdown).
/// </summary>
internal static class ReplicationRole
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Whether the tenant is to have one.</summary>
    public static bool IsWantedBy(Tenant tenant) => tenant.Plan.Replication && CanHave(tenant);

    /// <summary>Whether its model lets it have one: a stream reads a whole database.</summary>
    public static bool CanHave(Tenant tenant) => tenant.Isolation == IsolationModel.Database && tenant.Identity == TenantIdentity.Role;

    /// <summary>Refuses where slots could fill the disk that others live on.</summary>
    /// <exception cref="ControlException">The shard does not bound what slots keep, or has no logical WAL.</exception>
    public static async Task RequireBoundsAsync(NpgsqlConnection shared, string shard, CancellationToken cancellationToken)
    {
        (string level, string bound) = (await shared.QueryAsync(
            "SELECT current_setting('wal_level'), current_setting('max_slot_wal_keep_size')", row => (row.GetString(0), row.GetString(1)), cancellationToken))[0];
        if (level != "logical") throw new ControlException($"shard \"{shard}\" has wal_level {level}, so nothing can be replicated from it", "Set wal_level = logical there and restart the server.");
        if (bound == "-1")
        {
            throw new ControlException($"shard \"{shard}\" does not bound the WAL that replication slots keep: one that nobody reads would fill its disk for all tenants",
                "Set max_slot_wal_keep_size there, such as 50GB; a reload is enough.");
        }
    }

    /// <summary>Brings the role to what the registry says: made and allowed in, made and kept out, or removed with the tenant's slots. Safe to repeat.</summary>
    /// <exception cref="ControlException">It is wanted, and the shard is not fit for it.</exception>
    public static async Task SetAsync(NpgsqlConnection shared, ShardConnections servers, Tenant tenant, string shard, Func<MasterKey> masterKey, CancellationToken cancellationToken)
    {
        if (!CanHave(tenant)) return;
        if (IsWantedBy(tenant)) await MakeAsync(shared, servers, tenant, shard, masterKey(), cancellationToken);
        else await RemoveAsync(shared, servers, tenant, cancellationToken);
    }

    /// <summary>Ends its sessions and drops the tenant's slots and the role; each may be gone already.</summary>
    public static async Task RemoveAsync(NpgsqlConnection shared, ShardConnections servers, Tenant tenant, CancellationToken cancellationToken)
    {
        string name = BackendNames.ReplicationRole(tenant.Id), database = BackendNames.Database(tenant.Id);
        if (!await ExistsAsync(shared, name, cancellationToken)) return;
        await shared.ExecuteAsync($"ALTER ROLE {name} NOLOGIN", cancellationToken);
        await DropSlotsAsync(shared, tenant, cancellationToken);
        if (await shared.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", cancellationToken, database))
        {
            await using NpgsqlConnection own = await servers.OpenAsync(database, cancellationToken);
            await own.ExecuteAsync($"DROP OWNED BY {name} CASCADE; DELETE FROM tenancy.role_map WHERE rolname = {Literal(name)}", cancellationToken);
        }
        await shared.ExecuteAsync($"DROP OWNED BY {name} CASCADE; DROP ROLE {name}", cancellationToken);
    }

    /// <summary>Ends the tenant's replication and drops its slots, by its prefix: those of a move are not the tenant's.</summary>
    /// <exception cref="ControlException">A slot stays in use.</exception>
    public static async Task DropSlotsAsync(NpgsqlConnection shared, Tenant tenant, CancellationToken cancellationToken)
    {
        string mine = $"starts_with(slot_name::text, {Literal(BackendNames.SlotPrefix(tenant.Id))}) AND database = {Literal(BackendNames.Database(tenant.Id))}";
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            await shared.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {Literal(BackendNames.ReplicationRole(tenant.Id))}", cancellationToken);
            List<string> slots = await shared.QueryAsync($"SELECT slot_name::text FROM pg_replication_slots WHERE {mine} AND NOT temporary AND NOT active", row => row.GetString(0), cancellationToken);
            foreach (string slot in slots)
            {
                try
                {
                    await shared.ExecuteAsync("SELECT pg_drop_replication_slot($1)", cancellationToken, slot);
                }
                catch (PostgresException passing) when (passing.SqlState is PostgresErrorCodes.ObjectInUse or PostgresErrorCodes.UndefinedObject)
                {
                    // Somebody took it up, or dropped it, since it was listed.
                }
            }
            if (await shared.ScalarAsync<int>($"SELECT count(*)::int FROM pg_replication_slots WHERE {mine}", cancellationToken) == 0) return;
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new ControlException($"a replication slot of tenant \"{tenant.Slug}\" stays in use", "See pg_replication_slots, and try again.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>Closes the door where there is a role.</summary>
    public static string ForbidLogin(Tenant tenant) => CanHave(tenant) ? WhereItExists(tenant, $"ALTER ROLE {BackendNames.ReplicationRole(tenant.Id)} NOLOGIN") : "";

    /// <summary>Opens it, with the password that follows from the master key.</summary>
    public static string AllowLogin(Tenant tenant, BackendPasswords passwords)
    {
        if (!IsWantedBy(tenant)) return "";
        string name = BackendNames.ReplicationRole(tenant.Id);
        var verifier = ScramVerifier.Create(passwords.PasswordFor(name, tenant.CredentialsEpoch), iterations: 1);
        return WhereItExists(tenant, $"ALTER ROLE {name} LOGIN PASSWORD {Literal(verifier.ToStoredForm())}");
    }

    private static string WhereItExists(Tenant tenant, string statement) => $"""
        DO $replication$ BEGIN
          IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{BackendNames.ReplicationRole(tenant.Id)}') THEN {statement}; END IF;
        END $replication$;

        """;

    private static Task<bool> ExistsAsync(NpgsqlConnection shared, string name, CancellationToken cancellationToken)
        => shared.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", cancellationToken, name);

    private static async Task MakeAsync(NpgsqlConnection shared, ShardConnections servers, Tenant tenant, string shard, MasterKey masterKey, CancellationToken cancellationToken)
    {
        await RequireBoundsAsync(shared, shard, cancellationToken);
        string name = BackendNames.ReplicationRole(tenant.Id), database = BackendNames.Database(tenant.Id), owner = BackendNames.Role(tenant.Id, UserRole.Owner);
        await shared.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"""
            DO $create$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN; END IF;
            END $create$;
            ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT REPLICATION CONNECTION LIMIT {TenantRoles.ConnectionLimit(tenant.Plan)};
            ALTER ROLE {name} SET temp_file_limit = '{TenantRoles.TempFileLimitKilobytes(tenant.Plan)}kB';
            GRANT CONNECT ON DATABASE {database} TO {name};
            """), cancellationToken);
        await using (NpgsqlConnection own = await servers.OpenAsync(database, cancellationToken))
        {
            // Tables that its owner makes later come with the right to be copied; what is there gets it now.
            await own.ExecuteAsync($"""
                INSERT INTO tenancy.role_map (rolname, tenant_id) VALUES ('{name}', '{tenant.Id}') ON CONFLICT (rolname) DO UPDATE SET tenant_id = excluded.tenant_id;
                GRANT USAGE ON SCHEMA proxysuite TO {name};
                ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {name};
                ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SCHEMAS TO {name};
                DO $grant$ DECLARE v_schema name; BEGIN
                  FOR v_schema IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'tenancy', 'proxysuite') LOOP
                    EXECUTE format('GRANT USAGE ON SCHEMA %I TO {name}', v_schema);
                    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO {name}', v_schema);
                  END LOOP;
                END $grant$;
                """, cancellationToken);
        }
        if (tenant.State is TenantState.Active or TenantState.Creating) await shared.ExecuteAsync(AllowLogin(tenant, new BackendPasswords(masterKey)), cancellationToken);
        else await shared.ExecuteAsync(ForbidLogin(tenant), cancellationToken);
    }
}
