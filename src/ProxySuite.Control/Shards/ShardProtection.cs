using System.Collections.Immutable;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Shards;

/// <summary>What to guard.</summary>
public sealed record ProtectionRequest
{
    /// <value>Tables by name, with or without schema; empty for every table of the shared database that has the tenant column.</value>
    public ImmutableArray<string> Tables { get; init; } = [];

    /// <value>The column that says whose a row is: a uuid, or the same as text.</value>
    public string Column { get; init; } = "tenant_id";

    /// <value>The setting that the proxies give tenants' sessions; policies that read another one are pointed out.</value>
    public string Parameter { get; init; } = TenantSettings.DefaultTenantIdParameter;

    /// <value>Takes back what an earlier call did instead.</value>
    public bool Remove { get; init; }

    /// <value>Says what would be done and does nothing.</value>
    public bool DryRun { get; init; }
}

/// <summary>One table, and what was done to it.</summary>
/// <param name="Sql">The statements, in order; empty when it was as it should be.</param>
/// <param name="Note">What a person should know about it; null for nothing.</param>
/// <param name="Refused">Whether it could not be guarded; <paramref name="Note"/> then says why.</param>
public sealed record ProtectedTable(string Table, ImmutableArray<string> Sql, string? Note, bool Refused = false);

/// <summary>
/// Makes tables with policies of their own safe without touching those: a restrictive policy that asks who is logged in is ANDed with them, so a
/// tenant id that a client put into a setting finds nothing. Remembers how each table was, and can put it back.
/// </summary>
public sealed class ShardProtection(ControlPlane control)
{
    // A table in use is waited for briefly, then left for another run: whoever waits for its lock holds up everybody behind.
    private const string Patience = "SET LOCAL lock_timeout = '5s'";

    private const string Tables =
        """
        SELECT c.oid::regclass::text AS name, c.relrowsecurity, c.relforcerowsecurity, t.typname::text,
               coalesce((SELECT array_agg(polname::text) FROM pg_policy WHERE polrelid = c.oid AND polname IN ('tenancy_guard', 'tenancy_rows')), '{}') AS ours,
               EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polpermissive AND polname <> 'tenancy_rows') AS has_policies,
               coalesce((SELECT array_agg(DISTINCT m[1]) FROM pg_policy p CROSS JOIN LATERAL regexp_matches(
                 coalesce(pg_get_expr(p.polqual, c.oid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, c.oid), ''), 'current_setting\(''([^'']+)''', 'g') AS m
                 WHERE p.polrelid = c.oid), '{}') AS settings,
               s.row_security, s.force_row_security, s.policy
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $1 AND NOT a.attisdropped
          JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN proxysuite.protected_tables s ON s.table_name = c.oid::regclass::text
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tenancy', 'proxysuite')
           AND CASE WHEN cardinality($2::text[]) > 0 THEN c.oid = ANY ($2::text[]::regclass[]) ELSE n.nspname !~ '^tenant_[0-9a-f]{32}$' END
         ORDER BY 1
        """;

    /// <summary>Guards tables, or says what it would do. Cut off, it is finished by the same call.</summary>
    /// <exception cref="ControlException">The shard is not prepared or cannot be reached, or a named table is not there or lacks the column.</exception>
    /// <exception cref="RegistryException">No such shard.</exception>
    public async Task<ImmutableArray<ProtectedTable>> RunAsync(string name, ProtectionRequest request, CancellationToken cancellationToken)
    {
        if (request.DryRun) return await WorkAsync(await control.Store.GetShardAsync(name, cancellationToken), request, (_, plan, _) => Task.FromResult(plan), cancellationToken);
        var work = new ProtectShard { Name = name, Tables = [.. request.Tables], Column = request.Column, Parameter = request.Parameter, Remove = request.Remove };
        return (ImmutableArray<ProtectedTable>)(await new JobRunner(control).RunAsync(work, cancellationToken)).Result!;
    }

