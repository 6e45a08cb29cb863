# The workloads on a backend that executes nothing, so that the proxy is the bottleneck. Sourced by run.sh.
bench_tools
bench_fakepg duel
chmod 777 "${fakepg_host%:*}/.s.PGSQL.5432" # PgBouncer may run as another user
registry_shard one "$fakepg_host" 64
registry_plan large "$pool"
registry_tenants t 1 16 large one
registry_plan wide 32
registry_tenants wide 1 1 wide one
ulimit -n "$(ulimit -Hn)"

fake_proxyd() { # fake_proxyd REACTORS: proxyd with 16 tenants on the fake backend; sets fakeproxyd_port, fakeproxyd_pid
  bench_proxyd_file --Reactors:Count="$1" --Pool:MaxWaiters=10000
  fakeproxyd_port=$proxyd_port fakeproxyd_pid=$proxyd_pid
}
fake_proxyd "$reactors"
database=''
for ((i = 1; i <= 16; i++)); do database+="t$i = host=${fakepg_host%:*} port=${fakepg_host##*:} dbname=app user=t$i"$'\n'; done
duel_pgbouncer fakebouncer "$database" "$pool" "auth_type = trust"

# run_busy TARGET OPTION...: run_load, and the busiest reactor's share of all reactors' time, to $bench_dir/busiest.TARGET.
run_busy() {
  local pid=${1}_pid
  reactor_us "${!pid}" >"$bench_dir/busy.before"
  run_load "$@"
  reactor_us "${!pid}" | paste - "$bench_dir/busy.before" | awk '{ d = $1 - $2; sum += d; if (d > most) most = d } END { print most / sum }' >>"$bench_dir/busiest.$1"
}
reactor_us() { # PID: processor time of each reactor's thread
  local task
  for task in "/proc/$1/task"/*; do if [[ $(<"$task/comm") = reactor-* ]]; then awk '{ sub(/^.*\) /, ""); print ($12 + $13) * 10000 }' "$task/stat"; fi; done
}

fake() { duel "$1" run_load fakeproxyd "$2" fakebouncer "$2"; }
if wanted fake; then
  for mode in simple extended pipeline:20; do
    fake "fake backend, $mode" "--tenants t:1:1 --connections $clients --mode $mode"
    if [ "$mode" = simple ]; then simple_tps=$(median 0 <"$bench_dir/d.ours.tps") simple_cpu=$(median <"$bench_dir/d.ours.cpu"); fi
  done
  echo "  one reactor, simple: $simple_tps queries/s here, with backend and load on the same cores; $(awk -v c="$simple_cpu" 'BEGIN { printf "%.0f", 1e6 / c }') a second of its processor time"
  verdict "  one reactor: queries a second of processor time" "$(awk -v c="$simple_cpu" 'BEGIN { printf "%.0f", 1e6 / c }')" ">=" 100000
fi
# Many active clients. First as both are run by who follows their manuals, one process each: proxyd with a reactor a core, PgBouncer on one; 16 tenants with
# a pool each. Then on one core each, the same tenants, and one tenant with the one pool.
for many in 1000 5000; do
  if ! wanted "clients-$many"; then continue; fi
  if [ -z "${manyproxyd_port:-}" ]; then
    one_port=$fakeproxyd_port one_pid=$fakeproxyd_pid
    fake_proxyd 0
    # shellcheck disable=SC2034 # read through their names
    manyproxyd_port=$fakeproxyd_port manyproxyd_pid=$fakeproxyd_pid
    fakeproxyd_port=$one_port fakeproxyd_pid=$one_pid
  fi
  tenants="--tenants t:1:16 --connections $(((many + 15) / 16)) --mode simple"
  duel "$many clients, $(nproc) reactor(s)" run_load manyproxyd "$tenants" fakebouncer "$tenants"
  verdict "  $many active clients: throughput" "$m_tps" ">=" 1.5
  fake "$many clients, $reactors reactor(s)" "$tenants"
  fake "$many clients of one tenant" "--tenants t:1:1 --connections $many --mode simple"
done
if wanted latency; then
  # Through a proxy less straight to a backend of its own; the proxies reach theirs over a Unix socket, as they do in all workloads.
  fakepg_port=$(free_port)
  setsid "$tools_dir/fakepg" --port "$fakepg_port" >/dev/null 2>&1 </dev/null &
  fakepg_pid=$!
  bench_pids+=("$fakepg_pid")
  wait_for_port "$fakepg_port" fakepg
  rm -f "$bench_dir"/l.*
  for ((pair = 0; pair < pairs; pair++)); do
    for target in $( ((pair % 2)) && echo "fakebouncer fakepg fakeproxyd" || echo "fakeproxyd fakepg fakebouncer"); do
      run_load "$target" --tenants t:1:1 --connections 1 --mode simple
      echo "$r_mean" >>"$bench_dir/l.$target"
    done
  done
  for target in fakeproxyd fakebouncer; do paste "$bench_dir/l.$target" "$bench_dir/l.fakepg" | awk '{ print $1 - $2 }' >"$bench_dir/l.$target.added"; done
  echo "latency added at 1 client, us: proxyd $(median_range <"$bench_dir/l.fakeproxyd.added"), PgBouncer $(median_range <"$bench_dir/l.fakebouncer.added"); straight $(median_range <"$bench_dir/l.fakepg")"
  paste "$bench_dir/l.fakeproxyd.added" "$bench_dir/l.fakebouncer.added" | awk '{ print $1 / $2 }' >"$bench_dir/l.ratio"
  verdict "  latency added at 1 client, ratio" "$(median <"$bench_dir/l.ratio")" "<=" 1.0
fi
if wanted reactors; then
  # The machine may have too few cores for two busy reactors, load and backend. What a query costs says what two would carry, each on a core of its own.
  one_port=$fakeproxyd_port one_pid=$fakeproxyd_pid
  if [ "$reactors" != 1 ]; then fake_proxyd 1; one_port=$fakeproxyd_port one_pid=$fakeproxyd_pid; fi
  fake_proxyd 2
  # shellcheck disable=SC2034 # read through their names
  two_port=$fakeproxyd_port two_pid=$fakeproxyd_pid
  duel "two reactors / one" run_load two "--tenants t:1:16 --connections 4 --mode simple" one "--tenants t:1:16 --connections 4 --mode simple"
  verdict "  two reactors: queries a CPU-bound second, to one" "$(awk -v c="$m_cpu" 'BEGIN { printf "%.2f", 2 / c }')" ">=" 1.7
  # One large tenant (Pool:SpreadFrom). What its queries cost, and how evenly they fall: the busier of the two reactors is full first.
  duel "one tenant, two reactors" run_busy two "--tenants wide:1:1 --connections 64 --mode simple" one "--tenants wide:1:1 --connections 64 --mode simple"
  echo "  the busier reactor's share of the work: $(median_range <"$bench_dir/busiest.two")"
  verdict "  one tenant on two reactors: queries a CPU-bound second, to one" "$(awk -v c="$m_cpu" -v s="$(median <"$bench_dir/busiest.two")" 'BEGIN { printf "%.2f", 1 / c / s }')" ">=" 1.7
fi
