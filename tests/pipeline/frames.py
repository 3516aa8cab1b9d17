#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Python program reads from the frames what the element left on them: boxes, masks, the truth.

    frames.py PICTURE     the printed sheet, which has six codes

Prints TAP. Without PyGObject it is skipped."""
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstVideo", "1.0")
    from gi.repository import GLib, Gst, GstVideo
except (ImportError, ValueError) as error:
    print(f"ok 1 - /pipeline/python # SKIP no PyGObject with GstVideo: {error}")
    sys.exit(77)
try:
    gi.require_version("GstAnalytics", "1.0")
    from gi.repository import GstAnalytics
except (ImportError, ValueError):
    GstAnalytics = None

CODES = ["aztec", "barcode", "barcode", "data-matrix", "pdf417", "qr-code"]
LINE = ("filesrc name=file ! pngdec ! videoconvert ! imagefreeze num-buffers=4 ! "
        "video/x-raw,framerate=25/1 ! "
        "fbnetdetect name=detector inference-interval=2 on-skip=repeat ! appsink name=sink sync=false")


def read_buffers(picture):
    """All frames of the pipeline. What is read from a buffer is of use as long as the buffer."""
    pipeline = Gst.parse_launch(LINE)
    pipeline.get_by_name("file").set_property("location", picture)
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    buffers = []
    while sample := sink.emit("pull-sample"):
        buffers.append(sample.get_buffer())
    has_analytics = "analytics" in pipeline.get_by_name("detector").get_property(
        "meta-types").value_nicks
    pipeline.set_state(Gst.State.NULL)
    return buffers, has_analytics


def regions_of(buffer):
    """In the order of their scores: by id, from 0."""
    regions = []
    while region := GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, len(regions)):
        regions.append(region)
    return regions


def check_boxes(buffer):
    """Labels, probabilities in falling order, rectangles that are not empty."""
    regions = regions_of(buffer)
    scores = [r.get_param("detection").get_double("confidence").value for r in regions]
    assert sorted(GLib.quark_to_string(r.roi_type) for r in regions) == CODES
    assert scores == sorted(scores, reverse=True) and 0.5 < scores[-1] <= scores[0] <= 1
    assert all(r.w > 0 and r.h > 0 for r in regions)


def check_masks(buffer):
    """Of the box's size, a byte per pixel; the object is some of the box, and never all."""
    for region in regions_of(buffer):
        mask = region.get_param("mask")
        width, height = mask.get_uint("width").value, mask.get_uint("height").value
        data = mask.get_value("data")
        pixels = data.extract_dup(0, data.get_size())
        assert len(pixels) == width * height
        assert 0 < pixels.count(0) < len(pixels)


def truth_of(buffer):
    structure = buffer.get_custom_meta("fbnetdetect").get_structure()
    return (structure.get_boolean("looked").value, structure.get_string("reason"),
            structure.get_boolean("repeated").value, structure.get_uint64("age").value)


def check_truth(buffers):
    """Every other frame was looked at; the others repeat, and say how old that is."""
    frame = Gst.SECOND // 25
    expected = [(True, "looked", False, 0), (False, "interval", True, frame)] * 2
    found = [truth_of(buffer) for buffer in buffers]
    assert found == expected, found


def check_analytics(buffer):
    """The same boxes as GstAnalytics."""
    relations = GstAnalytics.buffer_get_analytics_relation_meta(buffer)
    labels = []
    for i in range(GstAnalytics.relation_get_length(relations)):
        is_box, box = relations.get_od_mtd(i)
        if is_box:
            labels.append(GLib.quark_to_string(box.get_obj_type()))
    assert sorted(labels) == CODES, labels


def report(number, name, check, *arguments):
    try:
        check(*arguments)
    except AssertionError as error:
        print(f"not ok {number} - /pipeline/python/{name}: {error}")
        return False
    print(f"ok {number} - /pipeline/python/{name}")
    return True


def main():
    Gst.init(None)
    buffers, has_analytics = read_buffers(sys.argv[1])
    print("1..4")
    good = report(1, "boxes", check_boxes, buffers[1])
    good &= report(2, "masks", check_masks, buffers[1])
    good &= report(3, "truth", check_truth, buffers)
    if GstAnalytics and has_analytics:
        good &= report(4, "analytics", check_analytics, buffers[1])
    else:
        print("ok 4 - /pipeline/python/analytics # SKIP no GstAnalytics")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
