namespace ProxySuite.Control.Tests.Audits;

/// <summary>One fault of each kind: how it comes about, what the audit must say, and what is left to tidy once the printed SQL has mended it.</summary>
/// <param name="Object">Part of the name the finding must bear.</param>
/// <param name="In">The tenant whose own database it is planted in; null for the shared one.</param>
internal sealed record AuditFault(string Code, string Object, string Plant, string Tidy = "", string? In = null, string Lockdown = "relaxed")
{
    public override string ToString() => $"{Code} {Object}";
}

internal static class AuditFaults
{
    // A shared table without a fault, to plant one in.
    private const string Good =
        """
        CREATE TABLE public.t (tenant_id uuid NOT NULL, id bigint NOT NULL, note text, PRIMARY KEY (tenant_id, id)); ALTER TABLE public.t OWNER TO data_owner;
        ALTER TABLE public.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        GRANT SELECT, INSERT, UPDATE, DELETE ON public.t TO pool_app;
        """;

    private const string Policy =
        "CREATE POLICY p ON public.t USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()));";

    private const string Drop = "DROP TABLE public.t";

    private const string Forged = "CREATE POLICY p ON public.t USING (tenant_id = (SELECT current_setting('app.current_tenant_id')::uuid)) WITH CHECK (tenant_id = (SELECT current_setting('app.current_tenant_id')::uuid));";

    private const string Stranger = "t_00000000000040008000000000000001";

