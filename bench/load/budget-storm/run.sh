#!/usr/bin/env bash
# Are budgets ever exceeded? Twelve tenants on a shard of PostgreSQL 18 that allows 20 connections, in a storm: clients that are killed, connect by the hundred,
# cancel and cut their connections off in the middle of queries; server processes that are terminated; plans that change all the time.
#
#   bench/load/budget-storm/run.sh [SECONDS]     default 600; STORM_SEED=N repeats the choices of an earlier run
#
# pg_stat_activity is read about 40 times a second by a procedure on the server itself. Promised: at no time more connections than the shard allows (20), at no
# time more of a tenant than its plan allows (2 or 6; a plan that is lowered counts 5 s after the registry file was written, which proxyd looks at every 2 s).
# At the end no permit is lost: with no client left, what proxyd counts as leased is what PostgreSQL sees, and a last rush fills the shard to its 20, and
# each tenant alone to its plan. Exit code 1 when a promise is not kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
seconds=${1:-600} cap=20 tenants=12 wide=6 narrow=2 grace=5
RANDOM=${STORM_SEED:=$((RANDOM % 30000))}
deploy/setup/install.sh --bench
./build.sh
. bench/load/lib.sh
bench_tools
bench_postgres 18
bench_roles s 1 "$tenants"
pg_database=app pg_psql "create table sample(at timestamptz, role name, n int)" "create table tick(at timestamptz, n int)" \
  "create table plan(at timestamptz, role name, budget int)" \
  "create procedure watch(seconds int) language plpgsql as \$\$
   declare
     until timestamptz := clock_timestamp() + make_interval(secs => seconds);
     now_is timestamptz;
   begin
     while clock_timestamp() < until loop
       now_is := clock_timestamp();
       insert into sample select now_is, usename, count(*) from pg_stat_activity where usename like 't\\_%' group by usename;
       insert into tick select now_is, coalesce(sum(n), 0) from sample where at = now_is;
       commit;
       perform pg_sleep(0.02);
     end loop;
   end \$\$" "create index on sample (at)" \
  "create procedure shoot(seconds int) language plpgsql as \$\$
   declare
     until timestamptz := clock_timestamp() + make_interval(secs => seconds);
   begin
     while clock_timestamp() < until loop
       perform pg_terminate_backend(pid) from (select pid from pg_stat_activity where usename like 't\\_%' order by random() limit 2) victims;
       commit;
       perform pg_sleep(0.5 + random());
     end loop;
   end \$\$"

plans=()
write_plans() { # puts the tenants' plans into the registry; the table hears of it first, as a raise may act at once
  local n sql=""
  registry_tenant_sets=()
  for ((n = 1; n <= tenants; n++)); do
    registry_tenants s "$n" "$n" "${plans[n]}" one
    sql+=",(clock_timestamp(), '$(tenant_role s "$n")', $([ "${plans[n]}" = wide ] && echo "$wide" || echo "$narrow"))"
  done
  pg_database=app pg_psql "insert into plan values ${sql:1}"
}
registry_shard one "$pg_dir:$pg_port" "$cap"
registry_plan wide "$wide"
registry_plan narrow "$narrow"
for ((n = 1; n <= tenants; n++)); do plans[n]=wide; done
write_plans
bench_proxyd_file

