#!/usr/bin/env bash
# Many tenants on one shard: how long they take to make and to audit, and what memory that takes, on PostgreSQL 15 and 18.
#
#   bench/load/audit/run.sh [TENANTS]     default 1000, nine of ten in the schema model with 10 tables each
#
# The audit must find nothing on the good shard and exactly the one fault that is then planted; exit code 1 when it does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
export AUDIT_TENANTS=${1:-1000} AUDIT_REPORT=$PWD/artifacts/bench/audit.txt
deploy/setup/install.sh
mkdir -p artifacts/bench
rm -f "$AUDIT_REPORT"
log=$PWD/artifacts/bench/audit.log
dotnet build tests/ProxySuite.Control.Tests -c Release -warnaserror --nologo -v quiet -tl:off </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
echo "audit: $(uname -sr), $(nproc) cores, $(date -u +%F), load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
dotnet test artifacts/build/bin/ProxySuite.Control.Tests/release/ProxySuite.Control.Tests.dll --filter FullyQualifiedName~AuditScaleTests </dev/null >"$log" 2>&1 || status=1
cat "$AUDIT_REPORT" 2>/dev/null || cat "$log"
if [ "$status" = 0 ]; then echo "the audit said what it should"; else echo "the audit is wrong; see $log"; fi
exit "$status"
