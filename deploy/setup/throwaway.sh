# Throw-away PostgreSQL clusters for demo.sh and the benchmarks: loopback only, SCRAM over TCP, nothing kept. Meant to be sourced.
# Needs paths.sh.

# free_port: a port on loopback that nobody listens on, below the range the kernel gives to outgoing connections.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 12000))
    if ! port_in_use "$port"; then echo "$port"; return; fi
  done
  return 1
}

port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# make_cluster DIR VERSION PASSWORD [SETTING=VALUE...]: initialises a cluster in DIR/data; the superuser is postgres.
make_cluster() {
  local dir=$1 bin password=$3
  bin=$(postgres_bin "$2")
  mkdir "$dir"
  (umask 077 && echo "$password" >"$dir/password")
  if [ "$(id -u)" = 0 ]; then chown -R postgres "$dir"; fi
  "${as_postgres[@]}" "$bin/initdb" -D "$dir/data" --no-sync --no-instructions --locale=C --encoding=UTF8 --username=postgres \
    --pwfile="$dir/password" --auth-local=trust --auth-host=scram-sha-256 >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; return 1; }
  shift 3
  {
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = '$dir'"
    echo "shared_buffers = 32MB"
    echo "fsync = off"
    echo "synchronous_commit = off"
    echo "full_page_writes = off"
    echo "wal_level = logical"
    echo "max_connections = 100"
    printf '%s\n' "$@"
  } >>"$dir/data/postgresql.conf"
}

# start_cluster DIR VERSION: starts it on a free port, waits until it answers; its pid and port are then in DIR/pid and DIR/port.
# It ends with the calling shell. Another process may take the port between look and use; then the next is tried.
start_cluster() {
  local dir=$1 bin pid port
  bin=$(postgres_bin "$2")
  for _ in 1 2 3; do
    port=$(free_port)
    # In a session of its own: Ctrl-C in the terminal reaches the script alone, which then stops things in order.
    "${as_postgres[@]}" setsid "$bin/postgres" -D "$dir/data" -p "$port" >"$dir/log" 2>&1 9>&- </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
      if [ "$(sed -n 8p "$dir/data/postmaster.pid" 2>/dev/null | tr -d ' ')" = ready ]; then
        echo "$port" >"$dir/port"
        echo "$pid" >"$dir/pid"
        return
      fi
      sleep 0.05
    done
    grep -q 'Address already in use' "$dir/log" || break
  done
  echo "PostgreSQL $2 did not start:" >&2
  cat "$dir/log" >&2
  return 1
}
