-- Who may do what: privileges, ownership, roles.
SELECT 'critical', 'DANGEROUS_TABLE_PRIV', s.name, format('%s to %s', string_agg(DISTINCT g.privilege_type, ', '), string_agg(DISTINCT g.sql, ', ')),
       format('REVOKE %s ON %s FROM %s', string_agg(DISTINCT g.privilege_type, ', '), s.name, string_agg(DISTINCT g.sql, ', '))
  FROM shared s JOIN rel_grant g ON g.rel = s.oid AND g.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN') AND g.grantee <> s.relowner
 WHERE s.relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY s.name
UNION ALL
SELECT 'high', 'PUBLIC_GRANT', s.name, string_agg(DISTINCT g.privilege_type, ', '), format('REVOKE ALL ON %s FROM PUBLIC', s.name)
  FROM shared s JOIN rel_grant g ON g.rel = s.oid AND g.grantee = 0 GROUP BY s.name
UNION ALL
SELECT 'critical', 'CROSS_TENANT_GRANT', 'schema ' || n.nspname, format('%s to %s', string_agg(DISTINCT a.privilege_type, ', '), g.sql), format('REVOKE ALL ON SCHEMA %I FROM %s', n.nspname, g.sql)
  FROM ns n CROSS JOIN LATERAL aclexplode(n.acl) a JOIN grantee g ON g.oid = a.grantee WHERE n.tenant IS NOT NULL AND g.scope <> n.tenant GROUP BY n.nspname, g.sql
UNION ALL
-- Without a way into the schema it opens nothing yet. PUBLIC is left out: a tenant's owner may say so of its own tables.
SELECT 'medium', 'CROSS_TENANT_GRANT', r.oid::regclass::text, format('%s to %s', string_agg(DISTINCT g.privilege_type, ', '), g.sql), format('REVOKE ALL ON %s FROM %s', r.oid::regclass, g.sql)
  FROM rel r JOIN rel_grant g ON g.rel = r.oid WHERE r.tenant IS NOT NULL AND g.grantee <> 0 AND g.scope <> r.tenant GROUP BY r.oid, g.sql
UNION ALL
SELECT CASE WHEN t.tenant IS NOT DISTINCT FROM r.tenant THEN 'high' ELSE 'critical' END, 'ROLE_OWNS', r.oid::regclass::text, 'owned by ' || t.name,
       format('ALTER TABLE %s OWNER TO %s', r.oid::regclass, CASE WHEN r.tenant IS NULL THEN 'data_owner' ELSE 't_' || r.tenant || '_o' END)
  FROM rel r JOIN tenant_role t ON t.oid = r.relowner
 WHERE NOT (t.is_owner AND t.tenant IS NOT DISTINCT FROM r.tenant)
   -- A column's sequence goes with its table.
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND r.relkind = 'S')
UNION ALL
SELECT 'critical', 'ROLE_OWNS', 'schema ' || n.nspname, 'owned by ' || t.name, format('ALTER SCHEMA %I OWNER TO data_owner', n.nspname)
  FROM ns n JOIN tenant_role t ON t.oid = n.nspowner CROSS JOIN db d WHERE d.own IS NULL OR NOT (t.is_owner AND t.tenant = d.own)
UNION ALL
SELECT 'high', 'ROLE_OWNS_FUNCTION', p.oid::regprocedure::text, 'owned by ' || t.name,
       format('ALTER ROUTINE %s OWNER TO %s', p.oid::regprocedure, CASE WHEN n.tenant IS NULL THEN 'data_owner' ELSE 't_' || n.tenant || '_o' END)
  FROM pg_proc p JOIN tenant_role t ON t.oid = p.proowner JOIN ns n ON n.oid = p.pronamespace WHERE NOT (t.is_owner AND t.tenant IS NOT DISTINCT FROM n.tenant)
UNION ALL
SELECT 'high', 'SCHEMA_CREATE', n.nspname, 'CREATE to ' || g.sql, format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, g.sql)
  FROM (SELECT oid, nspname, acl, tenant FROM ns
        UNION ALL
        SELECT oid, nspname, coalesce(nspacl, acldefault('n', nspowner)), NULL FROM pg_namespace WHERE nspname IN ('tenancy', 'proxysuite', 'pg_catalog', 'information_schema')) AS n
 CROSS JOIN LATERAL aclexplode(n.acl) a JOIN grantee g ON g.oid = a.grantee LEFT JOIN tenant_role t ON t.oid = g.oid
 WHERE a.privilege_type = 'CREATE' AND NOT coalesce(t.is_owner AND t.tenant = n.tenant, false)
UNION ALL
SELECT 'high', 'DB_PRIV', d.name, format('%s to %s', string_agg(a.privilege_type, ', '), g.sql), format('REVOKE %s ON DATABASE %I FROM %s', string_agg(a.privilege_type, ', '), d.name, g.sql)
  FROM db d JOIN pg_database b ON b.datname = d.name CROSS JOIN LATERAL aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) a JOIN grantee g ON g.oid = a.grantee
 WHERE g.oid <> 0 AND (a.privilege_type = 'CREATE' AND d.own IS NULL OR a.privilege_type = 'TEMPORARY' AND d.level = 'strict') GROUP BY d.name, g.sql
