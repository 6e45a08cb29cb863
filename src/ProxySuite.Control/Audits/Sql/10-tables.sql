-- Shared tables and what is made of them.
SELECT CASE WHEN s.writes THEN 'critical' ELSE 'medium' END, CASE WHEN s.writes THEN 'NO_TENANT_COLUMN' ELSE 'SHARED_REFERENCE_TABLE' END, s.name,
       format('granted to %s, and no column %I tells whose a row is', s.grantees, d.tid),
       format('REVOKE ALL ON %s FROM %s', s.name, s.grantees)
  FROM shared_table s, db d WHERE s.reach = '*' AND s.tid IS NULL AND NOT EXISTS (SELECT FROM policy p WHERE p.polrelid = s.oid AND s.relrowsecurity)
UNION ALL
SELECT 'critical', 'TENANT_COL_NULLABLE', s.name, format('column %I may be null', d.tid), format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', s.name, d.tid)
  FROM shared_table s, db d WHERE s.tid IS NOT NULL AND NOT s.tid_not_null
UNION ALL
SELECT CASE WHEN s.reach IS NULL THEN 'high' ELSE 'critical' END, CASE WHEN s.reach IS NULL THEN 'RLS_OFF_UNREACHABLE' ELSE 'RLS_OFF' END, s.name,
       CASE WHEN s.reach IS NULL THEN 'nobody is granted it today' WHEN s.relispartition THEN 'a partition: its parent''s policies do not apply when it is named itself'
            ELSE 'granted to ' || s.grantees END,
       format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', s.name)
         || CASE WHEN EXISTS (SELECT FROM policy p WHERE p.polrelid = s.oid) THEN '' ELSE format('; CREATE POLICY tenancy_rows ON %s FOR ALL TO PUBLIC %s', s.name, o.clause) END
  FROM shared_table s JOIN own_rows o USING (oid) WHERE NOT s.relrowsecurity
UNION ALL
SELECT 'high', 'NO_FORCE_RLS', s.name, 'not for its owner, ' || pg_get_userbyid(s.relowner), format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', s.name)
  FROM shared_table s WHERE s.relrowsecurity AND NOT s.relforcerowsecurity
UNION ALL
SELECT 'high', 'RLS_NO_POLICY', s.name, 'nobody sees a row', format('CREATE POLICY tenancy_rows ON %s FOR ALL TO PUBLIC %s', s.name, o.clause)
  FROM shared_table s JOIN own_rows o USING (oid) WHERE s.relrowsecurity AND NOT EXISTS (SELECT FROM policy p WHERE p.polrelid = s.oid AND p.polpermissive)
UNION ALL
SELECT 'medium', 'NO_TENANT_INDEX', s.name, format('no valid index begins with %I', d.tid), format('CREATE INDEX ON %s (%I)', s.name, d.tid)
  FROM shared_table s, db d
 WHERE s.tid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = s.oid AND i.indkey[0] = s.tid AND i.indisvalid AND i.indpred IS NULL)
UNION ALL
SELECT 'high', 'GLOBAL_UNIQUE', i.indexrelid::regclass::text, format('unique over all tenants of %s: 23505 tells one what another has', s.name),
       CASE WHEN k.conname IS NOT NULL
            THEN format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s', s.name, k.conname, regexp_replace(pg_get_constraintdef(k.oid), '\(', format('(%I, ', d.tid)))
            ELSE format('DROP INDEX %s; %s', i.indexrelid::regclass, regexp_replace(pg_get_indexdef(i.indexrelid), '( USING \w+ \()', format('\1%I, ', d.tid))) END
  FROM pg_index i JOIN shared_table s ON s.oid = i.indrelid CROSS JOIN db d
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u') AND k.conrelid = s.oid
 WHERE s.tid IS NOT NULL AND i.indisunique AND NOT s.tid = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
   -- A single random uuid tells nothing: nobody can guess another's.
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND i.indnkeyatts = 1 AND a.attnum = i.indkey[0] AND a.atttypid = 'uuid'::regtype)
   AND NOT (s.relispartition AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid))
