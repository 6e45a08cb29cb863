#!/usr/bin/env bash
# proxyd and PgBouncer side by side on one server: same pool, same clients, in turn within one run, each in a session of its own.
#
#   bench/load/pgbouncer-duel/run.sh [SECONDS] [PAIRS] [--only NAME,NAME...]     default 4 s a run, 8 pairs
#
# NAME is one of: simple extended prepared select1 pipeline big big-tuned tpcb storm tls syscalls clients-1000 clients-5000 fake reactors latency footprint.
# DUEL_POOL, DUEL_CLIENTS and DUEL_REACTORS set servers (4), clients (32) and proxyd's reactors (1), DUEL_WARM_UP the seconds of proxyd's first run, which is not counted (20).
#
# A line has the ratios proxyd / PgBouncer of the proxy's processor time a transaction, of the throughput and of p99: median [min-max] over the pairs; then what
# they are made of. PgBouncer 1.18 has no prepared statements in transaction mode: "prepared" is compared with its extended mode. HAProxy, where it is installed,
# is the floor: it relays bytes and pools nothing. The first workloads run on PostgreSQL 15, which is then the bottleneck; those from "clients" on run on a
# backend that executes nothing. Behind a workload stands what is promised for it; exit code 1 when a promise is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
only='' numbers=()
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=$2 && shift ;;
    --only=*) only=${1#*=} ;;
    *[!0-9]*) echo "usage: bench/load/pgbouncer-duel/run.sh [SECONDS] [PAIRS] [--only NAME,NAME...]" >&2; exit 2 ;;
    *) numbers+=("$1") ;;
  esac
  shift
done
seconds=${numbers[0]:-4} pairs=${numbers[1]:-8} pool=${DUEL_POOL:-4} clients=${DUEL_CLIENTS:-32} reactors=${DUEL_REACTORS:-1}
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
. bench/load/pgbouncer-duel/duel.sh
export PGPASSWORD=bench-password
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$bench_dir/tls.key" -out "$bench_dir/tls.crt" 2>/dev/null
echo "pgbouncer-duel: $(bench_machine)"
echo "$(psql --version | head -1), $( (pgbouncer --version || /usr/sbin/pgbouncer --version) 2>/dev/null | head -1); $clients clients over $pool servers, $pairs pairs of $seconds s, $reactors reactor(s)"
cat <<'QUOTED'
published elsewhere, for scale, on other machines: PgDog with 2 threads / PgBouncer, throughput of pgbench -S: 0.93 with 1 client, 0.99 with 10, 1.26 with 50 and
  with 1,000 (https://pgdog.dev/blog/pgbouncer-vs-pgdog, 2025-05-05). Odyssey: 105,000 tps on 4 cores where PgBouncer makes 60,000 on 1, pgbench -S, 80 clients
  (https://ozontech.github.io/pg_doorman/latest/benchmarks, PostgreSQL 15, 20 cores)
QUOTED

for workload in simple extended prepared select1 pipeline big big-tuned tpcb storm tls syscalls; do if wanted "$workload"; then on_postgres=true; fi; done
if [ "${on_postgres:-}" = true ]; then . bench/load/pgbouncer-duel/postgres.sh; fi
for workload in clients-1000 clients-5000 fake reactors latency; do if wanted "$workload"; then on_fake=true; fi; done
if [ "${on_fake:-}" = true ]; then . bench/load/pgbouncer-duel/fake.sh; fi
if wanted footprint; then . bench/load/pgbouncer-duel/footprint.sh; fi
bench_verdict
