#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs what is missing, builds, runs all tests, and closes with their count.
set -eu

usage='tests/run.sh [--build-dir DIR] [--werror] [-- MESON-TEST-ARGUMENTS…]
  --build-dir DIR   where to build (build)
  --werror          a warning fails the build
  --                the rest goes to meson test, such as --suite registry'

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
build=build
werror=false
while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=${2:?$usage}; shift 2 ;;
    --werror) werror=true; shift ;;
    --) shift; break ;;
    --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done

echo "== packages"
examples/setup.sh
echo "== build"
if [ -f "$build/build.ninja" ]; then
  meson configure "$build" -Dwerror=$werror -Dtests=true
else
  meson setup "$build" -Dwerror=$werror
fi
ninja -C "$build"

echo "== tests"
log=$build/meson-logs/testlog.json
rm -f "$log"
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?

if ! [ -f "$log" ]; then
  echo "No test was run." >&2
  exit 1
fi

# Counts cases. The log has one JSON object a line and program, with what the program printed: TAP, a
# line a case, newlines as \n. A program that fails without a failed case (a crash, a timeout, a leak)
# counts as one; one that prints no cases is one.
counts=$(awk '
  {
    n = split($0, line, /\\n|"stdout": "/)
    cases = bad = 0
    for (i = 1; i <= n; i++) {
      if (line[i] ~ /^not ok /) { bad++; cases++ }
      else if (line[i] ~ /^ok .*# SKIP/) { skipped++; cases++ }
      else if (line[i] ~ /^ok /) { passed++; cases++ }
    }
    match($0, /"result": "[A-Z]*"/)
    result = substr($0, RSTART + 11, RLENGTH - 12)
    good = result == "OK" || result == "SKIP" || result == "EXPECTEDFAIL"
    if (!good && bad == 0) bad = 1
    else if (cases == 0 && result == "SKIP") skipped++
    else if (cases == 0) passed++
    failed += bad
  }
  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }
' "$log")
echo
echo "$counts"
case $counts in
  "0 passed"*) exit 1 ;;
  *", 0 failed,"*) exit "$status" ;;
esac
exit 1
