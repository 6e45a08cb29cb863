#!/usr/bin/env bash
# Do 50 tenants with unequal demands share a crowded shard by weight? They have 20 connections to PostgreSQL 18, and could use more than 300.
#
#   bench/load/fairness/run.sh [SECONDS]     default 30; FAIRNESS_QUANTUM=T sets Pool:ShareQuantum, 500ms as delivered
#
# Every query holds a connection for 10 ms (pg_sleep, so that connections are short and not processors). 40 tenants always have queries waiting, with weights
# 1, 2 and 4 and between 2 and 40 clients each; 10 ask for less than their share. Promised:
#   - Jain's index of (time served / weight) over the 40 is at least 0.95, where 1 is perfectly fair and 1/40 is one that has it all;
#   - a fair turn of a tenant of weight w comes every (sum of weights / w) x quantum / connections: none of the 40 is without any answer for longer than
#     two turns and a quantum (a connection that was just given is not taken back), one of the 10 for no longer than a tenant of weight 1;
#   - the 10 get all they ask for.
# Time served is that for which server connections were lent, as proxyd counts it (proxysuite_tenant_server_seconds_total). Exit code 1 when a promise is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
seconds=${1:-30} quantum=${FAIRNESS_QUANTUM:-500ms} connections=20
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
bench_tools
bench_postgres 18
registry_shard one "$pg_dir:$pg_port" "$connections"
# Prefix, tenants, weight, clients of each. Every plan allows more connections than a fair share is.
groups=("few 15 1 2" "some 10 1 10" "many 5 1 40" "twos 7 2 10" "fours 3 4 40") light=10 light_rate=5
for group in "${groups[@]}" "light $light 1 2"; do
  read -r prefix count weight _ <<<"$group"
  registry_plan "$prefix" 10 "\"Weight\": $weight"
  registry_tenants "$prefix" 1 "$count" "$prefix" one
  bench_roles "$prefix" 1 "$count"
done
bench_proxyd_file ${FAIRNESS_QUANTUM:+--Pool:ShareQuantum="$quantum"}

echo "fairness: $(bench_machine)"
echo "50 tenants on $connections connections, quantum $quantum, $seconds s, PostgreSQL 18"
load=(--port "$proxyd_port" --tell-tenants --group light --tenants "light:1:$light" --connections 2 --rate "$light_rate" --sql 'SELECT pg_sleep(0.01)')
for group in "${groups[@]}"; do
  read -r prefix count weight clients <<<"$group"
  load+=(--group "$prefix" --tenants "$prefix:1:$count" --connections "$clients" --sql 'SELECT pg_sleep(0.01)')
done
tenantload "${load[@]}" --seconds 4 --warmup 1 # the just-in-time compiler's, and connections spread
metrics "$bench_dir/before"
tenantload "${load[@]}" --seconds "$seconds" --warmup 0
metrics "$bench_dir/after"

printf '%-8s %8s %7s %8s %10s %24s %12s %14s\n' tenants weight clients "number" queries/s "served/weight, s (range)" "p99, ms" "longest gap, s"
for group in "${groups[@]}" "light $light 1 2"; do
  read -r prefix count weight clients <<<"$group"
  for ((n = 1; n <= count; n++)); do
    served=$(awk -v a="$(metric "$bench_dir/after" proxysuite_tenant_server_seconds_total "tenant=\"$prefix$n\"")" \
      -v b="$(metric "$bench_dir/before" proxysuite_tenant_server_seconds_total "tenant=\"$prefix$n\"")" -v w="$weight" 'BEGIN { print (a - b) / w }')
    gap=$(sed -n "/^{\"tenant\":\"$prefix$n\",/s/.*\"gap_ms\":\([0-9.]*\).*/\1/p" "$bench_dir/load")
    echo "$prefix $weight $served $gap"
  done >"$bench_dir/$prefix.served"
  read -r least most gap < <(awk 'NR == 1 { least = $3 } { if ($3 < least) least = $3; if ($3 > most) most = $3; if ($4 > gap) gap = $4 } END { print least, most, gap / 1000 }' "$bench_dir/$prefix.served")
  printf '%-8s %8s %7s %8s %10s %24s %12s %14s\n' "$prefix" "$weight" "$clients" "$count" "$(of "$prefix" per_s)" "$(printf '%.2f - %.2f' "$least" "$most")" "$(of "$prefix" p99_ms)" "$gap"
  errors=$(errors_of "$prefix")
  if [ -n "$errors" ]; then echo "  errors: $errors"; fi
done
for group in "${groups[@]}"; do cat "$bench_dir/${group%% *}.served"; done >"$bench_dir/backlogged"
verdict "Jain's index of served time by weight, 40 tenants" "$(awk '{ s += $3; q += $3 * $3 } END { printf "%.4f", s * s / (NR * q) }' "$bench_dir/backlogged")" ">=" 0.95
# The longest gap as a share of what is allowed: two turns and a quantum.
quantum_s=$(awk -v q="$quantum" 'BEGIN { print q ~ /ms$/ ? q / 1000 : q + 0 }')
worst=$(awk -v q="$quantum_s" -v c="$connections" 'FNR == NR { sum += $2; next } { bound = 2 * sum / $2 * q / c + q; r = $4 / 1000 / bound; if (r > worst) { worst = r; text = sprintf("%.2f %.2f %.2f", $4 / 1000, bound, r) } } END { print text }' \
  "$bench_dir/backlogged" "$bench_dir/backlogged")
read -r gap bound share <<<"$worst"
verdict "longest gap over its bound ($gap s of $bound s)" "$share" "<=" 1
bound=$(awk -v q="$quantum_s" -v c="$connections" '{ sum += $2 } END { printf "%.2f", 2 * sum * q / c + q }' "$bench_dir/backlogged")
verdict "longest wait of a tenant that asks little, s" "$(awk -v m="$(of light max_ms)" 'BEGIN { print m / 1000 }')" "<=" "$bound"
verdict "what those got of what they asked, in time" "$(awk -v t="$(of light turns)" -v q="$(of light queries)" 'BEGIN { printf "%.3f", q / t }')" ">=" 0.97
bench_verdict
