# Where the servers that demo.sh, test.sh and the benchmarks start have their binaries. Meant to be sourced.
#
# PostgreSQL 15 is Debian's; 16, 17 and 18 come from npm into a cache outside the clone, so that a fresh clone finds them.
# tests/ProxySuite.Testing/Servers/Binaries.cs looks in the same places: change both.

# The cache: root's must be readable for user postgres, who cannot look into /root.
proxysuite_cache() {
  if [ -n "${PROXYSUITE_CACHE:-}" ]; then echo "$PROXYSUITE_CACHE"
  elif [ "$(id -u)" = 0 ]; then echo /var/cache/proxysuite
  else echo "${XDG_CACHE_HOME:-$HOME/.cache}/proxysuite"; fi
}

# postgres_bin 18: the directory that holds initdb and postgres of that version; fails when it is not installed.
postgres_bin() {
  local dir
  for dir in "$(proxysuite_cache)/postgres/$1/bin" "/var/cache/proxysuite/postgres/$1/bin" "/usr/lib/postgresql/$1/bin"; do
    if [ -x "$dir/postgres" ]; then echo "$dir"; return; fi
  done
  return 1
}

# "${as_postgres[@]}" COMMAND...: PostgreSQL refuses to run as root; root runs it as user postgres, anyone else as themselves.
# The command gets SIGQUIT (PostgreSQL: stop at once) when the shell that started it dies, however it dies. An array and not a
# function, so that in the background the command itself, and not a subshell around it, is the shell's child.
as_postgres=(env -C / setpriv --pdeathsig QUIT --)
if [ "$(id -u)" = 0 ]; then as_postgres=(env -C / setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig QUIT --); fi
