#!/usr/bin/env bash
# Every verb of the control plane, killed at every point where a program can die between two statements, then run again, or left to the worker (requirement B3).
#
#   bench/load/kill-steps/run.sh
#
# Prints the table verb, point, who finishes, result: 368 cases in minutes. Exit code 1 when one does not converge.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
report=$PWD/artifacts/bench/kill-steps.txt log=$PWD/artifacts/bench/kill-steps.log
export KILL_REPORT=$report
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$report"
dotnet build tests/ProxySuite.Control.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "kill-steps: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.Control.Tests/release/ProxySuite.Control.Tests.dll --filter "FullyQualifiedName~KillTests" </dev/null >"$log" 2>&1 || status=1
cat "$report" 2>/dev/null || cat "$log"
if [ "$status" = 1 ]; then echo "failed; see $log"; fi
exit "$status"
