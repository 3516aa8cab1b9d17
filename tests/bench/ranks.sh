#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What more ranks gain in training: pictures a second of fbnet-train on 1, 2 and 4 of them, a thread each, and of one
# with 2 threads, in turns, since other programs may run beside this one. Prints all rounds, and the best of each as the
# table of docs/scale.md; a rank more than there are processors only shows what the ranks cost.
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

fail() {
  echo 'ranks: a run failed:' >&2
  cat "$folder/log" >&2
  exit 1
}

"$build/models/scenes/fbnet-scenes" --count 64 --seed 1 -o "$folder/scenes" >"$folder/log" 2>&1 || fail

# train STEPS THREADS [LAUNCHER…]: seconds, in $seconds
train() {
  n=$1 threads=$2
  shift 2
  began=$(date +%s.%N)
  "$@" "$build/models/train/fbnet-train" --description "$top/models/demo/demo.json" --annotations \
    "$folder/scenes/annotations.json" --images "$folder/scenes/images" --iterations "$n" --batch 8 --threads "$threads" \
    --rate 0.001 --seed 1 --output "$folder/out.safetensors" >"$folder/log" 2>&1 || fail
  seconds=$(echo "$began $(date +%s.%N)" | awk '{ print $2 - $1 }')
}

ranks() {
  echo mpirun --allow-run-as-root --oversubscribe --quiet -np "$1"
}

# measure RANKS THREADS [LAUNCHER…]: pictures a second; the time to begin and to write is taken off.
measure() {
  n_ranks=$1
  shift
  train 1 "$@"
  one=$seconds
  train $((steps + 1)) "$@"
  echo "$n_ranks $1 $one $seconds" | awk -v n="$((8 * steps))" '{ printf "%d %d %.2f\n", $1, $2, n / ($4 - $3) }' |
    tee -a "$folder/rates"
}

round=0
echo 'ranks, threads of each, pictures a second:'
# shellcheck disable=SC2046 # words
while [ "$round" -lt "$rounds" ]; do
  measure 1 1 env
  measure 1 2 env
  measure 2 1 $(ranks 2)
  measure 4 1 $(ranks 4)
  round=$((round + 1))
done
cat <<'END'

| ranks | threads of each | pictures a second | times one rank of one thread | efficiency |
|---|---|---|---|---|
END
awk '{ key = $1 " | " $2 } !(key in best) { names[n++] = key; workers[key] = $1 * $2 } $3 > best[key] { best[key] = $3 }
  END {
    for (i = 0; i < n; i++) {
      times = best[names[i]] / best[names[0]]
      printf "| %s | %.1f | %.2f | %.2f |\n", names[i], best[names[i]], times, times / workers[names[i]]
    }
  }' "$folder/rates"
