# The clients of the matrix: name, label, what their steps are about, how they are made ready, and how they run. Meant to be sourced.
# A program finds its connection in PGHOST, PGPORT, PGDATABASE, PGUSER (app), PGPASSWORD (for user owner as well), PGSSLMODE and PGSSLROOTCERT, prints
# "client VERSION", then a line "ok STEP" or "not ok STEP: REASON" each, then "end". DRIVERS_SESSION is 1 where each client has a server of its own.

clients=()
declare -A client_label client_about
client() { clients+=("$1"); client_label[$1]=$2; client_about[$1]=$3; }
client npgsql Npgsql 'pooling, multiplexing, prepared and auto-prepared, batches, COPY, LISTEN, cancellation'
client psycopg3 'psycopg 3' 'pipeline mode, server-side cursors, prepared, COPY, notifications, cancel'
client psycopg2 psycopg2 'named cursors, COPY, notifications, asynchronous, SQL PREPARE'
client asyncpg asyncpg 'prepared, pool with reset, cursors, COPY, LISTEN, executemany, time-outs'
client pg 'node-postgres' 'named statements, pool, pg-cursor, pg-query-stream, COPY, LISTEN, cancel'
client postgres 'postgres.js' 'prepared, pipelining, cursors, COPY, listen, cancel'
client jdbc PgJDBC 'prepareThreshold -1, 0, 1, 5, fetch size, batches, CopyManager, cancel, LISTEN'
client pgx pgx 'statement cache modes, batches, COPY, pool, LISTEN, cancel'
client ruby ruby-pg 'prepared, pipeline mode, COPY, LISTEN, cancel, what Rails sends'
client perl DBD::Pg 'pg_server_prepare 0, 1, 2, COPY, asynchronous queries, LISTEN'
client php PHP 'PDO with real, emulated and disabled prepares, cursors, pgsql'
client odbc psqlODBC 'server-side prepare, UseDeclareFetch, savepoints of the driver, ConnSettings'
client libpq libpq 'pipeline mode, single-row mode, Flush, COPY, 4 MB values, cancel'
client sqlalchemy SQLAlchemy 'Alembic up and down, ORM, streams, savepoints, reflection; psycopg2 and asyncpg'
client django Django 'migrate back and forth, ORM, server-side cursors, atomic'
client prisma Prisma 'migrate deploy, client, interactive transactions; engines in WebAssembly'
client drizzle Drizzle 'migrate, prepared queries, relations, transactions; pg and postgres.js'
client knex Knex 'migrations with lock, query builder, streams, time-outs'
client typeorm TypeORM 'migrations, synchronize, repositories, streams, locks'
client psql psql 'at a terminal: tab completion, \\copy, \\watch, Ctrl-C, transactions, scripts'
client pgbench pgbench '-M simple, extended, prepared, -C, pipelines in scripts'
client logins 'log-ins' 'md5, client certificates by a map, tokens (JWT) as passwords: psql, psycopg 3, psycopg2, asyncpg, Npgsql; who shows something else is refused'
client dump 'pg_dump, pg_restore' 'a tenant dumped and restored into another, byte-equal; replication refused in words'

# Tools that are run as they are need a version no older than the server's: Debian's are 15.
client_shards() { case "$1" in dump) echo old ;; *) echo old new ;; esac; }

# What PostgreSQL itself has no equal of runs behind the proxies alone.
client_modes() { case "$1" in logins) echo transaction session ;; *) echo direct transaction session ;; esac; }

# prepare_clients NAME...: compiles what has to be compiled, into the cache or this run's directory.
prepare_clients() {
  local name here=tests/drivers/clients
  client_bin=$drivers_dir/bin
  mkdir -p "$client_bin"
  for name in "$@"; do
    case "$name" in
      npgsql | logins) DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 dotnet build "$here/npgsql" -c Release -v quiet --nologo -tl:off -clp:"NoSummary;ErrorsOnly" </dev/null >"$drivers_dir/dotnet.log" || { cat "$drivers_dir/dotnet.log" >&2; return 1; } ;;
      jdbc) javac -cp /usr/share/java/postgresql.jar -d "$client_bin/jdbc" "$here/jdbc/Jdbc.java" ;;
      pgx) (cd "$here/go" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$drivers_cache/go GOFLAGS='' go build -o "$client_bin/pgx" main.go) ;;
      odbc) gcc -O1 -Wall -Wextra -Werror "$here/odbc/odbc.c" -lodbc -lpthread -o "$client_bin/odbc" ;;
      libpq) gcc -O1 -Wall -Wextra -Werror -I/usr/include/postgresql "$here/libpq/pipeline.c" -lpq -o "$client_bin/libpq" ;;
      pg | postgres | prisma | drizzle | knex | typeorm)
        # Modules are found beside the program: a copy of the programs stands beside a link to the cache.
        if [ ! -d "$drivers_dir/node" ]; then
          cp -r "$here/node" "$drivers_dir/node"
          ln -s "$drivers_cache/node-$(sha256sum $here/node/package-lock.json | cut -c 1-16)/node_modules" "$drivers_dir/node/node_modules"
        fi
        if [ "$name" = prisma ]; then
          (cd "$drivers_dir/node" && DATABASE_URL=postgres://unused PRISMA_HIDE_UPDATE_MESSAGE=1 CHECKPOINT_DISABLE=1 node node_modules/prisma/build/index.js generate --config prisma.config.mjs) \
            >"$drivers_dir/prisma.log" 2>&1 || { cat "$drivers_dir/prisma.log" >&2; return 1; }
        fi ;;
    esac
  done
}

# client_command NAME: sets the array command.
client_command() {
  local here=$PWD/tests/drivers/clients
  case "$1" in
    npgsql) command=(dotnet artifacts/build/bin/NpgsqlClient/release/NpgsqlClient.dll) ;;
    psycopg3 | psycopg2 | asyncpg | sqlalchemy | django | psql | pgbench | dump | logins) command=(/usr/bin/python3 "$here/python/$1_client.py") ;;
    jdbc) command=(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "/usr/share/java/postgresql.jar:$client_bin/jdbc" Jdbc) ;;
    pgx | odbc | libpq) command=("$client_bin/$1") ;;
    ruby) command=(ruby "$here/ruby/pg.rb") ;;
    perl) command=(perl "$here/perl/dbd_pg.pl") ;;
    php) command=(php "$here/php/php.php") ;;
    pg | postgres | prisma | drizzle | knex | typeorm) command=(node --no-deprecation "$drivers_dir/node/$1.mjs") ;;
  esac
}
