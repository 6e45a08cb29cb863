# What the duel's workloads share: both proxies and the relay floor on one server, measured runs in turn, and the table's lines. Meant to be sourced behind
# ../lib.sh. A run leaves its figures in the variables r_cpu (processor time of the proxy a transaction, us), r_tps, r_p50, r_p99 and r_p999 (us).

# duel_pgbouncer NAME "DATABASE LINE" POOL [LINE...]: a PgBouncer of its own; sets NAME_port, NAME_pid.
duel_pgbouncer() {
  local name=$1 dir=$bench_dir/$1 database=$2 pool=$3 port pid verifier
  shift 3
  port=$(free_port)
  mkdir -p "$dir"
  # A verifier and not the password: with that it would derive the key at each login, 4096 rounds, which proxyd has no need to do either.
  verifier=$(echo bench-password | artifacts/bin/proxyctl verifier)
  printf '"bench" "%s"\n"app" "%s"\n' "$verifier" "$verifier" >"$dir/userlist.txt"
  cp "$bench_dir"/tls.* "$dir"
  {
    printf '[databases]\n%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\nauth_file = %s\n' "$database" "$port" "$dir/userlist.txt"
    printf 'pool_mode = transaction\ndefault_pool_size = %s\nmax_client_conn = 12000\nlisten_backlog = 4096\nlog_connections = 0\nlog_disconnections = 0\n' "$pool"
    printf 'ignore_startup_parameters = extra_float_digits\nclient_tls_sslmode = allow\nclient_tls_key_file = %s\nclient_tls_cert_file = %s\n' "$dir/tls.key" "$dir/tls.crt"
    printf '%s\n' "$@"
  } >"$dir/pgbouncer.ini"
  if [ "$(id -u)" = 0 ]; then chown -R postgres "$dir"; fi
  (ulimit -n "$(ulimit -Hn)"; exec "${as_postgres[@]}" setsid "$(command -v pgbouncer || echo /usr/sbin/pgbouncer)" "$dir/pgbouncer.ini" >"$dir/log" 2>&1 </dev/null) &
  bench_pids+=("$!")
  wait_for_port "$port" "$name"
  pid=$(pid_of_listener "$port")
  bench_pids+=("$pid")
  eval "${name}_port=$port ${name}_pid=$pid"
}

# one_round_verifier: of the password bench-password, with one round instead of 4,096 (RFC 5802: SaltedPassword, StoredKey, ServerKey).
one_round_verifier() {
  local salt='a salt of 16 b..' salted
  hex() { od -An -tx1 | tr -d ' \n'; }
  hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary; }
  salted=$({ printf '%s\0\0\0\1' "$salt"; } | hmac "$(printf bench-password | hex)" | hex)
  printf 'SCRAM-SHA-256$1:%s$%s:%s' "$(printf '%s' "$salt" | base64)" \
    "$(printf 'Client Key' | hmac "$salted" | openssl dgst -sha256 -binary | base64)" "$(printf 'Server Key' | hmac "$salted" | base64)"
}

# duel_one_round: from now on both proxies know the password by such a verifier. Neither does rounds at a login, whatever their number; but the client does,
# 4 ms of processor time for 4,096, and that left 260 logins a second of which next to nothing was the proxies' work, measured in clock ticks of 10 ms.
duel_one_round() {
  local verifier
  verifier=$(one_round_verifier)
  pg_database=registry pg_psql "update system.tenant_users set verifier = '$verifier' where name = 'app'"
  sed -i "s|\"SCRAM[^\"]*\"|\"$verifier\"|" "$bench_dir/pgbouncer/userlist.txt"
  kill -HUP "$pgbouncer_pid"
  sleep 1 # the registry's news and the signal arrive within milliseconds
}

