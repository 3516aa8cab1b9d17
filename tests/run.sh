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

# One JSON object a line and test; quotes inside its output are escaped, so this is its own field.
count() {
  grep -cE "\"result\": \"($1)\"" "$log" || true
}
if ! [ -f "$log" ]; then
  echo "No test was run." >&2
  exit 1
fi
total=$(wc -l <"$log")
passed=$(count 'OK|EXPECTEDFAIL')
skipped=$(count SKIP)
failed=$((total - passed - skipped))
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ] && exit "$status"
exit 1
