# What the load benchmarks share: a PostgreSQL server, proxyd with one tenant, and PgBouncer, all in one throw-away directory. Meant to be sourced from
# a script that runs in the repository's root with `set -euo pipefail`.
#
# Every server runs under setsid: with sched_autogroup a proxy in the load generator's session would share its CPU weight.
. deploy/setup/paths.sh
. deploy/setup/throwaway.sh

bench_dir=$(mktemp -d "${TMPDIR:-/tmp}/proxysuite-bench.XXXXXX")
chmod 755 "$bench_dir"
bench_pids=()
bench_end() {
  local status=$? pid
  trap - EXIT
  trap '' INT TERM # timeout(1) tells the script and then its whole group: the second signal must not cut this off
  for pid in "${bench_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${bench_pids[@]}"; do
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -rf "$bench_dir"
  exit "$status"
}
trap bench_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# bench_postgres VERSION [SETTING=VALUE...]: one cluster for registry and shard; sets pg_port, pg_dir, pg_dsn. With pg_name set, beside another.
bench_postgres() {
  local version=$1
  shift
  pg_dir=$bench_dir/${pg_name:-pg}
  make_cluster "$pg_dir" "$version" bench "shared_buffers = 256MB" "max_connections = 200" "$@"
  start_cluster "$pg_dir" "$version"
  pg_port=$(cat "$pg_dir/port")
  bench_pids+=("$(cat "$pg_dir/pid")")
  pg_dsn=postgres://postgres:bench@127.0.0.1:$pg_port
  pg_psql "create database app" "create database registry"
}
pg_psql() { local sql; for sql in "$@"; do psql -qAtX -h "$pg_dir" -p "$pg_port" -U postgres -d "${pg_database:-postgres}" -c "$sql"; done; }

# bench_proxyd CONNECTIONS [OPTION...]: registry, shard over the Unix socket, tenant "bench" (schema model) with users app and own; sets proxyd_pid, proxyd_port.
bench_proxyd() {
  local connections=$1
  shift
  export PROXYSUITE_REGISTRY=$pg_dsn/registry PROXYSUITE_MASTER_KEY_FILE=$bench_dir/master.key
  {
    artifacts/bin/proxyctl init --yes
    artifacts/bin/proxyctl shard add one --primary "Host=$pg_dir;Port=$pg_port;Database=app;Username=postgres;Password=bench"
    artifacts/bin/proxyctl shard prepare one
    artifacts/bin/proxyctl plan set bench --connections "$connections" --statement-timeout 60s --work-mem 16MB
    echo bench-password | artifacts/bin/proxyctl tenant create bench --plan bench --user app --password-stdin
    echo bench-password | artifacts/bin/proxyctl tenant add-user bench own --role owner --password-stdin
  } >"$bench_dir/ctl.log" 2>&1 </dev/null || { cat "$bench_dir/ctl.log" >&2; return 1; }
  proxyd_port=$(free_port)
  proxyd_metrics=$(free_port)
  setsid artifacts/bin/proxyd --Listen:Port="$proxyd_port" --Metrics:Port="$proxyd_metrics" --Registry:ConnectionString="$PROXYSUITE_REGISTRY" \
    --Secrets:MasterKeyFile="$PROXYSUITE_MASTER_KEY_FILE" --Logging:Connections=false --Shutdown:DrainTimeout=1s "$@" >"$bench_dir/proxyd.log" 2>&1 </dev/null &
  proxyd_pid=$!
  bench_pids+=("$proxyd_pid")
  wait_for_port "$proxyd_port" proxyd
  # setsid forks when it is a group leader; the pid that listens is the one to account.
  proxyd_pid=$(pid_of_listener "$proxyd_port" || echo "$proxyd_pid")
}

