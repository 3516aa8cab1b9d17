#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes resize/*.npy: what Pillow's 8-bit bilinear resize makes of pictures of noise. The pictures
# themselves are not stored: tests/unit/test-image.c draws the same ones. Needs python3-pil and
# python3-numpy; made with Pillow 9.4.
#
#   cd tests/data && ./make-resize.py
import numpy
from PIL import Image

# Width and height before and after; the same list is in test-image.c.
CASES = [
    (1, 1, 1, 1),
    (1, 1, 5, 4),
    (2, 2, 1, 1),
    (1, 7, 3, 2),
    (7, 1, 2, 3),
    (5, 3, 9, 11),
    (17, 9, 40, 23),
    (31, 17, 31, 17),
    (33, 33, 33, 16),
    (33, 33, 16, 33),
    (64, 48, 17, 13),
    (97, 61, 96, 60),
    (129, 65, 64, 32),
    (300, 2, 20, 5),
    (2, 300, 3, 20),
    (640, 5, 7, 3),
    (2000, 3, 1, 1),
    (3, 2000, 2, 9),
    (50, 40, 131, 3),
]


def noise(width, height):
    """A linear congruential generator: a quarter of the bytes 0, a quarter 255, the rest anything."""
    state = width * 65537 + height
    out = bytearray()
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        kind = state >> 30
        out.append(0 if kind == 0 else 255 if kind == 1 else (state >> 16) & 255)
    return numpy.frombuffer(bytes(out), numpy.uint8).reshape(height, width, 3)


for width, height, to_width, to_height in CASES:
    picture = Image.fromarray(noise(width, height), "RGB")
    resized = numpy.asarray(picture.resize((to_width, to_height), Image.BILINEAR))
    numpy.save(f"resize/{width}x{height}-to-{to_width}x{to_height}.npy", resized)
