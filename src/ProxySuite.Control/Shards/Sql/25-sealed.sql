-- The second identity, for shared tables: a seal whose key the session's role cannot read.
CREATE TABLE IF NOT EXISTS tenancy.seal_key (
  kid text PRIMARY KEY,
  k1 bytea NOT NULL CHECK (length(k1) = 64),
  k2 bytea NOT NULL CHECK (length(k2) = 64));
CREATE TABLE IF NOT EXISTS tenancy.sealed_fence (
  tenant_id uuid PRIMARY KEY,
  epoch bigint NOT NULL);
ALTER TABLE tenancy.seal_key OWNER TO tenancy_owner;
ALTER TABLE tenancy.sealed_fence OWNER TO tenancy_owner;
REVOKE ALL ON tenancy.seal_key, tenancy.sealed_fence FROM PUBLIC;

-- app.tenant_seal = 'kid.issued.mac', mac = sha256(k2 || sha256(k1 || 'tenant|pid|issued|session_user')) in hexadecimal, issued in seconds.
-- Valid in transactions that start within 60 s of it: a long transaction stays valid, an old seal dies.
CREATE OR REPLACE FUNCTION tenancy.sealed_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tenant text := current_setting('app.current_tenant_id', true);
  v_seal text := current_setting('app.tenant_seal', true);
  v_issued text := split_part(v_seal, '.', 2);
  v_k1 bytea;
  v_k2 bytea;
BEGIN
  SELECT k1, k2 INTO v_k1, v_k2 FROM tenancy.seal_key WHERE kid = split_part(v_seal, '.', 1);
  -- The MAC first, and in an IF of its own: joined by AND the parts would be read, and a malformed one reported, before it is known to be right.
  IF encode(sha256(v_k2 || sha256(v_k1 || convert_to(concat_ws('|', v_tenant, pg_backend_pid()::text, v_issued, session_user), 'UTF8'))), 'hex')
     = split_part(v_seal, '.', 3) THEN
    IF abs(extract(epoch FROM transaction_timestamp()) - v_issued::bigint) <= 60 THEN
      IF EXISTS (SELECT FROM tenancy.sealed_fence WHERE tenant_id = v_tenant::uuid) THEN
        RAISE EXCEPTION 'the tenant is not served here' USING ERRCODE = '42501', HINT = 'proxysuite:moved';
      END IF;
      RETURN v_tenant::uuid;
    END IF;
  END IF;
  RAISE EXCEPTION 'tenant context is not valid' USING ERRCODE = '42501';
END $$;

-- Serves both: a role that is mapped to a tenant is that tenant, whatever seal it shows; any other session needs a seal.
CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tenant uuid;
  v_fence bigint;
BEGIN
  SELECT tenant_id, fenced_epoch INTO v_tenant, v_fence FROM tenancy.role_map WHERE rolname = session_user;
  IF v_tenant IS NULL THEN RETURN tenancy.sealed_tenant(); END IF;
  IF v_fence IS NOT NULL THEN RAISE EXCEPTION 'the tenant is not served here' USING ERRCODE = '42501', HINT = 'proxysuite:moved'; END IF;
  RETURN v_tenant;
END $$;

-- Carries the seal as a bind parameter, so that it never stands in the query text that pg_stat_activity shows; takes none that is not valid here and now,
-- so that a seal which no policy would honour is noticed when it is set, and no statement can put another in place of a good one by calling this.
CREATE OR REPLACE FUNCTION tenancy.seal(text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('app.tenant_seal', $1, false);
  PERFORM tenancy.sealed_tenant();
END $$;

ALTER FUNCTION tenancy.sealed_tenant() OWNER TO tenancy_owner;
ALTER FUNCTION tenancy.current_tenant() OWNER TO tenancy_owner;
ALTER FUNCTION tenancy.seal(text) OWNER TO tenancy_owner;
GRANT EXECUTE ON FUNCTION tenancy.sealed_tenant(), tenancy.current_tenant(), tenancy.seal(text) TO PUBLIC;