UNION ALL
SELECT 'critical', 'DATABASE_OPEN', b.datname, format('%s to %s', string_agg(a.privilege_type, ', '), g.sql), format('REVOKE ALL ON DATABASE %I FROM %s', b.datname, g.sql)
  FROM db d JOIN pg_database b ON b.datname ~ '^tenant_[0-9a-f]{32}$'
 CROSS JOIN LATERAL aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) a JOIN grantee g ON g.oid = a.grantee
 WHERE d.own IS NULL AND a.privilege_type IN ('CONNECT', 'CREATE') AND g.scope <> substr(b.datname::text, 8) GROUP BY b.datname, g.sql
UNION ALL
SELECT 'critical', 'ROLE_OWNS', 'database ' || b.datname, 'owned by ' || t.name, format('ALTER DATABASE %I OWNER TO data_owner', b.datname)
  FROM db d CROSS JOIN pg_database b JOIN tenant_role t ON t.oid = b.datdba WHERE d.own IS NULL
UNION ALL
-- What the lockdown takes from PUBLIC, and has come back since; and what was given to a tenant by name.
SELECT 'high', CASE WHEN l.object ~ '^LANGUAGE ' THEN 'LANGUAGE_USAGE' WHEN l.object ~ '^DATABASE ' THEN 'DB_PRIV' ELSE 'BUILTIN_OPEN' END,
       regexp_replace(l.object, '^[A-Z]+ ', ''), format('%s to PUBLIC, against lockdown %s', l.privilege, d.level), format('REVOKE %s ON %s FROM PUBLIC', l.privilege, l.object)
  FROM db d CROSS JOIN LATERAL tenancy.lockdown_targets(d.level) l WHERE l.granted AND l.object !~ '^SCHEMA public'
UNION ALL
SELECT 'high', 'SCHEMA_USAGE', 'public', 'USAGE to PUBLIC, against lockdown strict', 'REVOKE USAGE ON SCHEMA public FROM PUBLIC'
  FROM db d CROSS JOIN LATERAL tenancy.lockdown_targets(d.level) l WHERE l.granted AND l.object = 'SCHEMA public' AND l.privilege = 'USAGE'
UNION ALL
SELECT 'high', 'BUILTIN_OPEN', p.oid::regprocedure::text, 'EXECUTE to ' || g.sql, format('REVOKE EXECUTE ON FUNCTION %s FROM %s', p.oid::regprocedure, g.sql)
  FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a JOIN grantee g ON g.oid = a.grantee WHERE p.pronamespace = 'pg_catalog'::regnamespace AND g.oid <> 0
UNION ALL
SELECT 'high', 'LANGUAGE_USAGE', l.lanname, 'USAGE to ' || g.sql, format('REVOKE USAGE ON LANGUAGE %I FROM %s', l.lanname, g.sql)
  FROM pg_language l CROSS JOIN LATERAL aclexplode(l.lanacl) a JOIN grantee g ON g.oid = a.grantee CROSS JOIN db d WHERE g.oid <> 0 AND (d.level = 'strict' OR NOT l.lanpltrusted)
UNION ALL
-- In its own database a tenant may read what the control plane keeps there: it is about that tenant alone, and pg_dump reads all.
SELECT 'critical', 'KEY_READABLE', c.oid::regclass::text, format('%s to %s', string_agg(DISTINCT a.privilege_type, ', '), g.sql), format('REVOKE ALL ON %s FROM %s', c.oid::regclass, g.sql)
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN grantee g ON g.oid = a.grantee CROSS JOIN db d
 WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p') AND (d.own IS NULL OR a.privilege_type <> 'SELECT' OR c.relname = 'seal_key') GROUP BY c.oid, g.sql
UNION ALL
SELECT 'high', 'CONTROL_REACHABLE', c.oid::regclass::text, format('%s to %s', string_agg(DISTINCT a.privilege_type, ', '), g.sql), format('REVOKE ALL ON %s FROM %s', c.oid::regclass, g.sql)
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN grantee g ON g.oid = a.grantee CROSS JOIN db d
 WHERE c.relnamespace = 'proxysuite'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p') AND (d.own IS NULL OR a.privilege_type <> 'SELECT') GROUP BY c.oid, g.sql
UNION ALL
SELECT 'critical', 'ROLE_MAP_WRONG', m.rolname::text, 'taken for tenant ' || m.tenant_id,
       format('UPDATE tenancy.role_map SET tenant_id = %L WHERE rolname = %L', substr(m.rolname::text, 3, 32)::uuid, m.rolname)
  FROM tenancy.role_map m WHERE m.rolname ~ '^t_[0-9a-f]{32}(_[or]|_repl)?$' AND m.tenant_id <> substr(m.rolname::text, 3, 32)::uuid
