#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several cameras in one window: one model in memory, the processors shared among them.

    cameras.py MODEL SINK URI|FILE URI|FILE…
    cameras.py coco.safetensors autovideosink rtsp://door/stream rtsp://yard/stream cars.mp4"""
import math
import sys

from play import as_uri, parse, play

WIDTH, HEIGHT = 640, 360  # of a camera's place

if len(sys.argv) < 4:
    sys.exit(__doc__)
model, sink, sources = sys.argv[1], sys.argv[2], sys.argv[3:]
columns = math.ceil(math.sqrt(len(sources)))
places = " ".join(f"sink_{i}::xpos={i % columns * WIDTH} sink_{i}::ypos={i // columns * HEIGHT} "
                  f"sink_{i}::width={WIDTH} sink_{i}::height={HEIGHT}" for i in range(len(sources)))
cameras = " ".join(f'uridecodebin uri="{as_uri(source)}" ! fbnetdetect model-file="{model}" overlay=true ! '
                   f"queue max-size-buffers=2 ! videoconvert ! wall.sink_{i}" for i, source in enumerate(sources))
play(parse(f"compositor name=wall {places} ! videoconvert ! {sink} {cameras}"))
