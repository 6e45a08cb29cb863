using ProxySuite.EndToEnd.Tests.World;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>
/// What a tenant can try in SQL to read or change another's rows (C2). Each victim has a row, a large object and an open transaction that hold the
/// words "secret of SLUG".
/// </summary>
internal static class Attacks
{
    /// <summary>Attempts to become the victim, or to be taken for it; then the rows are read.</summary>
    public static IEnumerable<Attack> OnIdentity(TestTenant victim)
    {
        const string Read = "SELECT body FROM notes";
        string id = victim.Id.ToString(), role = victim.Role;
        yield return new("SET of the tenant id", [$"SET app.current_tenant_id = '{id}'", Read], "42501");
        yield return new("SET SESSION of the tenant id in one text", [$"SET SESSION app.current_tenant_id = '{id}'; {Read}"], "42501");
        yield return new("SET LOCAL of the tenant id", ["BEGIN", $"SET LOCAL app.current_tenant_id = '{id}'", Read, "COMMIT"], "42501");
        yield return new("set_config of the tenant id", [$"SELECT set_config('app.current_tenant_id', '{id}', false)", Read], "42501");
        yield return new("set_config inside the reading query", [$"WITH forged AS MATERIALIZED (SELECT set_config('app.current_tenant_id', '{id}', false)) SELECT body FROM notes, forged"], "42501");
        yield return new("set_config through PREPARE and EXECUTE", ["PREPARE forge AS SELECT set_config($1, $2, false)", $"EXECUTE forge('app.current_tenant_id', '{id}')", Read], "ok");
        yield return new("SET inside DO", [$"DO $$ BEGIN EXECUTE 'S' || 'ET app.current_' || 'tenant_id = ''{id}'''; END $$", Read], "ok");
        yield return new("set_config inside query_to_xml", [$"SELECT query_to_xml('select set_config(''app.current_tenant_id'', ''{id}'', false)', true, false, '')", Read], "ok");
        yield return new("set_config inside ts_stat", [$"SELECT * FROM ts_stat('select to_tsvector(set_config(''app.current_tenant_id'', ''{id}'', false))')", Read], "ok");
        yield return new("RESET ALL", ["RESET ALL", Read], "ok");
        yield return new("DISCARD ALL, then SET", ["DISCARD ALL", $"SET app.current_tenant_id = '{id}'", Read], "42501");
        yield return new("SET ROLE to the victim", [$"SET ROLE {role}", Read], "42501");
        yield return new("SET ROLE inside DO", [$"DO $$ BEGIN EXECUTE 'SET ROLE {role}'; END $$", Read], "42501");
        yield return new("set_config of the role", [$"SELECT set_config('role', '{role}', false)", Read], "42501");
        yield return new("SET ROLE to the owner of shared tables", ["SET ROLE data_owner", Read], "42501");
        yield return new("SET ROLE NONE and RESET ROLE", ["SET ROLE NONE", "RESET ROLE", Read], "ok");
        yield return new("SET SESSION AUTHORIZATION", [$"SET SESSION AUTHORIZATION {role}", Read], "42501");
        yield return new("RESET SESSION AUTHORIZATION", ["RESET SESSION AUTHORIZATION", Read], "ok");
        yield return new("row_security off", ["SET row_security = off", Read], "ok 42501");
        yield return new("GRANT of the victim's role", [$"GRANT {role} TO CURRENT_USER", $"SET ROLE {role}", Read], "42501 0LP01");
        yield return new("a temporary table in the place of the role map", ["CREATE TEMP TABLE role_map AS SELECT session_user::name AS rolname, '" + id + "'::uuid AS tenant_id, NULL::bigint AS fenced_epoch", Read], "ok");
        yield return new("a search_path with own functions first", ["SET search_path = pg_temp, public", "CREATE FUNCTION pg_temp.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT '" + id + "' $$", Read], "ok 42P01 42501");
    }

