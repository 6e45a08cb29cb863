#!/usr/bin/env bash
# Can one machine's proxyd carry 50,000 queries a second over 1,000 tenants? Against a backend that executes nothing (bench/load/tools/fakepg.c), so that
# the proxy is what is measured; backend and load generator have to live on the same cores, though.
#
#   bench/load/promise/run.sh [SECONDS] [TENANTS] [QUERIES-PER-SECOND]     default 20 s a round, 1000 tenants, 50000; PROMISE_REACTORS=N, default one a core
#
# Each tenant has a client of its own, a role of its own on the shard, and therefore a server connection of its own (the shard's cap is the number of
# tenants). Queries come at random times, and their latency counts from the time they were due. Prints the promise beside the measurement; then what is
# carried when each client asks again as soon as it has its answer. Exit code 1 when a promise is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
seconds=${1:-20} tenants=${2:-1000} rate=${3:-50000} reactors=${PROMISE_REACTORS:-0}
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
bench_tools
bench_fakepg one
registry_shard one "$fakepg_host" "$tenants"
registry_plan small 2
registry_tenants t 1 "$tenants" small one
bench_proxyd_file --Reactors:Count="$reactors"

# One in a hundred more is asked than promised, as chance may ask for less than the mean.
each=$(awk -v r="$rate" -v t="$tenants" 'BEGIN { print 1.01 * r / t }')
echo "promise: $(bench_machine)"
echo "$tenants tenants with a client each, $([ "$reactors" = 0 ] && nproc || echo "$reactors") reactor(s), $seconds s a round; proxyd, fake backend and load generator share the cores"

round() { # round NAME TENANTLOAD-OPTION...: prints a line
  local name=$1
  shift
  tenantload --port "$proxyd_port" --seconds "$seconds" --warmup 3 --watch "$proxyd_pid" --watch "$fakepg_pid" --group all --tenants "t:1:$tenants" "$@"
  printf '%-32s %7.0f queries/s   p50 %8s ms   p99 %8s ms   p99.9 %8s ms   most %8s ms   CPU us a query: proxyd %s, backend %s   errors: %s\n' "$name" "$(of all per_s)" \
    "$(of all p50_ms)" "$(of all p99_ms)" "$(of all p999_ms)" "$(of all max_ms)" "$(cpu_of "$proxyd_pid" all)" "$(cpu_of "$fakepg_pid" all)" "$(errors_of all)"
}

# The first seconds are the just-in-time compiler's.
tenantload --port "$proxyd_port" --seconds 5 --warmup 1 --group all --tenants "t:1:$tenants" --mode extended
for mode in simple extended prepared; do
  round "$mode at $rate/s" --rate "$each" --mode "$mode"
  verdict "  $mode: queries a second" "$(of all per_s)" ">=" "$rate"
  verdict "  $mode: p99, ms" "$(of all p99_ms)" "<" 50
  verdict "  $mode: errors and unanswered" "$(($(of all failed) + $(of all login_failures) + $(of all closed) + $(of all unanswered)))" "==" 0
done
for mode in simple extended prepared pipeline:20; do round "$mode, as fast as answered" --mode "$mode"; done
echo "memory of proxyd: $(rss_kb "$proxyd_pid") kB"
bench_verdict
