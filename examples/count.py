#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what crosses a horizontal line, downwards and upwards.

    count.py MODEL VIDEO [HEIGHT]      HEIGHT of the line, 0…1 from the top; default 0.5"""
import collections
import sys

from play import as_uri, label, on_buffer, parse, play, regions

below = {}  # track → on which side of the line its middle was last
counts = collections.Counter()


def count(buffer):
    for region in regions(buffer):
        track = region.get_param("object_id").get_int("id").value
        box = region.get_param("detection")
        middle = (box.get_double("y_min").value + box.get_double("y_max").value) / 2
        is_below = middle > line
        if below.setdefault(track, is_below) != is_below:
            below[track] = is_below
            counts[label(region), "down" if is_below else "up"] += 1


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
try:
    line = float((sys.argv + ["0.5"])[3])
    assert 0 <= line <= 1
except (AssertionError, ValueError):
    sys.exit(f"HEIGHT: expected 0…1, found {sys.argv[3]}")
pipeline = parse(f'uridecodebin uri="{as_uri(sys.argv[2])}" ! '
                 f'fbnetdetect name=detector model-file="{sys.argv[1]}" tracking=true ! fakesink')
on_buffer(pipeline, "detector", count)
play(pipeline)
for (name, direction), n in sorted(counts.items()):
    print(f"{name} {direction}: {n}")