storm_pids=()
load() { # load NAME TENANTLOAD-OPTION...: in the background, as long as the storm lasts
  local name=$1
  shift
  setsid "$tools_dir/tenantload" --port "$proxyd_port" --connect-timeout 600 "$@" >"$bench_dir/$name" 2>"$bench_dir/$name.log" </dev/null &
  storm_pids+=("$!")
  bench_pids+=("$!")
}
short="SELECT pg_sleep(0.004)" block="BEGIN; SELECT pg_sleep(0.003); COMMIT"
victim() { # clients that are killed at random, and come by the hundred
  local pid end=$((SECONDS + seconds))
  while ((SECONDS < end)); do
    setsid "$tools_dir/tenantload" --port "$proxyd_port" --seconds 60 --group rush --tenants "s:1:$tenants" --connections $((2 + RANDOM % 20)) --mode prepared --sql "$short" >/dev/null 2>&1 </dev/null &
    pid=$!
    sleep "$((1 + RANDOM % 3)).$((RANDOM % 10))"
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

echo "budget-storm: $(bench_machine)"
echo "$tenants tenants, plans of $narrow or $wide connections, $cap for the shard, $seconds s, seed $STORM_SEED"
pg_database=app pg_psql "call watch($((seconds + 30)))" >"$bench_dir/watch.log" 2>&1 &
watch_pid=$!
bench_pids+=("$watch_pid")
(pg_database=app pg_psql "call shoot($seconds)") >"$bench_dir/shoot.log" 2>&1 &
bench_pids+=("$!")
load steady --seconds "$seconds" --group steady --tenants "s:1:$tenants" --connections 4 --sql "$short"
load blocks --seconds "$seconds" --group blocks --tenants "s:1:$tenants" --connections 2 --sql "$block" --rate 20 --abort 0.05 --cancel 0.05
load churn --seconds "$seconds" --group churn --tenants "s:1:$tenants" --connections 3 --churn 5 --mode extended --sql "$short" --abort 0.02 --cancel 0.02
victim &
victim_pid=$!
bench_pids+=("$victim_pid")
begun=$SECONDS changes=0
while ((SECONDS - begun < seconds)); do
  sleep 3
  for _ in 1 2 3; do n=$((1 + RANDOM % tenants)); if [ "${plans[n]}" = wide ]; then plans[n]=narrow; else plans[n]=wide; fi; done
  write_plans
  registry_write "$bench_dir/registry.json"
  changes=$((changes + 1))
done
for pid in "${storm_pids[@]}" "$victim_pid"; do wait "$pid" || true; done

# --- At rest, and what is left of the permits -----------------------------------------------------------------------
for ((n = 1; n <= tenants; n++)); do plans[n]=wide; done
write_plans
registry_write "$bench_dir/registry.json"
for _ in {1..100}; do metrics "$bench_dir/rest"; [ "$(metric "$bench_dir/rest" proxysuite_clients)" = 0 ] && break; sleep 0.1; done
clients_left=$(metric "$bench_dir/rest" proxysuite_clients)
sleep 5 # the plans are read, cancels are over
most_of() { pg_database=app pg_psql "select coalesce(max(n), 0) from $1"; }
count_now() { pg_psql "select count(*) from pg_stat_activity where usename like 't\\_%'"; }
metrics "$bench_dir/rest"
leased=$(metric "$bench_dir/rest" proxysuite_shard_permits)
if ! grep -q '^proxysuite_shard_permits' "$bench_dir/rest"; then leased=$(metric "$bench_dir/rest" proxysuite_shard_servers); fi
at_rest=$(count_now)
tenantload --port "$proxyd_port" --seconds 4 --warmup 1 --group rush --tenants "s:1:$tenants" --connections 10 --sql "$short"
pg_psql "select pg_terminate_backend(pid) from pg_stat_activity where query like 'call watch%'" >/dev/null
wait "$watch_pid" 2>/dev/null || true
full=$(pg_database=app pg_psql "select max(n) from tick where at > clock_timestamp() - interval '6 s'")
alone=$wide
for ((n = 1; n <= tenants; n++)); do
  tenantload --port "$proxyd_port" --seconds 1 --warmup 0.5 --group rush --tenants "s:$n:$n" --connections 20 --sql "SELECT pg_sleep(0.05)" &
  load_pid=$!
  most=0
  for _ in {1..10}; do now=$(pg_psql "select count(*) from pg_stat_activity where usename = '$(tenant_role s "$n")'"); if ((now > most)); then most=$now; fi; sleep 0.08; done
  wait "$load_pid"
  if ((most < alone)); then alone=$most; fi
done

report() { sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" "$bench_dir/$1" | head -1; }
for name in steady blocks churn; do
  printf '%-7s %8s queries, %s logins, %s cut off, %s cancelled, errors: %s\n' "$name" "$(report $name queries)" "$(report $name logins)" "$(report $name aborted)" "$(report $name cancelled)" \
    "$(sed -n 's/.*"codes":{\(.*\)}}/\1/p' "$bench_dir/$name" | tr -d '"')"
done
echo "$changes changes of three plans each; $(pg_database=app pg_psql "select count(*) || ' samples, ' || round(count(*) / extract(epoch from max(at) - min(at)), 1) || ' a second' from tick")"
verdict "samples a second" "$(pg_database=app pg_psql "select round(count(*) / extract(epoch from max(at) - min(at)), 1) from tick")" ">=" 20
verdict "most connections of the shard" "$(most_of tick)" "<=" "$cap"
# A plan holds from the moment it is written; the one before it for some seconds more.
above_plan() { # above_plan GRACE: samples in which a tenant had more than any plan that was in force within so many seconds before
  pg_database=app pg_psql "
    with held as (select role, budget, at as since, lead(at) over (partition by role order by at) + interval '$1 s' as until from plan)
    select count(*) from sample s where n > (select max(budget) from held h where h.role = s.role and s.at >= h.since and (h.until is null or s.at < h.until))"
}
verdict "samples of a tenant above its plan ($(above_plan 0) without the $grace s)" "$(above_plan "$grace")" "==" 0
verdict "clients left" "$clients_left" "==" 0
verdict "permits leased at rest, less connections in pg_stat_activity" "$((leased - at_rest))" "==" 0
verdict "connections of the shard in a last rush" "$full" "==" "$cap"
verdict "fewest connections of a tenant alone in a rush" "$alone" "==" "$wide"
bench_verdict
