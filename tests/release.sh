#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds all inside a folder with another release of Debian, and runs tests there: what its GStreamer makes of
# the element.
set -eu

usage='tests/release.sh [--aarch64] RELEASE FOLDER [-- MESON-TEST-ARGUMENTS…]
  --aarch64 tests/aarch64.sh instead of tests/run.sh, which says what goes to meson test
  RELEASE   trixie, sid, …
  FOLDER    where debootstrap puts the release, unless it is there already
  --        the rest goes to meson test; default: --suite api --suite element --suite pipeline
Needs root and debootstrap. The build directory is build-RELEASE in the source. The status is 77 where the release or
its packages cannot be had; the last line says why.'

aarch64=false
[ "${1-}" != --aarch64 ] || { aarch64=true; shift; }
case ${1-} in
  --help) echo "$usage"; exit 0 ;;
  '' | -*) echo "$usage" >&2; exit 2 ;;
esac
release=$1
folder=${2:?$usage}
shift 2
[ "${1-}" != -- ] || shift
[ $# -gt 0 ] || $aarch64 || set -- --suite api --suite element --suite pipeline
top=$(cd "$(dirname "$0")/.." && pwd)
data=${FBNET_GOLDEN_DATA:-$top/../shared}

cannot() {
  echo "$release: skipped: $1"
  exit 77
}

# A release that was begun and not ended has another name.
fetch() {
  command -v debootstrap >/dev/null || cannot 'no debootstrap'
  rm -rf "$folder.new"
  mkdir -p "$folder.new"
  timeout 900 debootstrap --variant=minbase "$release" "$folder.new" || cannot 'debootstrap does not get it'
  mv "$folder.new" "$folder"
}

# Runs the command in the folder's /src/fbnet, which is the source. The mounts vanish with the namespace.
inside() {
  unshare --mount sh -eu -c '
    folder=$1 top=$2 data=$3
    shift 3
    mount --make-rprivate /
    mount --bind "$top" "$folder/src/fbnet"
    [ ! -d "$data" ] || mount --bind "$data" "$folder/src/shared"
    mount -t proc proc "$folder/proc"
    mount --rbind /dev "$folder/dev"
    exec chroot "$folder" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
      ${https_proxy:+https_proxy="$https_proxy"} "$@"
  ' sh "$folder" "$top" "$data" "$@" </dev/null
}

[ "$(id -u)" = 0 ] || cannot 'not root'
[ -e "$folder/etc/os-release" ] || fetch
cp /etc/resolv.conf "$folder/etc/resolv.conf"
mkdir -p "$folder/src/fbnet" "$folder/src/shared"
inside true || cannot 'no mounts of its own'
if $aarch64; then
  inside /src/fbnet/tests/aarch64.sh -- "$@"
  exit
fi
inside timeout 900 /src/fbnet/examples/setup.sh || cannot 'its packages cannot be had'
inside /src/fbnet/tests/run.sh --build-dir "build-$release" -- "$@"
