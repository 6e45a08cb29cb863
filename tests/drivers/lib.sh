# The world that the driver matrix runs in: shards on PostgreSQL 15 and 18, tenants in the schema and the database model, and two proxies in front
# of them, one a mode; all with TLS, all thrown away. Meant to be sourced from a script that runs in the repository's root with `set -euo pipefail`.
. deploy/setup/paths.sh
. deploy/setup/throwaway.sh

drivers_cache=$(proxysuite_cache)/drivers
drivers_dir=$(mktemp -d "${TMPDIR:-/tmp}/proxysuite-drivers.XXXXXX")
chmod 755 "$drivers_dir"
drivers_pids=()
drivers_end() {
  local status=$? pid
  trap - EXIT
  trap '' INT TERM # as in bench/load/lib.sh
  for pid in "${drivers_pids[@]}"; do kill -TERM "$pid" 2>/dev/null && kill -INT "$pid" 2>/dev/null || true; done # proxyd drains on TERM, PostgreSQL cuts its clients off on INT
  for pid in "${drivers_pids[@]}"; do
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -rf "$drivers_dir"
  exit "$status"
}
trap drivers_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

drivers_password='open sesame' # a blank in it: what has to be quoted in one form or another of a connection string shows here
ca_file=$drivers_dir/ca.pem

# What the client "logins" shows: a certificate, a secret that its tokens are signed with; and the program that it runs for Npgsql.
export DRIVERS_CERT=$drivers_dir/client.pem DRIVERS_KEY=$drivers_dir/client.key DRIVERS_TOKEN_SECRET='a secret of thirty-two bytes or more'
export DRIVERS_NPGSQL="dotnet $PWD/artifacts/build/bin/NpgsqlClient/release/NpgsqlClient.dll ask"

# Host rules, maps and keys of the proxies: three users who may come in one way each, and everybody else by SCRAM.
write_login_rules() {
  printf 'hostssl all hashed all md5\nhostssl all certified all cert map=drivers\nhostssl all signed all jwt\nhostssl all all all scram-sha-256\n' >"$drivers_dir/hba.conf"
  printf 'drivers drivers certified@%s\n' acme initech acme-session initech-session >"$drivers_dir/ident.conf"
  printf '{ "keys": [ { "kty": "oct", "kid": "drivers", "alg": "HS256", "k": "%s" } ] }\n' "$(printf %s "$DRIVERS_TOKEN_SECRET" | base64 -w 0 | tr '+/' '-_' | tr -d =)" >"$drivers_dir/jwks.json"
}

# A test authority and a certificate for localhost, for the proxies and for the shards alike: clients verify in full whomever they talk to.
make_certificates() {
  local dir=$drivers_dir
  {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Test authority" -keyout "$dir/ca.key" -out "$ca_file"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout "$dir/server.key" -out "$dir/server.csr"
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >"$dir/server.ext"
    openssl x509 -req -in "$dir/server.csr" -CA "$ca_file" -CAkey "$dir/ca.key" -CAcreateserial -days 2 -extfile "$dir/server.ext" -out "$dir/server.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=drivers" -keyout "$DRIVERS_KEY" -out "$dir/client.csr"
    printf 'extendedKeyUsage=clientAuth\n' >"$dir/client.ext"
    openssl x509 -req -in "$dir/client.csr" -CA "$ca_file" -CAkey "$dir/ca.key" -CAcreateserial -days 2 -extfile "$dir/client.ext" -out "$DRIVERS_CERT"
  } >"$dir/openssl.log" 2>&1 || { cat "$dir/openssl.log" >&2; return 1; }
}

make_shard() { make_cluster "$drivers_dir/$1" "$2" shard "max_connections = 200" "ssl = on"; } # make_shard NAME VERSION
start_shard() { # start_shard NAME VERSION
  local dir=$drivers_dir/$1
  cp "$drivers_dir/server.pem" "$dir/data/server.crt"
  cp "$drivers_dir/server.key" "$dir/data/server.key"
  chmod 600 "$dir/data/server.key"
  if [ "$(id -u)" = 0 ]; then chown postgres "$dir/data/server.crt" "$dir/data/server.key"; fi
  start_cluster "$dir" "$2"
  drivers_pids+=("$(cat "$dir/pid")")
}
shard_port() { cat "$drivers_dir/$1/port"; }
shard_psql() { # shard_psql SHARD DATABASE SQL...: as superuser, past the proxy
  local shard=$1 database=$2 sql
  shift 2
  for sql in "$@"; do psql -qAtX -v ON_ERROR_STOP=1 -h "$drivers_dir/$shard" -p "$(shard_port "$shard")" -U postgres -d "$database" -c "$sql"; done
}

ctl() { artifacts/bin/proxyctl "$@" >"$drivers_dir/ctl.log" 2>&1 </dev/null || { cat "$drivers_dir/ctl.log" >&2; return 1; }; }

