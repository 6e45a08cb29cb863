#!/usr/bin/env bash
# proxyd and PgBouncer side by side on one PostgreSQL 15: same pool, same clients, alternated within one run.
#
#   bench/load/pgbouncer-duel/run.sh [PAIRS] [SECONDS]     default 8 pairs of 4 s
#
# Prints for each workload the processor time of the proxy per transaction and the throughput as ratios proxyd / PgBouncer: median [min-max] over the
# pairs. PgBouncer 1.18 has no prepared statements in transaction mode: "prepared" is compared with its extended mode.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
pairs=${1:-8} seconds=${2:-4} pool=${DUEL_POOL:-4} clients=${DUEL_CLIENTS:-32} reactors=${DUEL_REACTORS:-1}
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
bench_postgres 15
bench_proxyd "$pool" --Reactors:Count="$reactors"
bench_pgbouncer "$pool"

export PGPASSWORD=bench-password
to_proxyd="host=127.0.0.1 port=$proxyd_port dbname=bench user=app"
to_pgbouncer="host=127.0.0.1 port=$pgbouncer_port dbname=bench user=bench"
# The same rows for both: PgBouncer's role owns nothing of its own and reads the tenant's schema as the tenant's users do.
pgbench -i -q -s 10 "host=127.0.0.1 port=$proxyd_port dbname=bench user=own" >/dev/null 2>&1
schema=$(pg_database=app pg_psql "select nspname from pg_namespace where nspname like 'tenant\_%'")
pg_database=app pg_psql "create role bench login" "grant connect on database app to bench" "grant usage on schema $schema to bench" \
  "grant select, insert, update, delete on all tables in schema $schema to bench" "alter role bench set search_path = $schema" "vacuum analyze"

echo 'SELECT 1;' >"$bench_dir/one.sql"
run() { # run TARGET(proxyd|pgbouncer) PGBENCH-OPTION...: prints "cpu_us_per_tx tps"
  local target=$1 pid before after tps count dsn
  shift
  if [ "$target" = proxyd ]; then pid=$proxyd_pid dsn=$to_proxyd; else pid=$pgbouncer_pid dsn=$to_pgbouncer; fi
  before=$(cpu_us "$pid")
  pgbench -n -c "$clients" -j 2 -T "$seconds" "$@" "$dsn" >"$bench_dir/pgbench.log" 2>&1 || { cat "$bench_dir/pgbench.log" >&2; return 1; }
  after=$(cpu_us "$pid")
  if grep -q 'aborted\|ERROR' "$bench_dir/pgbench.log"; then cat "$bench_dir/pgbench.log" >&2; return 1; fi
  tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$bench_dir/pgbench.log")
  count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$bench_dir/pgbench.log")
  awk -v b="$before" -v a="$after" -v n="$count" -v t="$tps" 'BEGIN { printf "%.2f %.0f\n", (a - b) / n, t }'
}

duel() { # duel NAME "PROXYD OPTIONS" "PGBOUNCER OPTIONS"
  local name=$1 ours theirs pair
  : >"$bench_dir/cpu" && : >"$bench_dir/tps" && : >"$bench_dir/ours" && : >"$bench_dir/theirs"
  # One run each before counting: connections, plans and the just-in-time compiler.
  # shellcheck disable=SC2086
  { run proxyd $2; run pgbouncer $3; } >/dev/null
  for ((pair = 0; pair < pairs; pair++)); do
    # shellcheck disable=SC2086
    if ((pair % 2)); then theirs=$(run pgbouncer $3); ours=$(run proxyd $2); else ours=$(run proxyd $2); theirs=$(run pgbouncer $3); fi
    echo "$ours $theirs" | awk -v d="$bench_dir" '{ print $1 / $3 >> d "/cpu"; print $2 / $4 >> d "/tps"; print $1 >> d "/ours"; print $3 >> d "/theirs" }'
  done
  printf '%-22s cpu/tx %s   tps %s   us/tx %s against %s\n' "$name" "$(median_range <"$bench_dir/cpu")" "$(median_range <"$bench_dir/tps")" \
    "$(median_range <"$bench_dir/ours")" "$(median_range <"$bench_dir/theirs")"
}

echo "pgbouncer-duel: $(uname -sr), $(nproc) cores, $(psql --version | head -1), $(pgbouncer --version 2>/dev/null | head -1 || /usr/sbin/pgbouncer --version | head -1)"
echo "$clients clients over $pool servers, $pairs pairs of $seconds s, $reactors reactor(s), $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg); ratios are proxyd / PgBouncer"
duel "select simple" "-S -M simple" "-S -M simple"
duel "select extended" "-S -M extended" "-S -M extended"
duel "select prepared" "-S -M prepared" "-S -M extended"
duel "SELECT 1" "-f $bench_dir/one.sql" "-f $bench_dir/one.sql"
duel "tpc-b simple" "-M simple" "-M simple"
duel "tpc-b extended" "-M extended" "-M extended"
duel "tpc-b prepared" "-M prepared" "-M extended"
