using Npgsql;
using ProxySuite.Control.Provisioning;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Audits;

/// <summary>Compares a shard's roles, schemas and databases with what the registry says it holds; both are read once and compared in memory.</summary>
/// <param name="tenants">Those that the registry has on the shard.</param>
/// <param name="elsewhere">Where a tenant lives that is not among them; null for one that the registry does not know.</param>
/// <param name="masterKey">Null to leave passwords unproven.</param>
internal sealed class RegistryDrift(Shard shard, IReadOnlyList<Tenant> tenants, Func<TenantId, Shard?> elsewhere, MasterKey? masterKey)
{
    private const string Roles =
        "SELECT rolname::text, rolcanlogin, rolconnlimit, rolpassword, rolreplication FROM pg_authid WHERE rolname ~ '^t_[0-9a-f]{32}(_[or]|_repl)?$'";

    private const string Places =
        """
        SELECT nspname::text, 'schema' FROM pg_namespace WHERE nspname ~ '^tenant_[0-9a-f]{32}$'
        UNION ALL SELECT datname::text, 'database' FROM pg_database WHERE datname ~ '^tenant_[0-9a-f]{32}$'
        UNION ALL SELECT rolname::text, 'map' FROM tenancy.role_map
        """;

    private readonly List<AuditFinding> _findings = [];
    private string _database = "";

