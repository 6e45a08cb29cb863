-- Functions, extensions, and ways out of the database.
SELECT CASE WHEN NOT coalesce(f.proconfig::text ~ 'search_path=', false) THEN 'critical' WHEN f.rolsuper OR f.rolbypassrls THEN 'high' ELSE 'medium' END, 'DEFINER_FUNCTION',
       f.oid::regprocedure::text, format('runs as %s%s; see that its body keeps tenants apart', f.rolname, CASE WHEN f.proconfig::text ~ 'search_path=' THEN '' ELSE ', without a search_path of its own' END),
       format('REVOKE EXECUTE ON ROUTINE %s FROM %s', f.oid::regprocedure, string_agg(DISTINCT g.sql, ', '))
  FROM (SELECT p.oid, p.pronamespace, p.proconfig, p.proowner, o.rolname, o.rolsuper, o.rolbypassrls, coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
          FROM pg_proc p JOIN ns n ON n.oid = p.pronamespace JOIN pg_roles o ON o.oid = p.proowner WHERE p.prosecdef) AS f
 CROSS JOIN LATERAL aclexplode(f.acl) a JOIN grantee g ON g.oid = a.grantee
  JOIN ns_scope s ON s.ns = f.pronamespace AND (s.scope = g.scope OR s.scope = '*' OR g.scope = '*')
  LEFT JOIN tenant_role t ON t.oid = f.proowner JOIN ns n ON n.oid = f.pronamespace
 WHERE a.privilege_type = 'EXECUTE' AND (t.tenant IS NULL OR t.tenant IS DISTINCT FROM n.tenant)
 GROUP BY f.oid, f.proconfig, f.rolname, f.rolsuper, f.rolbypassrls
UNION ALL
SELECT 'high', 'LEAKPROOF_USER_FUNCTION', p.oid::regprocedure::text, 'may look at rows before a policy does', format('ALTER FUNCTION %s NOT LEAKPROOF', p.oid::regprocedure)
  FROM pg_proc p WHERE p.proleakproof AND p.oid >= 16384 AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
UNION ALL
SELECT 'high', 'EXTENSION', e.extname::text, 'keeps connections or state beyond DISCARD ALL, shows statement texts, or reaches outside the database', format('DROP EXTENSION %I', e.extname)
  FROM pg_extension e WHERE e.extname IN ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pg_cron', 'plperl', 'plperlu', 'plpython3u', 'pltcl', 'pltclu', 'plv8')
UNION ALL
SELECT 'medium', 'EXTENSION_FUNCTION', e.extname::text, format('an extension that PostgreSQL does not call trusted; tenants may run %s of its functions', count(DISTINCT p.oid)),
       string_agg(DISTINCT format('REVOKE EXECUTE ON ROUTINE %s FROM %s', p.oid::regprocedure, g.sql), '; ')
  FROM pg_extension e JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion AND NOT v.trusted
  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
  JOIN pg_proc p ON p.oid = d.objid CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a JOIN grantee g ON g.oid = a.grantee
 WHERE e.extname NOT IN ('plpgsql', 'dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pg_cron', 'plperl', 'plperlu', 'plpython3u', 'pltcl', 'pltclu', 'plv8')
 GROUP BY e.extname
UNION ALL
SELECT 'high', 'EVENT_TRIGGER', t.evtname::text, format('%s of %s runs with the rights of whoever changes a table, a superuser''s too', t.evtfoid::regprocedure, r.rolname), format('DROP EVENT TRIGGER %I', t.evtname)
  FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid JOIN pg_roles r ON r.oid = p.proowner WHERE NOT r.rolsuper AND r.rolname NOT IN ('ps_control', 'tenancy_owner')
UNION ALL
SELECT 'high', 'FOREIGN_SERVER', f.name, 'USAGE to ' || g.sql, format('REVOKE USAGE ON FOREIGN %s %I FROM %s', f.kind, f.name, g.sql)
  FROM (SELECT 'SERVER' AS kind, srvname::text AS name, srvacl AS acl FROM pg_foreign_server UNION ALL SELECT 'DATA WRAPPER', fdwname::text, fdwacl FROM pg_foreign_data_wrapper) AS f
 CROSS JOIN LATERAL aclexplode(f.acl) a JOIN grantee g ON g.oid = a.grantee
UNION ALL
SELECT 'high', 'FOREIGN_SERVER', m.srvname::text, 'logs in for ' || g.sql, format('DROP USER MAPPING FOR %s SERVER %I', g.sql, m.srvname)
  FROM pg_user_mappings m JOIN grantee g ON g.oid = m.umuser
UNION ALL
SELECT 'medium', 'PUBLICATION', p.pubname::text, 'of ' || pg_get_userbyid(p.pubowner) || ': rows leave the server without row security', format('DROP PUBLICATION %I', p.pubname)
  FROM pg_publication p
 WHERE p.pubname !~ '^ps_' AND p.pubowner NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('ps_control', 'ps_mover', 'ps_archiver')) AND p.pubowner NOT IN (SELECT t.oid FROM tenant_role t)
UNION ALL
SELECT 'high', 'PARAMETER_GRANT', p.parname, format('%s to %s', a.privilege_type, g.sql), format('REVOKE %s ON PARAMETER %s FROM %s', a.privilege_type, p.parname, g.sql)
  FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) a JOIN grantee g ON g.oid = a.grantee CROSS JOIN db d
 WHERE d.own IS NULL
   -- Of a parameter that anyone may set (a REVOKE once stored its list) the right says nothing.
   AND EXISTS (SELECT FROM pg_settings s WHERE s.name = p.parname AND s.context <> 'user' OR a.privilege_type = 'ALTER SYSTEM')
