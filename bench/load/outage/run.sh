#!/usr/bin/env bash
# The registry goes away under load, then Redis, then both: known tenants must notice nothing, new logins included (requirement B2; promised: 0 errors).
#
#   bench/load/outage/run.sh [SECONDS]     default 60 s a phase; six phases
#
# Prints queries, logins and errors of each phase.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/outage.txt
export OUTAGE_SECONDS=${1:-60} OUTAGE_REPORT=$bench_report
bench_test outage "every promise is kept" ProxySuite.EndToEnd.Tests RegistryOutageTests
