#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds all with clang, its address and undefined behaviour sanitizers and the fuzz targets, without a
# warning; runs tests that take no golden data; and lets every fuzz target run for some seconds, or for as long as it says.
set -eu

usage='tests/clang.sh [--build-dir DIR] [--seconds N] [--target NAME] [--coverage]
  --build-dir DIR   where to build (build-clang; with --coverage build-coverage)
  --seconds N       how long each fuzz target runs (5); twenty minutes are 1200
  --target NAME     this fuzz target only, and no tests
  --coverage        which lines of ours the targets have run, file by file, in DIR/coverage.txt'

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
build=
seconds=5
only=
coverage=
while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=${2:?$usage}; shift 2 ;;
    --seconds) seconds=${2:?$usage}; shift 2 ;;
    --target) only=${2:?$usage}; shift 2 ;;
    --coverage) coverage=yes; shift ;;
    --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done

profile=
if [ -n "$coverage" ]; then
  profile='-fprofile-instr-generate -fcoverage-mapping'
  build=${build:-build-coverage}
  export LLVM_PROFILE_FILE=/dev/null # of what only tries the compiler
fi
build=${build:-build-clang}

echo "== build with clang"
if ! [ -f "$build/build.ninja" ]; then
  # What g_autofree clears up later counts as used with gcc only.
  CC=clang CXX=clang++ meson setup "$build" -Dfuzzing=true -Db_sanitize=address,undefined -Db_lundef=false \
    -Dwerror=true -Dc_args="-O1 -Wno-unused-variable $profile" -Dc_link_args="$profile"
fi
# shellcheck disable=SC2086 # all where no target was named
ninja -C "$build" ${only:+tests/fuzz/fuzz-$only}

# A finding ends the program, also where the sanitizer would go on.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

if [ -z "$only" ]; then
  echo "== tests with clang"
  GST_REGISTRY_FORK=no meson test -C "$build" --no-rebuild --print-errorlogs \
    --suite api --suite unit --suite support --suite gradients --suite element
fi

echo "== fuzzing"
# Inputs that are found go to a copy: the corpus keeps its seeds, and what once did harm.
for target in "$build"/tests/fuzz/fuzz-${only:-*}; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=${target##*/fuzz-}
  found=$build/fuzz-$name
  # Some read what others read.
  case $name in
    archive) words=pickle corpus=archive ;;
    rle) words=coco corpus=rle ;;
    safetensors) words=model corpus=model ;;
    *) words=$name corpus=$name ;;
  esac
  # GLib throws old tables of quarks away on purpose, as tests/element/meson.build says.
  leaks=1
  [ "$name" != element ] || leaks=0
  words=tests/fuzz/$words.dict
  mkdir -p "$found"
  echo "-- $name"
  ASAN_OPTIONS=detect_leaks=$leaks LLVM_PROFILE_FILE=$build/fuzz-$name.profraw "$target" -seed=1 -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
    -verbosity=0 -artifact_prefix="$found-" $([ -f "$words" ] && echo "-dict=$words") \
    "$found" "tests/fuzz/corpus/$corpus"
done

if [ -n "$coverage" ]; then
  echo "== coverage"
  set --
  for target in "$build"/tests/fuzz/fuzz-*; do
    [ -x "$target" ] && [ -f "$target" ] && [ -f "$build/fuzz-${target##*/fuzz-}.profraw" ] || continue
    set -- "$@" -object "$target"
  done
  llvm-profdata merge -sparse -o "$build/coverage.profdata" "$build"/fuzz-*.profraw
  llvm-cov report "$@" -instr-profile="$build/coverage.profdata" -ignore-filename-regex='(^|/)tests/|(^|/)build[^/]*/[^.]' \
    >"$build/coverage.txt"
  tail -n 1 "$build/coverage.txt"
fi
