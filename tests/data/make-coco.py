#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/data/coco.json: a random COCO set with boxes, masks in all three codings, keypoints, crowds,
equal scores and classes without objects; detections; and the numbers that pycocotools gives them.

  make-coco.py FILE [SEED [IMAGES]]

Needs numpy and pycocotools (made with 2.0.11). The set that is in the project: seed 1, 12 images.
"""
import contextlib
import copy
import io
import json
import sys

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = {
    "bbox": ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"],
    "keypoints": ["AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl"],
}
NAMES["segm"] = NAMES["bbox"]
# The last two have no objects; "none" has no detections either.
CATEGORIES = [(7, "disc"), (2, "box"), (11, "blob"), (5, "only detected"), (3, "none")]
N_KEYPOINTS = 17


def polygon(rng, x, y, w, h):
    """A star around the middle of the box, that may reach a little beyond it."""
    n = rng.integers(3, 9)
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    reach = rng.uniform(0.6, 1.1, n)
    px = x + w / 2 * (1 + reach * np.cos(angle))
    py = y + h / 2 * (1 + reach * np.sin(angle))
    return [round(float(v), 2) for v in np.stack([px, py], 1).ravel()]


def text(rle):
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def runs(rle):
    """The uncompressed form."""
    pixels = masks.decode(rle).ravel(order="F")
    edges = np.flatnonzero(np.diff(pixels)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()
    return {"size": rle["size"], "counts": ([0] if pixels[0] else []) + lengths}


def keypoints(rng, x, y, w, h, visible):
    points = np.zeros((N_KEYPOINTS, 3), int)
    points[:, 0] = np.round(x + w * rng.uniform(0, 1, N_KEYPOINTS))
    points[:, 1] = np.round(y + h * rng.uniform(0, 1, N_KEYPOINTS))
    points[:, 2] = rng.integers(0, 3, N_KEYPOINTS) if visible else 0
    points[points[:, 2] == 0] = 0
    return points


def annotation(rng, number, image, category):
    side = rng.choice([20, 60, 140])
    w, h = (float(v) for v in np.round(side * rng.uniform(0.6, 1.3, 2), 1))
    x = round(float(rng.uniform(-3, max(image["width"] - w, 1))), 1)
    y = round(float(rng.uniform(-3, max(image["height"] - h, 1))), 1)
    parts = [polygon(rng, x, y, w, h) for _ in range(rng.integers(1, 3))]
    rle = masks.merge(masks.frPyObjects(parts, image["height"], image["width"]))
    crowd = bool(rng.uniform() < 0.15)
    coding = rng.integers(0, 4)
    points = keypoints(rng, x, y, w, h, rng.uniform() < 0.85)
    return {
        "id": number,
        "image_id": image["id"],
        "category_id": category,
        "bbox": [x, y, w, h],
        "area": float(masks.area(rle)) if rng.uniform() < 0.5 else round(w * h * 0.6, 1),
        "iscrowd": int(crowd),
        "segmentation": runs(rle) if crowd or coding == 0 else text(rle) if coding == 1 else parts,
        "num_keypoints": int((points[:, 2] > 0).sum()),
        "keypoints": points.ravel().tolist(),
    }


def score(rng):
    """One decimal: many are equal."""
    return round(float(rng.uniform(0.05, 0.95)), 1)


def detections(rng, a, image):
    """Zero to two around an object."""
    found, found_points = [], []
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        shift = rng.choice([0, 0.02, 0.08, 0.3]) * rng.normal(0, 1, 4) * (a["bbox"][2:] * 2)
        box = np.round(np.array(a["bbox"]) + shift, 1)
        box[2:] = np.maximum(box[2:], 1)
        x, y, w, h = (float(v) for v in box)
        rle = masks.merge(masks.frPyObjects([polygon(rng, x, y, w, h)], image["height"], image["width"]))
        if not isinstance(a["segmentation"], dict) and rng.uniform() < 0.85:
            moved = [[round(v + float(shift[0]) / 8, 2) for v in part] for part in a["segmentation"]]
            rle = masks.merge(masks.frPyObjects(moved, image["height"], image["width"]))
        known = {"image_id": a["image_id"], "category_id": a["category_id"], "score": score(rng)}
        found.append({**known, "bbox": [x, y, w, h], "segmentation": text(rle)})
        points = np.array(a["keypoints"]).reshape(-1, 3)
        near = points[:, :2] + rng.normal(0, rng.choice([0, 1, 4]), (N_KEYPOINTS, 2))
        if a["num_keypoints"] == 0:
            near = np.array([x, y]) + rng.uniform(-1, 3, (N_KEYPOINTS, 2)) * [w, h]
        flat = np.concatenate([np.round(near), np.ones((N_KEYPOINTS, 1))], 1).astype(int)
        found_points.append({**known, "keypoints": flat.ravel().tolist()})
    return found, found_points


def make(rng, n_images):
    images = [
        {"id": int(i), "file_name": f"{i}.png", "width": 240, "height": 180}
        for i in rng.permutation(n_images) * 3 + 1
    ]
    annotations, found, found_points = [], [], []
    for image in images[1:]:  # the first is empty
        for _ in range(rng.integers(1, 7)):
            category = int(rng.choice([7, 2, 11], p=[0.5, 0.3, 0.2]))
            a = annotation(rng, len(annotations) + 1, image, category)
            annotations.append(a)
            boxes, points = detections(rng, a, image)
            found += boxes
            found_points += points
    for i in range(n_images // 2):
        wrong = dict(found[int(rng.integers(len(found)))], score=score(rng))
        wrong["category_id"] = int(rng.choice([5, 7, 2]))
        wrong["image_id"] = images[i % len(images)]["id"]
        found.append(wrong)
    truth = {
        "images": images,
        "categories": [{"id": i, "name": name} for i, name in CATEGORIES],
        "annotations": annotations,
    }
    return truth, found, found_points


def evaluate(truth, results, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = copy.deepcopy(truth)
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(copy.deepcopy(results)), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    expected = dict(zip(NAMES[kind], map(float, evaluation.stats)))
    classes = {}
    for k, category in enumerate(evaluation.params.catIds):
        precision = evaluation.eval["precision"][:, :, k, 0, -1]
        precision = precision[precision > -1]
        classes[str(category)] = float(precision.mean()) if precision.size else -1.0
    return {**expected, "AP by class": classes}


def polygon_cases(rng, n):
    """Polygons of every kind next to the pixels that pycocotools gives them."""
    cases = []
    for i in range(n):
        width, height = (int(v) for v in rng.integers(1, 40, 2))
        points = rng.uniform(-8, 48, 2 * int(rng.integers(3, 8)))
        points = np.round(points, int(rng.integers(0, 4)))
        if i % 5 == 0:
            points[2:4] = points[0:2]  # an edge without length
        rle = masks.frPyObjects([points.tolist()], height, width)[0]
        cases.append({"polygon": points.tolist(), "segmentation": text(rle), "area": int(masks.area(rle))})
    return cases


def main():
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    truth, found, found_points = make(rng, int(sys.argv[3]) if len(sys.argv) > 3 else 12)
    everything = {
        "notes": "SPDX-License-Identifier: LGPL-2.1-or-later. Made by make-coco.py",
        "truth": truth,
        "results": found,
        "keypoint results": found_points,
        "polygons": polygon_cases(rng, 24),
        "expected": {
            "bbox": evaluate(truth, found, "bbox"),
            "segm": evaluate(truth, found, "segm"),
            "keypoints": evaluate(truth, found_points, "keypoints"),
        },
    }
    with open(sys.argv[1], "w") as file:
        json.dump(everything, file, separators=(",", ":"))
        file.write("\n")


main()