# create_tenant SLUG ISOLATION SHARD PLAN: with users app and owner.
create_tenant() {
  echo "$drivers_password" | artifacts/bin/proxyctl tenant create "$1" --isolation "$2" --shard "$3" --plan "$4" --template tests/drivers/template.sql \
    --user app --password-stdin >"$drivers_dir/ctl.log" 2>&1 || { cat "$drivers_dir/ctl.log" >&2; return 1; }
  echo "$drivers_password" | artifacts/bin/proxyctl tenant add-user "$1" owner --role owner --password-stdin >"$drivers_dir/ctl.log" 2>&1 ||
    { cat "$drivers_dir/ctl.log" >&2; return 1; }
}

# create_direct SHARD: databases of the same kind on PostgreSQL itself, to show that what the clients do is right without a proxy.
create_direct() {
  local database
  shard_psql "$1" postgres "CREATE ROLE owner LOGIN PASSWORD '$drivers_password'" "CREATE ROLE app LOGIN PASSWORD '$drivers_password'"
  for database in direct dump-from dump-to; do
    shard_psql "$1" postgres "CREATE DATABASE \"$database\" OWNER owner"
    shard_psql "$1" "$database" "GRANT CREATE ON SCHEMA public TO owner" \
      "ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app" "ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO app"
    { echo "SET ROLE owner;"; cat tests/drivers/template.sql; } | psql -qX -v ON_ERROR_STOP=1 -h "$drivers_dir/$1" -p "$(shard_port "$1")" -U postgres -d "$database"
  done
}

# start_proxy MODE: sets port of that mode's proxy in the associative array proxy_port.
declare -A proxy_port proxy_metrics
start_proxy() {
  local mode=$1 pid port
  port=$(free_port)
  proxy_metrics[$mode]=$(free_port)
  setsid artifacts/bin/proxyd --Listen:Port="$port" --Metrics:Port="${proxy_metrics[$mode]}" --Registry:ConnectionString="$PROXYSUITE_REGISTRY" \
    --Secrets:MasterKeyFile="$PROXYSUITE_MASTER_KEY_FILE" --Pool:Mode="$mode" --Pool:ServerChoice=round-robin \
    --Auth:HbaFile="$drivers_dir/hba.conf" --Auth:IdentFile="$drivers_dir/ident.conf" --Auth:JwksFile="$drivers_dir/jwks.json" --Auth:Md5=on --Auth:FailuresMax=10000 \
    --Tls:ClientCaFile="$ca_file" --Tls:Mode=require --Tls:CertificateFile="$drivers_dir/server.pem" --Tls:KeyFile="$drivers_dir/server.key" --Tls:ServerCaFile="$ca_file" \
    --Shutdown:DrainTimeout=1s >"$drivers_dir/proxyd-$mode.log" 2>&1 </dev/null &
  pid=$!
  drivers_pids=("$pid" "${drivers_pids[@]}") # the proxies end before the shards
  for _ in {1..300}; do
    if port_in_use "$port"; then proxy_port[$mode]=$port; return; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "proxyd did not start:" >&2
  cat "$drivers_dir/proxyd-$mode.log" >&2
  return 1
}

# start_world: everything, on free ports of loopback. The tenants that the proxy in transaction mode is tested with have two server connections.
start_world() {
  local shard_dsn
  make_certificates
  make_shard old 15 &
  make_shard new 18
  wait $!
  start_shard old 15
  start_shard new 18
  shard_psql new postgres "CREATE DATABASE registry"
  PROXYSUITE_REGISTRY=postgres://postgres:shard@127.0.0.1:$(shard_port new)/registry
  export PROXYSUITE_REGISTRY PROXYSUITE_MASTER_KEY_FILE=$drivers_dir/master.key
  ctl init --yes
  for shard in old new; do
    shard_dsn="postgres://postgres:shard@localhost:$(shard_port $shard)/postgres?sslmode=verify-full&sslrootcert=$ca_file"
    ctl shard add $shard --primary "$shard_dsn"
    ctl shard prepare $shard
    create_direct $shard
  done
  ctl plan set two --connections 2 --statement-timeout 60s --work-mem 16MB
  ctl plan set four --connections 4 --statement-timeout 60s --work-mem 16MB # pg_dump -j 2 and pg_restore -j 3 keep a connection for each job and one more
  ctl plan set many --connections 24 --statement-timeout 60s --work-mem 16MB
  create_tenant acme schema old two
  create_tenant initech database new two
  create_tenant acme-session schema old many
  create_tenant initech-session database new many
  for tenant in dump-from:database dump-to:database dumps-from:schema dumps-to:schema; do create_tenant "${tenant%:*}" "${tenant#*:}" old four; done
  for tenant in acme initech acme-session initech-session; do
    for user in 'hashed --md5' certified signed; do
      # shellcheck disable=SC2086 # a user and its options
      echo "$drivers_password" | artifacts/bin/proxyctl tenant add-user "$tenant" $user --password-stdin >"$drivers_dir/ctl.log" 2>&1 || { cat "$drivers_dir/ctl.log" >&2; return 1; }
    done
  done
  write_login_rules
  start_proxy transaction
  start_proxy session
}
