#!/usr/bin/env bash
# A whole ProxySuite on this machine, thrown away afterwards: a registry, two shards, three tenants, and the proxy in front of them.
#
#   ./demo.sh           prints psql lines to paste, and runs until Ctrl-C
#   ./demo.sh --check   takes the tour itself and exits 0 when all is as it should be, else 1
#
# DEMO_PORT (6432) and DEMO_METRICS_PORT (9632) are the proxy's ports on 127.0.0.1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. deploy/setup/paths.sh
. deploy/setup/throwaway.sh
port=${DEMO_PORT:-6432}
metrics_port=${DEMO_METRICS_PORT:-9632}
registry_version=17 shard1_version=15 shard2_version=18 # versions mix: that is what shards do while they are upgraded
check=false
case "${1:-}" in
  '') ;;
  --check) check=true ;;
  *) echo "usage: ./demo.sh [--check]" >&2; exit 2 ;;
esac
fail() { echo "demo: $*" >&2; exit 1; }

require_free_port() { # require_free_port PORT VARIABLE
  ! port_in_use "$1" || fail "port $1 on 127.0.0.1 is in use. Stop what listens there, or choose another: $2=PORT ./demo.sh"
}
require_free_port "$port" DEMO_PORT
require_free_port "$metrics_port" DEMO_METRICS_PORT

deploy/setup/install.sh
./build.sh

# --- A place that cleans up after itself -------------------------------------------------------------------------
# A watcher in a session of its own waits until this script is gone, however it goes, then stops the servers and removes the
# directory. It learns of the end through a pipe whose only writer is this script. The script's own end takes the same way.
dir=$(mktemp -d "${TMPDIR:-/tmp}/proxysuite-demo.XXXXXX")
chmod 755 "$dir" # user postgres has to reach the clusters in it
mkfifo "$dir/alive"
setsid bash -c '
  dir=$1
  cat "$dir/alive" >/dev/null
  stop() { # stop NAME SIGNAL...: sends one signal after the other until the process is gone
    local pid signal
    pid=$(cat "$dir/$1/pid" 2>/dev/null) || return 0
    shift
    for signal in "$@" KILL; do
      kill -s "$signal" "$pid" 2>/dev/null || return 0
      for _ in {1..60}; do
        [ -d "/proc/$pid" ] && ! grep -q "^State:.*zombie" "/proc/$pid/status" 2>/dev/null || return 0
        sleep 0.05
      done
    done
  }
  stop proxyd TERM TERM
  stop shard1 INT QUIT & stop shard2 INT QUIT & stop registry INT QUIT &
  wait
  rm -rf "$dir"
