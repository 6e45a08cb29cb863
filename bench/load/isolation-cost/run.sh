#!/usr/bin/env bash
# What isolation costs the server: processor time of the backend per transaction without isolation, with identity role, and sealed, on PostgreSQL 15 and 18.
#
#   bench/load/isolation-cost/run.sh [SECONDS] [ROUNDS]     default 1 s, 3 rounds; each round runs every identity once, so that a slow spell hits all
#
# Two queries, prepared: a row by its key (tenant_id, id) among 200,000 rows of 100 tenants, and a sum over 10,000 rows of one tenant without an index.
# "none" names the tenant in WHERE and has no policy; "role" has the policy that shard prepare makes; "sealed" has the same, on a role of many tenants,
# and puts the seal once per transaction. All run as BEGIN, query, COMMIT; the table shows the backend's time for all of it, and the difference to none.
# The time is the postmaster's children's (user and system), read when the backend has ended.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
seconds=${1:-1} rounds=${2:-3}
deploy/setup/install.sh --bench
[ -x artifacts/bin/proxyctl ] || ./build.sh
. bench/load/lib.sh
echo "isolation-cost: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg), $rounds rounds of $seconds s"

children_us() { awk '{ sub(/^.*\) /, ""); print ($14 + $15) * 10000 }' "/proc/$1/stat"; }

measure() { # measure ROLE SCRIPT: microseconds of backend time per transaction
  local before after log count
  before=$(children_us "$pg_pid")
  log=$(pgbench -n -c 1 -T "$seconds" -M prepared -D sealed=0 -D tenant="'$tenant'" -f "$2" -h "$pg_dir" -p "$pg_port" -U "$1" app 2>&1) || { echo "$log" >&2; return 1; }
  sleep 0.1
  after=$(children_us "$pg_pid")
  if grep -q 'aborted\|ERROR' <<<"$log"; then echo "$log" >&2; return 1; fi
  count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<<"$log")
  awk -v b="$before" -v a="$after" -v n="$count" 'BEGIN { printf "%.2f\n", (a - b) / n }'
}