    /// <summary>Attempts to name what is the victim's.</summary>
    public static IEnumerable<Attack> OnNames(TestTenant attacker, TestTenant victim)
    {
        string schema = victim.Schema, table = $"{victim.Schema}.notes", named = Named(attacker, victim);
        string unqualified = named == "42501" && victim.Schema != "public" ? "42P01" : named;
        yield return new("the qualified name", [$"SELECT body FROM {table}"], named);
        yield return new("TABLE with the qualified name", [$"TABLE {table}"], named);
        yield return new("a cursor over the qualified name", ["BEGIN", $"DECLARE c CURSOR WITH HOLD FOR SELECT body FROM {table}", "FETCH ALL c", "COMMIT"], named);
        yield return new("search_path", [$"SET search_path = {schema}, public", "SELECT body FROM notes"], $"{unqualified} ok 42501 42P01");
        yield return new("search_path by set_config", [$"SELECT set_config('search_path', '{schema}', false)", "SELECT body FROM notes"], unqualified);
        yield return new("COPY TO of the table", [$"COPY {table} TO STDOUT"], named);
        yield return new("COPY TO of a query", [$"COPY (SELECT body FROM {table}) TO STDOUT"], named);
        yield return new("query_to_xml", [$"SELECT query_to_xml('select body from {table}', true, false, '')"], named);
        yield return new("table_to_xml", [$"SELECT table_to_xml('{table}', true, false, '')"], named);
        yield return new("schema_to_xml", [$"SELECT schema_to_xml('{schema}', true, false, '')"], $"ok {named}");
        yield return new("ts_stat", [$"SELECT word FROM ts_stat('select to_tsvector(body) from {table}')"], named);
        yield return new("DO that raises what it reads", [$"DO $$ DECLARE t text; BEGIN SELECT string_agg(body, ',') INTO t FROM {table}; RAISE EXCEPTION 'it says: %', t; END $$"], named == "ok" ? "P0001" : named);
        yield return new("a leaky function in WHERE", ["CREATE FUNCTION pg_temp.leak(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'it says: %', $1; RETURN true; END $$", $"SELECT 1 FROM {table} WHERE pg_temp.leak(body)"], named);
        yield return new("a LEAKPROOF function", ["CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LEAKPROOF LANGUAGE sql AS 'SELECT true'", $"SELECT 1 FROM {table} WHERE pg_temp.leak(body)"], "42501");
        yield return new("a cast that puts the row into its error", [$"SELECT body::int FROM {table}"], named);
        yield return new("a view of it", [$"CREATE TEMP VIEW peek AS SELECT body FROM {table}", "SELECT * FROM peek"], named);
        yield return new("statistics", [$"SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname = '{schema}' AND tablename = 'notes'"], "ok");
        yield return new("raw statistics", ["SELECT stavalues1::text FROM pg_statistic"], "42501");
        yield return new("another database", [$"SELECT body FROM {victim.Database}.{table}"], attacker.Database == victim.Database ? named : "0A000");
        yield return new("dblink", ["CREATE EXTENSION dblink", $"SELECT * FROM dblink('dbname={victim.Database}', 'select body from {table}') AS t(body text)"], "42501 0A000");
        yield return new("a foreign server", ["CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw"], "42704");
        yield return new("the server's files", ["SELECT pg_read_file('postgresql.auto.conf')"], "42501");
        yield return new("COPY from a program", ["CREATE TEMP TABLE lines (line text)", "COPY lines FROM PROGRAM 'cat /etc/hostname'"], "42501");
        yield return new("COPY to a file", ["COPY (SELECT 1) TO '/tmp/proxysuite-attack'"], "42501");
        yield return new("LOAD of a library", ["LOAD 'dblink'"], "42501 58P01");
        yield return new("passwords of roles", ["SELECT rolpassword FROM pg_authid"], "42501");
        // A tenant's own database holds no key and no role but its own; there its roles may read every table, as pg_dump does.
        bool isAlone = attacker.Isolation == "database";
        yield return new("the seal's key", ["SELECT * FROM tenancy.seal_key"], isAlone ? "42P01" : "42501");
        yield return new("the role map", ["SELECT * FROM tenancy.role_map"], isAlone ? "ok" : "42501");
        yield return new("the shard's shared database", ["SELECT count(*) FROM postgres.tenancy.role_map"], isAlone ? "0A000" : "42501");
    }

