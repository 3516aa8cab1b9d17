#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what fbnetdetect finds in a video, frame by frame, and where the time went.

    watch.py MODEL VIDEO

Uses the signal new-detections; needs PyGObject (Debian: python3-gi, gir1.2-gstreamer-1.0)."""
import signal
import sys

from play import GLib, Gst, GstVideo, as_uri, parse, play


def describe(region):
    """A region of interest as text, with the part of it that the mask fills."""
    confidence = region.get_param("detection").get_double("confidence").value
    text = f"{GLib.quark_to_string(region.roi_type)} {confidence:.2f}"
    mask = region.get_param("mask")
    if mask:
        data = mask.get_value("data")
        pixels = data.extract_dup(0, data.get_size())
        text += f" (mask {100 - 100 * pixels.count(0) // len(pixels)} %)"
    return text


def print_detections(_element, buffer, detections):
    """In the streaming thread, after every inference. The regions are numbered from 0."""
    seconds = detections.get_uint64("pts").value / Gst.SECOND
    regions = [GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, i)
               for i in range(detections.get_uint("count").value)]
    print(f"{seconds:8.3f}  {', '.join(describe(region) for region in regions) or '-'}")


def print_times(detector):
    """Milliseconds per frame and stage."""
    stats = detector.get_property("stats")  # owns what is read from it
    mean = stats.get_value("mean-ms")
    for i in range(mean.n_fields()):
        stage = mean.nth_field_name(i)
        print(f"{stage:12} {mean.get_double(stage).value:7.2f} ms", file=sys.stderr)


if len(sys.argv) != 3:
    sys.exit(__doc__)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # it ends when nobody reads any more
pipeline = parse(f'uridecodebin uri="{as_uri(sys.argv[2])}" ! '
                 f'fbnetdetect name=detector model-file="{sys.argv[1]}" ! fakesink')
detector = pipeline.get_by_name("detector")
detector.connect("new-detections", print_detections)
play(pipeline)
print_times(detector)
