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
Needs root and debootstrap. The build directory is build-RELEASE in the source.'

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

if ! [ -e "$folder/etc/os-release" ]; then
  debootstrap --variant=minbase "$release" "$folder"
fi
cp /etc/resolv.conf "$folder/etc/resolv.conf"
mkdir -p "$folder/src/fbnet" "$folder/src/shared"

# The mounts vanish with the namespace.
exec unshare --mount sh -eu -c '
  folder=$1 top=$2 data=$3 release=$4 script=$5
  shift 5
  mount --make-rprivate /
  mount --bind "$top" "$folder/src/fbnet"
  [ ! -d "$data" ] || mount --bind "$data" "$folder/src/shared"
  mount -t proc proc "$folder/proc"
  mount --rbind /dev "$folder/dev"
  exec chroot "$folder" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
    ${https_proxy:+https_proxy="$https_proxy"} \
    "/src/fbnet/tests/$script" --build-dir "build-$release" -- "$@"
' sh "$folder" "$top" "$data" "$release" "$script" "$@" </dev/null
