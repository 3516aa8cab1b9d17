# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the examples in Python share: a pipeline played to its end, and what is on its buffers.

Needs PyGObject (Debian: python3-gi, gir1.2-gst-plugins-base-1.0)."""
import itertools
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstVideo  # noqa: E402

Gst.init(None)


def parse(line):
    """The launch line as a pipeline; ends the program if it is none."""
    try:
        return Gst.parse_launch(line)
    except GLib.Error as error:
        sys.exit(error.message)


def on_buffer(pipeline, name, function):
    """Calls function(buffer) for each buffer that leaves the element, in its streaming thread; one for which it
    returns False goes no further."""
    def probe(_pad, info):
        dropped = function(info.get_buffer()) is False
        return Gst.PadProbeReturn.DROP if dropped else Gst.PadProbeReturn.OK
    pipeline.get_by_name(name).get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, probe)


def play(pipeline):
    """To the end, or an error, which ends the program."""
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error()[0].message)


def regions(buffer):
    """The detections on a buffer, the best first."""
    for i in itertools.count():
        region = GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, i)
        if not region:
            return
        if region.get_param("detection"):
            yield region


def label(region):
    return GLib.quark_to_string(region.roi_type)


def confidence(region):
    return region.get_param("detection").get_double("confidence").value


def describe(region):
    """A detection as JSON has it."""
    thing = {"label": label(region), "confidence": round(confidence(region), 4),
             "box": [region.x, region.y, region.w, region.h]}
    if track := region.get_param("object_id"):
        thing["track"] = track.get_int("id").value
    return thing
