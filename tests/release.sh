#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds all inside a folder with another release of Debian, and runs tests there: what its GStreamer makes of
# the element.
set -eu

usage='tests/release.sh [--aarch64] RELEASE FOLDER [-- MESON-TEST-ARGUMENTS…]
  --aarch64 runs tests/aarch64.sh there instead of tests/run.sh
  RELEASE   trixie, sid, …
  FOLDER    where debootstrap puts the release, unless it is there already
  --        the rest goes to meson test; default: --suite api --suite element --suite pipeline, or what
            tests/aarch64.sh says
Needs root and debootstrap. The build directory is build-RELEASE in the source. The status is 77 where the release or
its packages cannot be had; the last line says why.'

script=run.sh
case ${1-} in
  --aarch64) script=aarch64.sh; shift ;;
esac
case ${1-} in
  --help) echo "$usage"; exit 0 ;;
  '' | -*) echo "$usage" >&2; exit 2 ;;
esac
release=$1
folder=${2:?$usage}
shift 2
[ "${1-}" != -- ] || shift
[ $# -gt 0 ] || [ $script != run.sh ] || set -- --suite api --suite element --suite pipeline
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
  debootstrap --variant=minbase "$release" "$folder.new" || cannot 'debootstrap does not get it'
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
inside /src/fbnet/examples/setup.sh || cannot 'its packages cannot be had'
inside "/src/fbnet/tests/$script" --build-dir "build-$release" -- "$@"