# bench_pgbouncer POOL_SIZE: transaction mode over the same Unix socket; sets pgbouncer_pid, pgbouncer_port. Lines in pgbouncer_databases and
# pgbouncer_extra are added to its configuration.
bench_pgbouncer() {
  pgbouncer_port=$(free_port)
  mkdir -p "$bench_dir/pgbouncer"
  echo '"bench" "bench-password"' >"$bench_dir/pgbouncer/userlist.txt"
  cat >"$bench_dir/pgbouncer/pgbouncer.ini" <<INI
[databases]
bench = host=$pg_dir port=$pg_port dbname=app
${pgbouncer_databases:-}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pgbouncer_port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $bench_dir/pgbouncer/userlist.txt
pool_mode = transaction
default_pool_size = $1
max_client_conn = 5000
log_connections = 0
log_disconnections = 0
ignore_startup_parameters = extra_float_digits
${pgbouncer_extra:-}
INI
  if [ "$(id -u)" = 0 ]; then chown -R postgres "$bench_dir/pgbouncer"; fi
  "${as_postgres[@]}" setsid "$(command -v pgbouncer || echo /usr/sbin/pgbouncer)" "$bench_dir/pgbouncer/pgbouncer.ini" >"$bench_dir/pgbouncer/log" 2>&1 </dev/null &
  bench_pids+=("$!")
  wait_for_port "$pgbouncer_port" pgbouncer
  pgbouncer_pid=$(pid_of_listener "$pgbouncer_port")
  bench_pids+=("$pgbouncer_pid")
}

wait_for_port() { # wait_for_port PORT NAME
  for _ in {1..200}; do if port_in_use "$1"; then return; fi; sleep 0.05; done
  echo "$2 does not listen on port $1" >&2
  cat "$bench_dir/$2.log" "$bench_dir/$2/log" >&2 2>/dev/null || true
  return 1
}

