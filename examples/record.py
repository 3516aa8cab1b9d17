#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records only while something is seen, from two seconds before to two seconds after, a film for each time.

    record.py MODEL URI|FILE DIR [CLASS;CLASS…]"""
import os
import sys

from play import Gst, GstVideo, as_uri, on_buffer, parse, play, regions

AROUND = 2 * Gst.SECOND
seen = []  # times of frames with something on them, that the recorder has not passed yet
recording = None  # nothing yet


def look(buffer):
    if any(regions(buffer)):
        seen.append(buffer.pts)


def gate(buffer):
    """Behind a queue that holds the last two seconds back: what comes has been seen already."""
    global recording
    while seen and seen[0] < buffer.pts - AROUND:
        seen.pop(0)
    wanted = bool(seen) and seen[0] <= buffer.pts + AROUND
    if wanted and recording is False:  # another film, which begins with a frame that stands by itself
        files.emit("split-after")
        encoder.get_static_pad("src").send_event(GstVideo.video_event_new_upstream_force_key_unit(
            Gst.CLOCK_TIME_NONE, True, 0))
    if wanted or recording:
        recording = wanted
    return wanted


if len(sys.argv) not in (4, 5):
    sys.exit(__doc__)
try:
    os.makedirs(sys.argv[3], exist_ok=True)
except OSError as error:
    sys.exit(f"{sys.argv[3]}: expected a folder, or where to make one, found: {error.strerror}")
classes = f'include-classes="{sys.argv[4]}"' if len(sys.argv) == 5 else ""
pipeline = parse(f'uridecodebin uri="{as_uri(sys.argv[2])}" ! '
                 f'fbnetdetect name=detector model-file="{sys.argv[1]}" {classes} ! '
                 f'queue name=past min-threshold-time={AROUND} max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! '
                 'videoconvert ! x264enc name=encoder tune=zerolatency ! h264parse ! '
                 f'splitmuxsink name=files location="{sys.argv[3]}/%03d.mp4"')
encoder = pipeline.get_by_name("encoder")
files = pipeline.get_by_name("files")
on_buffer(pipeline, "detector", look)
on_buffer(pipeline, "past", gate)
play(pipeline)
