-- What only a superuser may look at, and the server's own settings.
SELECT CASE WHEN t.tenant IS NULL THEN 'high' ELSE 'low' END, 'ROLE_SETTINGS', t.name || coalesce(' in ' || b.datname, ''), s.setting,
       format('ALTER ROLE %I%s RESET %s', t.name, coalesce(' IN DATABASE ' || quote_ident(b.datname), ''), split_part(s.setting, '=', 1))
  FROM pg_db_role_setting r JOIN tenant_role t ON t.oid = r.setrole LEFT JOIN pg_database b ON b.oid = r.setdatabase CROSS JOIN LATERAL unnest(r.setconfig) AS s(setting) CROSS JOIN db d
 WHERE d.own IS NULL AND s.setting !~ '^(temp_file_limit|log_parameter_max_length)='
UNION ALL
SELECT 'medium', 'LARGE_OBJECT_OPEN', l.oid::text, format('of %s, %s to %s', pg_get_userbyid(l.lomowner), string_agg(DISTINCT a.privilege_type, ', '), g.sql),
       format('REVOKE ALL ON LARGE OBJECT %s FROM %s', l.oid, g.sql)
  FROM pg_largeobject_metadata l CROSS JOIN LATERAL aclexplode(l.lomacl) a JOIN grantee g ON g.oid = a.grantee LEFT JOIN grantee o ON o.oid = l.lomowner CROSS JOIN db d
 WHERE d.own IS NULL AND g.scope IS DISTINCT FROM o.scope GROUP BY l.oid, l.lomowner, g.sql
UNION ALL
SELECT 'critical', 'LARGE_OBJECT_OPEN', 'lo_compat_privileges', 'on: large objects have no privileges', 'ALTER SYSTEM SET lo_compat_privileges = off; SELECT pg_reload_conf()'
  FROM db d WHERE d.own IS NULL AND current_setting('lo_compat_privileges') = 'on'
UNION ALL
SELECT 'critical', 'SEALED_RELAXED', 'tenancy.seal_key', format('%s keys of seals, and lockdown %s', (SELECT count(*) FROM tenancy.seal_key), d.level), 'DELETE FROM tenancy.seal_key'
  FROM db d WHERE d.own IS NULL AND d.level <> 'strict' AND EXISTS (SELECT FROM tenancy.seal_key)
UNION ALL
SELECT 'medium', '2PC_ENABLED', 'max_prepared_transactions', s.setting, 'ALTER SYSTEM SET max_prepared_transactions = 0; -- and restart the server'
  FROM pg_settings s CROSS JOIN db d WHERE d.own IS NULL AND s.name = 'max_prepared_transactions' AND s.setting <> '0'
UNION ALL
-- Lines that let a tenant's role in over the network without proving who it is, or with a password that can be read or guessed on the way.
SELECT CASE WHEN h.auth_method IN ('trust', 'ident') THEN 'critical' ELSE 'medium' END, CASE WHEN h.auth_method IN ('trust', 'ident') THEN 'HBA_TRUST' ELSE 'HBA_WEAK' END,
       'pg_hba.conf line ' || h.line_number, format('%s %s %s %s %s', h.type, array_to_string(h.database, ','), array_to_string(h.user_name, ','), h.address, h.auth_method),
       format('-- in pg_hba.conf, line %s: scram-sha-256 in place of %s; then SELECT pg_reload_conf()', h.line_number, h.auth_method)
  FROM pg_hba_file_rules h CROSS JOIN db d
 WHERE d.own IS NULL AND h.type LIKE 'host%' AND h.auth_method IN ('trust', 'ident', 'password', 'md5') AND h.database <> '{replication}'
   AND EXISTS (SELECT FROM unnest(h.user_name) AS u(name) WHERE u.name = 'all' OR u.name ~ '^/' OR u.name ~ '^\+' OR u.name ~ '^[ts]_' OR u.name IN (SELECT t.name FROM tenant_role t))
UNION ALL
SELECT 'medium', 'HBA_ANYWHERE', 'pg_hba.conf line ' || h.line_number, format('%s %s %s %s %s', h.type, array_to_string(h.database, ','), array_to_string(h.user_name, ','), h.address, h.auth_method),
       format('-- in pg_hba.conf, line %s: the proxies'' addresses in place of %s; then SELECT pg_reload_conf()', h.line_number, h.address)
  FROM pg_hba_file_rules h CROSS JOIN db d
 WHERE d.own IS NULL AND h.type LIKE 'host%' AND h.auth_method <> 'reject' AND (h.address = 'all' OR h.netmask IN ('0.0.0.0', '::'))
   AND EXISTS (SELECT FROM unnest(h.user_name) AS u(name) WHERE u.name = 'all' OR u.name ~ '^/' OR u.name ~ '^\+' OR u.name ~ '^[ts]_' OR u.name IN (SELECT t.name FROM tenant_role t))
