-- What tenants' sessions lose of PostgreSQL's defaults, by level:
--   relaxed  ordinary applications work unchanged (temporary tables, DO, functions, advisory locks, set_config, pg_dump). Sound together with
--            a login role per tenant: that boundary already keeps foreign sessions, query texts and large objects closed.
--   strict   nothing that runs SQL text inside a statement, and nothing database-wide: no DO, functions, temporary tables, advisory locks,
--            large objects, set_config; statistics and sizes of other tenants are closed as well.
-- tenancy.lockdown_revoked remembers each privilege that was taken, so that a change of level gives back exactly those and never one that
-- PostgreSQL or the operator keeps closed (lo_import, pg_hba_file_rules). Run again after a major upgrade: new functions are then seen.
CREATE TABLE IF NOT EXISTS tenancy.lockdown_revoked (
  object text NOT NULL,      -- as GRANT writes it: 'FUNCTION pg_catalog.setseed(double precision)'
  privilege text NOT NULL,
  PRIMARY KEY (object, privilege));
CREATE TABLE IF NOT EXISTS tenancy.lockdown_level (
  level text NOT NULL CHECK (level IN ('relaxed', 'strict')),
  one bool PRIMARY KEY DEFAULT true CHECK (one));
ALTER TABLE tenancy.lockdown_revoked OWNER TO tenancy_owner;
ALTER TABLE tenancy.lockdown_level OWNER TO tenancy_owner;
REVOKE ALL ON tenancy.lockdown_revoked, tenancy.lockdown_level FROM PUBLIC;

