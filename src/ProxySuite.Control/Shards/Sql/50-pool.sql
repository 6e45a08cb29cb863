-- Shared tables of the pool model: schema public, owned by data_owner, rights through two groups that cannot log in.
-- Groups rather than grants to each role: pg_class has no TOAST table, so a table's list of grants has to fit into 8 kB, and with 1,000 entries
-- the check costs 4 us (15) to 20 us (18) a query. Rows are kept apart by the policies alone, and those ask session_user, which a
-- SET ROLE to the group (possible on 15 only) does not change.
GRANT USAGE, CREATE ON SCHEMA public TO data_owner;
GRANT USAGE ON SCHEMA public TO pool_app, pool_readonly;

-- Makes every table of the schema safe to share and usable by the pool's groups; refuses what cannot be made safe. Run after each change.
CREATE OR REPLACE PROCEDURE tenancy.protect_pool_tables()
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v record;
  v_problem text;
BEGIN
  -- Keys that do not lead with the tenant would tell one tenant what another has stored: uniqueness is checked without row security.
  SELECT string_agg(problem, '; ' ORDER BY problem) INTO v_problem FROM (
    SELECT format('table %s has no column tenant_id uuid NOT NULL', c.oid::regclass) AS problem
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = 'data_owner'::regrole
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype
                         AND a.attnotnull AND NOT a.attisdropped)
    UNION ALL
    SELECT format('%s %s cannot be shared: row security does not reach into it', CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END, c.oid::regclass)
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('m', 'f') AND c.relowner = 'data_owner'::regrole
    UNION ALL
    SELECT format('unique index %s has no tenant_id in its key', i.indexrelid::regclass)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = 'data_owner'::regrole AND i.indisunique
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = 'tenant_id'
                         AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
       -- A single random uuid tells nothing: nobody can guess another's.
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND i.indnkeyatts = 1 AND a.attnum = i.indkey[0] AND a.atttypid = 'uuid'::regtype)
    UNION ALL
    SELECT format('foreign key %s of %s does not include tenant_id', k.conname, k.conrelid::regclass)
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace AND c.relowner = 'data_owner'::regrole
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = 'tenant_id' AND a.attnum = ANY (k.conkey))
  ) AS problems;
  IF v_problem IS NOT NULL THEN
    RAISE EXCEPTION '%', v_problem USING ERRCODE = '42P16',
      HINT = 'In the pool model every key, unique index and foreign key includes tenant_id, a uuid that is not null.';
  END IF;

  -- Each ALTER TABLE and CREATE POLICY waits for the table's readers and lets none in meanwhile, so only what is missing is done.
  FOR v IN SELECT c.oid::regclass AS name, c.oid, c.relispartition, c.relrowsecurity AND c.relforcerowsecurity AS forced,
                  EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.atthasdef) AS has_default,
                  coalesce((SELECT array_agg(polname) FROM pg_policy WHERE polrelid = c.oid AND polname IN ('tenancy_rows', 'tenancy_guard')), '{}') AS ours,
                  EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polpermissive AND polname <> 'tenancy_rows') AS own_policies
             FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = 'data_owner'::regrole
  LOOP
    IF NOT v.forced THEN EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v.name); END IF;
    IF NOT v.has_default THEN EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET DEFAULT tenancy.current_tenant()', v.name); END IF;
    -- One policy does where there is no other. Beside the template's own (permissive policies are ORed) ours is restrictive, which is ANDed;
    -- never both, as each costs a call of the function per query.
    IF v.own_policies AND NOT 'tenancy_guard' = ANY (v.ours) THEN
      EXECUTE format('CREATE POLICY tenancy_guard ON %s AS RESTRICTIVE FOR ALL TO PUBLIC USING (tenant_id = (SELECT tenancy.current_tenant())) '
                     'WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))', v.name);
    END IF;
    IF v.own_policies AND 'tenancy_rows' = ANY (v.ours) THEN EXECUTE format('DROP POLICY tenancy_rows ON %s', v.name); END IF;
    IF NOT v.own_policies AND NOT 'tenancy_rows' = ANY (v.ours) THEN
      EXECUTE format('CREATE POLICY tenancy_rows ON %s FOR ALL TO PUBLIC USING (tenant_id = (SELECT tenancy.current_tenant())) '
                     'WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))', v.name);
    END IF;
    -- Named one by one, never ALL: TRUNCATE does not ask policies. Partitions are reached through their parent.
    IF NOT v.relispartition THEN
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO pool_app', v.name);
      EXECUTE format('GRANT SELECT ON %s TO pool_readonly', v.name);
    END IF;
  END LOOP;
  -- A view reads with its owner's rights unless told otherwise; FORCE would still bind data_owner, but to no tenant it can name.
  FOR v IN SELECT c.oid::regclass AS name FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND c.relowner = 'data_owner'::regrole
  LOOP
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', v.name);
    EXECUTE format('GRANT SELECT ON %s TO pool_app, pool_readonly', v.name);
  END LOOP;
  FOR v IN SELECT c.oid::regclass AS name FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND c.relowner = 'data_owner'::regrole
  LOOP
    -- USAGE is nextval and currval. SELECT would show how many rows all tenants together have made, UPDATE would let one set it back for all.
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO pool_app', v.name);
  END LOOP;
END $$;
REVOKE ALL ON PROCEDURE tenancy.protect_pool_tables() FROM PUBLIC;