# duel_haproxy: a relay of bytes that pools nothing, as the floor; sets haproxy_port, haproxy_pid. False when it is not installed.
duel_haproxy() {
  command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || return 1
  haproxy_port=$(free_port)
  printf 'global\n  nbthread 1\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\nlisten pg\n  bind 127.0.0.1:%s\n  server pg unix@%s\n' \
    "$haproxy_port" "$pg_dir/.s.PGSQL.$pg_port" >"$bench_dir/haproxy.cfg"
  setsid "$(command -v haproxy || echo /usr/sbin/haproxy)" -db -f "$bench_dir/haproxy.cfg" >"$bench_dir/haproxy.log" 2>&1 </dev/null &
  bench_pids+=("$!")
  wait_for_port "$haproxy_port" haproxy
  haproxy_pid=$(pid_of_listener "$haproxy_port")
}

# wanted NAME: whether --only asks for the workload.
wanted() { [ -z "$only" ] || [[ ",$only," = *",$1,"* ]]; }

# run_pgbench TARGET OPTION...: one measured run against proxyd, pgbouncer, tuned or haproxy.
run_pgbench() {
  local target=$1 pid port dsn before after log=$bench_dir/pgbench.log count
  shift
  pid=${target}_pid port=${target}_port
  dsn="host=127.0.0.1 port=${!port} sslmode=${sslmode:-disable} dbname=bench user=bench"
  if [ "$target" = proxyd ]; then dsn="${dsn%user=bench}user=app"; fi
  if [ "$target" = haproxy ]; then dsn="${dsn/dbname=bench/dbname=app}"; fi
  rm -f "$bench_dir"/sample.*
  before=$(cpu_us "${!pid}")
  pgbench -n -c "$clients" -j 2 -T "$seconds" -l --log-prefix="$bench_dir/sample" --sampling-rate="${sampling:-0.05}" "$@" "$dsn" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  after=$(cpu_us "${!pid}")
  if grep -q 'aborted\|ERROR' "$log"; then cat "$log" >&2; return 1; fi
  # With a connection for each transaction there is another line, without connection time: the first counts the whole.
  r_tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$log" | head -1)
  count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$log")
  r_cpu=$(awk -v a="$after" -v b="$before" -v n="$count" 'BEGIN { print (a - b) / n }')
  read -r r_p50 r_p99 r_p999 <<<"$(cat "$bench_dir"/sample.* | awk '{ print $3 }' | sort -n | awk '
    function at(share) { return v[int((NR - 1) * share) + 1] }
    { v[NR] = $1 }
    END { if (NR == 0) print 0, 0, 0; else print at(0.5), at(0.99), at(0.999) }')"
}

# run_load TARGET OPTION...: the same against the fake backend, with tenantload; TARGET is fakeproxyd, fakebouncer or fakepg (no proxy at all).
run_load() {
  local target=$1 pid port before after
  shift
  pid=${target}_pid port=${target}_port
  before=$(cpu_us "${!pid}")
  tenantload --port "${!port}" --seconds "$seconds" --warmup 1 --group all "$@"
  after=$(cpu_us "${!pid}")
  [ "$(of all queries)" -gt 0 ] && [ -z "$(errors_of all)" ] || { cat "$bench_dir/load" >&2; return 1; }
  r_tps=$(of all per_s)
  # The warm-up and the logins have their share of the time, but not of the count.
  r_cpu=$(awk -v a="$after" -v b="$before" -v n="$(of all queries)" -v s="$seconds" 'BEGIN { print (a - b) / n * s / (s + 1) }')
  r_p50=$(awk -v x="$(of all p50_ms)" 'BEGIN { print 1000 * x }') r_p99=$(awk -v x="$(of all p99_ms)" 'BEGIN { print 1000 * x }')
  r_p999=$(awk -v x="$(of all p999_ms)" 'BEGIN { print 1000 * x }')
  r_mean=$(awk -v x="$(of all mean_ms)" 'BEGIN { print 1000 * x }')
}

# warm_up RUNNER TARGET OPTION...: a run that is not counted: connections, plans. The first one of a proxyd lasts for DUEL_WARM_UP seconds: what its timers call
# once a second reaches the just-in-time compiler after 30 calls, and in runs of some seconds that work would count as the queries'.
declare -A is_warm=()
warm_up() {
  local runner=$1 target=$2 seconds=$seconds
  shift 2
  if [[ $target = *proxyd && -z ${is_warm[$target]:-} ]]; then is_warm[$target]=yes seconds=${DUEL_WARM_UP:-20}; fi
  "$runner" "$target" "$@"
}

