#!/usr/bin/env bash
# Many tenants on one shard: how long they take to make and to audit, and what memory that takes, on PostgreSQL 15 and 18.
#
#   bench/load/audit/run.sh [TENANTS]     default 1000, nine of ten in the schema model with 10 tables each
#
# The audit must find nothing on the good shard and exactly the one fault that is then planted; exit code 1 when it does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
. bench/load/lib.sh
bench_report=$PWD/artifacts/bench/audit.txt
export AUDIT_TENANTS=${1:-1000} AUDIT_REPORT=$bench_report
bench_test audit "the audit said what it should" ProxySuite.Control.Tests AuditScaleTests
