#!/usr/bin/env bash
# What does bad input get? Broken packets, silence and floods against proxyd, with two good clients of another tenant beside them (requirement E).
#
#   bench/load/bad-input/run.sh
#
# Prints a line each: what was sent, what came back, how the connection ended, and the proxy's resident memory before and after in kB. Exit code 1 when
# an answer is not the promised one, a good client met an error, or memory grew out of bounds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
export BAD_INPUT_REPORT=$PWD/artifacts/bench/bad-input.txt
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$BAD_INPUT_REPORT"
log=$PWD/artifacts/bench/bad-input.log
dotnet build tests/ProxySuite.EndToEnd.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "bad-input: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.EndToEnd.Tests/release/ProxySuite.EndToEnd.Tests.dll --filter FullyQualifiedName~BadInputTests </dev/null >"$log" 2>&1 || status=1
cat "$BAD_INPUT_REPORT" 2>/dev/null || cat "$log"
if [ "$status" = 0 ]; then echo "every promise is kept"; else echo "a promise is broken; see $log"; fi
exit "$status"
