#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fetches a detector of COCO's 80 classes, checks its sha256, and imports it: the one that Meta published with its
# Android demo or, with --masks, the one with masks that the Flutter plugin flutter_d2go carries. No licence is
# stated for either, so this project does not carry them.
set -eu

usage='examples/fetch-coco.sh [--masks] [--floats] MODEL.safetensors [D2GO.pt]
  --masks   masks too: boxes are as good, a frame takes longer
  --floats  weights to teach objects of your own with, instead of the published int8, which is twice as fast
  D2GO.pt   the export, if it is here already'

address=https://github.com/pytorch/android-demo-app/raw/master/D2Go/ObjectDetection/app/src/main/assets/d2go.pt
sha256=a83b0798d5c4fce6c96fe27f9f0b22408d64a3faf76285b0e45047fab322ecdd
floats=
while :; do
  case ${1:-} in
    --masks)
      address=https://github.com/tsubauaaa/flutter_d2go/raw/HEAD/example/assets/models/d2go.pt
      sha256=f12c38691a2f419f1ebd7666be9ce97c4d7c275b2a345da905fe1221a3bdbc5b
      ;;
    --floats) floats='--precision float32' ;;
    *) break ;;
  esac
  shift
done

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "$1" = --help ]; then
  echo "$usage"
  [ "${1:-}" = --help ]
  exit
fi
model=$1
export=${2:-$model.d2go.pt}

is_right() {
  printf '%s  %s\n' "$sha256" "$export" | sha256sum --check --status 2>/dev/null
}

fail() {
  printf 'fetch-coco: %s\n' "$*" >&2
  exit 1
}

if [ $# = 1 ] && ! is_right; then
  echo "Fetching $address" >&2
  curl --fail --location --progress-bar --output "$export" "$address" ||
    fail "the model could not be fetched"
fi
[ -r "$export" ] || fail "$export: no such file, or not readable"
is_right || fail "$export: expected sha256 $sha256, found $(sha256sum <"$export" | cut -d ' ' -f 1)"

top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:$top/build/models/import
command -v fbnet-import >/dev/null || fail "fbnet-import is not there: build first"
# shellcheck disable=SC2086 # words
fbnet-import $floats "$export" -o "$model"
[ $# = 2 ] || rm -f "$export"
