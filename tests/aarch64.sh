#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the engine and its tests for aarch64 and runs them by qemu-user: the kernels of all its rows, then
# what the network gives with each row.
set -eu

usage='tests/aarch64.sh [--build-dir DIR] [-- MESON-TEST-ARGUMENTS…]
  --build-dir DIR   where to build (build-aarch64)
  --                the rest goes to meson test, for every row; default: kernels, unit, tiny, int8
Adds the architecture arm64 to the system, and packages: best run in a folder of its own, by
tests/release.sh --aarch64. Needs root.'

build=build-aarch64
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
libraries=
for name in libglib2.0-dev libcjson-dev libopenblas-dev libzip-dev libyaml-dev libpng-dev libjpeg-dev; do
  libraries="$libraries $name:arm64"
done
dpkg --add-architecture arm64
apt-get -q update
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
  meson ninja-build pkg-config gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user $libraries

echo "== build"
[ -f "$build/build.ninja" ] || meson setup "$build" --cross-file tests/aarch64.ini \
  -Dgstreamer=disabled -Doverlay=disabled -Dmpi=disabled -Dsimd=enabled
ninja -C "$build"

echo "== tests"
export QEMU_CPU=max
if [ $# -eq 0 ]; then
  meson test -C "$build" --no-rebuild --print-errorlogs --suite kernels --suite unit
  set -- tiny int8
fi
for row in neon neondot neoni8mm; do
  echo "== $row"
  FBNET_KERNELS=$row meson test -C "$build" --no-rebuild --print-errorlogs "$@"
done