# pid_of_listener PORT: from the kernel's socket table, so that no tool has to be installed.
pid_of_listener() {
  local hex inode fd
  hex=$(printf '%04X' "$1")
  inode=$(awk -v p=":$hex" '$4 == "0A" && index($2, p) { print $10; exit }' /proc/net/tcp)
  [ -n "$inode" ] || return 1
  for fd in /proc/[0-9]*/fd/*; do
    if [ "$(readlink "$fd" 2>/dev/null)" = "socket:[$inode]" ]; then fd=${fd#/proc/}; echo "${fd%%/*}"; return; fi
  done
  return 1
}

# cpu_us PID: user and system time of the process so far, in microseconds (clock ticks of 10 ms).
cpu_us() { awk '{ sub(/^.*\) /, ""); print ($12 + $13) * 10000 }' "/proc/$1/stat"; }

# median_range: of the numbers on standard input, "median [min-max]".
median_range() { sort -n | awk '{ v[NR] = $1 } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.2f [%.2f-%.2f]", m, v[1], v[NR] }'; }

# --- Load tools and registry files: for benchmarks with many tenants ----------------------------------------------

# bench_tools: compiles fakepg and tenantload; sets tools_dir. Does nothing when they are newer than their sources.
bench_tools() {
  local source=bench/load/tools flags=(-std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  tools_dir=$PWD/artifacts/bench/tools
  mkdir -p "$tools_dir"
  if [ -x "$tools_dir/tenantload" ] && [ -z "$(find "$source" bench/load/lib.sh -newer "$tools_dir/tenantload" -print -quit)" ]; then return; fi
  gcc "${flags[@]}" -o "$tools_dir/fakepg" "$source"/{fakepg,bytes}.c
  gcc "${flags[@]}" -o "$tools_dir/tenantload" "$source"/{tenantload,options,client,clock,report,histogram,bytes}.c -lm
}

# bench_fakepg NAME [OPTION...]: a backend that executes nothing, on a Unix socket in a directory of its own; sets fakepg_pid, fakepg_host ("DIR:PORT").
bench_fakepg() {
  local dir=$bench_dir/$1
  shift
  mkdir "$dir"
  setsid "$tools_dir/fakepg" --socket "$dir" --port 5432 "$@" >"$dir/report" 2>"$dir/log" </dev/null &
  fakepg_pid=$! fakepg_host=$dir:5432
  bench_pids+=("$fakepg_pid")
  for _ in {1..100}; do [ -S "$dir/.s.PGSQL.5432" ] && return; sleep 0.05; done
  cat "$dir/log" >&2
  return 1
}

# A registry file is put together from lines: registry_shard, registry_plan, registry_tenants, each as often as wished, then bench_proxyd_file.
registry_shards=() registry_plans=() registry_tenant_sets=()
registry_shard() { # NAME HOST CONNECTIONS [FURTHER MEMBERS, such as '"Lockdown": "strict"']
  registry_shards+=("{ \"Name\": \"$1\", \"Hosts\": [\"$2\"], \"Database\": \"app\", \"ConnectionsMax\": $3${4:+, $4} }")
}
registry_plan() { # NAME CONNECTIONS [FURTHER MEMBERS, such as '"Weight": 2']
  registry_plans+=("{ \"Name\": \"$1\", \"Connections\": $2, \"StatementTimeout\": \"60s\", \"WorkMem\": \"4MB\"${3:+, $3} }")
}
registry_tenants() { registry_tenant_sets+=("$*"); } # PREFIX FIRST LAST PLAN SHARD [IDENTITY]: slugs PREFIX1 to PREFIXn of the pool model, user app

# Of tenant N of a prefix: its id has the prefix in its first digits, so that prefixes of up to four letters do not meet. Its role is t_ and the 32 digits.
tenant_id() { printf '%08x-0000-4000-8000-%012x' "0x$(printf '%.4s' "$1" | od -An -tx1 | tr -d ' \n')" "$2"; }
tenant_role() { echo "t_$(tenant_id "$1" "$2" | tr -d -)"; }

# bench_roles PREFIX FIRST LAST: the roles of such tenants on the server of bench_postgres, which trusts its Unix socket. All of them may read schema public
# of database app; nothing else of what proxyctl makes is there.
bench_roles() {
  local stem
  stem=$(tenant_id "$1" 0 | tr -d -)
  pg_psql "do \$\$ begin for n in $2..$3 loop
    execute format('create role %I login', 't_${stem:0:20}' || lpad(to_hex(n), 12, '0')); end loop; end \$\$"
}
# bench_databases PREFIX FIRST LAST: the same tenants as databases of PgBouncer, each with its own role and pool; sets pgbouncer_databases, pgbouncer_extra.
bench_databases() {
  local n
  for ((n = $2; n <= $3; n++)); do pgbouncer_databases+="$1$n = host=$pg_dir port=$pg_port dbname=app user=$(tenant_role "$1" "$n")"$'\n'; done
  pgbouncer_extra="auth_type = any"
}

registry_write() { # registry_write FILE
  local verifier
  verifier=$(echo bench-password | artifacts/bin/proxyctl verifier)
  {
    local IFS=,
    echo "{ \"Shards\": [${registry_shards[*]}], \"Plans\": [${registry_plans[*]}], \"Tenants\": ["
    IFS=' '
    printf '%s\n' "${registry_tenant_sets[@]}" | while read -r prefix first last plan shard identity; do
      echo "$prefix $first $last $plan $shard $(tenant_id "$prefix" 0) ${identity:-role}"
    done | awk -v verifier="$verifier" '{
      for (n = $2; n <= $3; n++) printf "%s{ \"Slug\": \"%s%d\", \"Id\": \"%s%012x\", \"Isolation\": \"pool\", \"Identity\": \"%s\", \"Plan\": \"%s\", \"Shard\": \"%s\", " \
        "\"Users\": [{ \"Name\": \"app\", \"Verifier\": \"%s\" }] }\n", (many++ ? "," : ""), $1, n, substr($6, 1, 24), n, $7, $4, $5, verifier }'
    echo "] }"
  } >"$1.new"
  mv "$1.new" "$1"
}

# bench_proxyd_file [OPTION...]: proxyd with the registry file of the lines above; users of tenants are trusted on loopback. Sets proxyd_pid, proxyd_port.
bench_proxyd_file() {
  if [ ! -f "$bench_dir/master.key" ]; then (umask 077 && head -c 32 /dev/urandom | base64 >"$bench_dir/master.key"); fi
  echo 'host all all 127.0.0.1/32 trust' >"$bench_dir/hba"
  registry_write "$bench_dir/registry.json"
  proxyd_port=$(free_port)
  proxyd_metrics=$(free_port)
  setsid artifacts/bin/proxyd --Listen:Port="$proxyd_port" --Listen:Backlog=4096 --Metrics:Port="$proxyd_metrics" --Registry:File="$bench_dir/registry.json" \
    --Secrets:MasterKeyFile="$bench_dir/master.key" --Auth:HbaFile="$bench_dir/hba" --Isolation:Audit=off --Logging:Connections=off \
    --Shutdown:DrainTimeout=1s "$@" >"$bench_dir/proxyd.log" 2>&1 </dev/null &
  proxyd_pid=$!
  bench_pids+=("$proxyd_pid")
  wait_for_port "$proxyd_port" proxyd
}

# tenantload OPTION...: into the file $bench_dir/load; bounded in time by itself.
tenantload() { "$tools_dir/tenantload" "$@" >"$bench_dir/load"; }
# of GROUP FIELD: a number out of what tenantload printed last.
of() { sed -n "/^{\"group\":\"$1\"/s/.*\"$2\":\([-0-9.]*\).*/\1/p" "$bench_dir/load"; }
# cpu_of PID GROUP...: CPU time in microseconds a query of these groups, of a process that tenantload was told to watch.
cpu_of() {
  local pid=$1 group queries=0
  shift
  for group in "$@"; do queries=$((queries + $(of "$group" queries))); done
  sed -n "s/^{\"pid\":$pid,\"cpu_us\":\([0-9]*\).*/\1/p" "$bench_dir/load" | awk -v q="$queries" '{ printf "%.2f", $1 / q }'
}
# errors_of GROUP: what went wrong, by SQLSTATE; nothing when nothing did.
errors_of() { sed -n "/^{\"group\":\"$1\"/s/.*\"codes\":{\(.*\)}}/\1/p" "$bench_dir/load" | tr -d '"'; }

# metrics FILE: the page of proxyd's counters.
metrics() {
  exec 3<>"/dev/tcp/127.0.0.1/$proxyd_metrics"
  printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
  tr -d '\r' <&3 >"$1"
  exec 3>&-
}
# metric FILE NAME [LABEL="VALUE"...]: the sum of the series that have the labels.
metric() {
  local file=$1 name=$2
  shift 2
  awk -v name="$name" -v labels="$*" 'BEGIN { n = split(labels, wanted, " ") } $1 ~ "^" name "([{]|$)" { for (i = 1; i <= n; i++) if (!index($1, wanted[i])) next; sum += $NF } END { printf "%.6g", sum }' "$file"
}

# verdict TEXT MEASURED OPERATOR PROMISED: prints both and "kept" or "NOT KEPT"; counts the latter in broken. An empty measurement keeps nothing.
broken=0
verdict() {
  if [ -n "$2" ] && awk -v a="$2" -v b="$4" "BEGIN { exit !(a $3 b) }"; then printf '%-58s %12s   promised %s %s: kept\n' "$1" "$2" "$3" "$4"
  else printf '%-58s %12s   promised %s %s: NOT KEPT\n' "$1" "$2" "$3" "$4"; broken=$((broken + 1)); fi
}
bench_verdict() { if [ "$broken" = 0 ]; then echo "every promise is kept"; else echo "$broken promise(s) not kept"; exit 1; fi; }
rss_kb() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }
bench_machine() { echo "$(uname -sr), $(nproc) cores ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)), $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"; }

# bench_test NAME KEPT PROJECT CLASS [PROJECT CLASS...]: for promises that tests of the suite measure. Builds each test project, runs one class of it, and prints
# the report that the classes append to the file named by $bench_report; the caller exports that under the name they read. KEPT is said at the end when all went well.
# Ends the script: exit code 1 when a promise is broken.
bench_test() {
  local name=$1 kept=$2 log=$PWD/artifacts/bench/$1.log status=0
  shift 2
  deploy/setup/install.sh
  mkdir -p artifacts/bench
  rm -f "$bench_report" "$log"
  echo "$name: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
  for ((; $# > 1; )); do
    dotnet build "tests/$1" -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >>"$log" 2>&1 || { cat "$log"; exit 1; }
    dotnet test "artifacts/build/bin/$1/release/$1.dll" --filter "FullyQualifiedName~$2" </dev/null >>"$log" 2>&1 || status=1
    shift 2
  done
  cat "$bench_report" 2>/dev/null || cat "$log"
  if [ "$status" = 0 ]; then echo "$kept"; else echo "a promise is broken; see $log"; fi
  exit "$status"
}
