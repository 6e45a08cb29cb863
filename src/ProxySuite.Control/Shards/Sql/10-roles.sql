-- Roles of the cluster, shared by all its databases. None of them can log in; what logs in is a tenant's own role.
-- Two of them may be prepared at the same time, and GRANTs to one role would meet ("tuple concurrently updated"). Advisory locks are a database's
-- own; a lock on a shared catalog is the cluster's. This one stops no login and no CREATE ROLE.
LOCK TABLE pg_catalog.pg_authid IN SHARE UPDATE EXCLUSIVE MODE;
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
    ('ps_auditor', 'NOINHERIT'),                -- proxies ask the shard's audit for its summary as it, and may do nothing else
    ('ps_archiver', 'REPLICATION BYPASSRLS'))   -- reads change streams and base backups
    AS roles(name, attributes)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role.name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB %s', v_role.name, v_role.attributes);
    END IF;
  END LOOP;
  GRANT data_owner TO ps_control, ps_mover;
  GRANT pg_signal_backend TO ps_control;        -- ends sessions of a tenant that is fenced or suspended
  GRANT pg_read_all_data TO ps_archiver;
END $$;
GRANT SET ON PARAMETER session_replication_role TO ps_mover;   -- copies rows without firing the tenant's triggers
