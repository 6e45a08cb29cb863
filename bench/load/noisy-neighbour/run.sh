#!/usr/bin/env bash
# One tenant asks 100 times as much as each of 20 quiet ones on the same PostgreSQL 18: what do the quiet ones notice?
#
#   bench/load/noisy-neighbour/run.sh [REPETITIONS] [SECONDS]     default 5 of 6 s; NOISY_RATE=20, queries a second of a quiet tenant
#
# Three set-ups, each without and with the noisy tenant, alternated within a repetition:
#   limits       proxyd; the noisy tenant's plan has 2 server connections like everyone's, and 5 times a quiet tenant's rate as its limit
#   budget       proxyd; 2 server connections each and no limit of rate
#   pgbouncer    PgBouncer 1.18, a pool of 2 for each tenant; it has no limit of rate
# and two kinds of query: "short" costs the server some 0.3 ms, so that the machine carries 100 times as much; "long" costs some 10 ms, so that 100 times as
# much is more than the machine has, and what the noisy tenant gets is processor time the quiet ones miss, whatever stands before PostgreSQL.
#
# Queries come at random times at a steady rate, latency counts from when they were due. Prints the p99 of the quiet tenants without and with the noisy one and
# the ratio, medians over the repetitions. Promised is at most 1.2 times for short queries and a noisy tenant with limits; the other lines say what budgets alone
# are worth, and what no proxy can give back. Exit code 1 when the promise is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
repetitions=${1:-5} seconds=${2:-6} rate=${NOISY_RATE:-20} quiet=20
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
bench_tools
bench_postgres 18
bench_roles q 1 "$quiet"
bench_roles n 1 2
registry_shard one "$pg_dir:$pg_port" 100
registry_plan plain 2
registry_plan limited 2 "\"QueriesPerSecond\": $((5 * rate))"
registry_tenants q 1 "$quiet" plain one
registry_tenants n 1 1 limited one
registry_tenants n 2 2 plain one
bench_proxyd_file
bench_databases q 1 "$quiet"
bench_databases n 2 2
bench_pgbouncer 2

declare -A work=([short]="SELECT count(*) FROM generate_series(1, 3000)" [long]="SELECT count(*) FROM generate_series(1, 100000)")
declare -A port=([limits]=$proxyd_port [budget]=$proxyd_port [pgbouncer]=$pgbouncer_port) noisy=([limits]=1 [budget]=2 [pgbouncer]=2)

one_run() { # one_run SETUP WORK(short|long) WITH(0|1): the quiet tenants' p99, and what the noisy one got, go to files of that name
  local loud=()
  # Many clients, as a service that retries has; most of them wait in the tenant's own queue.
  if [ "$3" = 1 ]; then loud=(--group noisy --tenants "n:${noisy[$1]}:${noisy[$1]}" --connections 50 --rate $((100 * rate)) --sql "${work[$2]}"); fi
  tenantload --port "${port[$1]}" --seconds "$seconds" --warmup 1 --drain 2 --group quiet --tenants "q:1:$quiet" --connections 2 --rate "$rate" --sql "${work[short]}" "${loud[@]}"
  of quiet p99_ms >>"$bench_dir/$1-$2-$3"
  if [ "$(($(of quiet failed) + $(of quiet unanswered)))" != 0 ]; then echo "$1 $2: quiet tenants had errors: $(errors_of quiet), unanswered $(of quiet unanswered)"; broken=$((broken + 1)); fi
  if [ "$3" = 1 ]; then of noisy per_s >>"$bench_dir/$1-$2-noisy"; fi
}

echo "noisy-neighbour: $(bench_machine)"
echo "$quiet quiet tenants at $rate queries/s each, one at $((100 * rate)); $repetitions repetitions of $seconds s; PostgreSQL 18, $(pgbouncer --version 2>/dev/null | head -1 || /usr/sbin/pgbouncer --version | head -1)"
tenantload --port "$proxyd_port" --seconds 3 --warmup 1 --group quiet --tenants "q:1:$quiet" --sql "${work[short]}" # the just-in-time compiler's
for ((i = 0; i < repetitions; i++)); do
  for kind in short long; do
    setups=(limits budget pgbouncer)
    if ((i % 2)); then setups=(pgbouncer budget limits); fi
    for setup in "${setups[@]}"; do one_run "$setup" "$kind" $((i % 2)); one_run "$setup" "$kind" $((1 - i % 2)); done
  done
done
for kind in short long; do
  for setup in limits budget pgbouncer; do
    stem=$bench_dir/$setup-$kind
    paste "$stem-0" "$stem-1" | awk '{ print $2 / $1 }' >"$stem-ratio"
    printf '%-6s %-10s quiet p99 alone %s ms   with the noisy one %s ms   noisy got %s queries/s\n' "$kind" "$setup" \
      "$(median_range <"$stem-0")" "$(median_range <"$stem-1")" "$(median_range <"$stem-noisy")"
    ratio=$(median_range <"$stem-ratio")
    if [ "$setup-$kind" = limits-short ]; then verdict "  ratio, $kind queries, $setup $ratio" "${ratio%% *}" "<=" 1.2
    else printf '%-58s %12s\n' "  ratio, $kind queries, $setup $ratio" "${ratio%% *}"; fi
  done
done
bench_verdict
