#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds all inside a folder with another release of Debian, and runs tests there: what its GStreamer makes of
# the element. Or the packages: built there, installed where nothing else is.
set -eu

usage='tests/release.sh [--aarch64 | --i386 | --packages] RELEASE FOLDER [-- MESON-TEST-ARGUMENTS…]
  --aarch64 tests/aarch64.sh instead of tests/run.sh, which says what goes to meson test
  --i386    in a Debian for i386, which any x86-64 runs: tests/i386.sh, which says what goes to meson test
  --packages examples/package.sh instead, of what is committed, without tests; lintian must find no error and no
            warning, and autopkgtest runs debian/tests in a copy of FOLDER.clean, which has the release and nothing else.
            Packages stay in FOLDER/src/packages
  RELEASE   trixie, sid, …
  FOLDER    where debootstrap puts the release, unless it is there already
  --        the rest goes to meson test; default: --suite api --suite element --suite pipeline
Needs root and debootstrap. The build directory is build-RELEASE in the source. The status is 77 where the release or
its packages cannot be had; the last line says why.'

what=tests
case ${1-} in
  --aarch64 | --i386 | --packages) what=${1#--}; shift ;;
esac
case ${1-} in
  --help) echo "$usage"; exit 0 ;;
  '' | -*) echo "$usage" >&2; exit 2 ;;
esac
release=$1
folder=${2:?$usage}
shift 2
[ "${1-}" != -- ] || shift
[ $# -gt 0 ] || [ $what != tests ] || set -- --suite api --suite element --suite pipeline
top=$(cd "$(dirname "$0")/.." && pwd)
data=${FBNET_GOLDEN_DATA:-$top/../shared}

cannot() {
  echo "$release: skipped: $1"
  exit 77
}

# The release by itself, unless it is there. One that was begun and not ended has another name.
fetch() {
  [ -e "$1/etc/os-release" ] && return
  command -v debootstrap >/dev/null || cannot 'no debootstrap'
  rm -rf "$1.new"
  mkdir -p "$1.new"
  timeout 900 debootstrap --variant=minbase $([ $what != i386 ] || echo --arch=i386) "$release" "$1.new" || cannot 'debootstrap does not get it'
  mv "$1.new" "$1"
}

# Runs the command in the folder's /src/fbnet, which is the source. The mounts vanish with the namespace.
inside() {
  unshare --mount sh -eu -c '
    folder=$1 top=$2 data=$3
    shift 3
    mount --make-rprivate /
    mount --bind "$top" "$folder/src/fbnet"
    [ ! -d "$data" ] || mount --bind "$data" "$folder/src/shared"
    for root in "$folder" "$folder/src/clean"; do
      mount -t proc proc "$root/proc"
      mount --rbind /dev "$root/dev"
    done
    exec chroot "$folder" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
      ${https_proxy:+https_proxy="$https_proxy"} "$@"
  ' sh "$folder" "$top" "$data" "$@" </dev/null
}

install_inside() {
  inside sh -c 'apt-get -q update && exec timeout 900 apt-get -q -y --no-install-recommends install "$@"' sh "$@" ||
    cannot 'its packages cannot be had'
}

# In a clone, as users have one.
build_packages() {
  rm -rf "$folder/src/clone" "$folder/src/packages"
  git clone --quiet --depth 1 "file://$top" "$folder/src/clone"
  install_inside git lintian autopkgtest
  inside env DEB_BUILD_OPTIONS=nocheck /src/clone/examples/package.sh --output /src/packages
}

try_packages() {
  inside sh -c 'lintian --fail-on error,warning /src/packages/*.changes'
  fetch "$folder.clean"
  rm -rf "$folder/src/clean"
  cp -a "$folder.clean" "$folder/src/clean"
  cp /etc/resolv.conf "$folder/src/clean/etc/resolv.conf"
  status=0
  inside sh -c 'exec autopkgtest $(ls /src/packages/*.deb | grep -v dbgsym) /src/packages/*.dsc -- chroot /src/clean' ||
    status=$?
  rm -rf "$folder/src/clean"
  [ "$status" != 16 ] || cannot 'what its tests need cannot be had' # autopkgtest: the testbed failed
  return "$status"
}

[ "$(id -u)" = 0 ] || cannot 'not root'
fetch "$folder"
cp /etc/resolv.conf "$folder/etc/resolv.conf"
mkdir -p "$folder/src/fbnet" "$folder/src/shared" "$folder/src/clean/proc" "$folder/src/clean/dev"
inside true || cannot 'no mounts of its own'
case $what in
  aarch64) inside /src/fbnet/tests/aarch64.sh -- "$@" ;;
  i386) inside /src/fbnet/tests/i386.sh -- "$@" ;;
  packages) build_packages; try_packages ;;
  tests)
    inside timeout 900 /src/fbnet/examples/setup.sh || cannot 'its packages cannot be had'
    inside /src/fbnet/tests/run.sh --build-dir "build-$release" -- "$@"
    ;;
esac
