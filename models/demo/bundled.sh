#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bundled model once more, as docs/training.md tells: photographs from Debian packages, generated scenes, a
# classifier of crops, the detector that begins with its trunk, int8, accuracy. `ninja bundled-model`: an hour of two
# cores. Needs a build with libzint, apt-get and dpkg-deb; what is in the folder already is not made again.
set -eu

usage='models/demo/bundled.sh BUILD-FOLDER OUTPUT-FOLDER [SHARE [PHOTOGRAPHS]]
  SHARE         thousandths of the scenes and of the steps (1000), for tests
  PHOTOGRAPHS   a folder of pictures instead of the packages'
build=${1:?$usage}/models
out=${2:?$usage}
share=${3:-1000}
photographs=${4:-$out/photographs}
here=$(dirname "$0")

# Behind scenes, and with nothing to find in them. Package: licences of its pictures (its /usr/share/doc/*/copyright).
#   lomiri-wallpapers-16.04, lomiri-wallpapers-20.04   CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0, CC0-1.0
#   mate-backgrounds                                   GPL-2+, CC-BY-SA-4.0
#   ukui-wallpapers                                    CC-BY-SA-3.0
#   python3-skimage (its example pictures)             free ones, each in skimage/data/README.txt
#   opencv-doc (its example pictures)                  Apache-2.0, BSD-3-Clause
#   tuxpaint-stamps-default (things that are cut out)  public domain, GPL-2+, CC-BY-SA, each in a text beside it
#   torcs-data (walls, trees, houses, people)          GPL-2+, LGPL-2+, GFDL-1.2, Free Art, Expat
#   gimp-help-en (windows of programs, photographs)    GFDL-1.2+
#   palapeli-data                                      GPL-2+, LGPL-2+, GFDL-1.2+, CC0
packages="lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds ukui-wallpapers python3-skimage opencv-doc
  tuxpaint-stamps-default torcs-data gimp-help-en palapeli-data"

mkdir -p "$out/packages" "$photographs"
if [ $# -lt 4 ] && [ ! -e "$photographs/complete" ]; then
  # shellcheck disable=SC2086 # words
  (cd "$out/packages" && apt-get download $packages)
  for package in "$out"/packages/*.deb; do
    dpkg-deb -x "$package" "$photographs"
  done
  # Charts, icons and drawings of bars and squares are none.
  find "$photographs" -type f ! -iname '*.jpg' ! -iname '*.jpeg' ! -iname '*.png' -delete
  find "$photographs" -type f \( -path '*/tests/*' -o -path '*/html/*' -o -path '*/shape/*' -o -name '*mask*' \
    -o -name '*logo*' -o -name '*aruco*' -o -name '*qr*' -o -name '*shadow*' \) -delete
  find "$photographs" -type f -size -12k ! -path '*/tuxpaint/*' -delete
  touch "$photographs/complete"
fi

# of N: the share of it, at least four
of() {
  n=$(($1 * share / 1000))
  echo $((n > 4 ? n : 4))
}

# scenes NAME COUNT OPTION…
scenes() {
  name=$1
  count=$(of "$2")
  shift 2
  [ -e "$out/$name/annotations.json" ] || "$build/scenes/fbnet-scenes" --objects codes \
    --photographs "$photographs" --output "$out/$name" --count "$count" "$@"
}
# What lies, stands and is narrow: cameras, phones, cut-outs. A quarter shows nothing that is looked for.
scenes lying 4000 --size 384x288 --seed 1
scenes standing 1000 --size 288x384 --seed 2
scenes narrow 400 --size 384x192 --seed 3
scenes without 1400 --size 384x288 --seed 11 --nothing 1
scenes without-standing 500 --size 288x384 --seed 12 --nothing 1
scenes heldout 300 --size 384x288 --seed 4
scenes calibration 60 --size 384x288 --seed 5

# The kinds of codes are told apart on crops first: a detector by itself did not learn it.
if [ ! -e "$out/crops" ]; then
  "$build/dataset/fbnet-dataset" --val-split 0.06 --crops 96 --output "$out" \
    --annotations "$out/lying/annotations.json" --images "$out/lying/images" \
    --annotations "$out/standing/annotations.json" --images "$out/standing/images"
fi
"$build/train/fbnet-train" --description "$here/trunk.json" --images "$out/crops/train" \
  --val-images "$out/crops/val" --val-period 200 --iterations "$(of 1200)" --batch 64 --threads 2 --solver adamw \
  --rate 0.003 --weight-decay 0.02 --warmup "$(of 50)" --seed 1 --flip-vertical 0.5 --brightness 0.2 --contrast 0.2 --grey 0.2 --noise 0.03 \
  --blur 0.5 --resume --log "$out/trunk.jsonl" --output "$out/trunk.safetensors"

set --
for name in lying standing narrow without without-standing; do
  set -- "$@" --annotations "$out/$name/annotations.json" --images "$out/$name/images"
done
# train STEPS OPTION…
train() {
  count=$1
  shift
  "$build/train/fbnet-train" --freeze 0 --norm-statistics batch --keep-empty --iterations "$(of "$count")" --batch 8 \
    --threads 2 --solver adamw --weight-decay 0.02 --zoom-in 0.25 --grey 0.2 --hue 0.05 --blur 0.8 --noise 0.03 --half \
    --resume "$@"
}
train 2600 "$@" --description "$here/demo.json" --model "$out/trunk.safetensors" --rate 0.0015 --warmup "$(of 100)" \
  --seed 1 --roi-batch 64 --roi-fraction 0.5 --log "$out/log.jsonl" --output "$out/many.safetensors"
# So far half of what the heads saw was codes. In the world they are rare.
train 450 "$@" --model "$out/many.safetensors" --rate 0.0007 --warmup "$(of 30)" --seed 7 --roi-batch 128 \
  --roi-fraction 0.125 --ema 0.99 --log "$out/log-rare.jsonl" --output "$out/codes.safetensors"
"$build/quantize/fbnet-quantize" --model "$out/codes.safetensors" --images "$out/calibration/images" \
  --output "$out/codes-int8.safetensors"
for model in codes codes-int8; do
  "$build/evaluate/fbnet-eval" "$out/heldout/annotations.json" --images "$out/heldout/images" \
    --model "$out/$model.safetensors" --per-class
done
