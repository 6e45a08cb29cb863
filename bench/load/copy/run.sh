#!/usr/bin/env bash
# COPY through proxyd while its memory is watched: in and out, plain and over TLS.
#
#   bench/load/copy/run.sh [MEGABYTES]     default 256
#
# Prints, for each way, how long it took and by how much proxyd's resident memory rose above what it was before (promised: under 8 MB), sampled every 20 ms.
# A first small copy each way lets the runtime compile what it needs. Exit code 1 when the promise is broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
megabytes=${1:-256} promise=8
. bench/load/lib.sh
deploy/setup/install.sh >/dev/null
[ -x artifacts/bin/proxyd ] || ./build.sh >/dev/null
bench_postgres 18 "fsync = off" "max_wal_size = 4GB" "wal_level = minimal" "max_wal_senders = 0"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout "$bench_dir/key.pem" -out "$bench_dir/cert.pem" 2>/dev/null
bench_proxyd 2 --Tls:Mode=allow --Tls:CertificateFile="$bench_dir/cert.pem" --Tls:KeyFile="$bench_dir/key.pem"
own() { PGPASSWORD=bench-password psql -qAtX "host=127.0.0.1 port=$proxyd_port user=own dbname=bench sslmode=$1" -c "$2"; }
own disable "create unlogged table lines (line text)"

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$proxyd_pid/status"; }
line=$(head -c 1023 /dev/zero | tr '\0' x)
# lines MEGABYTES: that much, 1 kB a line. That yes ends by SIGPIPE is how it ends.
lines() { yes "$line" | head -n $(($1 * 1024)) || [ $? = 141 ]; }
status=0
# measure NAME COMMAND...: runs it and prints time and growth.
measure() {
  local name=$1 before peak now began seconds watched
  shift
  before=$(rss_kb) peak=$before began=$(date +%s.%N)
  "$@" &
  watched=$!
  while kill -0 "$watched" 2>/dev/null; do
    now=$(rss_kb)
    if [ "$now" -gt "$peak" ]; then peak=$now; fi
    sleep 0.02
  done
  wait "$watched"
  seconds=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
  awk -v n="$name" -v g="$(((peak - before)))" -v s="$seconds" -v m="$megabytes" -v p="$promise" -v r="$before" \
    'BEGIN { printf "%-10s %5d MB in %6s s, %4.0f MB/s   memory +%.1f MB over %.1f MB (promised: under %d)\n", n, m, s, m / s, g / 1024, r / 1024, p }'
  if [ $((peak - before)) -ge $((promise * 1024)) ]; then status=1; fi
}
copy_in() { lines "$2" | own "$1" "copy lines from stdin"; }
copy_out() { own "$1" "copy lines to stdout" >/dev/null; }

echo "copy: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
for tls in disable require; do
  copy_in "$tls" 64
  copy_out "$tls"
  own disable "truncate lines"
done
for tls in disable require; do
  name=$([ "$tls" = disable ] && echo plain || echo TLS)
  measure "$name in" copy_in "$tls" "$megabytes"
  measure "$name out" copy_out "$tls"
  own disable "truncate lines"
done
if [ "$status" = 0 ]; then echo "every promise is kept"; else echo "a promise is broken"; fi
exit "$status"
