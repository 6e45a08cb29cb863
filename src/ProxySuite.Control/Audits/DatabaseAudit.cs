using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Audits;

/// <summary>Audits one database, in one query however many schemas and tenants it holds.</summary>
internal static class DatabaseAudit
{
    // The planner knows nothing of how many grants a database has; with nested loops left to it, 1,000 schemas can take minutes instead of a second.
    private const string Plan = "SET LOCAL enable_nestloop = off; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET LOCAL statement_timeout = '5min'";

    private const string Prepared =
        """
        SELECT to_regprocedure('tenancy.lockdown_targets(text)') IS NOT NULL AND to_regprocedure('tenancy.role_tenant()') IS NOT NULL
           AND to_regprocedure('tenancy.current_tenant()') IS NOT NULL AND to_regclass('tenancy.role_map') IS NOT NULL AND to_regclass('tenancy.lockdown_level') IS NOT NULL
           AND to_regnamespace('proxysuite') IS NOT NULL AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenancy_owner')
        """;

    /// <param name="isShared">The shard's shared database, with what belongs to the whole cluster.</param>
    public static async Task<List<AuditFinding>> RunAsync(
        NpgsqlConnection connection, Shard shard, bool isShared, string tenantColumn, CancellationToken cancellationToken)
    {
        string database = connection.Database!;
        if (!await connection.ScalarAsync<bool>(Prepared, cancellationToken))
        {
            return [new AuditFinding(Severity.Critical, "NOT_PREPARED", shard.Name, database, "schema tenancy", "functions or tables are missing", $"proxyctl shard prepare {shard.Name}")];
        }
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(Plan, cancellationToken);
        List<AuditFinding> findings = await connection.QueryAsync(AuditSql.Query(tenantColumn, isShared), row => new AuditFinding(
            Enum.Parse<Severity>(row.GetString(0), ignoreCase: true), row.GetString(1), shard.Name, database, row.GetString(2), row.GetString(3), row.GetString(4)), cancellationToken);
        string? level = await connection.ScalarAsync<string>("SELECT level FROM tenancy.lockdown_level", cancellationToken);
        if (level != EnumText.Of(shard.Lockdown))
        {
            findings.Add(new AuditFinding(shard.Lockdown == Lockdown.Strict ? Severity.High : Severity.Low, "LOCKDOWN", shard.Name, database, "lockdown",
                $"{level ?? "none"} here, {EnumText.Of(shard.Lockdown)} in the registry", $"CALL tenancy.apply_lockdown('{EnumText.Of(shard.Lockdown)}')"));
        }
        await transaction.RollbackAsync(cancellationToken);
        return findings;
    }
}
