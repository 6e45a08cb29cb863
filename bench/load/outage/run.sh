#!/usr/bin/env bash
# The registry goes away under load, then Redis, then both: known tenants must notice nothing, new logins included (requirement B2; promised: 0 errors).
#
#   bench/load/outage/run.sh [SECONDS]     default 60 s a phase; six phases
#
# Prints queries, logins and errors of each phase.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
report=$PWD/artifacts/bench/outage.txt log=$PWD/artifacts/bench/outage.log
export OUTAGE_SECONDS=${1:-60} OUTAGE_REPORT=$report
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$report"
dotnet build tests/ProxySuite.EndToEnd.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "outage: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.EndToEnd.Tests/release/ProxySuite.EndToEnd.Tests.dll --filter "FullyQualifiedName~RegistryOutageTests" </dev/null >"$log" 2>&1 || status=1
cat "$report" 2>/dev/null || cat "$log"
if [ "$status" = 1 ]; then echo "failed; see $log"; fi
exit "$status"
