#!/usr/bin/env bash
# Installs the clients of the driver matrix beside what deploy/setup/install.sh installs, and says in a line each what and why.
# Does nothing, quickly and silently, when all is there. Debian on x64; system packages need root; what comes from npm goes into the cache.
set -euo pipefail
umask 022
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. deploy/setup/paths.sh
deploy/setup/install.sh

packages='
gcc                               compiles the clients in C
libc6-dev                         compiles the clients in C
libpq-dev                         libpq
openssl                           the test authority
python3-psycopg                   psycopg 3
python3-psycopg2                  psycopg2
python3-asyncpg                   asyncpg
python3-sqlalchemy                SQLAlchemy
python3-alembic                   the migrations of the SQLAlchemy application
python3-django                    Django
python3-pexpect                   a terminal for psql
golang-go                         Go
golang-github-jackc-pgx-v4-dev    pgx
ruby                              Ruby
ruby-pg                           ruby-pg
libdbd-pg-perl                    DBD::Pg
php-cli                           PHP
php-pgsql                         PDO and extension pgsql
unixodbc-dev                      the ODBC driver manager
odbc-postgresql                   psqlODBC
libpostgresql-jdbc-java           PgJDBC
'
have_jdk() { command -v javac >/dev/null; }
have_jdk || packages+='openjdk-17-jdk-headless           compiles and runs the client in Java
'
command -v npm >/dev/null || packages+='npm                               Node.js, and fetches its clients
'

wanted=()
while read -r package why; do
  [ -n "$package" ] || continue
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && continue
  wanted+=("$package")
  echo "install: Debian package $package: $why"
done <<<"$packages"
if [ "${#wanted[@]}" -gt 0 ]; then
  command="apt-get update && apt-get install --no-install-recommends ${wanted[*]}"
  [ "$(id -u)" = 0 ] || { echo "install: run as root:  $command" >&2; exit 1; }
  log=$(mktemp)
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${wanted[@]}"; } </dev/null >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; rm -f "$log"; echo "install: that failed. Run as root and look:  $command" >&2; exit 1; }
  rm -f "$log"
fi

# Prisma wants Node.js 20. Versions are those of package-lock.json, each with its sha512; a directory a lock file, so that two clones do not disturb each other.
major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$major" -ge 20 ] || { echo "install: Node.js $major is too old for Prisma: install version 20 or later" >&2; exit 1; }
modules=$(proxysuite_cache)/drivers/node-$(sha256sum tests/drivers/clients/node/package-lock.json | cut -c 1-16)
if [ ! -f "$modules/.complete" ]; then
  echo "install: npm packages pg, postgres, prisma, drizzle-orm, knex, typeorm, into $modules"
  mkdir -p "$modules"
  cp tests/drivers/clients/node/package.json tests/drivers/clients/node/package-lock.json "$modules"
  log=$(mktemp)
  (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --omit=dev --omit=peer </dev/null >"$log" 2>&1) || { cat "$log" >&2; rm -f "$log"; echo "install: npm could not fetch them" >&2; exit 1; }
  rm -f "$log"
  touch "$modules/.complete"
fi
