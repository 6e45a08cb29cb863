#!/usr/bin/env bash
# Each field of a plan, changed by proxyctl while clients are connected: how long after proxyctl is done it is in force for them, and that nobody is dropped
# (requirement A7; promised: 2 s), for plans and for one tenant's own limits.
#
#   bench/load/plan-changes/run.sh [TRIES]     default 5 of each field
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/plan-changes.txt
export PLAN_CHANGES_TRIES=${1:-5} PLAN_CHANGES_REPORT=$bench_report
bench_test plan-changes "every promise is kept" ProxySuite.EndToEnd.Tests PlanChangesTests
