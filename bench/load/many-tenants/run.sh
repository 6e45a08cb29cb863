#!/usr/bin/env bash
# 10,000 tenants registered, 2,000 of them active, on two shards of PostgreSQL 18 with 200 connections each: throughput, p99, evictions, memory, and what a query
# costs the proxy beside 10 tenants with the same load.
#
#   bench/load/many-tenants/run.sh [REPETITIONS] [SECONDS] [KINDS]     default 3 of 10 s, "role sealed"; MANY_RATE=40, queries a second of a busy tenant
#
# Kinds: tenants with a role of their own each, whose server connections nobody else can use, so that a tenant that comes needs one that another gives up, and a
# login; and sealed tenants, who share connections. 300 of the 2,000 are busy (together more than nine tenths of all queries), the others ask once in 20 s each.
# The 10 tenants have the same 2,000 clients, 300 busy ones and 1,700 others, who ask as often as those: what differs is how many tenants they belong to. The
# proxy's registry is a file; PostgreSQL trusts its Unix socket, so that logins there are without SCRAM.
# Promised: nothing refused, the offered rate carried, no shard above its 200, and a query costs at most 10 % more than with 10 tenants (CPU time of proxyd).
# What makes the difference is counted within the measured time alone, logins and warming up left out: connections opened, such as were closed for another tenant,
# and shared ones that went to another tenant by way of a reset.
# A third kind, pgbouncer, is for comparison and promises nothing: the 300 busy tenants alone, a pool each, beside the same 10. It opens nothing and evicts nobody,
# so what its query costs more is what the machine's caches take for 300 server processes and sockets instead of 10.
# The two loads alternate; medians over the repetitions. Exit code 1 when a promise is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
repetitions=${1:-3} seconds=${2:-10} kinds=${3:-role sealed} busy_rate=${MANY_RATE:-40} cap=200
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
bench_tools
export PROXYSUITE_MASTER_KEY_FILE=$bench_dir/master.key
shard() { # shard NAME FIRST LAST: a cluster prepared for tenants, with the roles of r-tenants FIRST to LAST
  pg_name=$1 bench_postgres 18 "max_connections = $((cap + 30))"
  export PROXYSUITE_REGISTRY=$pg_dsn/registry
  {
    artifacts/bin/proxyctl init --yes
    artifacts/bin/proxyctl shard add "$1" --primary "Host=$pg_dir;Port=$pg_port;Database=app;Username=postgres;Password=bench"
    artifacts/bin/proxyctl shard prepare "$1" --lockdown strict
  } >"$bench_dir/ctl.log" 2>&1 </dev/null || { cat "$bench_dir/ctl.log" >&2; return 1; }
  bench_roles r "$2" "$3"
  local stem
  stem=$(tenant_id r 0 | tr -d -)
  pg_psql "do \$\$ begin for n in $2..$3 loop execute format('grant connect on database app to %I', 't_${stem:0:20}' || lpad(to_hex(n), 12, '0')); end loop; end \$\$"
  registry_shard "$1" "$pg_dir:$pg_port" "$cap" '"Lockdown": "strict"'
  registry_tenants r "$2" "$3" small "$1"
  registry_tenants p "$2" "$3" small "$1" sealed
}
shard one 1 2500
shard two 2501 5000
registry_plan small 5
bench_proxyd_file
idle_kb=$(rss_kb "$proxyd_pid")

echo "many-tenants: $(bench_machine)"
echo "10000 tenants registered, 2000 active, $cap connections on each of two shards; $repetitions repetitions of $seconds s"
echo "memory of proxyd with nobody active: $idle_kb kB"
all_rate=$((300 * busy_rate + 85))
mkfifo "$bench_dir/times"
exec 4<>"$bench_dir/times"
counters() { # connections opened, given up for others, changed hands
  metrics "$bench_dir/now"
  local name
  for name in connect_seconds_count given_up_total changed_hands_total; do metric "$bench_dir/now" "proxysuite_shard_$name"; echo; done | paste -sd' '
}
count() { # what happened within the measured time of the load that runs now, a second: into the file $bench_dir/counts
  local what begins ends
  read -r -u 4 what begins
  echo "$begins $(counters)" >"$bench_dir/begins"
  read -r -u 4 what ends
  echo "$ends $(counters)" | paste -d' ' "$bench_dir/begins" - | awk '{ t = $5 - $1; printf "%.1f %.1f %.1f\n", ($6 - $2) / t, ($7 - $3) / t, ($8 - $4) / t }' >"$bench_dir/counts"
}
load() { # load TENANTLOAD-OPTION...
  count 3<&- &
  tenantload --port "$proxyd_port" --seconds "$seconds" --watch "$proxyd_pid" --tell-times "$bench_dir/times" "$@"
  wait $!
}
many() { # many PREFIX: 1000 tenants of each shard; 300 of them busy
  load --warmup 6 --group busy --tenants "$1:2351:2650" --rate "$busy_rate" --group quiet --tenants "$1:1501:2350" --rate 0.05 --group silent --tenants "$1:2651:3500" --rate 0.05
}
few() { # few PREFIX: 5 tenants of each shard; the same clients
  load --warmup 6 --group busy --tenants "$1:2496:2505" --connections 30 --rate "$((30 * busy_rate))" --group quiet --tenants "$1:2496:2505" --connections 170 --rate 8.5
}
bad() { local sum=0 group; for group in "$@"; do sum=$((sum + $(of "$group" failed) + $(of "$group" unanswered) + $(of "$group" login_failures) + $(of "$group" closed))); done; echo "$sum"; }

