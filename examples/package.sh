#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Debian packages of what is committed: gstreamer1.0-fbnet, libfbnet0, libfbnet-dev, gir1.2-fbnet-0, fbnet-tools, and
# their source package.
set -eu

usage='examples/package.sh [--output DIR] [--twice] [-- DPKG-BUILDPACKAGE-ARGUMENTS…]
  --output DIR  where they go (build/debian)
  --twice       builds them again in another folder, time zone, language and umask, without ccache: fails unless they
                are the same bytes
  --            the rest goes to dpkg-buildpackage
DEB_BUILD_OPTIONS=nocheck builds without tests. What the build needs is installed, as root or by sudo.'

fail() {
  printf 'package: %s\n' "$*" >&2
  exit 1
}

top=$(cd "$(dirname "$0")/.." && pwd)
output=$top/build/debian
twice=false
while [ $# -gt 0 ]; do
  case $1 in
    --output) output=${2:?$usage}; shift 2 ;;
    --twice) twice=true; shift ;;
    --help) echo "$usage"; exit 0 ;;
    --) shift; break ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done
mkdir -p "$output"
output=$(cd "$output" && pwd)

# "## 0.1.0 (2026-01-31)" heads the newest part of the changelog.
head=$(sed -n 's/^## \([0-9.]*\) (\([-0-9]*\))$/\1 \2/p' "$top/docs/changelog.md" | head -n 1)
version=${head% *}
[ -n "$version" ] || fail "docs/changelog.md: expected '## VERSION (DATE)', found none"

# Debian wants its files in debian/, which this project's top level does not have.
write_tree() {
  folder=$1
  tree=$folder/fbnet-$version
  rm -rf "$tree"
  git -C "$top" archive --prefix="fbnet-$version/" HEAD | gzip -n >"$folder/fbnet_$version.orig.tar.gz"
  tar -C "$folder" -xf "$folder/fbnet_$version.orig.tar.gz"
  cp -R "$tree/examples/debian" "$tree/debian"
  maintainer=$(git -C "$top" log -1 --format='%an <%ae>')
  sed -i "s/@MAINTAINER@/$maintainer/" "$tree/debian/control"
  mkdir "$tree/debian/source"
  echo '3.0 (quilt)' >"$tree/debian/source/format"
  write_changelog >"$tree/debian/changelog"
  # Whatever the umask.
  chmod -R u=rwX,go=rX "$tree/debian"
}

# One package for each release of Debian, the newer release's version the higher one.
write_changelog() {
  (
    . /etc/os-release
    printf 'fbnet (%s-1~deb%su1) %s; urgency=medium\n\n' "$version" "${VERSION_ID:-14}" "$VERSION_CODENAME"
  )
  awk '/^## / { n++; next } n == 1 && /^\* / { print "  " $0; next } n == 1 && /^  / { print "  " $0 }' \
    "$tree/docs/changelog.md"
  printf '\n -- %s  %s\n' "$maintainer" "$(date --utc --date="${head#* } 12:00 UTC" -R)"
}

install_build_dependencies() {
  (cd "$tree" && dpkg-checkbuilddeps >/dev/null 2>&1) && return
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get -q update
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 build-dep "$tree"
}

# What a package must not depend on: the second build has it otherwise.
build_otherwise() (
  umask 0002
  export TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 LANGUAGE=eo HOME=/nonexistent CCACHE_DISABLE=1
  write_tree "$again"
  cd "$tree"
  # Tests are no part of the packages.
  DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-} nocheck" dpkg-buildpackage --no-sign "$@"
)

# Packages and their source; .buildinfo and .changes say where and when.
compare() {
  status=0
  for file in "$again"/*.tar.* "$again"/*.dsc "$again"/*.deb; do
    if cmp "$output/${file##*/}" "$file"; then
      echo "same bytes: ${file##*/}"
    else
      status=1
    fi
  done
  return "$status"
}

write_tree "$output"
install_build_dependencies
(cd "$tree" && dpkg-buildpackage --no-sign "$@")
if $twice; then
  again=$output/built-once-more
  rm -rf "$again"
  mkdir "$again"
  build_otherwise "$@"
  compare || fail "$again: not the same bytes"
  rm -rf "$again"
fi
ls -l "$output"/*.deb