# duel NAME RUNNER OURS "OPTIONS" THEIRS "OPTIONS" [FLOOR]: pairs of runs with the order changing; prints a line and keeps the medians in m_cpu, m_tps and m_p99.
duel() {
  local name=$1 runner=$2 ours=$3 ours_options=$4 theirs=$5 theirs_options=$6 floor=${7:-} pair side target options figure
  rm -f "$bench_dir"/d.*
  # shellcheck disable=SC2086
  { warm_up "$runner" "$ours" $ours_options; warm_up "$runner" "$theirs" $theirs_options; }
  for ((pair = 0; pair < pairs; pair++)); do
    for side in $( ((pair % 2)) && echo "theirs ours" || echo "ours theirs") ${floor:+floor}; do
      options=${side}_options
      if [ "$side" = floor ]; then target=$floor options=theirs_options; else target=${!side}; fi
      # shellcheck disable=SC2086
      "$runner" "$target" ${!options}
      for figure in cpu tps p50 p99 p999; do eval "echo \$r_$figure" >>"$bench_dir/d.$side.$figure"; done
    done
  done
  for figure in cpu tps p50 p99 p999; do paste "$bench_dir/d.ours.$figure" "$bench_dir/d.theirs.$figure" | awk '{ if ($2 > 0) print $1 / $2; else print 0 }' >"$bench_dir/d.$figure"; done
  m_cpu=$(median <"$bench_dir/d.cpu") m_tps=$(median <"$bench_dir/d.tps") m_p99=$(median <"$bench_dir/d.p99")
  printf '%-26s cpu %s  tps %s  p99 %s | us/tx %s against %s | tps %s against %s | p50/p99/p99.9 us %s against %s%s\n' "$name" \
    "$(median_range <"$bench_dir/d.cpu")" "$(median_range <"$bench_dir/d.tps")" "$(median_range <"$bench_dir/d.p99")" \
    "$(median <"$bench_dir/d.ours.cpu")" "$(median <"$bench_dir/d.theirs.cpu")" "$(median 0 <"$bench_dir/d.ours.tps")" "$(median 0 <"$bench_dir/d.theirs.tps")" \
    "$(percentiles ours)" "$(percentiles theirs)" "$([ -z "$floor" ] || echo " | $floor us/tx $(median <"$bench_dir/d.floor.cpu")")"
}
percentiles() { echo "$(median 0 <"$bench_dir/d.$1.p50")/$(median 0 <"$bench_dir/d.$1.p99")/$(median 0 <"$bench_dir/d.$1.p999")"; }

# median [DECIMALS]: of the numbers on standard input; two decimals unless told.
median() { sort -n | awk -v d="${1:-2}" '{ v[NR] = $1 } END { printf "%." d "f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

# syscalls TARGET OPTION...: system calls of the proxy a transaction: the difference of a long and a short run, so that logins do not count.
syscalls() {
  local short long
  run_pgbench "$@" # connections, plans, what the compiler makes of this workload
  short=$(count_calls 25 "$@") long=$(count_calls 150 "$@")
  awk -v a="$long" -v b="$short" 'BEGIN { printf "%.2f", (a - b) / (125 * 32) }'
}
count_calls() { # count_calls TRANSACTIONS TARGET OPTION...: 32 clients, so often each
  local transactions=$1 target=$2 pid=${2}_pid port=${2}_port user=bench tracer
  shift 2
  if [ "$target" = proxyd ]; then user=app; fi
  strace -f -c -o "$bench_dir/strace" -p "${!pid}" >/dev/null 2>&1 &
  tracer=$!
  for _ in {1..100}; do if grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/${!pid}/status"; then break; fi; sleep 0.05; done
  pgbench -n -c 32 -j 1 -t "$transactions" "$@" "host=127.0.0.1 port=${!port} sslmode=disable dbname=bench user=$user" >"$bench_dir/pgbench.log" 2>&1 || { cat "$bench_dir/pgbench.log" >&2; return 1; }
  kill "$tracer"
  wait "$tracer" || true
  awk '$NF == "total" { print $4 }' "$bench_dir/strace" # share, seconds, microseconds a call, calls
}
