-- Whose session is this? Two answers that a client cannot change: the role it logged in as (session_user), and a seal whose key its role
-- cannot read. Policies on shared tables call tenancy.current_tenant() in a sub-select, "tenant_id = (SELECT tenancy.current_tenant())":
-- called bare it runs once a row, 42 ms instead of 1 ms on 10,000 rows.
--
-- All functions are STABLE (an IMMUTABLE one freezes a tenant into cached plans), PARALLEL RESTRICTED (pg_backend_pid() differs in a worker)
-- and SECURITY DEFINER with a fixed search_path (else a client's temporary table takes the place of role_map).
CREATE SCHEMA IF NOT EXISTS tenancy AUTHORIZATION tenancy_owner;
GRANT USAGE ON SCHEMA tenancy TO PUBLIC;

-- fenced_epoch: set when the tenant has moved away. The helper then raises: without the row a late read would answer "no rows" instead.
CREATE TABLE IF NOT EXISTS tenancy.role_map (
  rolname name PRIMARY KEY,
  tenant_id uuid NOT NULL,
  fenced_epoch bigint);
ALTER TABLE tenancy.role_map OWNER TO tenancy_owner;
REVOKE ALL ON tenancy.role_map FROM PUBLIC;

CREATE OR REPLACE FUNCTION tenancy.role_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tenant uuid;
  v_fence bigint;
BEGIN
  SELECT tenant_id, fenced_epoch INTO v_tenant, v_fence FROM tenancy.role_map WHERE rolname = session_user;
  IF v_tenant IS NULL THEN RAISE EXCEPTION 'no tenant for this session' USING ERRCODE = '42501'; END IF;
  IF v_fence IS NOT NULL THEN RAISE EXCEPTION 'the tenant is not served here' USING ERRCODE = '42501', HINT = 'proxysuite:moved'; END IF;
  RETURN v_tenant;
END $$;

ALTER FUNCTION tenancy.role_tenant() OWNER TO tenancy_owner;
-- Whoever is no tenant gets an error from it, so everyone may ask.
GRANT EXECUTE ON FUNCTION tenancy.role_tenant() TO PUBLIC;
-- The lockdown takes these from everyone; what owns the functions and the shared tables keeps them.
GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, bool) TO tenancy_owner, data_owner;
GRANT USAGE ON LANGUAGE plpgsql, sql TO tenancy_owner, data_owner;
