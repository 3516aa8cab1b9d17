#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds what the build's options can leave out, without a warning, and runs the tests that are left.
set -eu

usage='tests/options.sh [--build-dir DIR]
  --build-dir DIR   a folder for each choice of options is made there (build-options)'

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
build=build-options
while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=${2:?$usage}; shift 2 ;;
    --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done

# try NAME SUITES OPTIONS…
try() {
  name=$1
  suites=$2
  shift 2
  echo "== $name: $*"
  [ -f "$build/$name/build.ninja" ] || meson setup "$build/$name" -Dwerror=true "$@"
  ninja -C "$build/$name"
  # shellcheck disable=SC2086 # a list of words
  meson test -C "$build/$name" --no-rebuild --print-errorlogs --no-suite memcheck $suites
}

# Without what only some processors have, for the time it takes to build. The library alone, static, is also used as
# it is installed.
try engine '--suite api --suite unit --suite examples' -Dsimd=disabled -Dgstreamer=disabled -Doverlay=disabled \
  -Dtools=disabled -Dimporter=disabled -Dmpi=disabled -Dintrospection=disabled -Ddefault_library=static
try plain '--suite api --suite element' -Dsimd=disabled -Doverlay=disabled -Danalytics=disabled -Ddoc=auto
