#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what fbnetdetect finds in a video, from the GstAnalytics metadata of each frame.

    analytics.py MODEL VIDEO

For GStreamer 1.26 or later; needs PyGObject (Debian 13: python3-gi, gir1.2-gst-plugins-bad-1.0).
watch.py does the same with the metadata that every version has."""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstAnalytics", "1.0")
from gi.repository import GLib, Gst, GstAnalytics  # noqa: E402


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


def read_frame(_pad, info):
    """In the streaming thread, for every frame behind the detector."""
    buffer = info.get_buffer()
    relations = GstAnalytics.buffer_get_analytics_relation_meta(buffer)
    if relations:  # without: the detector did not look
        print(f"{buffer.pts / Gst.SECOND:8.3f}  {describe(relations)}")
    return Gst.PadProbeReturn.OK


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} MODEL VIDEO")
    Gst.init(None)
    try:
        pipeline = Gst.parse_launch(
            "filesrc name=file ! decodebin ! fbnetdetect name=detector ! fakesink sync=false")
    except GLib.Error as error:
        sys.exit(error.message)
    detector = pipeline.get_by_name("detector")
    detector.set_property("model-file", sys.argv[1])
    detector.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, read_frame)
    pipeline.get_by_name("file").set_property("location", sys.argv[2])

    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error()[0].message)


if __name__ == "__main__":
    main()
