#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who is called what in a film: all its frames on sheets, with boxes and ids, and a list of the ids; docs/seeing.md
has what was counted on them.

    seeing-sheets.py FILM MODEL FOLDER [SETTING…]

A SETTING is one of fbnetdetect's, as in a pipeline: max-inference-rate=3/1. A frame that was not looked at has a grey
corner. Needs PyGObject, numpy and Pillow (Debian: python3-gi, python3-numpy, python3-pil)."""
import collections
import os
import sys

import gi
import numpy
from PIL import Image, ImageDraw, ImageFont

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstVideo  # noqa: E402

TILE, COLUMNS, ROWS = (240, 135), 8, 8
COLOURS = ["#56b4e9", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#cc79a7"]
LINE = ("filesrc name=file ! decodebin ! "
        "fbnetdetect name=detector tracking=true scheduling=sync qos=false on-skip=repeat {} ! "
        "videoconvert ! video/x-raw,format=RGB ! appsink name=sink sync=false max-buffers=4")

Seen = collections.namedtuple("Seen", "id label score box")


def seen_on(buffer):
    seen = []
    while region := GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, len(seen)):
        seen.append(Seen(region.get_param("object_id").get_int("id").value, GLib.quark_to_string(region.roi_type),
                         region.get_param("detection").get_double("confidence").value,
                         (region.x, region.y, region.x + region.w, region.y + region.h)))
    return seen


def was_looked_at(buffer):
    return buffer.get_custom_meta("fbnetdetect").get_structure().get_boolean("looked").value


def picture_of(sample):
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    buffer = sample.get_buffer()
    rows = numpy.frombuffer(buffer.extract_dup(0, buffer.get_size()), numpy.uint8)
    rows = rows[:info.height * info.stride[0]].reshape(info.height, info.stride[0])
    return Image.fromarray(rows[:, :3 * info.width].reshape(info.height, info.width, 3).copy())


def play(film, model, settings):
    """All frames: a picture, what is seen in it, whether it was looked at."""
    pipeline = Gst.parse_launch(LINE.format(" ".join(settings)))
    pipeline.get_by_name("file").set_property("location", film)
    pipeline.get_by_name("detector").set_property("model-file", model)
    sink = pipeline.get_by_name("sink")
    told = collections.deque()

    def keep(_, probe):
        told.append((seen_on(probe.get_buffer()), was_looked_at(probe.get_buffer())))
        return Gst.PadProbeReturn.OK

    # What is said of a region does not outlive a conversion.
    pipeline.get_by_name("detector").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, keep)
    pipeline.set_state(Gst.State.PLAYING)
    while sample := sink.emit("pull-sample"):
        yield picture_of(sample), *told.popleft()
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message:
        sys.exit(f"{film}: {message.parse_error().gerror.message}")


def draw(picture, seen, looked, number):
    scale = [a / b for a, b in zip(TILE, picture.size)]
    tile = picture.resize(TILE)
    pen = ImageDraw.Draw(tile)
    font = ImageFont.load_default()
    for s in seen:
        box = [v * scale[i % 2] for i, v in enumerate(s.box)]
        colour = COLOURS[s.id % len(COLOURS)]
        pen.rectangle(box, outline=colour)
        at = (min(box[0] + 1, TILE[0] - 40), min(max(box[1], 0), TILE[1] - 12))
        text = f"{s.id} {s.label[:6]}"
        pen.rectangle(pen.textbbox(at, text, font=font), fill="#000")
        pen.text(at, text, fill=colour, font=font)
    pen.rectangle((0, 0, 26, 11), fill="#000" if looked else "#777")
    pen.text((1, 0), str(number), fill="#fff", font=font)
    return tile


def write_sheet(tiles, path):
    sheet = Image.new("RGB", (COLUMNS * TILE[0], ROWS * TILE[1]))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % COLUMNS * TILE[0], place // COLUMNS * TILE[1]))
    sheet.save(path)


def write_sheets(frames, folder):
    """(id, label) → the numbers of the frames that have it."""
    times = collections.defaultdict(list)
    tiles = []
    for number, (picture, seen, looked) in enumerate(frames):
        tiles.append(draw(picture, seen, looked, number))
        if len(tiles) == COLUMNS * ROWS:
            write_sheet(tiles, os.path.join(folder, f"{number // len(tiles):03}.png"))
            tiles = []
        for s in seen:
            times[s.id, s.label].append(number)
    write_sheet(tiles, os.path.join(folder, "last.png"))
    return times


def spans(numbers):
    """Numbers that follow each other, as first–last."""
    ends = [i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1]
    return ", ".join(f"{numbers[a]}–{numbers[b - 1]}" for a, b in zip([0] + ends, ends + [len(numbers)]))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    film, model, folder = sys.argv[1:4]
    Gst.init(None)
    os.makedirs(folder, exist_ok=True)
    for (number, label), numbers in sorted(write_sheets(play(film, model, sys.argv[4:]), folder).items()):
        print(f"{number:4} {label:14} {len(numbers):5} frames: {spans(numbers)}")


if __name__ == "__main__":
    main()
