#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed, and what `meson devenv` gives, can be used: the C program of the README compiles against both and
# runs, the element is found. Prints TAP.
#
#   install.sh BUILD SOURCE PREFIX LIBDIR
set -eu
build=$1 source=$2 prefix=$3 libdir=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$source/models/demo/fbnet-demo.safetensors
printf 'P6 64 64 255\n' >"$folder/picture.ppm"
head -c 12288 /dev/zero >>"$folder/picture.ppm"

number=0 status=0
check() {
  number=$((number + 1))
  if "$1" >"$folder/log" 2>&1; then
    echo "ok $number /install/$1"
  else
    sed 's/^/# /' "$folder/log"
    echo "not ok $number /install/$1"
    status=1
  fi
}

compile_and_run() {
  # shellcheck disable=SC2046 # words
  cc "$source/examples/detect.c" $(pkg-config --cflags --libs fbnet) -o "$folder/detect" &&
    "$folder/detect" "$model" "$folder/picture.ppm"
}

staged() (
  set -e
  meson install -C "$build" --no-rebuild --quiet --destdir "$folder/root"
  export PKG_CONFIG_PATH=$folder/root$prefix/$libdir/pkgconfig
  # As on the system that it is for.
  sed -i "s#^prefix=.*#prefix=$folder/root$prefix#" "$PKG_CONFIG_PATH/fbnet.pc"
  export LD_LIBRARY_PATH=$folder/root$prefix/$libdir
  compile_and_run
  # Built with -Ddefault_library=static there is none.
  [ ! -e "$LD_LIBRARY_PATH/libfbnet.so" ] ||
    [ "$(readlink "$LD_LIBRARY_PATH/libfbnet.so.0")" = "libfbnet.so.$(pkg-config --modversion fbnet)" ]
)

staged_element() (
  export LD_LIBRARY_PATH=$folder/root$prefix/$libdir GST_PLUGIN_PATH=$folder/root$prefix/$libdir/gstreamer-1.0
  export GST_REGISTRY=$folder/registry.bin
  [ ! -e "$GST_PLUGIN_PATH" ] || gst-inspect-1.0 fbnetdetect
)

devenv() (
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH
  export source folder model
  meson devenv -C "$build" sh -euc '
    cc "$source/examples/detect.c" $(pkg-config --cflags --libs fbnet) -o "$folder/devenv-detect"
    "$folder/devenv-detect" "$model" "$folder/picture.ppm"'
)

echo "1..3"
check staged
check staged_element
check devenv
exit "$status"
