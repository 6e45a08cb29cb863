#!/usr/bin/env bash
# Every verb of the control plane, killed at every point where a program can die between two statements, then run again, or left to the worker (requirement B3).
#
#   bench/load/kill-steps/run.sh
#
# Prints the table verb, point, who finishes, result: some 600 cases in minutes. Exit code 1 when one does not converge.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/kill-steps.txt
export KILL_REPORT=$bench_report
bench_test kill-steps "every promise is kept" ProxySuite.Control.Tests KillTests
