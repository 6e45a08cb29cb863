-- What all checks of the audit stand on. One statement reads a whole database: nothing here asks per schema, table or role, so that 1,000
-- schemas take seconds. {column} is replaced by the tenant column's name as a literal.
--
-- scope: whose a role, a grant or a schema is: the 32 hexadecimal digits of one tenant's id, or '*' for more than one.
WITH RECURSIVE
db AS MATERIALIZED (
  -- own: the tenant of a database of the database model. Nobody else may connect there, so whatever lies in it is that tenant's.
  SELECT substring(current_database()::text FROM '^tenant_([0-9a-f]{32})$') AS own, current_database()::text AS name, {column}::text AS tid,
         coalesce((SELECT l.level FROM tenancy.lockdown_level l), 'relaxed') AS level),
tenant_role AS MATERIALIZED (
  -- By name; and, for many tenants at once, whoever is in a group of the pool without having such a name.
  SELECT r.oid, r.rolname::text AS name, substring(r.rolname FROM '^t_([0-9a-f]{32})(?:_[or]|_repl)?$') AS tenant, r.rolname ~ '^t_[0-9a-f]{32}_o$' AS is_owner
    FROM pg_roles r
   WHERE r.rolname ~ '^t_[0-9a-f]{32}(_[or]|_repl)?$'
      OR (NOT r.rolsuper AND r.oid IN (SELECT m.member FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE g.rolname IN ('pool_app', 'pool_readonly')))),
membership(oid, scope) AS (
  SELECT t.oid, coalesce(t.tenant, '*') FROM tenant_role t
  UNION
  SELECT m.roleid, CASE WHEN g.rolname IN ('pool_app', 'pool_readonly') THEN '*' ELSE x.scope END
    FROM membership x JOIN pg_auth_members m ON m.member = x.oid JOIN pg_roles g ON g.oid = m.roleid),
grantee AS MATERIALIZED (
  -- Whoever a privilege may be granted to so that a tenant's session has it, with how GRANT names it.
  SELECT g.oid, CASE WHEN d.own IS NOT NULL THEN d.own ELSE g.scope END AS scope, CASE WHEN g.oid = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.oid)) END AS sql
    FROM db d, (
      SELECT all_scopes.oid, CASE WHEN count(DISTINCT all_scopes.scope) = 1 THEN min(all_scopes.scope) ELSE '*' END AS scope
        FROM (SELECT oid, scope FROM membership
              UNION ALL SELECT r.oid, '*' FROM pg_roles r WHERE r.rolname IN ('pool_app', 'pool_readonly')
              UNION ALL SELECT 0, '*') AS all_scopes
       GROUP BY 1) AS g),
ns AS MATERIALIZED (
  SELECT n.oid, n.nspname, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl,
         coalesce(d.own, substring(n.nspname FROM '^tenant_([0-9a-f]{32})$')) AS tenant
    FROM pg_namespace n, db d
   WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tenancy', 'proxysuite')),
ns_scope AS MATERIALIZED (
  SELECT DISTINCT n.oid AS ns, g.scope FROM ns n CROSS JOIN LATERAL aclexplode(n.acl) a JOIN grantee g ON g.oid = a.grantee WHERE a.privilege_type = 'USAGE'),
extension_member AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
rel AS MATERIALIZED (
  SELECT c.oid, c.relnamespace AS ns, n.tenant, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.reloptions
    FROM pg_class c JOIN ns n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
     AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)),
rel_grant AS MATERIALIZED (
  SELECT r.oid AS rel, r.ns, g.oid AS grantee, g.scope, g.sql, a.privilege_type
    FROM rel r CROSS JOIN LATERAL aclexplode(r.relacl) a JOIN grantee g ON g.oid = a.grantee
  UNION ALL
  SELECT r.oid, r.ns, g.oid, g.scope, g.sql, x.privilege_type
    FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid CROSS JOIN LATERAL aclexplode(a.attacl) x JOIN grantee g ON g.oid = x.grantee
   WHERE a.attacl IS NOT NULL AND NOT a.attisdropped),
rel_reach AS MATERIALIZED (
  -- A grant reaches those who may also look into the schema.
  SELECT e.rel, CASE WHEN count(DISTINCT e.scope) = 1 THEN min(e.scope) ELSE '*' END AS reach, bool_or(e.writes) AS writes
    FROM (SELECT g.rel, CASE WHEN s.scope = '*' THEN g.scope ELSE s.scope END AS scope, g.writes
            FROM (SELECT rel, ns, scope, bool_or(privilege_type <> 'SELECT') AS writes FROM rel_grant GROUP BY 1, 2, 3) AS g
            JOIN ns_scope s ON s.ns = g.ns WHERE s.scope = g.scope OR s.scope = '*' OR g.scope = '*') AS e
   GROUP BY 1),
