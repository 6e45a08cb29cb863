# What ./demo.sh --check looks at, as a user would: with psql, through the proxy. Sourced by demo.sh.

failures=0
ok() { echo "  ✓ $1"; }
bad() { # bad WHAT DETAIL
  echo "  ✗ $1"
  printf '%s\n' "${2:-}" | sed 's/^/      /'
  failures=$((failures + 1))
}

# ask TENANT SQL...: the rows, one a line, or psql's error; stops at the first error.
ask() {
  local tenant=$1 arguments=() sql
  shift
  for sql in "$@"; do arguments+=(-c "$sql"); done
  psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$(uri "$tenant")" "${arguments[@]}" 2>&1 </dev/null
}

expect() { # expect WHAT EXPECTED TENANT SQL...
  local what=$1 expected=$2 answer
  shift 2
  answer=$(ask "$@") || true
  if [ "$answer" = "$expected" ]; then ok "$what"; else bad "$what" "expected: $expected
got:      $answer"; fi
}

# An attack succeeds when its answer shows the victim's mark; an error of the server, or the attacker's own rows, is what it should get.
attack() { # attack WHAT ATTACKER VICTIM SQL...
  local what=$1 attacker=$2 victim=$3 answer
  shift 3
  answer=$(ask "$attacker" "$@") || true
  case "$answer" in
    *"secret of $victim"*) bad "$attacker cannot reach $victim: $what" "$answer" ;;
    *FATAL:* | *'connection to server'* | *'server closed the connection'*) bad "$attacker cannot reach $victim: $what" "the attack did not run: $answer" ;;
    *) ok "$attacker cannot reach $victim: $what" ;;
  esac
}

# --- The stops ---------------------------------------------------------------------------------------------------

tenants_use_their_own() {
  local tenant
  for tenant in acme globex initech umbrella hooli; do
    expect "$tenant writes" "INSERT-1" "$tenant" "WITH w AS (INSERT INTO notes (body) VALUES ('secret of $tenant') RETURNING 1) SELECT 'INSERT-' || count(*) FROM w"
  done
  for tenant in acme globex initech umbrella hooli; do
    expect "$tenant reads its own row and no other" "secret of $tenant" "$tenant" "SELECT body FROM notes"
    expect "$tenant carries its tenant id" "${tenant_id[$tenant]}" "$tenant" "SELECT current_setting('app.current_tenant_id')"
  done
  expect "a transaction holds together and rolls back" "2
1" acme "BEGIN; INSERT INTO notes (body) VALUES ('draft'); SELECT count(*) FROM notes; ROLLBACK" "SELECT count(*) FROM notes"
}

