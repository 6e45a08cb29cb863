#!/usr/bin/env bash
# Installs what is missing, builds everything once with warnings as errors, and runs all tests.
#
#   ./test.sh             all tests
#   ./test.sh FILTER      those whose full name contains FILTER, or a dotnet test filter (Category=Server, Name~cancel, ...)
#
# The last line says how it went: "N passed, N failed, N skipped". Exit code 0 when all that ran passed; 1 when any failed or none ran.
# CONFIGURATION=Release builds and runs that instead of Debug. TEST_HANG_TIMEOUT (5m) ends a test that takes longer, and names it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
filter=${1:-}
configuration=${CONFIGURATION:-Debug}
hang_timeout=${TEST_HANG_TIMEOUT:-5m}
started=$SECONDS
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# In CI nothing may outlive the run and hold its output open; elsewhere the compiler server makes the next run quicker.
if [ "${CI:-}" = true ]; then export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false; fi

passed=0 failed=0 skipped=0 servers=0
failures=()
finish() {
  local failure
  for failure in "${failures[@]}"; do echo "FAILED: $failure"; done
  if [ $((passed + failed)) = 0 ]; then echo "FAILED: no test ran${filter:+ (filter: $filter)}"; fi
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}
give_up() { # give_up WHAT: the run itself failed, which counts as one failure
  failed=$((failed + 1))
  failures+=("$1")
  finish
}

deploy/setup/install.sh --tests || give_up "installing what the tests need"
dotnet build ProxySuite.sln -c "$configuration" -warnaserror --nologo -v quiet -tl:off -clp:"NoSummary;ErrorsOnly" </dev/null || give_up "the build"
built=$((SECONDS - started))

results=$PWD/artifacts/tests
rm -rf "$results"
mkdir -p "$results"
table=()
attribute() { sed -n "s/.*<Counters .*\b$1=\"\([0-9]*\)\".*/\1/p" "$2"; } # attribute NAME TRX: a number of the run's summary

noise="^ *$|^VSTest version|^Starting test|^A total of|^Results File|'Blame' message: All tests finished|^No test (is available|matches)|^Additionally, path to"
# Traits are not in the results, so the tests that talk to a real server are counted by listing them, while the tests run.
count_servers() { # count_servers ASSEMBLY OUTPUT
  dotnet test "$1" --list-tests --filter "${filter:+($filter)&}(Category=Server)" </dev/null 2>/dev/null | grep -c '^    ' >"$2"
}

for project in tests/*.Tests/*.csproj; do
  name=$(basename "$project" .csproj)
  assembly=artifacts/build/bin/$name/${configuration,,}/$name.dll
  trx=$results/$name.trx
  begun=$SECONDS
  count_servers "$assembly" "$results/$name.servers" &
  counting=$!
  echo "--- $name"
  timeout --kill-after=30 60m dotnet test "$assembly" ${filter:+--filter "$filter"} --results-directory "$results" \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
    --blame "CollectHangDump;HangDumpType=None;TestTimeout=$hang_timeout" </dev/null 2>&1 | tee "$results/$name.log" | grep -Ev "$noise"
  status=${PIPESTATUS[0]}
  wait "$counting"
  project_passed=0 project_failed=0 project_skipped=0
  if [ -f "$trx" ] && [ -n "$(attribute total "$trx")" ]; then
    project_passed=$(attribute passed "$trx")
    project_failed=$(attribute failed "$trx")
    project_skipped=$(($(attribute total "$trx") - project_passed - project_failed))
    while read -r test; do failures+=("$test"); done < <(grep -o '<UnitTestResult [^>]*outcome="Failed"' "$trx" | sed 's/.* testName="\([^"]*\)".*/\1/; s/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g')
  fi
  if [ "$status" != 0 ] && [ "$project_failed" = 0 ]; then
    # The test host crashed, hung or never began: no test says so itself. The sequence file names the one that ran.
    culprit=$(cat "$results"/*/Sequence_*.xml "$results"/Sequence_*.xml 2>/dev/null | grep -o '<Test [^>]*Completed="False"[^>]*' | sed 's/.*Name="\([^"]*\)".*/\1/' | head -n 3 | paste -sd' ')
    project_failed=1
    failures+=("$name ended with exit code $status${culprit:+ while it ran $culprit}; see artifacts/tests/$name.log")
  fi
  rm -rf "$results"/*/Sequence_*.xml
  passed=$((passed + project_passed)) failed=$((failed + project_failed)) skipped=$((skipped + project_skipped))
  servers=$((servers + $(cat "$results/$name.servers")))
  table+=("$(printf '%-28s %6d passed %4d failed %4d skipped %5d s' "$name" "$project_passed" "$project_failed" "$project_skipped" $((SECONDS - begun)))")
done

echo
printf '%s\n' "${table[@]}"
echo "built in $built s, all in $((SECONDS - started)) s; $servers of the tests talk to a real server"
finish