UNION ALL
SELECT 'critical', 'IDENTITY_FUNCTION', p.oid::regprocedure::text,
       format('owner %s, %s, %s, %s', pg_get_userbyid(p.proowner), CASE WHEN p.prosecdef THEN 'security definer' ELSE 'security invoker' END,
         CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END, coalesce(array_to_string(p.proconfig, ' '), 'no search_path')),
       format('ALTER FUNCTION %s SECURITY DEFINER STABLE SET search_path = pg_catalog, pg_temp; ALTER FUNCTION %1$s OWNER TO tenancy_owner', p.oid::regprocedure)
  FROM pg_proc p
 WHERE p.pronamespace = 'tenancy'::regnamespace AND p.proname IN ('role_tenant', 'sealed_tenant', 'current_tenant')
   AND (p.proowner <> 'tenancy_owner'::regrole OR NOT p.prosecdef OR p.provolatile <> 's' OR NOT coalesce(p.proconfig::text ~ 'search_path=', false))
UNION ALL
SELECT 'high', 'DEFAULT_ACL', format('%s by %s', CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END
         || coalesce(' in ' || n.nspname, ''), pg_get_userbyid(a.defaclrole)),
       format('%s to %s, before a policy can stand', string_agg(DISTINCT x.privilege_type, ', '), g.sql),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %s', pg_get_userbyid(a.defaclrole), coalesce(' IN SCHEMA ' || quote_ident(n.nspname), ''),
         CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'SCHEMAS' END, g.sql)
  FROM pg_default_acl a CROSS JOIN LATERAL aclexplode(a.defaclacl) x JOIN grantee g ON g.oid = x.grantee
  LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace LEFT JOIN ns o ON o.oid = n.oid CROSS JOIN db d
 WHERE a.defaclobjtype IN ('r', 'S', 'n') AND d.own IS NULL AND g.scope IS DISTINCT FROM o.tenant AND a.defaclrole NOT IN (SELECT t.oid FROM tenant_role t)
 GROUP BY a.defaclobjtype, a.defaclrole, n.nspname, g.sql
UNION ALL
SELECT 'critical', 'ROLE_BYPASS', r.rolname::text,
       concat_ws(' ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
         CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END),
       format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOREPLICATION NOCREATEROLE NOCREATEDB', r.rolname)
  FROM pg_roles r JOIN grantee g ON g.oid = r.oid CROSS JOIN db d
 -- The role of replication connections has that attribute by right; whether it should be there at all is for the registry to say.
 WHERE d.own IS NULL AND (r.rolsuper OR r.rolbypassrls OR (r.rolreplication AND r.rolname !~ '^t_[0-9a-f]{32}_repl$') OR r.rolcreaterole OR r.rolcreatedb)
UNION ALL
SELECT 'critical', 'ROLE_MEMBER_OF', pg_get_userbyid(m.member), 'may become, or has the rights of, ' || o.rolname, format('REVOKE %I FROM %I', o.rolname, pg_get_userbyid(m.member))
  FROM pg_auth_members m JOIN grantee g ON g.oid = m.member JOIN pg_roles o ON o.oid = m.roleid CROSS JOIN db d
 WHERE d.own IS NULL AND o.rolname NOT IN ('pool_app', 'pool_readonly')
UNION ALL
-- Rights come from the group without becoming it: since 16 a membership says so by itself; before, and by ADMIN OPTION, it can be handed on.
SELECT 'medium', 'POOL_MEMBERSHIP', t.name, CASE WHEN m.admin_option THEN 'may hand on ' ELSE 'may become ' END || g.rolname,
       CASE WHEN to_jsonb(m) ? 'set_option' THEN format('GRANT %I TO %I WITH INHERIT TRUE, SET FALSE, ADMIN FALSE', g.rolname, t.name)
            ELSE format('REVOKE ADMIN OPTION FOR %I FROM %I', g.rolname, t.name) END
  FROM pg_auth_members m JOIN tenant_role t ON t.oid = m.member JOIN pg_roles g ON g.oid = m.roleid CROSS JOIN db d
 WHERE d.own IS NULL AND g.rolname IN ('pool_app', 'pool_readonly') AND (m.admin_option OR (to_jsonb(m) ->> 'set_option')::bool)
UNION ALL
SELECT 'high', 'ROLE_GRANTED_TO', t.name, o.rolname || ' may become it', format('REVOKE %I FROM %I', t.name, o.rolname)
  FROM pg_auth_members m JOIN tenant_role t ON t.oid = m.roleid JOIN pg_roles o ON o.oid = m.member CROSS JOIN db d
 WHERE d.own IS NULL AND o.rolname <> 'ps_control' AND NOT o.rolsuper AND o.oid NOT IN (SELECT g.oid FROM grantee g)
UNION ALL
SELECT 'medium', 'CONNECTION_LIMIT', r.rolname::text, 'none', format('ALTER ROLE %I CONNECTION LIMIT 48', r.rolname)
  FROM pg_roles r JOIN tenant_role t ON t.oid = r.oid CROSS JOIN db d WHERE d.own IS NULL AND t.tenant IS NOT NULL AND r.rolconnlimit < 0
