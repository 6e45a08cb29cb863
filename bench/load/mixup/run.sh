#!/usr/bin/env bash
# Do answers get mixed up? Six clients on two servers of PostgreSQL 15, through proxyd, ask in every way the protocol has, check each answer against
# its question, and are killed at random (requirement C2; invariants 1 to 3 of ARCHITECTURE.md).
#
#   bench/load/mixup/run.sh [SECONDS] [CLIENTS]     default 60 s, 6 clients; MIXUP_SEED=N repeats the choices of an earlier run
#
# Prints what was asked, how clients died, mix-ups (promised: 0), the pool at rest (promised: nothing active, idle within the budget), and the most
# server connections ever seen in pg_stat_activity (promised: the budget). Exit code 1 when a promise is broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
export MIXUP_SECONDS=${1:-60} MIXUP_CLIENTS=${2:-6} MIXUP_REPORT=$PWD/artifacts/bench/mixup.txt
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$MIXUP_REPORT"
log=$PWD/artifacts/bench/mixup.log
dotnet build tests/ProxySuite.EndToEnd.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "mixup: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.EndToEnd.Tests/release/ProxySuite.EndToEnd.Tests.dll --filter FullyQualifiedName~MixUpTests </dev/null >"$log" 2>&1 || status=1
cat "$MIXUP_REPORT" 2>/dev/null || cat "$log"
if [ "$status" = 0 ]; then echo "every promise is kept"; else echo "a promise is broken; see $log"; fi
exit "$status"
