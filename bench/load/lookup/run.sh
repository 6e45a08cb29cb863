#!/usr/bin/env bash
# What the look-up of a tenant costs: from memory, from Redis, from the registry; and how many look-ups a crowd makes that asks for one unknown tenant at once
# (requirement B2; promised: from memory nothing is allocated, and a crowd makes one look-up).
#
#   bench/load/lookup/run.sh
#
# Prints nanoseconds and bytes a look-up, and look-ups of 1,000 callers and of 400 logins over the wire, with the registry at ease and held up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/lookup.txt
export LOOKUP_REPORT=$bench_report
bench_test lookup "every promise is kept" ProxySuite.Tenancy.Tests LookupCostTests ProxySuite.Proxy.Tests UnknownTenantTests