    public static readonly AuditFault[] All =
    [
        // Shared tables.
        new("NO_TENANT_COLUMN", "public.t", "CREATE TABLE public.t (id int); GRANT SELECT, INSERT ON public.t TO pool_app", Drop),
        new("NO_TENANT_COLUMN", "public.t", "CREATE TABLE public.t (id int, n int); GRANT UPDATE (n) ON public.t TO {a}, {b}", Drop),
        new("SHARED_REFERENCE_TABLE", "public.t", "CREATE TABLE public.t (id int); GRANT SELECT ON public.t TO pool_readonly", Drop),
        new("TENANT_COL_NULLABLE", "public.t", $"{Good} {Policy} ALTER TABLE public.t DROP CONSTRAINT t_pkey; ALTER TABLE public.t ALTER tenant_id DROP NOT NULL; CREATE INDEX ON public.t (tenant_id)", Drop),
        new("RLS_OFF", "public.t", $"{Good} {Policy} ALTER TABLE public.t DISABLE ROW LEVEL SECURITY", Drop),
        new("RLS_OFF", "public.t", $"{Good} ALTER TABLE public.t DISABLE ROW LEVEL SECURITY", Drop),
        new("RLS_OFF", "public.t_1", """
            CREATE TABLE public.t (tenant_id uuid NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id)) PARTITION BY RANGE (id); CREATE TABLE public.t_1 PARTITION OF public.t DEFAULT;
            ALTER TABLE public.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; GRANT SELECT ON public.t, public.t_1 TO pool_app;
            """ + Policy, Drop),
        new("RLS_OFF_UNREACHABLE", "public.t", $"{Good} {Policy} ALTER TABLE public.t DISABLE ROW LEVEL SECURITY; REVOKE ALL ON public.t FROM pool_app", Drop),
        new("NO_FORCE_RLS", "public.t", $"{Good} {Policy} ALTER TABLE public.t NO FORCE ROW LEVEL SECURITY", Drop),
        new("RLS_NO_POLICY", "public.t", Good, Drop),
        new("NO_TENANT_INDEX", "public.t", $"{Good} {Policy} ALTER TABLE public.t DROP CONSTRAINT t_pkey", Drop),
        new("GLOBAL_UNIQUE", "public.t_note_key", $"{Good} {Policy} ALTER TABLE public.t ADD UNIQUE (note)", Drop),
        new("GLOBAL_UNIQUE", "public.u", $"{Good} {Policy} CREATE UNIQUE INDEX u ON public.t (lower(note)) WHERE id > 0", Drop),
        new("FK_WITHOUT_TENANT", "public.c.f", $"{Good} {Policy} ALTER TABLE public.t ADD u uuid UNIQUE DEFAULT gen_random_uuid();" + """
            CREATE TABLE public.c (tenant_id uuid NOT NULL, id int NOT NULL, u uuid CONSTRAINT f REFERENCES public.t (u), PRIMARY KEY (tenant_id, id));
            ALTER TABLE public.c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
            CREATE POLICY p ON public.c USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()));
            """, "DROP TABLE public.c, public.t"),
        new("CHECK_USES_GUC", "public.t.k", $"{Good} {Policy} ALTER TABLE public.t ADD CONSTRAINT k CHECK (tenant_id = current_setting('app.current_tenant_id')::uuid)", Drop),
        new("VIEW_NOT_INVOKER", "public.v", "CREATE VIEW public.v AS SELECT * FROM public.notes; GRANT SELECT ON public.v TO pool_app", "DROP VIEW public.v"),
        new("VIEW_NOT_INVOKER", "{SA}.v", "CREATE VIEW {SA}.v AS SELECT * FROM {SB}.notes; GRANT SELECT ON {SA}.v TO {sa}", "DROP VIEW {SA}.v"),
        new("MATVIEW_REACHABLE", "public.v", "CREATE MATERIALIZED VIEW public.v AS SELECT * FROM public.notes; GRANT SELECT ON public.v TO pool_app", "DROP MATERIALIZED VIEW public.v"),
        new("FOREIGN_TABLE_REACHABLE", "public.f", "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE public.f (id int) SERVER s; GRANT SELECT ON public.f TO pool_app",
            "DROP FOREIGN DATA WRAPPER w CASCADE"),
        new("SEQUENCE_SHARED", "public.q", "CREATE SEQUENCE public.q; GRANT SELECT, UPDATE ON SEQUENCE public.q TO pool_app", "DROP SEQUENCE public.q"),
        new("RULE_ON_TABLE", "public.t.r", $"{Good} {Policy} CREATE RULE r AS ON DELETE TO public.t DO NOTHING", Drop),
        new("DEFINER_TRIGGER", "public.t.g", $"{Good} {Policy}" + """
            CREATE SCHEMA hidden; CREATE FUNCTION hidden.g() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER g BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION hidden.g()
            """, "DROP SCHEMA hidden CASCADE; DROP TABLE public.t"),
        // Policies, judged as a set.
        new("POLICY_FORGEABLE", "public.t", $"{Good} {Forged}", Drop),
        new("POLICY_FORGEABLE", "public.t", $"{Good} {Policy} CREATE POLICY more ON public.t FOR SELECT USING (tenant_id = (SELECT current_setting('app.current_tenant_id')::uuid))", Drop),
        new("POLICY_NOT_TENANT", "public.t", $"{Good} {Policy} CREATE POLICY wide ON public.t FOR INSERT WITH CHECK (true)", Drop),
        new("POLICY_NOT_TENANT", "public.t", $"{Good} CREATE POLICY p ON public.t USING (tenant_id = (SELECT tenancy.current_tenant()) OR id = 0) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))", Drop),
        new("POLICY_NOT_TENANT", "public.t", $"{Good} CREATE POLICY p ON public.t USING ((note = 'x' AND tenant_id = (SELECT tenancy.current_tenant())) OR (id = 1 AND tenant_id = (SELECT tenancy.current_tenant()))) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))", Drop),
        new("POLICY_NOT_TENANT", "public.t", $"{Good} CREATE POLICY p ON public.t USING (true) WITH CHECK (true); CREATE POLICY g ON public.t AS RESTRICTIVE FOR SELECT USING (tenant_id = (SELECT tenancy.current_tenant()))", Drop),
        new("POLICY_NOT_TENANT", "public.t", $"{Good} CREATE POLICY p ON public.t USING (true) WITH CHECK (true); CREATE POLICY g ON public.t AS RESTRICTIVE TO data_owner USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))", Drop),
        new("POLICY_NO_WITH_CHECK", "public.t.p", $"{Good} CREATE POLICY p ON public.t USING (tenant_id = (SELECT tenancy.current_tenant()))", Drop),
        new("POLICY_PER_ROW", "public.t.p", $"{Good} CREATE POLICY p ON public.t USING (tenant_id = tenancy.current_tenant()) WITH CHECK (tenant_id = tenancy.current_tenant())", Drop),
        new("POLICY_HELPER_BAD", "public.h()", $"{Good} {Policy} CREATE FUNCTION public.h() RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; CREATE POLICY h ON public.t AS RESTRICTIVE FOR SELECT USING (public.h())",
            "DROP TABLE public.t; DROP FUNCTION public.h()"),
        // Privileges and ownership.
        new("DANGEROUS_TABLE_PRIV", "public.notes", "GRANT TRUNCATE, TRIGGER ON public.notes TO pool_app"),
        new("PUBLIC_GRANT", "public.notes", "GRANT SELECT ON public.notes TO PUBLIC"),
        new("CROSS_TENANT_GRANT", "schema {SA}", "GRANT USAGE ON SCHEMA {SA} TO {sb}"),
        new("CROSS_TENANT_GRANT", "schema {SA}", "GRANT USAGE ON SCHEMA {SA} TO PUBLIC"),
        new("CROSS_TENANT_GRANT", "{SA}.notes", "GRANT SELECT ON {SA}.notes TO {a}"),
        new("ROLE_OWNS", "public.t", $"{Good} {Policy} ALTER TABLE public.t OWNER TO {{a}}", Drop),
        new("ROLE_OWNS", "{SA}.notes", "ALTER TABLE {SA}.notes OWNER TO {sa}"),
        new("ROLE_OWNS", "schema {SA}", "ALTER SCHEMA {SA} OWNER TO {sa}_o", "GRANT USAGE ON SCHEMA {SA} TO {sa}, {sa}_r; GRANT USAGE, CREATE ON SCHEMA {SA} TO {sa}_o"),
        new("ROLE_OWNS", "database {DA}", "ALTER DATABASE {DA} OWNER TO {da}_o", "GRANT CONNECT ON DATABASE {DA} TO {da}, {da}_o, {da}_r; GRANT CREATE ON DATABASE {DA} TO {da}_o"),
        new("ROLE_OWNS_FUNCTION", "public.h()", "CREATE FUNCTION public.h() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION public.h() OWNER TO {a}", "DROP FUNCTION public.h()"),
        new("SCHEMA_CREATE", "public", "GRANT CREATE ON SCHEMA public TO {a}"),
        new("SCHEMA_CREATE", "public", "GRANT CREATE ON SCHEMA public TO PUBLIC"),
        new("SCHEMA_CREATE", "tenancy", "GRANT CREATE ON SCHEMA tenancy TO pool_app"),
        new("SCHEMA_CREATE", "{SA}", "GRANT CREATE ON SCHEMA {SA} TO {sa}"),
        new("SCHEMA_USAGE", "public", "GRANT USAGE ON SCHEMA public TO PUBLIC", Lockdown: "strict"),
        new("DB_PRIV", "{shared}", "GRANT CREATE ON DATABASE {shared} TO {a}"),
        new("DB_PRIV", "{shared}", "GRANT CREATE ON DATABASE {shared} TO PUBLIC"),
        new("DB_PRIV", "{shared}", "GRANT TEMPORARY ON DATABASE {shared} TO PUBLIC", Lockdown: "strict"),
        new("DATABASE_OPEN", "{DA}", "GRANT CONNECT ON DATABASE {DA} TO PUBLIC"),
        new("DATABASE_OPEN", "{DA}", "GRANT CONNECT ON DATABASE {DA} TO {db}"),
        new("LANGUAGE_USAGE", "plpgsql", "GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC", Lockdown: "strict"),
        new("LANGUAGE_USAGE", "sql", "GRANT USAGE ON LANGUAGE sql TO {a}", Lockdown: "strict"),
        new("BUILTIN_OPEN", "pg_logical_emit_message", "DO $$ BEGIN EXECUTE (SELECT 'GRANT EXECUTE ON FUNCTION ' || min(oid::regprocedure::text) || ' TO PUBLIC' FROM pg_proc WHERE proname = 'pg_logical_emit_message'); END $$"),
        new("BUILTIN_OPEN", "set_config", "GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO PUBLIC", Lockdown: "strict"),
        new("BUILTIN_OPEN", "pg_terminate_backend", "GRANT EXECUTE ON FUNCTION pg_terminate_backend(integer, bigint) TO PUBLIC", Lockdown: "strict"),
        new("BUILTIN_OPEN", "pg_settings", "GRANT UPDATE ON pg_settings TO PUBLIC"),
        new("BUILTIN_OPEN", "pg_read_file", "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO {a}"),
        new("BUILTIN_OPEN", "set_config", "GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO PUBLIC", In: "da", Lockdown: "strict"),
        new("KEY_READABLE", "tenancy.seal_key", "GRANT SELECT ON tenancy.seal_key TO PUBLIC"),
        new("KEY_READABLE", "tenancy.role_map", "GRANT UPDATE ON tenancy.role_map TO {da}", In: "da", Tidy: "GRANT SELECT ON tenancy.role_map TO {da}"),
        new("CONTROL_REACHABLE", "proxysuite.schema_ledger", "GRANT SELECT ON proxysuite.schema_ledger TO pool_app"),
        new("ROLE_MAP_WRONG", "{a}", "UPDATE tenancy.role_map SET tenant_id = '{b.id}' WHERE rolname = '{a}'"),
        new("IDENTITY_FUNCTION", "tenancy.role_tenant()", "ALTER FUNCTION tenancy.role_tenant() RESET search_path"),
        new("IDENTITY_FUNCTION", "tenancy.current_tenant()", "ALTER FUNCTION tenancy.current_tenant() IMMUTABLE SECURITY INVOKER"),
        new("DEFAULT_ACL", "tables by data_owner", "ALTER DEFAULT PRIVILEGES FOR ROLE data_owner GRANT SELECT ON TABLES TO pool_app"),
        new("DEFAULT_ACL", "tables in public by postgres", "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC"),
        new("DEFAULT_ACL", "tables in {SA} by data_owner", "ALTER DEFAULT PRIVILEGES FOR ROLE data_owner IN SCHEMA {SA} GRANT SELECT ON TABLES TO {sb}"),
        new("PARAMETER_GRANT", "session_replication_role", "GRANT SET ON PARAMETER session_replication_role TO {a}"),
        // Roles.
        new("ROLE_BYPASS", "{a}", "ALTER ROLE {a} BYPASSRLS"),
        new("ROLE_BYPASS", "{sa}_o", "ALTER ROLE {sa}_o SUPERUSER CREATEROLE"),
        new("ROLE_BYPASS", "pool_app", "ALTER ROLE pool_app BYPASSRLS"),
        new("ROLE_MEMBER_OF", "{a}", "GRANT data_owner TO {a}"),
        new("ROLE_MEMBER_OF", "{sb}", "GRANT {sa} TO {sb}"),
        new("ROLE_MEMBER_OF", "pool_app", "GRANT pg_read_all_data TO pool_app"),
        new("POOL_MEMBERSHIP", "{a}", "GRANT pool_app TO {a} WITH ADMIN OPTION"),
        new("SEALED_RELAXED", "tenancy.seal_key", "INSERT INTO tenancy.seal_key (kid, k1, k2) VALUES ('1', sha512('1'), sha512('2'))"),
        new("ROLE_GRANTED_TO", "{sa}_o", "CREATE ROLE analyst LOGIN; GRANT {sa}_o TO analyst", "DROP ROLE analyst"),
        new("ROLE_SETTINGS", "{a}", "ALTER ROLE {a} SET default_transaction_read_only = on"),
        new("ROLE_SETTINGS", "{a} in {shared}", "ALTER ROLE {a} IN DATABASE {shared} SET search_path = mine"),
        new("CONNECTION_LIMIT", "{a}", "ALTER ROLE {a} CONNECTION LIMIT -1"),
        // What the registry does not say, or says otherwise.
        new("ROLE_UNKNOWN", Stranger, $"CREATE ROLE {Stranger} LOGIN CONNECTION LIMIT 5", $"DROP ROLE {Stranger}"),
        new("ROLE_LEFTOVER", Stranger, $"CREATE ROLE {Stranger} NOLOGIN CONNECTION LIMIT 5"),
        new("REPLICATION_ROLE", "{a}_repl", "CREATE ROLE {a}_repl LOGIN REPLICATION CONNECTION LIMIT 5"),
        new("ROLE_LIMIT", "{a}", "ALTER ROLE {a} CONNECTION LIMIT 7"),
        new("ROLE_NOT_MAPPED", "{b}", "DELETE FROM tenancy.role_map WHERE rolname = '{b}'"),
        new("ROLE_MISSING", "{b}_r", "DROP OWNED BY {b}_r; DROP ROLE {b}_r; DELETE FROM tenancy.role_map WHERE rolname = '{b}_r'"),
        new("ROLE_LOGIN", "{b}", "ALTER ROLE {b} NOLOGIN"),
        new("ROLE_PASSWORD", "{a}", "ALTER ROLE {a} PASSWORD 'mine'"),
        new("ROLE_PASSWORD", "{sa}", "ALTER ROLE {sa} PASSWORD NULL"),
        new("SCHEMA_MISSING", "schema {SB}", "DROP SCHEMA {SB} CASCADE", "CREATE TABLE {SB}.notes (id bigint PRIMARY KEY, text text); ALTER TABLE {SB}.notes OWNER TO {sb}_o"),
        new("SCHEMA_LEFTOVER", "tenant_00000000000040008000000000000001", "CREATE SCHEMA tenant_00000000000040008000000000000001"),
        new("LOCKDOWN", "lockdown", "CALL tenancy.apply_lockdown('strict')"),
        // Code and ways out.
        new("DEFINER_FUNCTION", "public.h()", "CREATE FUNCTION public.h() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.notes'", "DROP FUNCTION public.h()"),
        new("DEFINER_FUNCTION", "{SA}.h()", "CREATE FUNCTION {SA}.h() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT count(*) FROM {SB}.notes'", "DROP FUNCTION {SA}.h()"),
        new("LEAKPROOF_USER_FUNCTION", "public.h()", "CREATE FUNCTION public.h() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'", "DROP FUNCTION public.h()"),
        new("EXTENSION", "dblink", "CREATE EXTENSION dblink SCHEMA public"),
        new("EXTENSION_FUNCTION", "pageinspect", "CREATE EXTENSION pageinspect SCHEMA public; GRANT EXECUTE ON FUNCTION public.page_header(bytea) TO pool_app", "DROP EXTENSION pageinspect"),
        new("EVENT_TRIGGER", "e", "CREATE FUNCTION public.h() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; ALTER FUNCTION public.h() OWNER TO data_owner; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.h()",
            "DROP FUNCTION public.h()"),
        new("FOREIGN_SERVER", "s", "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER s TO {a}", "DROP FOREIGN DATA WRAPPER w CASCADE"),
        new("FOREIGN_SERVER", "s", "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR PUBLIC SERVER s", "DROP FOREIGN DATA WRAPPER w CASCADE"),
        new("PUBLICATION", "everything", "CREATE PUBLICATION everything FOR TABLE public.notes"),
        new("LARGE_OBJECT_OPEN", "4711", "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC", "SELECT lo_unlink(4711)"),
        new("LARGE_OBJECT_OPEN", "lo_compat_privileges", "ALTER SYSTEM SET lo_compat_privileges = on", "ALTER SYSTEM RESET lo_compat_privileges"),
    ];
}
