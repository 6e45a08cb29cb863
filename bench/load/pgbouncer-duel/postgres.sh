# The workloads on PostgreSQL. Sourced by run.sh.
bench_postgres 15 "fsync = off"
bench_proxyd "$pool" --Reactors:Count="$reactors" --Tls:Mode=allow --Tls:CertificateFile="$bench_dir/tls.crt" --Tls:KeyFile="$bench_dir/tls.key"
pgbench -i -q -s 10 "host=127.0.0.1 port=$proxyd_port dbname=bench user=own" >/dev/null 2>&1
# The same rows for both: PgBouncer's role owns nothing of its own and reads the tenant's schema as the tenant's users do.
schema=$(pg_database=app pg_psql "select nspname from pg_namespace where nspname like 'tenant\_%'")
pg_database=app pg_psql "create table $schema.big as select repeat('x', 96) as text from generate_series(1, 5000)" "create role bench login password 'bench-password'" \
  "grant connect on database app to bench" "grant usage on schema $schema to bench" "grant select, insert, update, delete on all tables in schema $schema to bench" \
  "grant select on $schema.big to public" "alter role bench set search_path = $schema" "vacuum analyze"
duel_pgbouncer pgbouncer "bench = host=$pg_dir port=$pg_port dbname=app" "$pool" "auth_type = scram-sha-256"
duel_pgbouncer tuned "bench = host=$pg_dir port=$pg_port dbname=app" "$pool" "auth_type = scram-sha-256" "pkt_buf = 65536"
floor=''
if duel_haproxy; then floor=haproxy; fi

echo 'SELECT 1;' >"$bench_dir/one.sql"
echo 'SELECT text FROM big;' >"$bench_dir/big.sql"
{
  echo '\startpipeline'
  for ((i = 0; i < 20; i++)); do printf '\\set aid random(1, 1000000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n'; done
  echo '\endpipeline'
} >"$bench_dir/pipeline.sql"

pg() { duel "$1" run_pgbench proxyd "$2" pgbouncer "$3" "${4-}"; }
promise() { verdict "  $1: processor time" "$m_cpu" "<=" "$2"; verdict "  $1: throughput" "$m_tps" ">=" "${3:-1.0}"; verdict "  $1: p99" "$m_p99" "<=" 1.05; }
if wanted simple; then pg "select simple" "-S -M simple" "-S -M simple" "$floor"; promise simple 1.0; fi
if wanted extended; then pg "select extended" "-S -M extended" "-S -M extended" "$floor"; promise extended 0.95; fi
if wanted prepared; then pg "select prepared" "-S -M prepared" "-S -M extended"; promise prepared 0.95; fi
if wanted select1; then pg "SELECT 1" "-f $bench_dir/one.sql" "-f $bench_dir/one.sql" "$floor"; promise "SELECT 1" 1.0; fi
if wanted pipeline; then
  sampling=1 pg "pipeline of 20" "-M extended -f $bench_dir/pipeline.sql" "-M extended -f $bench_dir/pipeline.sql" "$floor"
  verdict "  pipeline of 20: processor time" "$m_cpu" "<=" 0.8
fi
if wanted big; then
  clients=8 sampling=1 pg "500 kB results" "-f $bench_dir/big.sql" "-f $bench_dir/big.sql" "$floor"
  verdict "  500 kB: processor time" "$m_cpu" "<=" 0.55
fi
if wanted big-tuned; then
  clients=8 sampling=1 duel "500 kB, pkt_buf=65536" run_pgbench proxyd "-f $bench_dir/big.sql" tuned "-f $bench_dir/big.sql"
  verdict "  500 kB, tuned: processor time" "$m_cpu" "<=" 0.9
fi
if wanted tpcb; then
  for mode in simple extended; do pg "tpc-b $mode" "-M $mode" "-M $mode"; done
  pg "tpc-b prepared" "-M prepared" "-M extended"
fi
if wanted storm; then
  duel_one_round
  # A login is thousands of lines of code that the just-in-time compiler comes to one after the other: for some seconds its work would be counted as the proxy's.
  for _ in 1 2; do clients=8 run_pgbench proxyd -C -S; done
  clients=8 sampling=1 pg "connection storm" "-C -S" "-C -S"
  verdict "  storm: processor time" "$m_cpu" "<=" 1.0
  echo "  memory after the storm: proxyd $(rss_kb "$proxyd_pid") kB, PgBouncer $(rss_kb "$pgbouncer_pid") kB"
fi
if wanted tls; then
  for mode in simple extended; do sslmode=require pg "TLS, select $mode" "-S -M $mode" "-S -M $mode"; done
fi
if wanted syscalls; then
  if command -v strace >/dev/null; then
    warm_up run_pgbench proxyd -S -M simple
    for mode in simple extended; do
      ours=$(syscalls proxyd -S -M "$mode")
      echo "system calls a query, $mode: proxyd $ours, PgBouncer $(syscalls pgbouncer -S -M "$mode")"
      verdict "  system calls a query, $mode" "$ours" "<=" 4.3
    done
  else
    echo "system calls: not counted, strace is not installed"
  fi
fi
