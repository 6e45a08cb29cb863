#!/usr/bin/env bash
# What the look-up of a tenant costs: from memory, from Redis, from the registry (requirement B2; promised: nothing is allocated from memory).
#
#   bench/load/lookup/run.sh
#
# Prints nanoseconds and bytes a look-up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/lookup.txt
export LOOKUP_REPORT=$bench_report
bench_test lookup ProxySuite.Tenancy.Tests LookupCostTests "every promise is kept"
