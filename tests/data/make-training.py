#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/data/training.json: mask targets, masks resized and colours changed, as the libraries that detectron2
trains with compute them.

  make-training.py FILE [SEED]

polygon crops: pycocotools' polygons in the cells of a box, detectron2 structures/masks.py; bit crops: torchvision's
roi_align, aligned, as many samples as pixels; nearest: Pillow's NEAREST; colours: fvcore's BlendTransform by its
definition, in numpy. Needs numpy, Pillow, torch, torchvision and pycocotools (made with 1.24, 9.4, 1.13, 0.14 and
cocoapi's maskApi.c). The file that is in the project: seed 1.
"""
import json
import sys

import numpy as np
import torch
import torchvision
from PIL import Image
from pycocotools import mask as masks


def text(bits):
    return "".join(str(int(b)) for b in np.asarray(bits).ravel())


def floats(values):
    """Numbers that float32 has, as a sample's boxes."""
    return [float(np.float32(v)) for v in values]


def random_box(rng, width, height):
    x = np.sort(rng.uniform(0, width, 2))
    y = np.sort(rng.uniform(0, height, 2))
    return floats([x[0], y[0], x[1] + 0.3, y[1] + 0.3])


def star(rng, width, height):
    n = rng.integers(3, 12)
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    reach = rng.uniform(0.2, 0.6, n)
    middle = rng.uniform(0.3, 0.7, 2)
    return np.round(np.stack([width * (middle[0] + reach * np.cos(angle)),
                              height * (middle[1] + reach * np.sin(angle))], 1).ravel(), 3).tolist()


def crop_polygons(polygons, box, side):
    box = np.asarray(box, np.float32)
    scale = side / np.maximum((box[2:] - box[:2]).astype(np.float64), np.float64(np.float32(0.1)))
    moved = [((np.asarray(p).reshape(-1, 2) - box[:2]) * scale).ravel().tolist() for p in polygons]
    return masks.decode(masks.merge(masks.frPyObjects(moved, side, side)))


def polygon_case(rng, i):
    width, height = int(rng.integers(20, 300)), int(rng.integers(20, 300))
    polygons = [star(rng, width, height) for _ in range(1 + i % 3)]
    box = random_box(rng, width, height)
    if i % 8 == 7:  # thinner than what counts as a side
        box = floats([box[0], box[1], box[0] + 0.05, box[3]])
    side = [28, 14, 28, 56][i % 4]
    return {"polygons": polygons, "box": box, "side": side, "target": text(crop_polygons(polygons, box, side))}


def crop_bits(bits, box, side):
    rois = torch.tensor([[0.0] + box], dtype=torch.float32)
    mask = torch.from_numpy(bits.astype(np.float32))[None, None]
    out = torchvision.ops.roi_align(mask, rois, (side, side), 1.0, 0, True)
    return (out >= 0.5).numpy()[0, 0]


def blob(rng, width, height):
    """Smooth enough to have an inside, rough enough to have a border."""
    small = rng.uniform(0, 255, (max(2, height // 9), max(2, width // 9))).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.BILINEAR)) > 127


def bit_case(rng, i):
    width, height = int(rng.integers(5, 90)), int(rng.integers(5, 90))
    bits = blob(rng, width, height)
    box = random_box(rng, width, height)
    if i == 0:
        box = floats([0, 0, width, height])
    if i == 1:
        box = floats([width - 1.25, height - 1.5, width, height])
    side = [28, 14][i % 2]
    return {"width": width, "height": height, "bits": text(bits), "box": box, "side": side,
            "target": text(crop_bits(bits, box, side))}


def nearest_case(rng, size):
    width, height, new_width, new_height = size
    bits = rng.integers(0, 2, (height, width)).astype(np.uint8)
    resized = np.asarray(Image.fromarray(bits).resize((new_width, new_height), Image.NEAREST))
    return {"width": width, "height": height, "new_width": new_width, "new_height": new_height, "bits": text(bits),
            "resized": text(resized)}


def blend(image, source, factor):
    """BlendTransform.apply_image of bytes."""
    out = (1 - factor) * source + factor * image.astype(np.float32)
    return np.clip(out, 0, 255).astype(np.uint8)


def color_case(rng, factor):
    image = rng.integers(0, 256, (4, 5, 3)).astype(np.uint8)
    grey = image.dot([0.299, 0.587, 0.114])[:, :, np.newaxis]
    return {"pixels": image.ravel().tolist(), "width": 5, "height": 4, "factor": factor,
            "brightness": blend(image, 0, factor).ravel().tolist(),
            "contrast": blend(image, image.mean(), factor).ravel().tolist(),
            "saturation": blend(image, grey, factor).ravel().tolist()}


def main():
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    sizes = [(7, 5, 3, 4), (5, 7, 16, 9), (64, 48, 33, 21), (30, 20, 30, 20), (1, 1, 4, 3), (97, 3, 41, 8)]
    out = {
        "notes": "SPDX-License-Identifier: LGPL-2.1-or-later. Made by make-training.py",
        "polygon crops": [polygon_case(rng, i) for i in range(24)],
        "bit crops": [bit_case(rng, i) for i in range(16)],
        "nearest": [nearest_case(rng, size) for size in sizes],
        "colours": [color_case(rng, factor) for factor in (0.0, 0.4, 0.75, 1.3, 1.9)],
    }
    with open(sys.argv[1], "w") as file:
        file.write(json.dumps(out, separators=(",", ":")).replace('},{', '},\n{') + "\n")


main()
