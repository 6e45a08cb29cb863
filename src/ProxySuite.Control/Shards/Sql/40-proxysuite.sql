-- The control plane's own records in this database; tenants have no right here.
CREATE SCHEMA IF NOT EXISTS proxysuite AUTHORIZATION ps_control;
REVOKE ALL ON SCHEMA proxysuite FROM PUBLIC;

-- What was applied to which schema, in the same transaction as the script itself: exactly once. Version 0 is the tenant's template.
CREATE TABLE IF NOT EXISTS proxysuite.schema_ledger (
  schema_name text NOT NULL,
  version bigint NOT NULL,
  checksum text NOT NULL,
  phase text NOT NULL DEFAULT 'done' CHECK (phase IN ('running', 'done')),
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema_name, version));
-- Templates that made shared tables; they are run once a database, whoever asks next.
CREATE TABLE IF NOT EXISTS proxysuite.pool_templates (
  checksum text PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now());
-- Which master key the passwords of the login roles follow from, as a fingerprint.
CREATE TABLE IF NOT EXISTS proxysuite.master_key (
  fingerprint text NOT NULL,
  one bool PRIMARY KEY DEFAULT true CHECK (one));
-- How far a move's stream is applied here, written in the same transaction as the changes; and the snapshot each table was copied under.
CREATE TABLE IF NOT EXISTS proxysuite.move_progress (
  move_id uuid PRIMARY KEY,
  lsn pg_lsn NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS proxysuite.move_copy (
  move_id uuid NOT NULL,
  table_name text NOT NULL,
  snapshot text NOT NULL,
  PRIMARY KEY (move_id, table_name));
-- Tables that `shard protect` guards, as they were before.
CREATE TABLE IF NOT EXISTS proxysuite.protected_tables (
  table_name text PRIMARY KEY,
  row_security bool NOT NULL,
  force_row_security bool NOT NULL,
  policy name NOT NULL,
  protected_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE proxysuite.schema_ledger OWNER TO ps_control;
ALTER TABLE proxysuite.protected_tables OWNER TO ps_control;
ALTER TABLE proxysuite.pool_templates OWNER TO ps_control;
ALTER TABLE proxysuite.master_key OWNER TO ps_control;
ALTER TABLE proxysuite.move_progress OWNER TO ps_control;
ALTER TABLE proxysuite.move_copy OWNER TO ps_control;
GRANT USAGE ON SCHEMA proxysuite TO ps_mover, ps_archiver;
GRANT SELECT ON proxysuite.schema_ledger TO ps_mover, ps_archiver;
GRANT SELECT, INSERT, UPDATE, DELETE ON proxysuite.move_progress, proxysuite.move_copy TO ps_mover;

-- Runs a script as another role, with that role's schema in front, all or nothing. EXECUTE takes a whole script with its functions and dollar
-- quotes as the server reads it, and refuses COMMIT and ROLLBACK in it, so it cannot end the caller's transaction.
-- Only while the role has made no functions yet: a trigger's function that the script sets off could RESET ROLE, or put something off to the commit
-- (a deferred trigger, a held cursor), and would then run as the caller, a superuser. Later scripts need a session that logged in as the role.
CREATE OR REPLACE PROCEDURE proxysuite.apply_as(p_role name, p_schema text, p_script text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_role <> 'data_owner' AND EXISTS (SELECT FROM pg_proc WHERE proowner = (SELECT oid FROM pg_roles WHERE rolname = p_role)) THEN
    RAISE EXCEPTION '% has functions of its own, which could run with the rights of this session', p_role USING ERRCODE = '42501',
      HINT = 'Run the script in a session that logged in as this role.';
  END IF;
  PERFORM set_config('search_path', quote_ident(p_schema), true);
  EXECUTE format('SET LOCAL ROLE %I', p_role);
  EXECUTE p_script;
  IF current_user IS DISTINCT FROM p_role THEN
    RAISE EXCEPTION 'the script changed the role it runs as' USING ERRCODE = '42501';
  END IF;
  SET LOCAL ROLE NONE;
END $$;
REVOKE ALL ON PROCEDURE proxysuite.apply_as(name, text, text) FROM PUBLIC;
