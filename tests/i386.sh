#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the engine and its tests where it runs, which is meant to be a Debian for i386: sizes of 32 bits, the
# rows c and openblas.
set -eu

usage='tests/i386.sh [--build-dir DIR] [-- MESON-TEST-ARGUMENTS…]
  --build-dir DIR   where to build (build-i386)
  --                the rest goes to meson test; default: kernels, unit, tiny
Adds packages: best run in a folder of its own, by tests/release.sh --i386. Needs root.'

build=build-i386
while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=${2:?$usage}; shift 2 ;;
    --) shift; break ;;
    --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.."

echo "== packages"
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends meson ninja-build pkg-config gcc \
  libc6-dev libglib2.0-dev libcjson-dev libopenblas-dev libzip-dev libyaml-dev libpng-dev libjpeg-dev

echo "== build"
[ -f "$build/build.ninja" ] || meson setup "$build" -Dwerror=true -Dgstreamer=disabled -Doverlay=disabled \
  -Dmpi=disabled
ninja -C "$build"

echo "== tests"
if [ $# -eq 0 ]; then
  meson test -C "$build" --no-rebuild --print-errorlogs --suite kernels --suite unit
  set -- tiny
fi
meson test -C "$build" --no-rebuild --print-errorlogs "$@"
