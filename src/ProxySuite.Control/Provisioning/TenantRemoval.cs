using System.Diagnostics.CodeAnalysis;
using Npgsql;
using ProxySuite.Tenancy.Model;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Provisioning;

/// <summary>Removes what a tenant has on its shard. Every part may be gone already.</summary>
internal static class TenantRemoval
{
    /// <summary>Its database, its schema, or its rows in the shared tables.</summary>
    [SuppressMessage("Security", "CA2100", Justification = "Names are derived from the tenant's id, or quoted by the server.")]
    public static async Task DropObjectsAsync(NpgsqlConnection shared, Tenant tenant, CancellationToken cancellationToken)
    {
        switch (tenant.Isolation)
        {
            case IsolationModel.Database:
                // A database with a slot in use cannot be dropped; those that are idle would go with it.
                await ReplicationRole.DropSlotsAsync(shared, tenant, cancellationToken);
                await shared.ExecuteAsync($"DROP DATABASE IF EXISTS {BackendNames.Database(tenant.Id)} WITH (FORCE)", cancellationToken);
                break;
            case IsolationModel.Schema:
                string schema = BackendNames.Schema(tenant.Id);
                await shared.ExecuteAsync($"DROP SCHEMA IF EXISTS {schema} CASCADE; DELETE FROM proxysuite.schema_ledger WHERE schema_name = {Literal(schema)}", cancellationToken);
                break;
            default:
                await DeleteRowsAsync(shared, tenant.Id, cancellationToken);
                break;
        }
    }

    /// <summary>Its login roles, with whatever they own or are granted; that they are this tenant's is forgotten with them.</summary>
    public static async Task DropRolesAsync(NpgsqlConnection shared, Tenant tenant, CancellationToken cancellationToken)
    {
        foreach (string name in TenantRoles.Of(tenant).Select(role => BackendNames.Role(tenant.Id, role)).Append(BackendNames.ReplicationRole(tenant.Id)))
        {
            if (!await shared.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", cancellationToken, name)) continue;
            await using NpgsqlTransaction transaction = await shared.BeginTransactionAsync(cancellationToken);
            await shared.ExecuteAsync($"DROP OWNED BY {name} CASCADE; DROP ROLE {name}; DELETE FROM tenancy.role_map WHERE rolname = {Literal(name)}", cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
    }

    /// <summary>All rows of the tenant in all shared tables, in one transaction. Foreign keys are not followed: both of their ends are the tenant's and go.</summary>
    private static async Task DeleteRowsAsync(NpgsqlConnection shared, TenantId id, CancellationToken cancellationToken)
    {
        List<string> tables = await shared.QueryAsync(
            """
            SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
            """, row => row.GetString(0), cancellationToken);
        await using NpgsqlTransaction transaction = await shared.BeginTransactionAsync(cancellationToken);
        await shared.ExecuteAsync("SET LOCAL session_replication_role = replica; SET LOCAL row_security = off", cancellationToken);
        foreach (string table in tables) await shared.ExecuteAsync($"DELETE FROM {table} WHERE tenant_id = $1", cancellationToken, id.Value);
        await transaction.CommitAsync(cancellationToken);
    }
}
