-- A tenant's own database knows login roles alone. No key lies here, as the tenant's roles may read every table: pg_dump locks and reads
-- whatever is in the database. The functions are there so that policies made for shared tables go on working after a promotion.
CREATE OR REPLACE FUNCTION tenancy.sealed_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'tenant context is not valid' USING ERRCODE = '42501';
END $$;
CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN tenancy.role_tenant();
END $$;
ALTER FUNCTION tenancy.sealed_tenant() OWNER TO tenancy_owner;
ALTER FUNCTION tenancy.current_tenant() OWNER TO tenancy_owner;
GRANT EXECUTE ON FUNCTION tenancy.sealed_tenant(), tenancy.current_tenant() TO PUBLIC;