shared AS MATERIALIZED (
  -- What more than one tenant may reach, and what lies where they might: any schema that is not one tenant's own.
  SELECT r.*, r.oid::regclass::text AS name, x.reach, coalesce(x.writes, false) AS writes, a.attnum AS tid, a.attnotnull AS tid_not_null, a.atttypid AS tid_type,
         coalesce(who.list, 'PUBLIC') AS grantees
    FROM rel r CROSS JOIN db d
    LEFT JOIN rel_reach x ON x.rel = r.oid
    LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = d.tid AND NOT a.attisdropped
    LEFT JOIN LATERAL (SELECT string_agg(DISTINCT g.sql, ', ') AS list FROM rel_grant g WHERE g.rel = r.oid) AS who ON true
   WHERE r.tenant IS NULL OR x.reach = '*'),
shared_table AS MATERIALIZED (SELECT * FROM shared WHERE relkind IN ('r', 'p')),
identity AS MATERIALIZED (
  -- How pg_get_expr writes "tenant_id = (SELECT tenancy.current_tenant())", either way round, wrapped or not, cast to text or not.
  SELECT format('\((?:%1$s = %2$s|%2$s = %1$s)\)', regexp_replace(quote_ident(d.tid), '(\W)', '\\\1', 'g'),
           '(?:\( SELECT tenancy\.(?:role|sealed|current)_tenant\(\) AS \w+\)|\( SELECT \(tenancy\.(?:role|sealed|current)_tenant\(\)\)::text AS \w+\)'
           '|\(\( SELECT tenancy\.(?:role|sealed|current)_tenant\(\) AS \w+\)\)::text|tenancy\.(?:role|sealed|current)_tenant\(\)'
           '|\(tenancy\.(?:role|sealed|current)_tenant\(\)\)::text)') AS core
    FROM db d),
policy AS MATERIALIZED (
  -- binds_*: the expression is the identity, or an AND at its top with the identity first or last. pg_get_expr puts every AND and OR into
  -- parentheses of its own, so "(core AND " at the very start and " AND core)" at the very end cannot be part of an OR.
  SELECT p.*, s.name AS table_name, s.relrowsecurity, p.using_text ~ i.whole AS binds_using, coalesce(p.check_text, p.using_text) ~ i.whole AS binds_check,
         EXISTS (SELECT FROM grantee g WHERE g.oid = ANY (p.polroles)) AS applies, 0 = ANY (p.polroles) AS for_everyone
    FROM (SELECT x.*, pg_get_expr(x.polqual, x.polrelid) AS using_text, pg_get_expr(x.polwithcheck, x.polrelid) AS check_text
            FROM pg_policy x WHERE x.polrelid IN (SELECT oid FROM shared_table)) AS p
    JOIN shared_table s ON s.oid = p.polrelid
   CROSS JOIN (SELECT format('^(?:%1$s|\(%1$s AND .*|.* AND %1$s\))$', core) AS whole FROM identity) AS i),
open_policy AS MATERIALIZED (
  -- Policies as a set: permissive ones are ORed, so each that applies must bind the tenant, unless a restrictive one does, which is ANDed.
  SELECT s.oid AS rel, string_agg(DISTINCT CASE c.cmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END, ', ') AS commands,
         string_agg(DISTINCT p.polname::text, ', ') AS policies,
         bool_or(coalesce(p.using_text, '') || coalesce(p.check_text, '') ~ 'current_setting\(') AS reads_setting,
         min(coalesce('USING ' || p.using_text, '') || coalesce(' WITH CHECK ' || p.check_text, '')) AS example
    FROM shared_table s
   CROSS JOIN unnest('{r,a,w,d}'::"char"[]) AS c(cmd)
    JOIN policy p ON p.polrelid = s.oid AND p.polpermissive AND p.applies AND p.polcmd IN ('*', c.cmd)
   WHERE s.relrowsecurity
     AND NOT coalesce(CASE c.cmd WHEN 'a' THEN p.binds_check WHEN 'w' THEN p.binds_using AND p.binds_check ELSE p.binds_using END, false)
     AND NOT EXISTS (SELECT FROM policy g WHERE g.polrelid = s.oid AND NOT g.polpermissive AND g.for_everyone AND g.polcmd IN ('*', c.cmd)
                       AND CASE c.cmd WHEN 'a' THEN g.binds_check WHEN 'w' THEN g.binds_using AND g.binds_check ELSE g.binds_using END)
   GROUP BY 1),
own_rows AS MATERIALIZED (
  -- The SQL that binds a table's rows to their tenant.
  SELECT s.oid, format('USING (%1$s) WITH CHECK (%1$s)', format(CASE WHEN s.tid_type = 'uuid'::regtype THEN '%I = (SELECT tenancy.current_tenant())'
             ELSE '%I = (SELECT tenancy.current_tenant()::text)' END, d.tid)) AS clause
    FROM shared_table s, db d WHERE s.tid IS NOT NULL),
