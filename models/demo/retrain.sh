#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trains the model for printed codes and symbols again: photographs from Debian packages, generated scenes, training,
# int8, accuracy. Needs a build with libzint, apt-get and dpkg-deb; everything ends up in the folder that is named.
set -eu

usage="usage: $0 BUILD-FOLDER OUTPUT-FOLDER [codes|both [STEPS]]"
build=${1:?$usage}
out=${2:?$usage}
objects=${3:-codes}
steps=${4:-3600}
description=$(dirname "$0")/demo.json

# Behind scenes, and with nothing to find in them. Package: licences of its pictures (its /usr/share/doc/*/copyright).
#   lomiri-wallpapers-16.04, lomiri-wallpapers-20.04   CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0, CC0-1.0
#   mate-backgrounds                                   GPL-2+, CC-BY-SA-4.0
#   ukui-wallpapers                                    CC-BY-SA-3.0
#   python3-skimage (its example pictures)             free ones, each in skimage/data/README.txt
#   opencv-doc (its example pictures)                  Apache-2.0, BSD-3-Clause
#   tuxpaint-stamps-default (things that are cut out)  public domain, GPL-2+, CC-BY-SA, each in a text beside it
packages="lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds ukui-wallpapers python3-skimage opencv-doc
  tuxpaint-stamps-default"

mkdir -p "$out/packages" "$out/photographs"
if [ ! -e "$out/photographs/complete" ]; then
  (cd "$out/packages" && apt-get download $packages)
  for package in "$out"/packages/*.deb; do
    dpkg-deb -x "$package" "$out/photographs"
  done
  # Charts, icons and drawings of bars and squares are none.
  find "$out/photographs" -type f ! -iname '*.jpg' ! -iname '*.jpeg' ! -iname '*.png' -delete
  find "$out/photographs" -type f \( -path '*/tests/*' -o -path '*/html/*' -o -path '*/shape/*' -o -name '*mask*' \
    -o -name '*logo*' -o -name '*aruco*' -o -name '*qr*' \) -delete
  touch "$out/photographs/complete"
fi

# What lies, stands and is narrow: cameras, phones, cut-outs.
scenes() {
  "$build/models/scenes/fbnet-scenes" --objects "$objects" --photographs "$out/photographs" "$@"
}
scenes --size 384x288 --count 5000 --seed 1 --output "$out/lying"
scenes --size 288x384 --count 2000 --seed 2 --output "$out/standing"
scenes --size 384x192 --count 1000 --seed 3 --output "$out/narrow"
scenes --size 384x288 --count 400 --seed 4 --output "$out/heldout"
scenes --size 384x288 --count 60 --seed 5 --output "$out/calibration"

"$build/models/train/fbnet-train" --description "$description" \
  --annotations "$out/lying/annotations.json" --images "$out/lying/images" \
  --annotations "$out/standing/annotations.json" --images "$out/standing/images" \
  --annotations "$out/narrow/annotations.json" --images "$out/narrow/images" --keep-empty \
  --iterations "$steps" --batch 8 --threads 2 --rate 0.06 --warmup 250 --seed 1 \
  --zoom-in 0.25 --grey 0.2 --hue 0.05 --blur 1.5 --noise 0.03 --roi-batch 64 --half --resume --log "$out/log.jsonl" --output "$out/codes.safetensors"
"$build/models/quantize/fbnet-quantize" --model "$out/codes.safetensors" --images "$out/calibration/images" \
  --output "$out/codes-int8.safetensors"
for model in codes codes-int8; do
  "$build/models/evaluate/fbnet-eval" "$out/heldout/annotations.json" --images "$out/heldout/images" \
    --model "$out/$model.safetensors" --per-class
done
