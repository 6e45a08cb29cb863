#!/usr/bin/env bash
# What does bad input get? Broken packets, silence and floods against proxyd, with two good clients of another tenant beside them (requirement E).
#
#   bench/load/bad-input/run.sh
#
# Prints a line each: what was sent, what came back, how the connection ended, and the proxy's resident memory before and after in kB. Exit code 1 when
# an answer is not the promised one, a good client met an error, or memory grew out of bounds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/bad-input.txt
export BAD_INPUT_REPORT=$bench_report
bench_test bad-input "every promise is kept" ProxySuite.EndToEnd.Tests BadInputTests
