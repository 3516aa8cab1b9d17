#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bundled model once more, as docs/training.md tells: photographs from Debian packages, generated scenes, a
# classifier of crops, the detector that begins with its trunk, more of what it takes for codes, int8, accuracy.
# `ninja bundled-model`: an hour of two cores. Needs a build with libzint, Python, apt-get and dpkg-deb; what is in
# the folder already is not made again.
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
# For the end, as a larger network sees them.
scenes fine-lying 1300 --size 384x288 --seed 21
scenes fine 900 --size 512x384 --seed 22
scenes fine-standing 300 --size 384x512 --seed 23
scenes fine-without 1500 --size 512x384 --seed 31 --nothing 1
scenes fine-without-more 2000 --size 512x384 --seed 33 --nothing 1
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

# train STEPS OPTION…
train() {
  count=$1
  shift
  "$build/train/fbnet-train" --freeze 0 --norm-statistics batch --keep-empty --iterations "$(of "$count")" --batch 8 \
    --threads 2 --solver adamw --weight-decay 0.02 --zoom-in 0.25 --grey 0.2 --hue 0.05 --blur 0.8 --noise 0.03 --half \
    --resume "$@"
}
set --
for name in lying standing narrow without without-standing; do
  set -- "$@" --annotations "$out/$name/annotations.json" --images "$out/$name/images"
done
train 2600 "$@" --description "$here/demo.json" --model "$out/trunk.safetensors" --rate 0.0015 --warmup "$(of 100)" \
  --seed 1 --roi-batch 64 --roi-fraction 0.5 --log "$out/log.jsonl" --output "$out/many.safetensors"
# So far half of what the heads saw was codes. In the world they are rare.
train 450 "$@" --model "$out/many.safetensors" --rate 0.0007 --warmup "$(of 30)" --seed 7 --roi-batch 128 \
  --roi-fraction 0.125 --ema 0.99 --log "$out/log-rare.jsonl" --output "$out/rare.safetensors"

# Sides a third longer, which small codes and all edges need; but who sees more sees more codes where none are. So it
# is shown what it took for codes, in two rounds, in the second what it is surest of: few proposals of each picture.
# hard MODEL NAME LEAST: the pictures of a set without codes in which the model found one of this score, as a set
hard() {
  "$build/detect/fbnet-detect" --model "$1" --min-size 384 --max-size 512 --score-threshold 0.1 --no-masks \
    --coco "$out/$2/annotations.json" --images "$out/$2/images" --coco-results "$out/$2/seen.json"
  "$here/hard.py" "$out/$2/annotations.json" "$out/$2/seen.json" "$3" "$out/$2/hard-$3.json"
}
hard "$out/rare.safetensors" fine-without 0.2
hard "$out/rare.safetensors" fine-without 0.5
set --
for name in fine-lying fine fine-standing; do
  set -- "$@" --annotations "$out/$name/annotations.json" --images "$out/$name/images"
done
set -- "$@" --annotations "$out/fine-without/hard-0.2.json" --images "$out/fine-without/images" \
  --min-size 384 --max-size 512 --roi-batch 64 --roi-fraction 0.25
sed 's/\[32, 64, 96, 128, 160\]/[36, 64, 100, 160, 272]/' "$here/demo.json" >"$out/fine.json"
train 400 "$@" --annotations "$out/fine-without/hard-0.5.json" --images "$out/fine-without/images" \
  --description "$out/fine.json" --model "$out/rare.safetensors" --rate 0.0008 --end-rate 0.0003 --warmup "$(of 30)" \
  --seed 9 --ema 0.99 --log "$out/log-fine.jsonl" --output "$out/fine.safetensors"
hard "$out/fine.safetensors" fine-without-more 0.2
set -- "$@" --annotations "$out/fine-without-more/hard-0.2.json" --images "$out/fine-without-more/images" \
  --warmup "$(of 5)" --post-nms-count 80
train 110 "$@" --model "$out/fine.safetensors" --rate 0.0006 --seed 10 --ema 0.97 --log "$out/log-hard.jsonl" \
  --output "$out/hard.safetensors"
train 120 "$@" --model "$out/hard.safetensors" --rate 0.0005 --seed 11 --ema 0.98 --log "$out/log-harder.jsonl" \
  --output "$out/harder.safetensors"
# The last ones see less where nothing is, the first one bars that are hardly there; the mean's boxes are the best.
"$here/mean.py" "$out/codes.safetensors" 0.3 "$out/fine.safetensors" 1 "$out/hard.safetensors" 1 "$out/harder.safetensors"
"$build/quantize/fbnet-quantize" --model "$out/codes.safetensors" --images "$out/calibration/images" \
  --output "$out/codes-int8.safetensors"
for model in codes codes-int8; do
  "$build/evaluate/fbnet-eval" "$out/heldout/annotations.json" --images "$out/heldout/images" \
    --model "$out/$model.safetensors" --per-class
done
