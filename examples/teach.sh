#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From annotated pictures to an int8 model in a pipeline, by one command: what docs/finetuning.md does step by step.
# Broken off, the same command goes on where it was.
set -eu

usage='examples/teach.sh LABELS PICTURES OUTPUT [MODEL [OPTION…]]
  LABELS    annotations: a file or a folder, COCO, Pascal VOC, YOLO, VIA, labelme, CVAT or CSV
  PICTURES  the folder of the pictures
  OUTPUT    a folder for all that is made
  MODEL     float weights to begin with; without: COCO'\''s, which are fetched (fetch-coco.sh --floats)
  OPTION    more for fbnet-train'

if [ $# -lt 3 ] || [ "$1" = --help ]; then
  echo "$usage"
  [ "${1:-}" = --help ]
  exit
fi
labels=$1 pictures=$2 output=${3%/}
shift 3
top=$(cd "$(dirname "$0")/.." && pwd)
for room in import dataset train quantize evaluate; do
  PATH=$PATH:$top/build/models/$room
done
command -v fbnet-dataset >/dev/null || {
  echo 'teach: fbnet-dataset is not there: build first' >&2
  exit 1
}
mkdir -p "$output"

# As fbnet-dataset writes names for a shell.
quoted () {
  printf '%s\n' "$1" | sed "s/'/'\\\\''/g; s/^/'/; s/\$/'/"
}

model=$output/coco.safetensors
if [ $# -gt 0 ]; then
  model=$1
  shift
elif [ ! -e "$model" ]; then
  "$top/examples/fetch-coco.sh" --floats "$model"
fi

if [ ! -e "$output/dataset.txt" ]; then
  fbnet-dataset --annotations "$labels" --images "$pictures" --output "$output" >"$output/dataset.part"
  mv "$output/dataset.part" "$output/dataset.txt"
fi
cat "$output/dataset.txt"
# The last line names the folder that file names in the set begin at.
line=$(tail -n 1 "$output/dataset.txt")
line=${line#"to train: fbnet-train --annotations $(quoted "$output/train.json") --images "}
line=${line%%" --val-annotations $(quoted "$output/val.json") "*}
folder=$(printf '%s\n' "$line" | sed "s/^'//; s/'\$//; s/'\\\\''/'/g")
fbnet-train --model "$model" --annotations "$output/train.json" --images "$folder" \
  --val-annotations "$output/val.json" --val-images "$folder" --resume \
  --log "$output/log.jsonl" --output "$output/model.safetensors" "$@"
fbnet-quantize --model "$output/model.safetensors" --images "$folder" --output "$output/model-int8.safetensors"
fbnet-eval "$output/val.json" --images "$folder" --model "$output/model-int8.safetensors" --per-class

cat <<END

$output/samples.png shows what was learned from; in a pipeline:
  gst-launch-1.0 v4l2src ! fbnetdetect model-file=$(quoted "$output/model-int8.safetensors") overlay=true ! videoconvert ! autovideosink
END
