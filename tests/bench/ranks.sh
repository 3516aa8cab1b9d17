#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What more ranks gain in training: pictures a second of fbnet-train on 1, 2 and 4 of them, a thread each, and of one
# with 2 threads, in turns, since other programs may run beside this one. Prints all rounds and the best of each; a rank
# more than there are processors only shows what the ranks cost.
set -eu

usage='tests/bench/ranks.sh BUILD [STEPS [ROUNDS]]'
build=${1:?$usage}
steps=${2:-30}
rounds=${3:-3}
case $build in /*) ;; *) build=$PWD/$build ;; esac
top=$(cd "$(dirname "$0")/../.." && pwd)
command -v mpirun >/dev/null || { echo 'no mpirun'; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$build/models/scenes/fbnet-scenes" --count 64 --seed 1 -o "$folder/scenes" >/dev/null

# train STEPS THREADS [LAUNCHER…]: seconds
train() {
  n=$1 threads=$2
  shift 2
  began=$(date +%s.%N)
  "$@" "$build/models/train/fbnet-train" --description "$top/models/demo/demo.json" --annotations \
    "$folder/scenes/annotations.json" --images "$folder/scenes/images" --iterations "$n" --batch 8 --threads "$threads" \
    --rate 0.001 --seed 1 --output "$folder/out.safetensors" >/dev/null 2>&1
  echo "$began $(date +%s.%N)" | awk '{ print $2 - $1 }'
}

ranks() {
  echo mpirun --allow-run-as-root --oversubscribe --quiet -np "$1"
}

# Pictures a second; the time to begin and to write is taken off.
rate() {
  one=$(train 1 "$@")
  all=$(train $((steps + 1)) "$@")
  echo "$one $all" | awk -v n="$((8 * steps))" '{ printf "%.2f\n", n / ($2 - $1) }'
}

round=0
while [ "$round" -lt "$rounds" ]; do
  # shellcheck disable=SC2046 # words
  {
    echo "1 rank: $(rate 1 env)"
    echo "1 rank of 2 threads: $(rate 2 env)"
    echo "2 ranks: $(rate 1 $(ranks 2))"
    echo "4 ranks: $(rate 1 $(ranks 4))"
  } | tee -a "$folder/rates"
  round=$((round + 1))
done
echo "best, pictures a second, and times the first:"
awk -F': ' '!($1 in best) { names[n++] = $1 } $2 > best[$1] { best[$1] = $2 }
  END { for (i = 0; i < n; i++) printf "  %s: %.2f, %.2f\n", names[i], best[names[i]], best[names[i]] / best[names[0]] }' \
  "$folder/rates"
