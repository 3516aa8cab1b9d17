#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Compares what two builds of fbnet find in real pictures, masks and keypoints included, to the byte.
set -eu

usage='tests/same.sh BUILD_BEFORE [BUILD_NOW]
  BUILD_BEFORE   the build directory of the source to compare with
  BUILD_NOW      the one of this source (build)
Each build imports three of D2Go'\''s exports and looks at fifty COCO pictures: in int8, with exact and with
wide biases, and in float32, with one thread and with two. FBNET_KERNELS chooses the kernels of both.
The data are found in FBNET_GOLDEN_DATA (../shared, beside this source).'

case ${1-} in
  --help) echo "$usage"; exit 0 ;;
  '' | -*) echo "$usage" >&2; exit 2 ;;
esac
top=$(cd "$(dirname "$0")/.." && pwd)
before=$1
now=${2:-$top/build}
data=${FBNET_GOLDEN_DATA:-$top/../shared}
pictures=$data/coco-val50/images
n_pictures=$(find "$pictures" -name '*.jpg' | wc -l)
if [ "$n_pictures" = 0 ]; then
  echo "$pictures: expected JPEG pictures, found none" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
trap 'exit 1' HUP INT TERM

# program BUILD NAME: where a build keeps it; rooms have had other names.
program() {
  for room in detect import tools; do
    if [ -x "$1/models/$room/$2" ]; then
      echo "$1/models/$room/$2"
      return
    fi
  done
  echo "$1: expected the program $2, found none in models/detect, models/import or models/tools" >&2
  return 1
}
for build in before now; do
  eval "detect_$build=\$(program \"\$$build\" fbnet-detect)"
  eval "import_$build=\$(program \"\$$build\" fbnet-import)"
done


# find_objects PROGRAM OUT ARGUMENTS…: a line of JSON per picture, in the pictures' order.
find_objects() {
  find_program=$1
  find_out=$2
  shift 2
  "$find_program" "$@" "$pictures"/*.jpg >"$find_out"
}

# Names the first picture whose lines differ, the key before the first byte that does, and what follows.
explain='
  function picture(line) {
    if (!match(line, /"file":"[^"]*"/)) return "line " FNR
    line = substr(line, RSTART + 8, RLENGTH - 9)
    sub(/.*\//, "", line)
    return line
  }
  function common(a, b,   low, high, middle) {
    for (high = length(a); low < high;) {
      middle = int((low + high + 1) / 2)
      if (substr(a, 1, middle) == substr(b, 1, middle)) low = middle; else high = middle - 1
    }
    return low
  }
  function part(line, from) { return from > length(line) ? "nothing" : substr(line, from, 40) }
  {
    other = ""
    if ((getline other <before) <= 0) { print "  one picture more than before"; exit }
    if ($0 == other) next
    same = common($0, other)
    head = substr($0, 1, same)
    n_detections = gsub(/"box":/, "&", head)
    for (key = "?"; match(head, /"[a-z0-9_]*":/); head = substr(head, RSTART + RLENGTH))
      key = substr(head, RSTART + 1, RLENGTH - 3)
    printf "  %s: detection %d, %s: expected %s…, found %s…\n",
      picture($0), n_detections, key, part(other, same + 1), part($0, same + 1)
    differ = 1
    exit
  }
  END { if (!differ && (getline other <before) > 0) print "  pictures are missing" }'

passed=0
failed=0
# compare TITLE STATUS: what was found now, by a program that ended with STATUS, with what was before.
compare() {
  if [ "$2" != 0 ]; then
    echo "NOT THE SAME: $1: fbnet-detect failed"
    failed=$((failed + 1))
  elif cmp -s "$work/before.json" "$work/now.json"; then
    echo "ok: $1"
    passed=$((passed + 1))
  else
    echo "NOT THE SAME: $1"
    awk -v before="$work/before.json" "$explain" "$work/now.json"
    failed=$((failed + 1))
  fi
}

# look SEEN TITLE ARGUMENTS…: the export's model now, with one thread and with two, against
# before, with one. Unless every picture is in the lines, and SEEN, nothing was compared.
look() {
  look_seen=$1
  look_title=$2
  shift 2
  find_objects "$detect_before" "$work/before.json" --model "$work/before.safetensors" --threads 1 "$@"
  if [ "$(wc -l <"$work/before.json")" != "$n_pictures" ] || ! grep -q "\"$look_seen\":" "$work/before.json"; then
    echo "$look_title: expected $n_pictures pictures with a $look_seen before" >&2
    exit 1
  fi
  for threads in 1 2; do
    status=0
    find_objects "$detect_now" "$work/now.json" --model "$work/now.safetensors" --threads $threads "$@" ||
      status=$?
    compare "$look_title, threads: $threads" "$status"
  done
}

import_both() {
  "$import_before" "$1" --precision "$2" -o "$work/before.safetensors" >"$work/log"
  "$import_now" "$1" --precision "$2" -o "$work/now.safetensors" >"$work/log"
}

for export in box:d2go-coco-int8.pt mask:d2go-mask-int8.pt keypoints:d2go-keypoint-int8.ptl; do
  seen=${export%%:*}
  file=${export#*:}
  import_both "$data/weights/$file" int8
  for bias in exact wide; do
    look "$seen" "$file, int8, $bias" --int8-bias "$bias"
  done
  import_both "$data/weights/$file" float32
  look "$seen" "$file, float32"
done

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
