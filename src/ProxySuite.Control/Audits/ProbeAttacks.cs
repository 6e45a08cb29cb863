using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Audits;

/// <summary>One side of a pair of probe tenants, as its neighbour knows it.</summary>
/// <param name="Role">Its login role on the shard.</param>
/// <param name="Table">Its table as a neighbour names it: with its schema, and with its database where that is another.</param>
/// <param name="OwnTable">The same as it names it itself.</param>
/// <param name="IsShared">Whether the table is the attacker's as well, rows told apart by tenant_id.</param>
internal sealed record ProbeTarget(TenantId Id, string Role, string Table, string OwnTable, bool IsShared);

/// <summary>What one probe tenant tries on the other. Each holds when it finds or changes nothing; being refused is one way to hold.</summary>
internal static class ProbeAttacks
{
    /// <summary>Queries that must be refused, or answer 0.</summary>
    public static IEnumerable<(string Name, string Sql)> Readers(ProbeTarget victim)
    {
        string rows = victim.IsShared ? $"SELECT count(*) FROM {victim.Table} WHERE tenant_id = '{victim.Id}'" : $"SELECT count(*) FROM {victim.Table}";
        yield return ("read", rows);
        yield return ("read after SET of the tenant id", $"SET app.current_tenant_id = '{victim.Id}'; {rows}");
        yield return ("read after set_config of the tenant id", $"SELECT set_config('app.current_tenant_id', '{victim.Id}', false); {rows}");
        yield return ("read after SET in dynamic SQL", $"DO $$ BEGIN EXECUTE 'SET app.current_' || 'tenant_id = ''{victim.Id}'''; END $$; {rows}");
        yield return ("read after RESET ALL", $"RESET ALL; SET app.current_tenant_id = '{victim.Id}'; {rows}");
        yield return ("read as the other's role", $"SET ROLE {victim.Role}; {rows}");
        yield return ("read as the other's session", $"SET SESSION AUTHORIZATION {victim.Role}; {rows}");
        yield return ("read as the tables' owner", $"SET ROLE data_owner; {rows}");
        yield return ("read by a search_path", $"SET search_path = {victim.Table.Split('.')[0]}; {rows}");
        yield return ("read without row security", $"SET row_security = off; {rows}");
        yield return ("read through query_to_xml", $"SELECT coalesce((xpath('count(//row)', query_to_xml('{rows.Replace("count(*)", "1", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}', false, false, '')))[1]::text::int, 0)::bigint");
        yield return ("read with a temporary identity table", $"CREATE TEMP TABLE role_map (rolname name, tenant_id uuid, fenced_epoch bigint); INSERT INTO role_map VALUES (session_user, '{victim.Id}', NULL); {rows}");
        yield return ("see the other's statements", "SELECT count(*) FROM pg_stat_activity WHERE usename = '" + victim.Role + "' AND query LIKE '%probe marker%'");
    }

    /// <summary>Statements that must be refused, or touch no row; the victim counts its rows afterwards.</summary>
    public static IEnumerable<(string Name, string Sql)> Writers(ProbeTarget victim)
    {
        string where = victim.IsShared ? $" WHERE tenant_id = '{victim.Id}'" : "";
        string insert = InsertOf(99), again = InsertOf(1);
        yield return ("insert", insert);
        yield return ("insert with ON CONFLICT", $"{again} ON CONFLICT ({(victim.IsShared ? "tenant_id, id" : "id")}) DO UPDATE SET note = 'planted'");
        yield return ("insert after SET of the tenant id", $"SET app.current_tenant_id = '{victim.Id}'; {insert}");
        yield return ("update", $"UPDATE {victim.Table} SET note = 'planted'{where}");
        yield return ("update by the row's place", $"UPDATE {victim.Table} SET note = 'planted' WHERE ctid = '(0,1)'{(victim.IsShared ? $" AND tenant_id = '{victim.Id}'" : "")}");
        yield return ("delete", $"DELETE FROM {victim.Table}{where}");
        yield return ("delete after SET of the tenant id", $"SET app.current_tenant_id = '{victim.Id}'; DELETE FROM {victim.Table}{where}");
        if (victim.IsShared) yield return ("give a row away", $"INSERT INTO {victim.Table} (id, note) VALUES (77, 'mine'); UPDATE {victim.Table} SET tenant_id = '{victim.Id}' WHERE id = 77");
        yield return ("truncate", $"TRUNCATE {victim.Table}");
        yield return ("switch row security off", $"ALTER TABLE {victim.Table} DISABLE ROW LEVEL SECURITY");
        yield return ("add a policy", $"CREATE POLICY mine ON {victim.Table} USING (true)");
        yield return ("take the table", $"ALTER TABLE {victim.Table} OWNER TO CURRENT_USER");
        yield return ("drop", $"DROP TABLE {victim.Table}");
        yield return ("change the other's password", $"ALTER ROLE {victim.Role} PASSWORD 'planted'");
        yield return ("become a member of the other", $"GRANT {victim.Role} TO CURRENT_USER");

        string InsertOf(int id) => victim.IsShared
            ? $"INSERT INTO {victim.Table} (tenant_id, id, note) VALUES ('{victim.Id}', {id}, 'planted')" : $"INSERT INTO {victim.Table} (id, note) VALUES ({id}, 'planted')";
    }

    /// <returns>Null when it held; else what was seen.</returns>
    public static async Task<string?> ReadAsync(NpgsqlConnection attacker, string sql, CancellationToken cancellationToken)
    {
        try
        {
            await using var batch = new NpgsqlCommand(sql, attacker);
            await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken);
            object? last = null;
            do
            {
                while (await reader.ReadAsync(cancellationToken)) last = reader.GetValue(0);
            }
            while (await reader.NextResultAsync(cancellationToken));
            return last is long and not 0 ? $"{last} rows" : null;
        }
        catch (PostgresException)
        {
            return null;
        }
    }

    public static async Task TryAsync(NpgsqlConnection attacker, string sql, CancellationToken cancellationToken)
    {
        try
        {
            await attacker.ExecuteAsync(sql, cancellationToken);
        }
        catch (PostgresException)
        {
            // Refused, which is one way to hold; whether it held, the victim says.
        }
    }
}