UNION ALL
SELECT 'high', 'FK_WITHOUT_TENANT', format('%s.%s', s.name, quote_ident(k.conname)), format('is checked without row security, so it finds rows of other tenants in %s', p.name),
       CASE WHEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.oid AND i.indisunique AND i.indnkeyatts = cardinality(k.confkey) + 1
                            AND (i.indkey::int2[])[0:i.indnkeyatts - 1] @> (k.confkey || p.tid)) THEN ''
            ELSE format('ALTER TABLE %s ADD UNIQUE (%I, %s); ', p.name, d.tid, theirs.list) END
         || format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I FOREIGN KEY (%I, %s) REFERENCES %s (%3$I, %6$s)', s.name, k.conname, d.tid, ours.list, p.name, theirs.list)
  FROM pg_constraint k JOIN shared_table s ON s.oid = k.conrelid JOIN shared_table p ON p.oid = k.confrelid CROSS JOIN db d
 CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.n) AS list FROM unnest(k.conkey) WITH ORDINALITY u(attnum, n)
                       JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS ours
 CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.n) AS list FROM unnest(k.confkey) WITH ORDINALITY u(attnum, n)
                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum) AS theirs
 WHERE k.contype = 'f' AND k.conparentid = 0 AND s.tid IS NOT NULL AND p.tid IS NOT NULL AND NOT (s.tid = ANY (k.conkey) AND p.tid = ANY (k.confkey))
UNION ALL
SELECT 'medium', 'CHECK_USES_GUC', format('%s.%s', s.name, quote_ident(k.conname)), pg_get_constraintdef(k.oid), format('ALTER TABLE %s DROP CONSTRAINT %I', s.name, k.conname)
  FROM pg_constraint k JOIN shared_table s ON s.oid = k.conrelid WHERE k.contype = 'c' AND k.coninhcount = 0 AND pg_get_constraintdef(k.oid) ~ 'current_setting'
UNION ALL
-- A view of the tenant's own owner reads what that owner may read, the tenant's own.
SELECT 'critical', 'VIEW_NOT_INVOKER', r.oid::regclass::text, 'reads with the rights of ' || pg_get_userbyid(r.relowner), format('ALTER VIEW %s SET (security_invoker = true)', r.oid::regclass)
  FROM rel r JOIN rel_reach x ON x.rel = r.oid LEFT JOIN grantee o ON o.oid = r.relowner
 WHERE r.relkind = 'v' AND (x.reach = '*' OR o.scope IS DISTINCT FROM x.reach)
   AND NOT coalesce(r.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}', false)
UNION ALL
SELECT 'critical', CASE r.relkind WHEN 'm' THEN 'MATVIEW_REACHABLE' ELSE 'FOREIGN_TABLE_REACHABLE' END, r.oid::regclass::text,
       'row security does not reach into it; granted to ' || who.list, format('REVOKE ALL ON %s FROM %s', r.oid::regclass, who.list)
  FROM rel r JOIN rel_reach x ON x.rel = r.oid LEFT JOIN grantee o ON o.oid = r.relowner
 CROSS JOIN LATERAL (SELECT string_agg(DISTINCT g.sql, ', ') AS list FROM rel_grant g WHERE g.rel = r.oid) AS who
 WHERE r.relkind IN ('m', 'f') AND (x.reach = '*' OR o.scope IS DISTINCT FROM x.reach)
UNION ALL
SELECT 'medium', 'SEQUENCE_SHARED', s.name, string_agg(DISTINCT g.privilege_type, ', ') || ' to ' || string_agg(DISTINCT g.sql, ', '),
       format('REVOKE SELECT, UPDATE ON SEQUENCE %s FROM %s', s.name, string_agg(DISTINCT g.sql, ', '))
  FROM shared s JOIN rel_grant g ON g.rel = s.oid AND g.privilege_type IN ('SELECT', 'UPDATE') WHERE s.relkind = 'S' AND s.reach = '*' GROUP BY s.name
