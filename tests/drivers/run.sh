#!/usr/bin/env bash
# The driver matrix: real clients, libraries and tools against the proxy, with TLS verified in full, two server connections a tenant and
# Pool:ServerChoice=round-robin, so that nothing passes by luck. Each client is a small program with named steps that checks its own answers.
#
#   tests/drivers/run.sh                       every client: on PostgreSQL directly (which shows that the steps are right), in transaction mode, in session mode
#   tests/drivers/run.sh --mode transaction    in one of them: direct, transaction or session
#   tests/drivers/run.sh --only pg,asyncpg     these clients alone
#   tests/drivers/run.sh --markdown            prints the table of README.md as well
#
# Every client runs twice at the same time: on PostgreSQL 15 (a tenant with a schema) and on PostgreSQL 18 (a tenant with a database). A step is green
# when it is so on both. Exit code 0 when all is green, else 1. Installs what is missing (tests/drivers/install.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

modes='direct transaction session' only='' markdown=false
while [ $# -gt 0 ]; do
  case "$1" in
    --mode) modes=${2:?}; shift ;;
    --only) only=${2:?}; shift ;;
    --markdown) markdown=true ;;
    *) sed -n 's/^# \{0,1\}//; 2,/^$/p' "$0" >&2; exit 2 ;;
  esac
  shift
done
case "$modes" in direct | transaction | session | 'direct transaction session') ;; *) echo "run.sh: unknown mode $modes" >&2; exit 2 ;; esac

tests/drivers/install.sh
./build.sh
. tests/drivers/lib.sh
. tests/drivers/clients.sh
selected=()
for client in "${clients[@]}"; do
  if [ -z "$only" ] || [[ ",$only," = *",$client,"* ]]; then selected+=("$client"); fi
done
[ "${#selected[@]}" -gt 0 ] || { echo "run.sh: no such client: $only; there are: ${clients[*]}" >&2; exit 2; }

begun=$SECONDS
prepare_clients "${selected[@]}"
start_world
results=$drivers_dir/results
mkdir "$results"

# run_client CLIENT MODE SHARD: the program's lines into a file of the results; a program that does not reach its end adds a red step.
run_client() {
  local client=$1 mode=$2 shard=$3 out=$results/$1.$2.$3
  (
    export PGHOST=localhost PGUSER=app PGPASSWORD=$drivers_password PGSSLMODE=verify-full PGSSLROOTCERT=$ca_file DRIVERS_SESSION=1 DRIVERS_PROXIED=1 DRIVERS_WORK=$drivers_dir/$1.$3
    case "$mode.$shard" in
      direct.*) PGPORT=$(shard_port "$shard") PGDATABASE=direct DRIVERS_PROXIED=0 ;;
      transaction.old) PGPORT=${proxy_port[transaction]} PGDATABASE=acme DRIVERS_SESSION=0 ;;
      transaction.new) PGPORT=${proxy_port[transaction]} PGDATABASE=initech DRIVERS_SESSION=0 ;;
      session.old) PGPORT=${proxy_port[session]} PGDATABASE=acme-session ;;
      session.new) PGPORT=${proxy_port[session]} PGDATABASE=initech-session ;;
    esac
    export PGPORT PGDATABASE
    mkdir -p "$DRIVERS_WORK"
    client_command "$client"
    timeout --kill-after=5 200 "${command[@]}" </dev/null
  ) >"$out" 2>"$out.errors" || true
  if [ "$(tail -n 1 "$out")" != end ]; then
    echo "not ok runs to its end: $(tail -n 3 "$out.errors" | tr '\n' '|')" >>"$out"
  fi
}

# tally FILE...: "green/all" over the files of one client and mode. A step counts as green when every file says so.
tally() {
  awk -v files=$# '/^(not )?ok / { name = $0; sub(/^(not )?ok /, "", name); if ($1 == "not") sub(/: .*/, "", name); all[name] = 1; if ($1 == "ok") green[name]++ }
    END { for (name in all) { n++; if (green[name] == files) g++ } printf "%d/%d", g, n }' "$@"
}

for mode in $modes; do
  for client in "${selected[@]}"; do
    [[ " $(client_modes "$client") " = *" $mode "* ]] || continue
    running=()
    for shard in $(client_shards "$client"); do run_client "$client" "$mode" "$shard" & running+=($!); done
    wait "${running[@]}"
    printf '%-12s %-14s %s\n' "$mode" "$client" "$(tally "$results/$client.$mode".???)"
    grep -H '^not ok' "$results/$client.$mode".??? | sed "s|^$results/||; s/:not ok /: RED  /" || true
  done
done

echo
row() { if $markdown; then printf '| %s | %s | %s | %s | %s | %s |\n' "$@"; else printf '%-38s %-12s %-12s %-12s\n' "$2" "${@:3:3}"; fi; }
if $markdown; then
  row Client Version 'PostgreSQL itself' 'transaction mode' 'session mode' 'what the steps are about'
  row --- --- --- --- --- ---
else
  row client client 'direct' 'transaction' 'session' ''
fi
red=false
for client in "${selected[@]}"; do
  counts=()
  for mode in direct transaction session; do
    if [ -f "$results/$client.$mode.old" ]; then
      counts+=("$(tally "$results/$client.$mode".???)")
      if [ "${counts[-1]%/*}" != "${counts[-1]#*/}" ] || [ "${counts[-1]%/*}" = 0 ]; then red=true; fi
    else counts+=('-'); fi
  done
  version=$(sed -n 's/^client //p' "$results/$client".*.old | head -n 1)
  row "${client_label[$client]}" "$version" "${counts[@]}" "${client_about[$client]}"
done
echo
echo "$((SECONDS - begun)) s"
if $red; then echo "RED: see the lines above"; exit 1; fi
echo "all green"
