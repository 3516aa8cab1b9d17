#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes docs/photos.jpg: the COCO model's boxes and masks on photographs that Debian's python3-skimage has: a cup (CC0 by
# Rachel Michetti), Eileen Collins (NASA, public domain), and Chelsea the cat (CC0 by Stefan van der Walt).
set -eu

usage='docs/photos.sh COCO-MASKS.safetensors [FOLDER-OF-PHOTOGRAPHS]      (examples/fetch-coco.sh --masks makes the first)'
model=${1:?$usage}
photos=${2:-/usr/lib/python3/dist-packages/skimage/data}

# photo NAME WIDTH X: at a height of 320
photo() {
  echo "filesrc location=$photos/$1.png ! pngdec ! videoconvert ! videoscale add-borders=false !" \
    "video/x-raw,format=RGB,width=$2,height=320,pixel-aspect-ratio=1/1 !" \
    "fbnetdetect model-file=$model class-agnostic-nms=true overlay=true mask-alpha=0.4 ! wall.sink_$3 "
}

# shellcheck disable=SC2046 # words
gst-launch-1.0 -q compositor name=wall background=white sink_1::xpos=484 sink_2::xpos=808 ! video/x-raw,width=1288,height=320 ! \
  videoconvert ! jpegenc quality=70 ! filesink location="$(dirname "$0")/photos.jpg" \
  $(photo coffee 480 0) $(photo astronaut 320 1) $(photo chelsea 480 2)