UNION ALL
SELECT 'medium', 'RULE_ON_TABLE', format('%s.%s', s.name, quote_ident(w.rulename)), 'acts with the rights of ' || pg_get_userbyid(s.relowner),
       format('DROP RULE %I ON %s', w.rulename, s.name)
  FROM pg_rewrite w JOIN shared_table s ON s.oid = w.ev_class
UNION ALL
SELECT 'high', 'DEFINER_TRIGGER', format('%s.%s', s.name, quote_ident(t.tgname)),
       format('%s runs as %s', p.oid::regprocedure, pg_get_userbyid(p.proowner)), format('ALTER FUNCTION %s SECURITY INVOKER', p.oid::regprocedure)
  FROM pg_trigger t JOIN shared_table s ON s.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_roles o ON o.oid = p.proowner
 WHERE NOT t.tgisinternal AND p.prosecdef AND (o.rolsuper OR o.rolbypassrls OR NOT coalesce(p.proconfig::text ~ 'search_path=', false))
UNION ALL
-- Policies.
SELECT 'critical', CASE WHEN o.reads_setting THEN 'POLICY_FORGEABLE' ELSE 'POLICY_NOT_TENANT' END, s.name,
       format('%s by %s: %s', o.commands, o.policies, left(o.example, 200)),
       CASE WHEN r.clause IS NULL THEN format('DROP POLICY %I ON %s', (SELECT p.polname FROM policy p WHERE p.polrelid = s.oid AND p.polpermissive AND p.applies LIMIT 1), s.name)
            ELSE format('CREATE POLICY tenancy_guard ON %s AS RESTRICTIVE FOR ALL TO PUBLIC %s', s.name, r.clause) END
  FROM open_policy o JOIN shared_table s ON s.oid = o.rel LEFT JOIN own_rows r ON r.oid = s.oid
UNION ALL
SELECT 'medium', 'POLICY_NO_WITH_CHECK', format('%s.%s', p.table_name, quote_ident(p.polname)), 'what may be written follows from what may be read; say it',
       CASE WHEN p.polcmd = 'a' THEN format('DROP POLICY %I ON %s', p.polname, p.table_name) ELSE format('ALTER POLICY %I ON %s WITH CHECK (%s)', p.polname, p.table_name, p.using_text) END
  FROM policy p WHERE p.polcmd IN ('*', 'a', 'w') AND p.check_text IS NULL
UNION ALL
SELECT 'medium', 'POLICY_PER_ROW', format('%s.%s', p.table_name, quote_ident(p.polname)), 'calls the function once a row: ' || left(p.using_text, 200),
       format('ALTER POLICY %I ON %s USING (%s)%s', p.polname, p.table_name, regexp_replace(p.using_text, c.pattern, '(SELECT \1)', 'g'),
         ' WITH CHECK (' || regexp_replace(p.check_text, c.pattern, '(SELECT \1)', 'g') || ')')
  FROM policy p CROSS JOIN (SELECT '(tenancy\.\w+\(\)|current_setting\(''[^'']*''::text(?:, \w+)?\))' AS pattern) AS c
 WHERE p.using_text ~ c.pattern AND p.using_text !~ 'SELECT '
UNION ALL
SELECT 'critical', 'POLICY_HELPER_BAD', f.oid::regprocedure::text,
       CASE WHEN f.provolatile = 'i' THEN 'IMMUTABLE: a cached plan keeps the first tenant''s id' ELSE 'no SET search_path: a client''s own objects can take the place of what it calls' END,
       format('ALTER FUNCTION %s STABLE SET search_path = pg_catalog, pg_temp', f.oid::regprocedure)
  FROM pg_proc f
 WHERE f.oid >= 16384 AND f.pronamespace <> 'tenancy'::regnamespace
   AND f.oid IN (SELECT d.refobjid FROM pg_depend d JOIN policy p ON p.oid = d.objid WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_proc'::regclass)
   AND (f.provolatile = 'i' OR (f.prosqlbody IS NULL AND NOT coalesce(f.proconfig::text ~ 'search_path=', false)))