    /// <summary>Changes tables one after the other, each in a transaction, from how they are found; so it may be done again at any point.</summary>
    /// <param name="apply">Is handed how many tables there are, the plan for one that is to be changed, and what carries it out.</param>
    internal static async Task<ImmutableArray<ProtectedTable>> WorkAsync(
        Shard shard, ProtectionRequest request, Func<int, ProtectedTable, Func<Task<ProtectedTable>>, Task<ProtectedTable>> apply, CancellationToken cancellationToken)
    {
        // A connection for the look and one for each change: none is held while the registry is written to.
        var servers = new ShardConnections(shard);
        List<Found> found;
        await using (NpgsqlConnection connection = await servers.OpenSharedAsync(cancellationToken)) found = await FindAsync(connection, shard, request, cancellationToken);
        var done = ImmutableArray.CreateBuilder<ProtectedTable>();
        foreach (Found table in found)
        {
            ProtectedTable plan = request.Remove ? Removal(table) : Guard(table, request);
            if (plan.Sql.Length > 0) plan = await apply(found.Count, plan, () => ApplyAsync(servers, table, plan, request.Remove, cancellationToken));
            done.Add(plan);
        }
        return done.ToImmutable();
    }

    private static async Task<List<Found>> FindAsync(NpgsqlConnection connection, Shard shard, ProtectionRequest request, CancellationToken cancellationToken)
    {
        if (!await connection.ScalarAsync<bool>("SELECT to_regclass('proxysuite.protected_tables') IS NOT NULL", cancellationToken))
        {
            throw new ControlException($"shard \"{shard.Name}\" is not prepared, or by an older version", $"Run: proxyctl shard prepare {shard.Name}");
        }
        // A name without a schema is one of the shared schema.
        string[] named = [.. request.Tables.Select(table => table.Contains('.') ? table : $"{BackendNames.SharedSchema}.{table}")];
        foreach (string table in named)
        {
            if (!await connection.ScalarAsync<bool>("SELECT to_regclass($1) IS NOT NULL", cancellationToken, table)) throw new ControlException($"there is no table {table} in database {connection.Database}");
        }
        List<Found> found = await connection.QueryAsync(Tables, Found.Read, cancellationToken, request.Column, named);
        if (named.Length > found.Count) throw new ControlException($"not all of these tables have a column {request.Column}: {string.Join(", ", named)}", "Name the column with --column.");
        return found;
    }

    private static ProtectedTable Guard(Found table, ProtectionRequest request)
    {
        string? note = Note(table, request);
        string? identity = table.Type switch
        {
            "uuid" => "tenancy.current_tenant()",
            "text" or "varchar" => "tenancy.current_tenant()::text",
            _ => null,
        };
        if (identity is null)
        {
            return new ProtectedTable(table.Name, [], $"column {request.Column} is of type {table.Type}: a tenant's id is a uuid, so it must be a uuid or text", Refused: true);
        }
        var sql = ImmutableArray.CreateBuilder<string>();
        string rows = $"{Identifier(request.Column)} = (SELECT {identity})";
        // Where no policy lets anybody in, one permissive policy does both: lets in, and binds. Each policy costs a call of the function per query.
        string policy = table.HasPolicies ? "tenancy_guard" : "tenancy_rows";
        if (!table.Ours.Contains(policy))
        {
            sql.Add($"CREATE POLICY {policy} ON {table.Name} AS {(table.HasPolicies ? "RESTRICTIVE" : "PERMISSIVE")} FOR ALL TO PUBLIC USING ({rows}) WITH CHECK ({rows})");
        }
        // The guard stands before anything else opens or closes.
        if (table.HasPolicies && table.Ours.Contains("tenancy_rows")) sql.Add($"DROP POLICY tenancy_rows ON {table.Name}");
        if (!table.RowSecurity || !table.Forced) sql.Add($"ALTER TABLE {table.Name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
        return new ProtectedTable(table.Name, sql.ToImmutable(), note);
    }

    private static string? Note(Found table, ProtectionRequest request)
    {
        string[] others = [.. table.Settings.Where(setting => setting != request.Parameter)];
        return others.Length > 0
            ? $"a policy reads {string.Join(", ", others)}, which the proxies do not set; they set {request.Parameter}"
            : table.Settings.Length > 0 ? $"its policies on {request.Parameter} stay as they are" : null;
    }

    private static ProtectedTable Removal(Found table)
    {
        if (table.Before is not { } before) return new ProtectedTable(table.Name, [], table.Ours.Length > 0 ? "guarded by shard prepare, which would guard it again" : null);
        var sql = ImmutableArray.CreateBuilder<string>();
        if (!before.RowSecurity) sql.Add($"ALTER TABLE {table.Name} DISABLE ROW LEVEL SECURITY");
        if (!before.Forced) sql.Add($"ALTER TABLE {table.Name} NO FORCE ROW LEVEL SECURITY");
        if (table.Ours.Contains(before.Policy)) sql.Add($"DROP POLICY {Identifier(before.Policy)} ON {table.Name}");
        return new ProtectedTable(table.Name, sql.ToImmutable(), "its rows are kept apart by its own policies alone");
    }

    private static async Task<ProtectedTable> ApplyAsync(ShardConnections servers, Found table, ProtectedTable plan, bool remove, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await servers.OpenSharedAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await connection.ExecuteAsync(Patience, cancellationToken);
            foreach (string statement in plan.Sql) await connection.ExecuteAsync(statement, cancellationToken);
            if (remove)
            {
                await connection.ExecuteAsync("DELETE FROM proxysuite.protected_tables WHERE table_name = $1", cancellationToken, table.Name);
            }
            else
            {
                await connection.ExecuteAsync(
                    "INSERT INTO proxysuite.protected_tables (table_name, row_security, force_row_security, policy) VALUES ($1, $2, $3, $4) ON CONFLICT (table_name) DO UPDATE SET policy = excluded.policy",
                    cancellationToken, table.Name, table.RowSecurity, table.Forced, table.HasPolicies ? "tenancy_guard" : "tenancy_rows");
            }
            await transaction.CommitAsync(cancellationToken);
            return plan;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await transaction.RollbackAsync(cancellationToken);
            return plan with { Note = "in use for longer than 5 s, so nothing was changed; run the command again", Refused = true };
        }
    }