    /// <summary>Attempts to change what is the victim's. Whether they did is read from the victim afterwards.</summary>
    public static IEnumerable<Attack> OnRows(TestTenant attacker, TestTenant victim, string user)
    {
        string table = $"{victim.Schema}.notes", id = victim.Id.ToString(), mark = $"body = 'secret of {victim.Slug}'", named = Named(attacker, victim);
        // Where the name is the attacker's own table too, it may do there what its role may; the victim's rows are not in it, or not seen.
        string written = named == "ok" && user == "reader" ? "42501" : named;
        string made = named == "ok" && user != "owner" ? "42501" : named;
        yield return new("UPDATE", [$"UPDATE {table} SET body = 'overwritten' WHERE {mark}"], written);
        yield return new("DELETE", [$"DELETE FROM {table} WHERE {mark}"], written);
        yield return new("UPDATE by ctid", [$"UPDATE {table} SET body = 'overwritten' WHERE ctid = '(0,1)' AND {mark}"], written);
        yield return new("SELECT FOR UPDATE", ["BEGIN", $"SELECT body FROM {table} WHERE {mark} FOR UPDATE", "ROLLBACK"], written);
        yield return new("TRUNCATE", ["BEGIN", $"TRUNCATE {table}", "ROLLBACK"], made);
        yield return new("DISABLE ROW LEVEL SECURITY", ["BEGIN", $"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", "ROLLBACK"], made);
        yield return new("DROP TABLE", ["BEGIN", $"DROP TABLE {table}", "ROLLBACK"], made);
        yield return new("GRANT to everybody", ["BEGIN", $"GRANT SELECT ON {table} TO PUBLIC", "ROLLBACK"], $"{made} ok");
        if (victim.Isolation == "pool" && attacker.Isolation == "pool")
        {
            yield return new("COPY FROM", [$"COPY {table} (tenant_id, body) FROM STDIN"], user == "reader" ? "42501" : "0A000");
            yield return new("INSERT under the victim's id", [$"INSERT INTO {table} (tenant_id, body) VALUES ('{id}', 'planted')"], "42501");
            yield return new("INSERT ON CONFLICT DO UPDATE", [$"INSERT INTO {table} (tenant_id, id, body) VALUES ('{id}', 1, 'x') ON CONFLICT (tenant_id, id) DO UPDATE SET body = 'overwritten'"], "42501");
            yield return new("a row of one's own moved to the victim", ["BEGIN", $"INSERT INTO {table} (body) VALUES ('planted')", $"UPDATE {table} SET tenant_id = '{id}' WHERE body = 'planted'", "COMMIT"], "42501");
            yield return new("MERGE", [$"MERGE INTO {table} n USING (SELECT '{id}'::uuid AS tenant_id) s ON n.tenant_id = s.tenant_id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (tenant_id, body) VALUES (s.tenant_id, 'planted')"], "42501");
        }
        if (victim.Isolation == "schema")
        {
            yield return new("INSERT", [$"INSERT INTO {table} (body) VALUES ('planted')"], "42501");
            yield return new("CREATE TABLE in the victim's schema", [$"CREATE TABLE {victim.Schema}.planted (id int)"], "42501");
            yield return new("the victim's sequence", [$"SELECT nextval('{victim.Schema}.notes_id_seq')"], "42501");
        }
    }

    // What naming the victim's table gets. "public.notes" is a tenant's own table in a database of its own, and everybody's in the pool model.
    private static string Named(TestTenant attacker, TestTenant victim) => attacker.Schema == victim.Schema ? "ok" : "42501";

    /// <summary>Attempts on the victim's sessions, objects and roles.</summary>
    /// <param name="largeObject">Number of the victim's large object.</param>
    public static IEnumerable<Attack> OnNeighbour(TestTenant victim, long largeObject)
    {
        string role = victim.Role;
        yield return new("its statements in pg_stat_activity", ["SELECT query FROM pg_stat_activity", "SELECT query FROM pg_stat_get_activity(NULL)"], "ok");
        yield return new("its statements by number", ["SELECT pg_stat_get_backend_activity(id) FROM pg_stat_get_backend_idset() AS id"], "ok");
        yield return new("pg_cancel_backend", [$"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = '{role}' AND pid <> pg_backend_pid()"], "42501");
        yield return new("pg_terminate_backend", [$"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}' AND pid <> pg_backend_pid()"], "42501");
        yield return new("its large object", [$"SELECT convert_from(lo_get({largeObject}), 'UTF8')"], "42501 42704");
        yield return new("its large object opened", ["BEGIN", $"SELECT loread(lo_open({largeObject}, 262144), 100)", "COMMIT"], "42501 42704");
        yield return new("its large object written", [$"SELECT lo_put({largeObject}, 0, 'overwritten')"], "42501 42704");
        yield return new("its large object unlinked", [$"SELECT lo_unlink({largeObject})"], "42501 42704");
        yield return new("all large objects", ["SELECT convert_from(data, 'UTF8') FROM pg_largeobject"], "42501");
        yield return new("ALTER ROLE of the victim", [$"ALTER ROLE {role} PASSWORD 'guessed'", $"ALTER ROLE {role} SET default_transaction_read_only = on"], "42501");
        yield return new("DROP ROLE of the victim", [$"DROP ROLE {role}"], "42501");
        yield return new("REASSIGN OWNED", [$"REASSIGN OWNED BY {role} TO CURRENT_USER"], "42501");
        yield return new("ALTER SYSTEM", ["ALTER SYSTEM SET work_mem = '1GB'"], "42501");
        yield return new("CREATE ROLE", ["CREATE ROLE mole LOGIN"], "42501");
        yield return new("a replication slot", ["SELECT pg_create_logical_replication_slot('mole', 'pgoutput')"], "42501");
        yield return new("a subscription", ["CREATE SUBSCRIPTION mole CONNECTION 'host=localhost' PUBLICATION p"], "42501");
    }
}