for name in ${kinds//pgbouncer/}; do
  kind=$([ "$name" = role ] && echo r || echo p) stem=$bench_dir/$name
  few "$kind"; many "$kind" # the just-in-time compiler's, and the pools of those who are active
  wrong=0 above=0
  for ((i = 0; i < repetitions; i++)); do
    few "$kind"
    cpu_of "$proxyd_pid" busy quiet >>"$stem.few"; echo >>"$stem.few"
    of busy p99_ms >>"$stem.few99"; wrong=$((wrong + $(bad busy quiet)))
    cat "$bench_dir/counts" >>"$stem.fewcounts"
    many "$kind"
    cpu_of "$proxyd_pid" busy quiet silent >>"$stem.many"; echo >>"$stem.many"
    of busy p99_ms >>"$stem.busy99"; { of quiet p99_ms; of silent p99_ms; } | sort -n | tail -1 >>"$stem.quiet99"
    awk -v a="$(of busy per_s)" -v b="$(of quiet per_s)" -v c="$(of silent per_s)" 'BEGIN { print a + b + c }' >>"$stem.tps"
    cat "$bench_dir/counts" >>"$stem.counts"
    for s in one two; do pg_dir=$bench_dir/$s pg_port=$(cat "$bench_dir/$s/port"); now=$(pg_psql "select count(*) from pg_stat_activity where usename like 't\\_%' or usename like 's\\_%'"); if ((now > above)); then above=$now; fi; done
    wrong=$((wrong + $(bad busy quiet silent)))
    errors=$(errors_of busy)$(errors_of quiet)$(errors_of silent)
    if [ -n "$errors" ]; then echo "  errors: $errors"; fi
    paste "$stem.few" "$stem.many" | tail -1 | awk '{ print $2 / $1 }' >>"$stem.ratio"
  done
  echo "$name: 2000 tenants: $(median_range <"$stem.tps") queries/s, p99 of busy ones $(median_range <"$stem.busy99") ms, of the others $(median_range <"$stem.quiet99") ms;" \
    "10 tenants: p99 $(median_range <"$stem.few99") ms"
  for tenants in "2000:$stem.counts" "10:$stem.fewcounts"; do
    of_counts() { cut -d' ' -f"$1" "${tenants#*:}" | median_range; }
    echo "  ${tenants%%:*} tenants, a second of the measured time: connections opened $(of_counts 1), given up for other tenants $(of_counts 2), changed hands $(of_counts 3)"
  done
  echo "  memory of proxyd $(rss_kb "$proxyd_pid") kB"
  echo "  CPU us a query: 2000 tenants $(median_range <"$stem.many"), 10 tenants $(median_range <"$stem.few")"
  tps=$(median_range <"$stem.tps") ratio=$(median_range <"$stem.ratio")
  verdict "  $name: queries a second" "${tps%% *}" ">=" "$(awk -v r="$all_rate" 'BEGIN { print 0.97 * r }')"
  verdict "  $name: errors and unanswered" "$wrong" "==" 0
  verdict "  $name: connections of a shard, at the end of a round" "$above" "<=" "$cap"
  verdict "  $name: cost beside 10 tenants $ratio" "${ratio%% *}" "<=" 1.1
done
if [[ $kinds == *pgbouncer* ]]; then
  kill "$proxyd_pid" # its connections are in the way
  while kill -0 "$proxyd_pid" 2>/dev/null; do sleep 0.1; done
  for s in one two; do
    pg_dir=$bench_dir/$s pg_port=$(cat "$bench_dir/$s/port")
    if [ "$s" = one ]; then bench_databases r 2351 2500; else bench_databases r 2501 2650; fi
  done
  bench_pgbouncer 1
  watched() { tenantload --port "$pgbouncer_port" --seconds "$seconds" --watch "$pgbouncer_pid" "$@"; cpu_of "$pgbouncer_pid" busy; }
  ten() { watched --warmup 6 --group busy --tenants r:2496:2505 --connections 30 --rate "$((30 * busy_rate))"; }
  three_hundred() { watched --warmup 6 --group busy --tenants r:2351:2650 --rate "$busy_rate"; }
  ten >/dev/null; three_hundred >/dev/null
  for ((i = 0; i < repetitions; i++)); do
    ten >>"$bench_dir/pgbouncer.few"; echo >>"$bench_dir/pgbouncer.few"
    three_hundred >>"$bench_dir/pgbouncer.many"; echo >>"$bench_dir/pgbouncer.many"
    paste "$bench_dir/pgbouncer.few" "$bench_dir/pgbouncer.many" | tail -1 | awk '{ print $2 / $1 }' >>"$bench_dir/pgbouncer.ratio"
  done
  echo "PgBouncer, $((300 * busy_rate)) queries/s of 300 busy tenants alone: CPU us a query $(median_range <"$bench_dir/pgbouncer.many"), 10 tenants $(median_range <"$bench_dir/pgbouncer.few"):" \
    "cost $(median_range <"$bench_dir/pgbouncer.ratio")"
fi
bench_verdict
