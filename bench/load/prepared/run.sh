#!/usr/bin/env bash
# Prepared statements through transaction pooling: pgbench's select-only script, 64 clients over 4 servers, with -M prepared beside -M extended.
#
#   bench/load/prepared/run.sh [SECONDS] [ROUNDS]     default 5 s a run, 3 rounds, the two modes in turn
#
# Prints proxyd's processor time per query (user and system, from /proc) and queries per second: median and range. pgbench prepares each statement once on each of
# its 64 connections, and each of them runs on all 4 servers; a failed query ends pgbench and this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
seconds=${1:-5} rounds=${2:-3}
. bench/load/lib.sh
deploy/setup/install.sh >/dev/null
[ -x artifacts/bin/proxyd ] || ./build.sh >/dev/null
bench_postgres 18 "fsync = off"
bench_proxyd 4 --Pool:ServerChoice=round-robin
pgbench=$(ls -d /usr/lib/postgresql/*/bin/pgbench | tail -n 1)
export PGPASSWORD=bench-password
target=(-h 127.0.0.1 -p "$proxyd_port")
"$pgbench" "${target[@]}" -U own -i -q -s 1 bench >"$bench_dir/init.log" 2>&1 || { cat "$bench_dir/init.log"; exit 1; }

echo "prepared: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
for ((round = 1; round <= rounds; round++)); do
  for mode in prepared extended; do
    before=$(cpu_us "$proxyd_pid")
    "$pgbench" "${target[@]}" -U own -n -S -M "$mode" -c 64 -j 2 -T "$seconds" bench >"$bench_dir/run.log" 2>&1 || { cat "$bench_dir/run.log"; exit 1; }
    after=$(cpu_us "$proxyd_pid")
    queries=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$bench_dir/run.log")
    failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$bench_dir/run.log")
    [ "${failed:-0}" = 0 ] || { cat "$bench_dir/run.log"; exit 1; }
    awk -v c="$((after - before))" -v q="$queries" 'BEGIN { printf "%.2f\n", c / q }' >>"$bench_dir/$mode.cpu"
    awk -v s="$seconds" -v q="$queries" 'BEGIN { printf "%.0f\n", q / s }' >>"$bench_dir/$mode.qps"
  done
done
for mode in prepared extended; do
  printf '%-9s  %s µs of proxyd per query   %s queries/s   0 failed\n' "$mode" "$(median_range <"$bench_dir/$mode.cpu")" "$(median_range <"$bench_dir/$mode.qps")"
done
