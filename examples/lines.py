#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what fbnetdetect sees in a video, a JSON object a line and frame.

    lines.py MODEL VIDEO [PROPERTY=VALUE…] > detections.jsonl
    lines.py MODEL VIDEO tracking=true | mosquitto_pub -h localhost -t cameras/door -l"""
import json
import sys

from play import Gst, confidence, label, on_buffer, parse, play, regions


def describe(region):
    thing = {"label": label(region), "confidence": round(confidence(region), 4),
             "box": [region.x, region.y, region.w, region.h]}
    if track := region.get_param("object_id"):
        thing["track"] = track.get_int("id").value
    return thing


def print_line(buffer):
    objects = [describe(region) for region in regions(buffer)]
    print(json.dumps({"time": buffer.pts / Gst.SECOND, "objects": objects}), flush=True)


if len(sys.argv) < 3:
    sys.exit(__doc__)
pipeline = parse(f'filesrc location="{sys.argv[2]}" ! decodebin ! '
                 f'fbnetdetect name=detector model-file="{sys.argv[1]}" {" ".join(sys.argv[3:])} ! fakesink')
on_buffer(pipeline, "detector", print_line)
play(pipeline)