    public async Task<List<AuditFinding>> RunAsync(NpgsqlConnection shared, CancellationToken cancellationToken)
    {
        _database = shared.Database!;
        Dictionary<string, ShardRole> roles = (await shared.QueryAsync(Roles,
            row => new ShardRole(row.GetString(0), row.GetBoolean(1), row.GetInt32(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetBoolean(4)), cancellationToken))
            .ToDictionary(role => role.Name, StringComparer.Ordinal);
        ILookup<string, string> places = (await shared.QueryAsync(Places, row => (Name: row.GetString(0), Kind: row.GetString(1)), cancellationToken))
            .ToLookup(place => place.Kind, place => place.Name, StringComparer.Ordinal);
        HashSet<string> schemas = [.. places["schema"]], databases = [.. places["database"]], mapped = [.. places["map"]];
        foreach (Tenant tenant in tenants)
        {
            // One in the making lacks things by right; whoever makes it goes on, and what is half made lets nobody in.
            if (tenant.State == TenantState.Creating) continue;
            CheckPlace(tenant, schemas, databases);
            if (tenant.Identity == TenantIdentity.Role) CheckRoles(tenant, roles, mapped);
            CheckReplication(tenant, roles);
        }
        CheckStrangers(roles.Values, schemas);
        return _findings;
    }

    private void CheckPlace(Tenant tenant, HashSet<string> schemas, HashSet<string> databases)
    {
        if (tenant.State == TenantState.Deleting) return;
        if (tenant.Isolation == IsolationModel.Schema && !schemas.Contains(tenant.Placement.SchemaName))
        {
            Add(Severity.High, "SCHEMA_MISSING", $"schema {tenant.Placement.SchemaName}", $"of tenant {tenant.Slug}", Repair(tenant));
        }
        if (tenant.Isolation == IsolationModel.Database && !databases.Contains(tenant.Placement.Database))
        {
            Add(Severity.High, "DATABASE_MISSING", $"database {tenant.Placement.Database}", $"of tenant {tenant.Slug}", Repair(tenant));
        }
    }

    private void CheckReplication(Tenant tenant, Dictionary<string, ShardRole> roles)
    {
        string name = BackendNames.ReplicationRole(tenant.Id);
        bool isThere = roles.TryGetValue(name, out ShardRole? role);
        if (isThere && !ReplicationRole.IsWantedBy(tenant))
        {
            string fix = ReplicationRole.CanHave(tenant) ? Repair(tenant) : $"DROP ROLE {name} -- refused while it owns anything: first ALTER ROLE {name} NOLOGIN, and DROP OWNED BY {name} in each database";
            Add(Severity.High, "REPLICATION_ROLE", name, $"tenant {tenant.Slug} may not replicate{(ReplicationRole.CanHave(tenant) ? "" : $", being of model {EnumText.Of(tenant.Isolation)}")}", fix);
            return;
        }
        if (!ReplicationRole.IsWantedBy(tenant) || tenant.State != TenantState.Active) return;
        if (!isThere || !role!.MayReplicate || !role.CanLogin)
        {
            Add(Severity.Medium, "REPLICATION_ROLE", name, $"{(isThere ? "cannot replicate" : "missing")}; tenant {tenant.Slug} may", Repair(tenant));
            return;
        }
        if (role.ConnectionLimit != TenantRoles.ConnectionLimit(tenant.Plan))
        {
            Add(Severity.Medium, "REPLICATION_ROLE", name, $"connection limit {role.ConnectionLimit} instead of {TenantRoles.ConnectionLimit(tenant.Plan)}; tenant {tenant.Slug}", Repair(tenant));
        }
        CheckPassword(tenant, role);
    }

    private void CheckRoles(Tenant tenant, Dictionary<string, ShardRole> roles, HashSet<string> mapped)
    {
        foreach (UserRole kind in TenantRoles.Of(tenant))
        {
            string name = BackendNames.Role(tenant.Id, kind);
            if (!roles.TryGetValue(name, out ShardRole? role))
            {
                if (tenant.State != TenantState.Deleting) Add(Severity.High, "ROLE_MISSING", name, $"{EnumText.Of(kind)} of tenant {tenant.Slug}", Repair(tenant));
                continue;
            }
            if (role.CanLogin && tenant.State != TenantState.Active)
            {
                Add(Severity.High, "ROLE_LOGIN", name, $"may log in, and tenant {tenant.Slug} is {EnumText.Of(tenant.State)}", $"ALTER ROLE {name} NOLOGIN");
            }
            if (tenant.State != TenantState.Active) continue;
            if (!role.CanLogin) Add(Severity.Medium, "ROLE_LOGIN", name, $"may not log in, and tenant {tenant.Slug} is active", Repair(tenant));
            if (tenant.Isolation != IsolationModel.Database && !mapped.Contains(name))
            {
                Add(Severity.Medium, "ROLE_NOT_MAPPED", name, $"{EnumText.Of(kind)} of tenant {tenant.Slug}", $"INSERT INTO tenancy.role_map (rolname, tenant_id) VALUES ('{name}', '{tenant.Id}')");
            }
            int limit = TenantRoles.ConnectionLimit(tenant.Plan);
            if (role.ConnectionLimit >= 0 && role.ConnectionLimit != limit)
            {
                Add(Severity.Low, "ROLE_LIMIT", name, $"{role.ConnectionLimit} instead of {limit}, as plan {tenant.Plan.Name} of tenant {tenant.Slug} has it", $"ALTER ROLE {name} CONNECTION LIMIT {limit}");
            }
            CheckPassword(tenant, role);
        }
    }

    private void CheckPassword(Tenant tenant, ShardRole role)
    {
        if (!ScramVerifier.TryParse(role.Password, out ScramVerifier? verifier))
        {
            Add(Severity.High, "ROLE_PASSWORD", role.Name, $"{(role.Password is null ? "none" : "no SCRAM-SHA-256 verifier")}; tenant {tenant.Slug}", Repair(tenant));
            return;
        }
        // Every round is an HMAC: a verifier that somebody planted with a billion of them must not keep the audit busy.
        if (masterKey is not null && (verifier.Iterations > 100_000 || !verifier.Matches(new BackendPasswords(masterKey).PasswordFor(role.Name, tenant.CredentialsEpoch))))
        {
            Add(Severity.High, "ROLE_PASSWORD", role.Name, $"not the one that follows from the master key; tenant {tenant.Slug}", Repair(tenant));
        }
        else if (verifier.Iterations != 1)
        {
            Add(Severity.Low, "ROLE_PASSWORD_SLOW", role.Name, $"{verifier.Iterations} iterations; tenant {tenant.Slug}", Repair(tenant));
        }
    }

    private void CheckStrangers(IEnumerable<ShardRole> roles, HashSet<string> schemas)
    {
        HashSet<TenantId> here = [.. tenants.Select(tenant => tenant.Id)];
        foreach (ShardRole role in roles)
        {
            TenantId id = IdOf(role.Name, "t_");
            if (here.Contains(id)) continue;
            Shard? home = elsewhere(id);
            // Two shards may be databases of one cluster, and roles belong to the cluster.
            if (home is not null && home.Primary.Any(shard.Primary.Contains)) continue;
            string where = home is null ? "in the registry nowhere" : $"in the registry on shard {home.Name}";
            if (role.CanLogin) Add(Severity.High, "ROLE_UNKNOWN", role.Name, where, $"ALTER ROLE {role.Name} NOLOGIN");
            else Add(Severity.Low, "ROLE_LEFTOVER", role.Name, where, $"DROP ROLE {role.Name} -- refused while it owns anything: first DROP OWNED BY {role.Name} in each database");
        }
        foreach (string schema in schemas)
        {
            TenantId id = IdOf(schema, "tenant_");
            if (here.Contains(id)) continue;
            string where = elsewhere(id) is { } home ? $"in the registry on shard {home.Name}" : "in the registry nowhere";
            Add(Severity.Low, "SCHEMA_LEFTOVER", $"schema {schema}", where, $"DROP SCHEMA {schema} CASCADE");
        }
    }

    private void Add(Severity severity, string code, string subject, string detail, string fix)
        => _findings.Add(new AuditFinding(severity, code, shard.Name, _database, subject, detail, fix));

    private string Repair(Tenant tenant) => $"proxyctl shard repair {shard.Name} --tenant {tenant.Slug}";

    private static TenantId IdOf(string name, string prefix) => new(Guid.ParseExact(name.AsSpan(prefix.Length, 32), "N"));

    private sealed record ShardRole(string Name, bool CanLogin, int ConnectionLimit, string? Password, bool MayReplicate);
}
