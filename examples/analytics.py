#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what fbnetdetect finds in a video, from the GstAnalytics metadata of each frame.

    analytics.py MODEL VIDEO

For GStreamer 1.26 or later; needs PyGObject (Debian 13: python3-gi, gir1.2-gst-plugins-bad-1.0).
watch.py does the same with the metadata that every version has."""
import sys

from play import GLib, Gst, as_uri, gi, on_buffer, parse, play

try:
    assert Gst.version() >= (1, 26)
    gi.require_version("GstAnalytics", "1.0")
except (AssertionError, ValueError):
    sys.exit(f"analytics.py: expected GStreamer 1.26 with gir1.2-gst-plugins-bad-1.0, found {Gst.version_string()}")
from gi.repository import GstAnalytics  # noqa: E402


def mask_share(mask):
    """The part of the mask's rectangle that belongs to the object, in percent."""
    buffer, _x, _y, _width, _height = mask.get_mask()
    pixels = buffer.extract_dup(0, buffer.get_size())  # 0 around the object, its number inside
    return 100 - 100 * pixels.count(0) // len(pixels)


def describe(relations):
    """Detections come first; each mask names the one it belongs to; a classifier gives classes."""
    texts = {}
    for i in range(GstAnalytics.relation_get_length(relations)):
        is_box, box = relations.get_od_mtd(i)
        is_mask, mask = relations.get_segmentation_mtd(i)
        is_class, classes = relations.get_cls_mtd(i)
        if is_box:
            _, _x, _y, _width, _height, confidence = box.get_location()
            texts[i] = f"{GLib.quark_to_string(box.get_obj_type())} {confidence:.2f}"
        elif is_class:
            texts[i] = f"{GLib.quark_to_string(classes.get_quark(0))} {classes.get_level(0):.2f}"
        elif is_mask:
            for j in texts:
                relation = relations.get_relation(i, j)
                if relation & GstAnalytics.RelTypes.IS_PART_OF:
                    texts[j] += f" (mask {mask_share(mask)} %)"
    return ", ".join(texts.values()) or "-"


def print_line(buffer):
    """For every frame behind the detector."""
    relations = GstAnalytics.buffer_get_analytics_relation_meta(buffer)
    if relations:  # without: the detector did not look
        print(f"{buffer.pts / Gst.SECOND:8.3f}  {describe(relations)}")


if len(sys.argv) != 3:
    sys.exit(__doc__)
pipeline = parse(f'uridecodebin uri="{as_uri(sys.argv[2])}" ! '
                 f'fbnetdetect name=detector model-file="{sys.argv[1]}" ! fakesink')
on_buffer(pipeline, "detector", print_line)
play(pipeline)
