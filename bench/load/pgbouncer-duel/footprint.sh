# Memory, start, and what an idle client costs. Sourced by run.sh; leaves no server of the other workloads out of account, as it starts its own.
if [ -z "${pg_port:-}" ]; then bench_postgres 15 "fsync = off"; bench_proxyd "$pool" --Reactors:Count=1; fi
bench_tools
idle_max=$(($(ulimit -Hn) / 2 < 20000 ? $(ulimit -Hn) / 2 : 20000)) idle=${DUEL_IDLE:-5000}
idle=$((idle < idle_max ? idle : idle_max))

# From fork to the listening socket, with a registry in PostgreSQL; memory when the start is over.
rm -f "$bench_dir"/f.*
for ((i = 0; i < ${DUEL_STARTS:-3}; i++)); do
  port=$(free_port) started=$(date +%s%N)
  setsid artifacts/bin/proxyd --Listen:Port="$port" --Metrics:Port=0 --Registry:ConnectionString="$pg_dsn/registry" --Secrets:MasterKeyFile="$bench_dir/master.key" \
    --Reactors:Count=1 >"$bench_dir/footprint.log" 2>&1 </dev/null &
  pid=$!
  bench_pids+=("$pid")
  until port_in_use "$port"; do sleep 0.005; kill -0 "$pid"; done
  echo $((($(date +%s%N) - started) / 1000000)) >>"$bench_dir/f.start"
  sleep 14
  # Between two heartbeats, of which each needs 10 MB for a moment: the median of ten seconds.
  for ((sample = 0; sample < 20; sample++)); do rss_kb "$pid"; sleep 0.5; done | tee -a "$bench_dir/f.all" | median 0 | sed 's/$/\n/' >>"$bench_dir/f.rss"
  kill "$pid"
done
echo "start to serving, ms: $(median_range <"$bench_dir/f.start"); resident when idle, kB: $(grep . "$bench_dir/f.rss" | median_range), from $(sort -n "$bench_dir/f.all" | sed -n '1p') to $(sort -n "$bench_dir/f.all" | sed -n '$p')"
verdict "  start to serving, ms" "$(median 0 <"$bench_dir/f.start")" "<=" 400
verdict "  resident memory when idle, MB" "$(awk -v k="$(grep . "$bench_dir/f.rss" | median)" 'BEGIN { printf "%.1f", k / 1024 }')" "<=" 45

# Clients that are logged in and ask next to nothing, in memory of the process's own, without pages of program files, which come and go. proxyd gets a small crowd
# first, which pays for compiling and the like; PgBouncer gives nothing back, and is looked at fresh.
held_kb() { awk '$1 == "RssAnon:" || $1 == "RssShmem:" { sum += $2 } END { print sum }' "/proc/$1/status"; }
if [ -z "${fakebouncer_port:-}" ]; then only=none . bench/load/pgbouncer-duel/fake.sh; fi
crowd() { # crowd SECONDS CLIENTS: leaves its memory in $during
  tenantload --port "${!port}" --seconds "$1" --warmup 1 --connect-timeout 120 --group all --tenants t:1:1 --connections "$2" --rate 0.001 &
  local loader=$!
  for _ in {1..900}; do if [ "$(ls "/proc/${!pid}/fd" | wc -l)" -gt "$2" ]; then break; fi; sleep 0.1; done
  sleep "$1"
  during=$(held_kb "${!pid}")
  wait "$loader"
}
for target in fakeproxyd fakebouncer; do
  pid=${target}_pid port=${target}_port
  if [ "$target" = fakeproxyd ]; then crowd 2 1000; sleep 25; fi
  before=$(held_kb "${!pid}")
  crowd 30 "$idle"
  each=$(awk -v a="$during" -v b="$before" -v n="$idle" 'BEGIN { printf "%.2f", (a - b) / n }')
  echo "$idle idle clients: $target holds $during kB, $each kB a client more than the $before kB before"
  if [ "$target" = fakeproxyd ]; then verdict "  memory of an idle client, kB" "$each" "<=" 2; fi
done
