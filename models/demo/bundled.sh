#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The bundled model once more, from nothing but its description and generated scenes: `ninja bundled-model`, which takes
# an hour of two cores, or two steps of it as a test. The figures of the last line stand in docs/training.md.
set -eu

usage='models/demo/bundled.sh BUILD-FOLDER OUTPUT-FOLDER [SCENES [STEPS]]     (8000 scenes, 5000 steps)'
build=${1:?$usage}/models
out=${2:?$usage}
scenes=${3:-8000}
steps=${4:-5000}

"$build/scenes/fbnet-scenes" --count "$scenes" --seed 1 -o "$out/train"
"$build/scenes/fbnet-scenes" --count $(((scenes + 19) / 20)) --seed 2 -o "$out/heldout"
"$build/train/fbnet-train" --description "$(dirname "$0")/demo.json" \
  --annotations "$out/train/annotations.json" --images "$out/train/images" \
  --iterations "$steps" --batch 8 --threads 2 --rate 0.06 --warmup 250 --keep-empty --seed 1 \
  --roi-batch 64 --pre-nms-count 1000 --post-nms-count 300 --half --output "$out/fbnet-demo.safetensors"
"$build/evaluate/fbnet-eval" --model "$out/fbnet-demo.safetensors" --images "$out/heldout/images" "$out/heldout/annotations.json"
