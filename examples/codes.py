#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the codes that fbnetdetect finds in a live picture: zbar is shown what was found and nothing else.

    codes.py MODEL URI|FILE [SINK]
    codes.py codes.safetensors v4l2:///dev/video0 "videoconvert ! autovideosink"

MODEL knows classes that zbar can read: qr-code, barcode. zbar is an element of GStreamer's (Debian:
gstreamer1.0-plugins-bad)."""
import sys

from play import Gst, as_uri, label, on_buffer, parse, play, regions

READABLE = "qr-code;barcode"
QUIET_ZONE = 0.15  # of a code's longer side: readers want some of what is around it
PAUSE = Gst.SECOND  # a text that was not read for so long is told of again


class Reader:
    """A pipeline beside the other: a frame goes in, with what is to be cut out of it, and texts come out."""

    def __init__(self):
        self.pipeline = parse("appsrc name=frames format=time ! videocrop name=crop ! videoconvert ! zbar ! "
                              "appsink name=done sync=false")
        self.frames, self.crop, self.done = map(self.pipeline.get_by_name, ("frames", "crop", "done"))
        self.bus = self.pipeline.get_bus()
        self.pipeline.set_state(Gst.State.PLAYING)

    def cut(self, region, width, height):
        margin = int(QUIET_ZONE * max(region.w, region.h))
        self.crop.set_property("left", max(region.x - margin, 0))
        self.crop.set_property("top", max(region.y - margin, 0))
        self.crop.set_property("right", max(width - region.x - region.w - margin, 0))
        self.crop.set_property("bottom", max(height - region.y - region.h - margin, 0))

    def read(self, buffer, caps, region):
        """The texts in the region, each with its kind of code."""
        frame = caps.get_structure(0)
        self.cut(region, frame.get_int("width").value, frame.get_int("height").value)
        self.frames.set_property("caps", caps)
        self.frames.emit("push-buffer", buffer)
        self.done.emit("try-pull-sample", Gst.SECOND)  # when it comes out, zbar has seen it
        while message := self.bus.pop_filtered(Gst.MessageType.ELEMENT):
            code = message.get_structure()
            if code.get_name() == "barcode":
                yield code.get_string("type"), code.get_string("symbol")


def reading(pipeline):
    """Prints what is read behind the pipeline's element called detector: time, class, kind, text."""
    reader = Reader()
    pad = pipeline.get_by_name("detector").get_static_pad("src")
    last_read = {}

    def look(buffer):
        for region in regions(buffer):
            for kind, text in reader.read(buffer, pad.get_current_caps(), region):
                if buffer.pts - last_read.get(text, -PAUSE - 1) > PAUSE:
                    print(f"{buffer.pts / Gst.SECOND:.2f} {label(region)} {kind}: {text}", flush=True)
                last_read[text] = buffer.pts
    on_buffer(pipeline, "detector", look)
    return pipeline


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    play(reading(parse(f'uridecodebin uri="{as_uri(sys.argv[2])}" ! fbnetdetect name=detector '
                       f'model-file="{sys.argv[1]}" include-classes="{READABLE}" ! '
                       f'{sys.argv[3] if len(sys.argv) == 4 else "fakesink"}')))
