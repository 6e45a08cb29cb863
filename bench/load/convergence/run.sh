#!/usr/bin/env bash
# Two proxies on one registry, without Redis and with it: how long after proxyctl is done a change is effective on both (requirement B2; promised: 1 s).
#
#   bench/load/convergence/run.sh [TRIES]     default 100 of each change
#
# Prints p50, p95 and the longest for a suspension, a resumption, another plan, another password and a new tenant.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
report=$PWD/artifacts/bench/convergence.txt log=$PWD/artifacts/bench/convergence.log
export CONVERGENCE_TRIES=${1:-100} CONVERGENCE_REPORT=$report
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$report"
dotnet build tests/ProxySuite.EndToEnd.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "convergence: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.EndToEnd.Tests/release/ProxySuite.EndToEnd.Tests.dll --filter "FullyQualifiedName~ConvergenceTests" </dev/null >"$log" 2>&1 || status=1
cat "$report" 2>/dev/null || cat "$log"
if [ "$status" = 1 ]; then echo "failed; see $log"; fi
exit "$status"