attacks() {
  local pair attacker victim id schema role
  # On one shard, in each model, with a neighbour of each kind.
  for pair in acme:umbrella globex:hooli globex:initech initech:globex; do
    attacker=${pair%:*} victim=${pair#*:}
    id=${tenant_id[$victim]}
    schema=tenant_${id//-/}
    role=t_${id//-/}
    attack "SET app.current_tenant_id" "$attacker" "$victim" "SET app.current_tenant_id = '$id'" "SELECT body FROM notes"
    attack "set_config of the tenant id" "$attacker" "$victim" "BEGIN; SELECT set_config('app.current_tenant_id', '$id', false); SELECT body FROM notes; COMMIT"
    attack "RESET ALL" "$attacker" "$victim" "RESET ALL" "SELECT body FROM notes"
    attack "DISCARD ALL" "$attacker" "$victim" "DISCARD ALL" "SELECT body FROM notes"
    attack "the qualified name" "$attacker" "$victim" "SELECT body FROM $schema.notes"
    attack "the qualified name of the shared table" "$attacker" "$victim" "SELECT body FROM public.notes"
    attack "search_path" "$attacker" "$victim" "SET search_path = $schema, public" "SELECT body FROM notes"
    attack "SET ROLE" "$attacker" "$victim" "SET ROLE $role" "SELECT body FROM notes"
    attack "SET SESSION AUTHORIZATION" "$attacker" "$victim" "SET SESSION AUTHORIZATION $role" "SELECT body FROM notes"
    attack "row_security = off" "$attacker" "$victim" "SET row_security = off" "SELECT body FROM notes"
    attack "another database" "$attacker" "$victim" "SELECT body FROM $schema.public.notes"
    ask "$attacker" "UPDATE notes SET body = 'overwritten' WHERE body = 'secret of $victim'" "DELETE FROM notes WHERE body = 'secret of $victim'" >/dev/null || true
    ask "$attacker" "INSERT INTO notes (tenant_id, body) VALUES ('$id', 'planted')" >/dev/null || true
    expect "$victim has its row unchanged and nothing planted" "secret of $victim" "$victim" "SELECT body FROM notes"
  done
}

# Whoever guesses learns nothing: an unknown tenant, an unknown user and a wrong password look the same.
guesses_look_alike() {
  local wrong user tenant
  guess() { # guess USER PASSWORD TENANT: what psql says, without the names given
    local answer
    answer=$(psql -X -d "postgres://$1:$2@127.0.0.1:$port/$3" -c 'SELECT 1' 2>&1 </dev/null) || true
    sed "s/\"$1\"/USER/g; s/\"$3\"/TENANT/g" <<<"$answer"
  }
  wrong=$(guess app wrong-password acme)
  user=$(guess nobody "${tenant_password[acme]}" acme)
  tenant=$(guess app "${tenant_password[acme]}" no-such-tenant)
  case "$wrong" in
    *'password authentication failed'*) ok "a wrong password is refused" ;;
    *) bad "a wrong password is refused" "$wrong" ;;
  esac
  if [ "$wrong" = "$user" ] && [ "$wrong" = "$tenant" ]; then ok "an unknown user and an unknown tenant get the same answer"
  else bad "an unknown user and an unknown tenant get the same answer" "wrong password: $wrong
unknown user:   $user
unknown tenant: $tenant"; fi
  case "$(guess app "${tenant_password[globex]}" acme)" in
    *'password authentication failed'*) ok "one tenant's password does not open another's door" ;;
    *) bad "one tenant's password does not open another's door" "$(guess app "${tenant_password[globex]}" acme)" ;;
  esac
}

# Plan free has 2 server connections: 8 clients take turns on them, and none fails.
clients_share_connections() {
  local report
  echo "SELECT count(*) FROM notes;" >"$dir/notes.pgbench"
  if report=$(pgbench -n -c 8 -j 2 -t 25 -f "$dir/notes.pgbench" "$(uri globex)" 2>&1 </dev/null) && grep -q 'actually processed: 200/200' <<<"$report"; then
    ok "8 clients share the 2 server connections of plan free: 200 of 200 transactions"
  else bad "8 clients share the 2 server connections of plan free" "$report"; fi
}

pages_answer() {
  local page tenant
  for page in healthz readyz; do
    if is_ok "/$page"; then ok "/$page says 200"; else bad "/$page says 200" "$(http_get "/$page")"; fi
  done
  page=$(http_get /metrics)
  for tenant in acme globex initech; do
    if grep -q "^proxysuite_tenant_queries_total{.*tenant=\"$tenant\".*} [1-9]" <<<"$page"; then ok "/metrics counts the queries of $tenant"
    else bad "/metrics counts the queries of $tenant" "$(grep -m 5 proxysuite_tenant_queries <<<"$page" || echo "no proxysuite_tenant_queries_total")"; fi
  done
}

tour() {
  # Neighbours of the same model on the same shard, so that there is somebody's data to reach for.
  create_tenant umbrella growth schema s1 notes.sql
  create_tenant hooli free pool s2 notes-shared.sql
  echo
  echo "Each tenant in its own place:"
  tenants_use_their_own
  echo "Nobody in another's:"
  attacks
  echo "At the door:"
  guesses_look_alike
  echo "Pools:"
  clients_share_connections
  echo "Pages:"
  pages_answer
  echo
  if [ "$failures" = 0 ]; then echo "All as it should be."; else echo "$failures of these are wrong; log of the proxy:"; tail -n 30 "$dir/proxyd/log"; fi
  [ "$failures" = 0 ]
}
