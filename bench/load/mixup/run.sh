#!/usr/bin/env bash
# Do answers get mixed up? Six clients on two servers of PostgreSQL 15, through proxyd, ask in every way the protocol has, check each answer against
# its question, and are killed at random (requirement C2; invariants 1 to 3 of ARCHITECTURE.md).
#
#   bench/load/mixup/run.sh [SECONDS] [CLIENTS]     default 60 s, 6 clients; MIXUP_SEED=N repeats the choices of an earlier run
#
# Prints what was asked, how clients died, mix-ups (promised: 0), the pool at rest (promised: nothing active, idle within the budget), and the most
# server connections ever seen in pg_stat_activity (promised: the budget). Exit code 1 when a promise is broken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/mixup.txt
export MIXUP_SECONDS=${1:-60} MIXUP_CLIENTS=${2:-6} MIXUP_REPORT=$bench_report
bench_test mixup "every promise is kept" ProxySuite.EndToEnd.Tests MixUpTests
