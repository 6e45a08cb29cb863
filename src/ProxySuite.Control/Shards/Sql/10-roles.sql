-- Roles of the cluster, shared by all its databases. None of them can log in; what logs in is a tenant's own role.
-- CREATE ROLE knows no IF NOT EXISTS, and two databases of one cluster may be prepared at the same time.
DO $$
DECLARE
  v_role record;
BEGIN
  FOR v_role IN SELECT * FROM (VALUES
    ('tenancy_owner', 'NOINHERIT'),             -- owns the functions that answer "whose session is this" and what they read
    ('data_owner', ''),                         -- owns tenants' schemas and databases, and the shared tables
    ('pool_app', ''),                           -- the rights of the pool model's applications on the shared tables
    ('pool_readonly', ''),                      -- the same, reading
    ('ps_control', 'NOINHERIT CREATEROLE'),     -- fences tenants, runs schema migrations
    ('ps_mover', 'REPLICATION BYPASSRLS'),      -- copies tenants between shards
    ('ps_archiver', 'REPLICATION BYPASSRLS'))   -- reads change streams and base backups
    AS roles(name, attributes)
  LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB %s', v_role.name, v_role.attributes);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
  GRANT data_owner TO ps_control, ps_mover;
  GRANT pg_signal_backend TO ps_control;        -- ends sessions of a tenant that is fenced or suspended
  GRANT pg_read_all_data TO ps_archiver;
END $$;
GRANT SET ON PARAMETER session_replication_role TO ps_mover;   -- copies rows without firing the tenant's triggers
