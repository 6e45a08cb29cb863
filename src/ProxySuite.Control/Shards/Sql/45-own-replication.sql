-- A tenant's own replication slots. The view of all of them is closed, as slots are the cluster's and their names are what other tenants chose.
CREATE OR REPLACE FUNCTION tenancy.replication_slots()
RETURNS TABLE (slot_name name, plugin name, temporary bool, active bool, restart_lsn pg_lsn, confirmed_flush_lsn pg_lsn, wal_status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.slot_name, s.plugin, s.temporary, s.active, s.restart_lsn, s.confirmed_flush_lsn, s.wal_status
    FROM pg_catalog.pg_replication_slots s WHERE s.database = current_database();
$$;
ALTER FUNCTION tenancy.replication_slots() OWNER TO tenancy_owner;
GRANT EXECUTE ON FUNCTION tenancy.replication_slots() TO PUBLIC;
GRANT SELECT ON pg_catalog.pg_replication_slots TO tenancy_owner;
CREATE OR REPLACE VIEW proxysuite.replication_slots AS SELECT * FROM tenancy.replication_slots();
ALTER VIEW proxysuite.replication_slots OWNER TO ps_control;
GRANT SELECT ON proxysuite.replication_slots TO PUBLIC;
