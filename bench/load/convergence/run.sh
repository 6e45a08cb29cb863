#!/usr/bin/env bash
# Two proxies on one registry, without Redis and with it: how long after proxyctl is done a change is effective on both (requirement B2; promised: 1 s).
#
#   bench/load/convergence/run.sh [TRIES]     default 100 of each change
#
# Prints p50, p95 and the longest for a suspension, a resumption, another plan, another password and a new tenant.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/convergence.txt
export CONVERGENCE_TRIES=${1:-100} CONVERGENCE_REPORT=$bench_report
bench_test convergence "every promise is kept" ProxySuite.EndToEnd.Tests ConvergenceTests
