#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From a fresh Debian machine to annotated pictures, an annotated video and the detections as JSON:
# installs what is missing, builds, and runs a model: the bundled one, or yours.
set -euo pipefail

usage='examples/quickstart.sh [--model FILE] [--config NAME|FILE.yaml] [--output DIR] [FILE…]
  FILE…             pictures (.png, .jpg, .jpeg) and videos (whatever GStreamer decodes)
  --model FILE      a model file (.safetensors), or what fbnet-import reads: a D2Go checkpoint
                    (.pth) or an export (.pt, .ptl)
  --config CONFIG   for a checkpoint: the D2Go config it was trained with
  --coco            the detector of 80 COCO classes that Meta published (examples/fetch-coco.sh)
  --coco-masks      one that finds masks too (the same with --masks)
  --output DIR      where results go (build/quickstart)
Without a model: the bundled one, which finds printed codes: QR, bars, Data Matrix, Aztec, PDF417.
Without files: generated ones with such codes.'

here=$(pwd)
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
output=$build/quickstart
model=
config=
coco=
pictures=()
videos=()

n_steps=6
step=0
begin() {
  step=$((step + 1))
  printf '\n[%d/%d] %s\n' "$step" "$n_steps" "$*"
}

fail() {
  printf 'quickstart: %s\n' "$*" >&2
  exit 1
}

from_here() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$here/$1" ;;
  esac
}

add_file() {
  local path
  path=$(from_here "$1")
  [ -r "$path" ] || fail "$1: no such file, or not readable"
  case ${1,,} in
    *.png | *.jpg | *.jpeg) pictures+=("$path") ;;
    *) videos+=("$path") ;;
  esac
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --model | --config | --output)
        [ $# -ge 2 ] || fail "$1 needs a value"
        printf -v "${1#--}" '%s' "$2"
        shift
        ;;
      --coco) coco=boxes ;;
      --coco-masks) coco=masks ;;
      --help)
        printf '%s\n' "$usage"
        exit 0
        ;;
      -*) fail "unknown option $1; --help lists them" ;;
      *) add_file "$1" ;;
    esac
    shift
  done
  output=$(from_here "$output")
  [ -z "$model" ] || model=$(from_here "$model")
  [ -z "$model" ] || [ -r "$model" ] || fail "$model: no such file, or not readable"
  ! [ -f "$here/$config" ] || config=$(from_here "$config")
}

# Not --exists: that asks for a version as high as GStreamer's own.
has_element() {
  gst-inspect-1.0 "$1" >/dev/null 2>&1
}

build_all() {
  local options=(-Dgstreamer=enabled -Doverlay=enabled -Dtools=enabled -Dimporter=enabled)
  local log=$build/quickstart-setup.log
  mkdir -p "$build"
  if [ -f "$build/build.ninja" ]; then
    options+=(--reconfigure)
  else
    options+=(-Dtests=false)
  fi
  meson setup "$build" "$top" "${options[@]}" >"$log" 2>&1 || fail "meson setup failed: $(tail -n 5 "$log")"
  ninja -C "$build"
  export GST_PLUGIN_PATH=$build/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
  export GST_REGISTRY=$build/gstreamer-registry.bin
  export PATH=$build/models/detect:$build/models/evaluate:$build/models/import:$build/models/inspect:$build/models/quantize:$build/models/scenes:$build/models/train:$PATH
  has_element fbnetdetect || fail "the element fbnetdetect was built but does not load"
}

choose_model() {
  if [ -n "$coco" ]; then
    model=$output/coco.safetensors
    if [ "$coco" = masks ]; then
      "$top/examples/fetch-coco.sh" --masks "$model"
    else
      "$top/examples/fetch-coco.sh" "$model"
    fi
  fi
  case $model in
    '') model=$top/models/demo/fbnet-demo.safetensors ;;
    *.safetensors) ;;
    *)
      fbnet-import "$model" -o "$output/model.safetensors" ${config:+--config "$config"}
      model=$output/model.safetensors
      ;;
  esac
  fbnet-model "$model" | head -n 4 || true
}

# Encoder, muxer and file name ending; H.264 where there is an encoder for it.
video_writer() {
  if has_element x264enc; then
    echo 'x264enc speed-preset=veryfast ! video/x-h264,profile=main ! mp4mux .mp4'
  elif has_element vp8enc; then
    echo 'vp8enc deadline=1 ! webmmux .webm'
  else
    fail "no video encoder: GStreamer has neither x264enc nor vp8enc here"
  fi
}

default_files() {
  echo "No files given: making pictures and a clip of printed codes."
  local writer clip
  writer=$(video_writer)
  clip=$output/input/scenes${writer##* }
  fbnet-scenes --objects codes --size 384x288 --count 40 --seed 7 -o "$output/input/scenes"
  # shellcheck disable=SC2086 # a pipeline is words
  gst-launch-1.0 -q multifilesrc location="$output/input/scenes/images/scene-%06d.jpg" start-index=0 \
    caps=image/jpeg,framerate=2/1 ! jpegdec ! videorate ! video/x-raw,framerate=10/1 ! videoconvert ! \
    ${writer% *} ! filesink location="$clip"
  pictures=("$top/docs/sheet.png" "$output"/input/scenes/images/scene-00000[0-7].jpg)
  videos=("$clip")
}

detect_pictures() {
  if [ ${#pictures[@]} = 0 ]; then
    echo "none"
    return
  fi
  fbnet-detect --model "$model" --score-threshold 0.5 --annotate "$output" "${pictures[@]}" \
    >"$output/detections.json"
  printf '%s picture(s) done\n' "${#pictures[@]}"
}

detect_video() {
  local video=$1 writer name
  writer=$(video_writer)
  name=$(basename "${video%.*}")
  # shellcheck disable=SC2086 # a pipeline is words
  gst-launch-1.0 -q -e filesrc location="$video" ! decodebin ! videoconvert ! \
    progressreport update-freq=2 ! fbnetdetect model-file="$model" overlay=true ! videoconvert ! \
    ${writer% *} ! filesink location="$output/$name-annotated${writer##* }"
}

read_arguments "$@"
mkdir -p "$output"

begin "packages"
"$top/examples/setup.sh"
begin "build"
build_all
begin "model"
choose_model
# Not before the packages are there: they make the generated ones.
[ ${#pictures[@]} != 0 ] || [ ${#videos[@]} != 0 ] || default_files
begin "pictures: ${#pictures[@]}"
detect_pictures
begin "videos: ${#videos[@]}"
for video in "${videos[@]}"; do
  detect_video "$video"
done
begin "results in $output"
ls -l "$output"
