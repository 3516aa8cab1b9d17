#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds all inside a folder with another release of Debian, and runs tests there: what its GStreamer makes of
# the element. Or the packages: built there, installed where nothing else is.
set -eu

usage='tests/release.sh [--aarch64 | --i386 | --packages] RELEASE FOLDER [-- MESON-TEST-ARGUMENTS…]
  --aarch64 tests/aarch64.sh instead of tests/run.sh, which says what goes to meson test
  --i386    in a Debian for i386, which any x86-64 runs: tests/i386.sh, which says what goes to meson test
  --packages examples/package.sh instead, of what is committed, without tests: twice, and the same bytes; lintian must
            find no error and no warning, and autopkgtest runs debian/tests in a copy of FOLDER.clean, which has the
            release and nothing else. Packages stay in FOLDER/src/packages; the last line says what was found.
            DEB_CFLAGS_APPEND=-O1 compiles in a tenth of the time what nobody should use
  RELEASE   trixie, sid, …
  FOLDER    where debootstrap puts the release, unless it is there already
  --        the rest goes to meson test; default: --suite api --suite element --suite pipeline --suite commands
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
[ $# -gt 0 ] || [ $what != tests ] || set -- --suite api --suite element --suite pipeline --suite commands
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
  echo force-unsafe-io >"$1.new/etc/dpkg/dpkg.cfg.d/unsafe-io" # what a crash takes is made again
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

# In a clone, as users have one. What a cache has of former builds must be what the second build makes without one.
build_packages() {
  rm -rf "$folder/src/clone" "$folder/src/packages"
  git clone --quiet --depth 1 "file://$top" "$folder/src/clone"
  install_inside autopkgtest ccache git lintian
  inside env DEB_CFLAGS_APPEND="${DEB_CFLAGS_APPEND-}" sh -euc '
    export PATH=/usr/lib/ccache:$PATH CCACHE_DIR=/src/ccache DEB_BUILD_OPTIONS="nocheck noautodbgsym"
    exec /src/clone/examples/package.sh --twice --output /src/packages'
  say "packages: $(ls "$folder"/src/packages/*.deb | wc -l), built twice, the same bytes"
}

check_packages() {
  inside sh -euc 'lintian --fail-on error,warning /src/packages/*.changes'
  say "$(inside lintian --version): no error, no warning"
}

try_packages() {
  fetch "$folder.clean"
  rm -rf "$folder/src/clean"
  cp -a "$folder.clean" "$folder/src/clean"
  cp /etc/resolv.conf "$folder/src/clean/etc/resolv.conf"
  status=0
  inside sh -euc 'rm -rf /src/tried
    exec autopkgtest --summary-file /src/tried --log-file /src/tried.log \
      $(ls /src/packages/*.deb | grep -v dbgsym) /src/packages/*.dsc -- chroot /src/clean' || status=$?
  rm -rf "$folder/src/clean"
  [ "$status" != 16 ] || cannot 'what its tests need cannot be had' # autopkgtest: the testbed failed
  [ "$status" = 0 ] || exit "$status"
  say "autopkgtest: $(tr -s ' \n' ' ' <"$folder/src/tried")"
}

# One more part of the last line, after how many seconds.
said=
say() {
  echo "-- $1, after $(($(date +%s) - started)) s"
  said=$said${said:+; }$1
}

started=$(date +%s)
[ "$(id -u)" = 0 ] || cannot 'not root'
fetch "$folder"
cp /etc/resolv.conf "$folder/etc/resolv.conf"
mkdir -p "$folder/src/fbnet" "$folder/src/shared" "$folder/src/clean/proc" "$folder/src/clean/dev"
inside true || cannot 'no mounts of its own'
case $what in
  aarch64) inside /src/fbnet/tests/aarch64.sh -- "$@" ;;
  i386) inside /src/fbnet/tests/i386.sh -- "$@" ;;
  packages)
    build_packages
    check_packages
    try_packages
    echo "$release: $said"
    ;;
  tests)
    inside timeout 900 /src/fbnet/examples/setup.sh || cannot 'its packages cannot be had'
    inside /src/fbnet/tests/run.sh --build-dir "build-$release" -- "$@"
    ;;
esac
