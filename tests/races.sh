#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds with gcc's ThreadSanitizer what has threads of ours, and runs it: the pool and its turns, the trainer. GStreamer,
# GLib and Pango are built without it, so that their own threads look like races: the element's tests and the storm are
# run by hand, and their reports looked through for ours (docs/security.md).
set -eu

usage='tests/races.sh [--build-dir DIR]
  --build-dir DIR   where to build (build-races)'

build=build-races
while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=${2:?$usage}; shift 2 ;;
    --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.."

if ! [ -f "$build/build.ninja" ]; then
  meson setup "$build" -Db_sanitize=thread -Db_lundef=false -Doptimization=1 -Ddebug=true
fi
ninja -C "$build" tests/libglib-on-posix.so
meson test -C "$build" --setup races --print-errorlogs turns workers claims tracker plan network \
  gradients-ops gradients-norms gradients-solvers gradients-group gradients-teacher gradients-forward gradients-step