' demo-watcher "$dir" </dev/null >/dev/null 2>&1 &
watcher=$!
exec 9>"$dir/alive"
makers=()
finish() {
  local status=$?
  trap '' INT TERM HUP
  if [ "${#makers[@]}" -gt 0 ]; then wait "${makers[@]}" 2>/dev/null || true; fi # an initdb that still runs would write into what is being removed
  exec 9>&-
  wait "$watcher" 2>/dev/null || true
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- Servers -----------------------------------------------------------------------------------------------------
password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
declare -A secret=([registry]=$(password) [shard1]=$(password) [shard2]=$(password))
for server in registry:$registry_version shard1:$shard1_version shard2:$shard2_version; do
  name=${server%:*}
  make_cluster "$dir/$name" "${server#*:}" "${secret[$name]}" &
  makers+=($!)
done
for maker in "${makers[@]}"; do wait "$maker" || fail "a cluster could not be made"; done
start_cluster "$dir/registry" "$registry_version"
start_cluster "$dir/shard1" "$shard1_version"
start_cluster "$dir/shard2" "$shard2_version"
dsn() { echo "postgres://postgres:${secret[$1]}@127.0.0.1:$(cat "$dir/$1/port")/postgres"; }
echo "registry: PostgreSQL $registry_version on port $(cat "$dir/registry/port"); shard s1: PostgreSQL $shard1_version on $(cat "$dir/shard1/port"); shard s2: PostgreSQL $shard2_version on $(cat "$dir/shard2/port")"

# --- Registry, shards, tenants -----------------------------------------------------------------------------------
PROXYSUITE_REGISTRY=$(dsn registry)
export PROXYSUITE_REGISTRY PROXYSUITE_MASTER_KEY_FILE=$dir/master.key
ctl() { # ctl VERB...: proxyctl, silent unless it fails
  artifacts/bin/proxyctl "$@" >"$dir/ctl.log" 2>&1 </dev/null || { cat "$dir/ctl.log" >&2; fail "proxyctl $1 $2 failed"; }
}
ctl init --yes
ctl shard add s1 --primary "$(dsn shard1)"
ctl shard add s2 --primary "$(dsn shard2)"
ctl shard prepare s1
ctl shard prepare s2

declare -A tenant_id tenant_password
create_tenant() { # create_tenant SLUG PLAN ISOLATION SHARD TEMPLATE
  ctl tenant create "$1" --plan "$2" --isolation "$3" --shard "$4" --template "deploy/demo/$5" --user app --generate-password --json
  tenant_id[$1]=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' "$dir/ctl.log")
  tenant_password[$1]=$(sed -n 's/.*"password": *"\([^"]*\)".*/\1/p' "$dir/ctl.log")
}
create_tenant acme growth schema s1 notes.sql
create_tenant globex free pool s2 notes-shared.sql
create_tenant initech enterprise database s2 notes.sql

# --- The proxy ---------------------------------------------------------------------------------------------------
mkdir "$dir/proxyd"
PROXYSUITE__Registry__ConnectionString=$PROXYSUITE_REGISTRY setsid setpriv --pdeathsig TERM -- \
  artifacts/bin/proxyd --config config/proxyd.json --Listen:Port="$port" --Metrics:Port="$metrics_port" \
  --Secrets:MasterKeyFile="$PROXYSUITE_MASTER_KEY_FILE" --Shutdown:DrainTimeout=1s >"$dir/proxyd/log" 2>&1 9>&- </dev/null &
proxyd=$!
echo "$proxyd" >"$dir/proxyd/pid"
http_get() { # http_get PATH: the proxy's answer, status line and headers first; fails while nobody listens
  { exec 3<>"/dev/tcp/127.0.0.1/$metrics_port"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" "$metrics_port" >&3
  cat <&3
  exec 3>&-
}
is_ok() { [[ "$(http_get "$1")" =~ ^HTTP/[0-9.]+\ 200 ]]; } # is_ok PATH
proxyd_is_up() { kill -0 "$proxyd" 2>/dev/null || { cat "$dir/proxyd/log" >&2; fail "proxyd ended"; }; }
for attempt in {1..300}; do
  proxyd_is_up
  if is_ok /readyz; then break; fi
  [ "$attempt" != 300 ] || { cat "$dir/proxyd/log" >&2; fail "proxyd is not ready after 30 s"; }
  sleep 0.1
done

uri() { echo "postgres://app:${tenant_password[$1]}@127.0.0.1:$port/$1"; }
if $check; then
  . deploy/demo/tour.sh
  tour
  exit
fi
cat <<END

Paste into another terminal; each is a tenant of its own, with a table "notes":

  psql '$(uri acme)'      # plan growth, a schema on shard s1
  psql '$(uri globex)'    # plan free, rows in tables shared by tenants on shard s2
  psql '$(uri initech)'   # plan enterprise, a database on shard s2

Metrics: http://127.0.0.1:$metrics_port/metrics    Log of the proxy: $dir/proxyd/log
The control plane:
  export PROXYSUITE_REGISTRY='$PROXYSUITE_REGISTRY' PROXYSUITE_MASTER_KEY_FILE=$PROXYSUITE_MASTER_KEY_FILE
  artifacts/bin/proxyctl tenant list

Ctrl-C ends it and leaves nothing behind.
END
trap 'echo; exit 0' INT
while proxyd_is_up; do sleep 1 & wait $! || true; done
