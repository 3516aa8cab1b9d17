#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs what fbnet needs on Debian, as far as it is missing. The only list of packages.
# With --checks, also what changes are checked with beyond the tests of every machine.
set -eu

# To build: the engine, and its way into Python; the importer; the tools, the overlay and generated codes; training on
# several machines; the element.
build='gcc libc6-dev meson ninja-build pkg-config
libglib2.0-dev libcjson-dev libopenblas-dev
gobject-introspection libgirepository1.0-dev
libzip-dev libyaml-dev libseccomp-dev
libpng-dev libjpeg-dev libcairo2-dev libpango1.0-dev libzint-dev
libopenmpi-dev
libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev'

# To run examples and tests: pipelines that read and write usual videos, a font to draw labels with,
# a way to fetch a model, training runs of several processes, the examples in Python, and what such programs see.
run='gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
fonts-dejavu-core curl ca-certificates openmpi-bin
python3-gi gir1.2-gst-plugins-base-1.0'

# What single examples need beyond that: numpy and pictures, MQTT, RTSP, a web server.
examples='python3-numpy python3-pil mosquitto mosquitto-clients gir1.2-gst-rtsp-server-1.0 gir1.2-soup-3.0'
# For tests/clang.sh the compiler, its sanitizers and its fuzzer; the layout of the code; memory checks; AVX-512 on
# processors that lack it; for tests/release.sh another release of Debian; for the pages as a site their converters; a
# browser.
checks=
case ${1-} in
  '') ;;
  --checks)
    checks="clang libclang-rt-dev clang-format valgrind libsimde-dev debootstrap gi-docgen python3-markdown chromium
      $examples"
    ;;
  *) echo 'examples/setup.sh [--checks]' >&2; exit 2 ;;
esac

# GstAnalytics, from GStreamer 1.24 on: Debian 13, and Debian's next release, which has no number yet.
# The package wants OpenCV's headers, large and of no use here, so that Debian 12 is spared it.
release=$(. /etc/os-release && echo "${VERSION_ID:-13}") || release=0
if [ "${release%%.*}" -ge 13 ]; then
  build="$build libgstreamer-plugins-bad1.0-dev"
  run="$run gir1.2-gst-plugins-bad-1.0"
fi

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
  printf 'Not a Debian system. Needed are the equivalents of:\n%s\n%s\n%s\n' "$build" "$run" "$checks"
  exit 0
fi

missing=
for package in $build $run $checks; do
  is_installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "All packages are there."
  exit 0
fi

echo "Installing:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Neither root nor sudo. As root: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi
apt_get() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}
apt_get update
# shellcheck disable=SC2086 # a list of words
apt_get install --no-install-recommends $missing
