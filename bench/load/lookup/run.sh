#!/usr/bin/env bash
# What the look-up of a tenant costs: from memory, from Redis, from the registry (requirement B2; promised: nothing is allocated from memory).
#
#   bench/load/lookup/run.sh
#
# Prints nanoseconds and bytes a look-up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
report=$PWD/artifacts/bench/lookup.txt log=$PWD/artifacts/bench/lookup.log
export LOOKUP_REPORT=$report
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$report"
dotnet build tests/ProxySuite.Tenancy.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "lookup: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.Tenancy.Tests/release/ProxySuite.Tenancy.Tests.dll --filter "FullyQualifiedName~LookupCostTests" </dev/null >"$log" 2>&1 || status=1
cat "$report" 2>/dev/null || cat "$log"
if [ "$status" = 1 ]; then echo "failed; see $log"; fi
exit "$status"