    private sealed record Found(
        string Name, bool RowSecurity, bool Forced, string Type, string[] Ours, bool HasPolicies, string[] Settings, (bool RowSecurity, bool Forced, string Policy)? Before)
    {
        public static Found Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetBoolean(1), row.GetBoolean(2), row.GetString(3), row.GetFieldValue<string[]>(4),
            row.GetBoolean(5), row.GetFieldValue<string[]>(6), row.IsDBNull(7) ? null : (row.GetBoolean(7), row.GetBoolean(8), row.GetString(9)));
    }
}

/// <summary>Guards tables of a shard's shared database, or puts them back.</summary>
internal sealed record ProtectShard : ShardJob
{
    private const string Changed = "changed";

    public override string Kind => "shard.protect";

    public required string[] Tables { get; init; }

    public required string Column { get; init; }

    public required string Parameter { get; init; }

    public required bool Remove { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        var request = new ProtectionRequest { Tables = [.. Tables], Column = Column, Parameter = Parameter, Remove = Remove };
        Shard shard = await job.Store.GetShardAsync(Name, cancellationToken);
        int number = 0;
        ImmutableArray<ProtectedTable> tables = await ShardProtection.WorkAsync(shard, request, async (count, plan, apply) =>
        {
            job.Control.Tell(plan.Table, number++, count);
            // Noted first: a run after this one finds the table changed, and would not know that it was done here.
            string statements = $"{plan.Table}: {string.Join("; ", plan.Sql)}";
            if (!Changes(job).Contains(statements)) await job.NoteAsync(Changed, string.Join('\n', Changes(job).Append(statements)), cancellationToken);
            ProtectedTable done = plan;
            await job.AlwaysAsync("table", async () => done = await apply(), cancellationToken);
            return done;
        }, cancellationToken);
        string[] refused = [.. tables.Where(table => table.Refused).Select(table => $"{table.Table}: {table.Note}")];
        string[] changed = [.. Changes(job).Where(change => !tables.Any(table => table.Refused && change.StartsWith($"{table.Table}: ", StringComparison.Ordinal)))];
        job.IsUnchanged = changed.Length == 0 && refused.Length == 0;
        job.After(new { Remove, Tables = changed, Refused = refused });
        job.Result = tables;
    }

    private static string[] Changes(JobContext job) => job.Note(Changed)?.Split('\n') ?? [];
}