for version in 15 18; do
  pg_dir=$bench_dir/pg$version pg_database=postgres
  make_cluster "$pg_dir" "$version" bench "shared_buffers = 128MB" "autovacuum = off" "jit = off" "max_parallel_workers_per_gather = 0"
  start_cluster "$pg_dir" "$version"
  pg_port=$(cat "$pg_dir/port") pg_pid=$(cat "$pg_dir/pid")
  bench_pids+=("$pg_pid")
  pg_psql "create database app" "create database registry"
  export PROXYSUITE_REGISTRY=postgres://postgres:bench@127.0.0.1:$pg_port/registry PROXYSUITE_MASTER_KEY_FILE=$bench_dir/master$version.key
  {
    artifacts/bin/proxyctl init
    artifacts/bin/proxyctl shard add one --primary "postgres://postgres:bench@127.0.0.1:$pg_port/app"
    artifacts/bin/proxyctl shard prepare one
    artifacts/bin/proxyctl tenant create bench --plan growth --isolation pool --generate-password
  } >"$bench_dir/ctl.log" 2>&1 </dev/null || { cat "$bench_dir/ctl.log" >&2; exit 1; }
  pg_database=app
  role=$(pg_psql "select rolname from tenancy.role_map where rolname ~ '^t_[0-9a-f]{32}\$'")
  tenant=$(pg_psql "select tenant_id from tenancy.role_map where rolname = '$role'")
  pg_psql "create table rows_of_all (tenant_id uuid not null, id int not null, n int, note text, primary key (tenant_id, id))" \
    "insert into rows_of_all select case when g % 100 = 0 then '$tenant'::uuid else md5((g % 100)::text)::uuid end, g / 100, g, repeat('x', 50) from generate_series(1, 200000) g" \
    "create table to_scan (tenant_id uuid not null, id int not null, n int)" "insert into to_scan select '$tenant', g, g from generate_series(1, 10000) g" \
    "create table open_rows as table rows_of_all" "alter table open_rows add primary key (tenant_id, id)" "create table open_scan as table to_scan" \
    "create role open_app login" "grant usage on schema public to open_app" "grant select on open_rows, open_scan to open_app" \
    "create role sealed_app login in role pool_app" \
    "insert into tenancy.seal_key (kid, k1, k2) values ('bench', sha512('1'), sha512('2'))"
  pg_psql "do \$\$ declare t text; begin foreach t in array array['rows_of_all', 'to_scan'] loop
      execute format('alter table %I enable row level security, force row level security', t);
      execute format('create policy tenancy_rows on %I using (tenant_id = (select tenancy.current_tenant())) with check (tenant_id = (select tenancy.current_tenant()))', t);
      execute format('grant select on %I to pool_app', t); end loop; end \$\$" "vacuum analyze"
  # What a proxy does for a sealed tenant: here the server makes the seal once a connection, as pgbench cannot.
  pg_psql "create function public.make_seal(tenant text) returns text language sql security definer set search_path = pg_catalog as \$\$
      select format('bench.%s.%s', i, encode(sha256(sha512('2') || sha256(sha512('1') || convert_to(concat_ws('|', tenant, pg_backend_pid()::text, i, session_user), 'UTF8'))), 'hex'))
        from (select floor(extract(epoch from now()))::bigint::text as i) as issued \$\$" "grant execute on function public.make_seal(text) to sealed_app"

  point() { printf 'SELECT n, note FROM %s WHERE %sid = :id;\n' "$1" "$2"; }
  scan() { printf 'SELECT sum(n) FROM %s%s;\n' "$1" "$2"; }
  id='\set id random(1, 1900)'
  seal=$(printf '\\if :sealed = 0\nSELECT set_config('\''app.current_tenant_id'\'', :tenant, false), public.make_seal(:tenant) AS seal \\gset\n\\set sealed 1\n\\endif')
  { echo "$id"; echo 'BEGIN;'; point open_rows "tenant_id = :tenant::uuid AND "; echo 'COMMIT;'; } >"$bench_dir/point-none.sql"
  { echo "$id"; echo 'BEGIN;'; point rows_of_all ''; echo 'COMMIT;'; } >"$bench_dir/point-role.sql"
  { echo "$seal"; echo "$id"; echo 'BEGIN;'; echo 'SELECT tenancy.seal(:seal);'; point rows_of_all ''; echo 'COMMIT;'; } >"$bench_dir/point-sealed.sql"
  { echo 'BEGIN;'; scan open_scan ' WHERE tenant_id = :tenant::uuid'; echo 'COMMIT;'; } >"$bench_dir/scan-none.sql"
  { echo 'BEGIN;'; scan to_scan ''; echo 'COMMIT;'; } >"$bench_dir/scan-role.sql"
  { echo "$seal"; echo 'BEGIN;'; echo 'SELECT tenancy.seal(:seal);'; scan to_scan ''; echo 'COMMIT;'; } >"$bench_dir/scan-sealed.sql"
  # pgbench quotes nothing that it sends as a parameter.
  sed -i "s/:tenant/'$tenant'/g" "$bench_dir"/*.sql

  printf '\nPostgreSQL %s, backend us per transaction (median [min-max])\n%-8s %-28s %-28s %s\n' "$version" query none role sealed
  for query in point scan; do
    for name in none role sealed; do : >"$bench_dir/$query-$name.out"; done
    for _ in $(seq "$rounds"); do
      measure open_app "$bench_dir/$query-none.sql" >>"$bench_dir/$query-none.out"
      measure "$role" "$bench_dir/$query-role.sql" >>"$bench_dir/$query-role.out"
      measure sealed_app "$bench_dir/$query-sealed.sql" >>"$bench_dir/$query-sealed.out"
    done
    printf '%-8s %-28s %-28s %s\n' "$query" "$(median_range <"$bench_dir/$query-none.out")" "$(median_range <"$bench_dir/$query-role.out")" "$(median_range <"$bench_dir/$query-sealed.out")"
  done
done
