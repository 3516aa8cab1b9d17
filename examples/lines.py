#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what fbnetdetect sees in videos or cameras, a JSON object a line and frame; of several all in one process,
which has the model once, and each line says whose it is.

    lines.py MODEL VIDEO|URI… [PROPERTY=VALUE…] > detections.jsonl
    lines.py MODEL rtsp://door/stream rtsp://yard/stream tracking=true | mosquitto_pub -h localhost -t cameras -l"""
import json
import re
import sys

from play import Gst, as_uri, describe, on_buffer, parse, play, regions


def print_lines_of(source):
    def print_line(buffer):
        line = {"source": source} if len(sources) > 1 else {}
        line |= {"time": buffer.pts / Gst.SECOND, "objects": [describe(region) for region in regions(buffer)]}
        sys.stdout.write(json.dumps(line) + "\n")  # whole: others write too
        sys.stdout.flush()
    return print_line


settings = [argument for argument in sys.argv[2:] if re.match(r"[a-z0-9-]+=", argument)]
sources = [argument for argument in sys.argv[2:] if argument not in settings]
if not sources:
    sys.exit(__doc__)
pipeline = parse(" ".join(
    f'uridecodebin uri="{as_uri(source)}" ! fbnetdetect name=detector{i} model-file="{sys.argv[1]}" '
    f'{" ".join(settings)} ! fakesink' for i, source in enumerate(sources)))
for i, source in enumerate(sources):
    on_buffer(pipeline, f"detector{i}", print_lines_of(source))
play(pipeline)
