#!/usr/bin/env bash
# How long making a tenant takes, on a shard with many, in each isolation model; and many made in parallel (requirement B3).
#
#   bench/load/create/run.sh [TENANTS] [SAMPLES]     default 1000 tenants first, then 50 of each model one by one
#
# Prints the time of all in parallel with failures (promised: 0), p50 and p99 of one more, and the exit code of the isolation audit afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/create.txt
export CREATE_TENANTS=${1:-1000} CREATE_SAMPLES=${2:-50} CREATE_REPORT=$bench_report
bench_test create "every promise is kept" ProxySuite.Control.Tests CreateSpeedTests
