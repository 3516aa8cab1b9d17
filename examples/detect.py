#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libfbnet from Python: a model and a picture in, a line per object out.

    detect.py MODEL PICTURE

Needs PyGObject, numpy and Pillow (Debian: gir1.2-fbnet-0, python3-gi, python3-numpy, python3-pil)."""
import sys

import gi
import numpy
from PIL import Image

gi.require_version("Fbnet", "0")
from gi.repository import Fbnet, GLib  # noqa: E402


def detect(model, picture):
    detector = Fbnet.Detector.new(model, None)
    params = model.get_params()
    params.score_threshold = 0.5
    detector.set_params(params)
    height, width, _ = picture.shape
    found = Fbnet.Detections.new()
    detector.run_pixels(Fbnet.PixelFormat.RGB, width, height, picture.tobytes(), found)
    return found.list()


def read(name):
    try:
        return numpy.asarray(Image.open(name).convert("RGB"))
    except Exception as error:  # Pillow has many kinds
        sys.exit(f"{name}: expected a picture, found: {getattr(error, 'strerror', None) or error}")


if len(sys.argv) != 3:
    sys.exit(__doc__)
try:
    model = Fbnet.Model.load(sys.argv[1])
    for thing in detect(model, read(sys.argv[2])):
        print(f"{model.get_label(thing.class_id):16} {thing.score:.2f}  "
              f"{thing.x0:.1f} {thing.y0:.1f} {thing.x1:.1f} {thing.y1:.1f}", end="")
        mask = thing.mask.get_bytes()
        if mask:
            pixels = numpy.frombuffer(mask.get_data(), numpy.uint8).reshape(thing.mask.height, thing.mask.width)
            print(f"  mask {100 * numpy.count_nonzero(pixels) / pixels.size:.0f} %", end="")
        print()
except GLib.Error as error:
    sys.exit(error.message)
