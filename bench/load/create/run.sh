#!/usr/bin/env bash
# How long making a tenant takes, on a shard with many, in each isolation model; and many made in parallel (requirement B3).
#
#   bench/load/create/run.sh [TENANTS] [SAMPLES]     default 1000 tenants first, then 50 of each model one by one
#
# Prints the time of all in parallel with failures (promised: 0), p50 and p99 of one more, and the exit code of the isolation audit afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
report=$PWD/artifacts/bench/create.txt log=$PWD/artifacts/bench/create.log
export CREATE_TENANTS=${1:-1000} CREATE_SAMPLES=${2:-50} CREATE_REPORT=$report
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$report"
dotnet build tests/ProxySuite.Control.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "create: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.Control.Tests/release/ProxySuite.Control.Tests.dll --filter "FullyQualifiedName~CreateSpeedTests" </dev/null >"$log" 2>&1 || status=1
cat "$report" 2>/dev/null || cat "$log"
if [ "$status" = 1 ]; then echo "failed; see $log"; fi
exit "$status"