-- Every privilege of PUBLIC that a level is about, with whether PUBLIC has it now.
CREATE OR REPLACE FUNCTION tenancy.lockdown_targets(p_level text) RETURNS TABLE (object text, privilege text, granted bool)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH target(object, privilege, acl) AS (
    -- Both levels. A message in the change stream could be taken for the control plane's own.
    SELECT 'FUNCTION ' || p.oid::regprocedure, 'EXECUTE', coalesce(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = 'pg_logical_emit_message'
    UNION ALL
    -- Slots are the cluster's: to whoever has the attribute REPLICATION these functions give every tenant's, by name. And who may not use a slot need not read
    -- what others call theirs.
    SELECT 'FUNCTION ' || p.oid::regprocedure, 'EXECUTE', coalesce(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
       AND p.proname ~ '^(pg_(create|copy)_(physical|logical)_replication_slot|pg_drop_replication_slot|pg_replication_slot_advance|pg_sync_replication_slots|pg_logical_slot_(get|peek)_.*changes|pg_get_replication_slots)$'
    UNION ALL
    SELECT 'DATABASE ' || quote_ident(datname), 'CREATE', coalesce(datacl, acldefault('d', datdba))
      FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'SCHEMA public', 'CREATE', coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE nspname = 'public'
    UNION ALL
    -- UPDATE pg_settings is set_config by another name.
    SELECT 'TABLE pg_catalog.pg_settings', 'UPDATE', coalesce(relacl, acldefault('r', relowner))
      FROM pg_class WHERE oid = 'pg_catalog.pg_settings'::regclass
    UNION ALL
    SELECT strict.* FROM (
      SELECT 'DATABASE ' || quote_ident(datname), 'TEMPORARY', coalesce(datacl, acldefault('d', datdba))
        FROM pg_database WHERE datname = current_database()
      UNION ALL
      SELECT 'SCHEMA public', 'USAGE', coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE nspname = 'public'
      UNION ALL
      -- DO, CREATE FUNCTION
      SELECT 'LANGUAGE ' || quote_ident(lanname), 'USAGE', coalesce(lanacl, acldefault('l', lanowner))
        FROM pg_language WHERE lanpltrusted OR lanname = 'sql'
      UNION ALL
      SELECT 'FUNCTION ' || p.oid::regprocedure, 'EXECUTE', coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc p
       WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND (
         p.proname IN (
           'set_config',                                                    -- settings by SELECT or FunctionCall
           'ts_stat',                                                       -- runs SQL text
           'pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'pg_listening_channels', 'pg_export_snapshot',
           'pg_stat_get_activity', 'pg_stat_get_backend_activity', 'pg_stat_get_backend_idset', 'pg_stat_get_wal_senders',
           'pg_stat_get_progress_info', 'pg_lock_status', 'pg_prepared_xact', 'pg_get_backend_memory_contexts',
           'setseed', 'currtid2', 'inet_server_addr', 'inet_server_port')
         OR p.proname ~ '^(query|cursor|table|schema|database)_to_xml'      -- runs SQL text
         OR p.proname ~ '^pg_(try_)?advisory_'                              -- one name space for the whole database
         OR p.proname ~ '^(lo_|lo[a-z]*(read|write|open|close|creat|create|lseek|tell|truncate|unlink|import|export|put|get|from_bytea)(64)?$)'
         OR p.proname ~ '^(pg_stat_get_|pg_(total_)?relation_size|pg_table_size|pg_indexes_size|pg_database_size)')
      UNION ALL
      SELECT 'TABLE ' || c.oid::regclass, 'SELECT', coalesce(c.relacl, acldefault('r', c.relowner))
        FROM pg_class c
       WHERE c.relnamespace = 'pg_catalog'::regnamespace AND (
         c.relname IN ('pg_largeobject_metadata', 'pg_db_role_setting', 'pg_locks', 'pg_prepared_xacts', 'pg_replication_slots')
         OR c.relname ~ '^pg_stat_(activity|replication|ssl|gssapi|progress_.*)$'
         OR c.relname ~ '^pg_stat(io)?_(user|all|sys|xact)_.*$')
    ) AS strict WHERE p_level = 'strict')
  SELECT t.object, t.privilege, EXISTS (SELECT FROM aclexplode(t.acl) a WHERE a.grantee = 0 AND a.privilege_type = t.privilege) FROM target t;
$$;

-- Brings the database to a level from whatever it was at.
CREATE OR REPLACE PROCEDURE tenancy.apply_lockdown(p_level text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v record;
BEGIN
  IF p_level IS NULL OR p_level NOT IN ('relaxed', 'strict') THEN RAISE EXCEPTION 'lockdown is relaxed or strict, not %', p_level; END IF;
  FOR v IN SELECT object, privilege FROM tenancy.lockdown_targets(p_level) WHERE granted LOOP
    EXECUTE format('REVOKE %s ON %s FROM PUBLIC', v.privilege, v.object);
    INSERT INTO tenancy.lockdown_revoked VALUES (v.object, v.privilege) ON CONFLICT DO NOTHING;
  END LOOP;
  FOR v IN DELETE FROM tenancy.lockdown_revoked r
            WHERE NOT EXISTS (SELECT FROM tenancy.lockdown_targets(p_level) t WHERE t.object = r.object AND t.privilege = r.privilege)
           RETURNING r.object, r.privilege LOOP
    BEGIN
      EXECUTE format('GRANT %s ON %s TO PUBLIC', v.privilege, v.object);
    EXCEPTION WHEN undefined_object OR undefined_function OR undefined_table OR invalid_schema_name OR invalid_catalog_name THEN
      NULL;  -- gone since, as after a major upgrade
    END;
  END LOOP;
  INSERT INTO tenancy.lockdown_level(level) VALUES (p_level) ON CONFLICT (one) DO UPDATE SET level = excluded.level;
END $$;
REVOKE ALL ON FUNCTION tenancy.lockdown_targets(text) FROM PUBLIC;
-- Monitoring and the platform's own roles keep what they had by PUBLIC.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_get_replication_slots() TO pg_monitor, tenancy_owner, ps_control, ps_mover, ps_archiver;
DO $$
DECLARE
  v_function regprocedure;
BEGIN
  FOR v_function IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
     AND p.proname ~ '^(pg_create_logical_replication_slot|pg_copy_logical_replication_slot|pg_drop_replication_slot|pg_replication_slot_advance|pg_logical_slot_(get|peek)_.*changes)$' LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ps_mover, ps_archiver', v_function);
  END LOOP;
END $$;
REVOKE ALL ON PROCEDURE tenancy.apply_lockdown(text) FROM PUBLIC;
