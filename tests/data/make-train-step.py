#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the reference that training is judged by: whole training steps of the two tiny models, by
# PyTorch and its autograd in float64, after the published semantics of D2Go, detectron2, fvcore and
# the COCO tools. It shares nothing with the engine.
#
#   /usr/bin/python3 tests/data/make-train-step.py tests/data
#
# reads tiny-bn.safetensors, tiny-gn.safetensors, tiny-fpn.safetensors, tiny-kpt.safetensors,
# tiny-cls.safetensors and writes
# train-bn.safetensors, train-gn.safetensors, train-fpn.safetensors, train-kpt.safetensors (one batch of two pictures, two steps
# on it; names after the script choose some of them), train-cls.safetensors (the same of a classifier, of
# four pictures) and train-norms.safetensors (one batch norm over four workers). It takes the steps in float32 too and prints how far those are off:
# what a trainer in float32 can be asked for. Every choice on the way (matches, top-k, NMS, samples
# per ROI bin, cells of a mask target) is the same in float32 and with outputs of the RPN shaken by
# JITTER, and no activation is close to a corner; seeds for which it is not so are passed over.
# Debian: python3-torch, python3-torchvision.
#
# tiny-fpn.safetensors has the random weights that fbnet-train begins with: its own description, and
#   fbnet-train --description tiny-fpn.json --iterations 1 --rate 1e-30 --ema 0 --batch 1 --threads 1 \
#     --norm-statistics stored --seed 5 ... --output tests/data/tiny-fpn.safetensors
#
# tiny-kpt.safetensors likewise, --seed 6, of a description that is tiny-bn's with a keypoint head.
# tiny-cls.safetensors likewise: --description tiny-cls.json --images DIR --iterations 1 --rate 1e-30 --ema 0
#   --batch 2 --threads 1 --norm-statistics stored --seed 5, with folders cross, disc and ring in DIR.
#
# train-bn, train-gn. Numbers are F32 unless said otherwise; i is the picture, 0 or 1. ROIs are in
# the order of the proposals, the ground truth appended, picture after picture; masks in the order
# of the ROIs that are objects. All is of the first step, unless the name says 2.
#   image.i           U8 [height, width, 3], at network size, in the model's channel order
#   boxes.i           [objects, 4] ground truth, network pixels; classes.i I32 [objects]
#   features.trunk3   [2, channels, h, w] of the padded batch; with a pyramid features.0 … of its levels
#   rpn.logits        [2, h * w * anchors], order y, x, anchor, level after level; rpn.deltas [..., 4]
#   rpn.labels        I32, as rpn.logits: 1 object, 0 background, -1 ignored
#   rpn.matched       I32, as rpn.logits: index of the box in its picture, -1 unless the label is 1
#   proposals.i       [n, 4] best first, the ground truth not among them
#   roi.boxes         [n, 5] picture, box; roi.classes I32 [n], n_classes is background
#   roi.matched       I32 [n] index of the box in its picture, -1 for background
#   box.logits        [n, n_classes + 1]; box.deltas [n, 4 * n_classes], or 4 shared by the classes
#   mask.targets      U8 [m, side, side] 0 or 1; mask.logits [m, side, side] of the object's class
#   loss.rpn_cls, loss.rpn_loc, loss.cls, loss.box_reg, loss.mask   [1]; loss2.*: of the second step
#   d.STAGE           derivative of the sum of losses by features.trunk3, rpn.logits, rpn.deltas,
#                     box.logits, box.deltas, mask.logits
#   grad.NAME         derivative by the parameter NAME; grad2.NAME: in the second step. Biases that
#                     a batch norm takes away again have none but rounding
#   after1.NAME, after2.NAME   the parameter after one and two steps of SGD
#   stats1.NAME, stats2.NAME   running_mean and running_var after them (train-bn: one worker, so
#                              naiveSyncBN is torch's BatchNorm2d, the variance stored unbiased)
#   ema2.NAME         parameters and running statistics averaged, after two steps; before the first
#                     they are the model's, after each: decay * average + (1 - decay) * new
#   smooth.loss.*, smooth.grad.NAME   the first step with the betas of "smooth": smooth L1
#   keypoints.i       [objects, keypoints, 3] network pixels, and whether it is labelled (train-kpt)
#   keypoint.maps     [m, keypoints, side, side] of the ROIs that hold one of their object's
# train-cls has of these image.i, classes.i (one number), logits, loss.cls, grad, after, stats and ema2, with
# label smoothing.
# `fbnet` in __metadata__ is a JSON object, as in models: `training`: the numbers of TRAINING below,
# sizes [height, width] of the pictures, and what sums are divided by; `polygons`: per picture, per
# object: its polygons, [x, y, x, y ...] in network pixels (mask targets: pycocotools'
# rasterisation); `losses`: all losses in full; `schedules`: settings and `rates`, [iteration,
# learning rate] of each.
#
# train-norms: x.k, dy.k of workers k = 0 ... 3 (images, 3, height, width, all unequal), weight,
# bias, running_mean, running_var before. For each pooling P, "pixels" (SyncBN: as if all were one
# batch), "equally" and "images" (naiveSyncBN with stats_mode "" and "N"): P.y.k; P.dx.k, P.dweight,
# P.dbias, derivatives of the sum over all workers of dy * y; P.running_mean, P.running_var after
# (variance unbiased in "pixels" only). `fbnet`: momentum, epsilon.
import copy
import json
import math
import os
import runpy
import struct
import sys

import numpy as np
import torch
from torch.nn import functional
from torchvision.ops import batched_nms, nms, roi_align

HERE = os.path.dirname(os.path.abspath(__file__))
TINY = runpy.run_path(os.path.join(HERE, "make-tiny.py"))

JITTER = 3e-5         # of the spread of the RPN's outputs
MARGIN_OVERLAP = 1e-4  # no IoU closer to a bound or to its rival
MARGIN_KINK = 1e-5    # no activation, no L1 difference closer to where its slope jumps
MARGIN_KINK_MAPS = 4e-6  # the same with heat maps, which have many more
STRIDE = 16
N_KEYPOINTS = 5

TRAINING = {
    "rpn": {"batch_size_per_image": 256, "positive_fraction": 0.5, "pre_nms_count": 100,
            "post_nms_count": 40, "iou_threshold": 0.7, "smooth_l1_beta": 0.0},
    "roi_heads": {"batch_size_per_image": 512, "positive_fraction": 0.25, "append_truth": True},
    "box_head": {"smooth_l1_beta": 0.0},
    "smooth": {"rpn": 1 / 9, "box_head": 1.0},
    # D2Go's weight decay of 1e-4 and average's of 0.9998 would hide in float32's rounding. Biases
    # decay like weights.
    "sgd": {"rate": 0.02, "momentum": 0.9, "weight_decay": 0.01, "weight_decay_norm": 0.0},
    "ema": {"decay": 0.9},
    "batch_norm": {"momentum": 0.1},
    "classify": {"label_smoothing": 0.1},
}


# --- Files -------------------------------------------------------------------------------------

def load(path):
    types = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        values = np.frombuffer(data[start + first:start + last], types[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, json.loads(metadata["fbnet"])


def split(tensors, dtype):
    """Parameters and running statistics, as leaves of their own."""
    params, stats = {}, {}
    for name, values in tensors.items():
        if name.endswith("num_batches_tracked"):
            continue
        value = torch.tensor(values.astype(np.float64)).to(dtype)
        if ".running_" in name:
            stats[name] = value
        else:
            params[name] = value.requires_grad_(True)
    return params, stats


# --- Samples -----------------------------------------------------------------------------------

def polygon(random, box):
    """A star around the middle of the box that touches its four sides."""
    angles = np.sort(random.uniform(0, 2 * math.pi, random.randint(5, 9)))
    reach = random.uniform(0.5, 1, len(angles))
    points = np.stack([reach * np.cos(angles), reach * np.sin(angles)], 1)
    points = (points - points.min(0)) / (points.max(0) - points.min(0))
    points = box[:2] + points * (box[2:] - box[:2])
    return [round(float(v), 3) for v in points.reshape(-1)]


def make_sample(random, height, width, n_objects, n_classes, anchors, n_keypoints=0):
    """The first object is almost an anchor, so that one matches well."""
    inside = anchors[(anchors[:, :2].min(1) > 2) & (anchors[:, 2] < width - 2)
                     & (anchors[:, 3] < height - 2)]
    boxes = [inside[random.randint(len(inside))] + random.uniform(-2, 2, 4)]
    while len(boxes) < n_objects:
        size = random.uniform(12, 40, 2)
        at = random.uniform(0, 1, 2) * (np.array([width, height]) - size)
        boxes.append(np.concatenate([at, at + size]))
    boxes = np.array(boxes).astype(np.float32)
    classes = random.randint(0, n_classes, n_objects)
    pixels = TINY["draw"](width, height, int(random.randint(1000))) // 2
    for box, k in zip(boxes.round().astype(int), classes):
        pixels[box[1]:box[3], box[0]:box[2], k % 3] += 100
    polygons = [[polygon(random, box)] for box in boxes.astype(np.float64)]
    polygons[-1].append(polygon(random, boxes[-1].astype(np.float64)))
    return {"pixels": pixels, "boxes": boxes, "classes": classes, "polygons": polygons,
            "keypoints": [draw_keypoints(random, box) for box in boxes] if n_keypoints else []}


def draw_keypoints(random, box, n=N_KEYPOINTS):
    """Most in the box, some without a label; what lies at its edge is in no ROI that is smaller."""
    at = box[:2] + random.uniform(0, 1.1, (n, 2)) * (box[2:] - box[:2])
    return np.concatenate([at, random.uniform(0, 1, (n, 1)) < 0.8], 1).astype(np.float32)


# --- Mask targets ------------------------------------------------------------------------------

def outline(points):
    """All points of a closed polygon on a grid, step by step along each edge's longer side: what
    the COCO tools (maskApi.c rleFrPoly) walk along."""
    path = [points[:1]]
    for a, b in zip(points, np.roll(points, -1, 0)):
        long = 0 if abs(b[0] - a[0]) >= abs(b[1] - a[1]) else 1
        low, high = (a, b) if a[long] <= b[long] else (b, a)
        steps = high[long] - low[long]
        if steps == 0:  # crosses nothing
            continue
        slope = (high[1 - long] - low[1 - long]) / float(steps)
        edge = np.zeros((steps + 1, 2), int)
        edge[:, long] = low[long] + np.arange(steps + 1)
        edge[:, 1 - long] = np.trunc(low[1 - long] + slope * np.arange(steps + 1) + 0.5)
        path.append(edge if low is a else edge[::-1])
    return np.concatenate(path)


def fill(coordinates, side):
    """Cells of a side × side grid inside one polygon. Column by column from the top, each crossing
    of the outline, found at a fifth of a cell, turns what follows inside out."""
    scale = 5
    path = outline(np.trunc(scale * coordinates.reshape(-1, 2) + 0.5).astype(int))
    flips = np.zeros(side * side + 1, int)
    for (u0, v0), (u1, v1) in zip(path[:-1], path[1:]):
        if u0 == u1:
            continue
        x = ((u1 if u1 < u0 else u1 - 1) + 0.5) / scale - 0.5
        if x != math.floor(x) or x < 0 or x > side - 1:
            continue
        y = (min(v0, v1) + 0.5) / scale - 0.5
        y = math.ceil(min(max(y, 0), side))
        flips[int(x) * side + y] += 1
    return (np.cumsum(flips)[:-1] % 2).reshape(side, side).T


def crop_mask(polygons, box, side):
    box = np.asarray(box, np.float64)
    size = np.maximum(box[2:] - box[:2], 0.1)
    mask = np.zeros((side, side), int)
    for coordinates in polygons:
        points = (np.array(coordinates).reshape(-1, 2) - box[:2]) * (side / size)
        mask |= fill(points, side)
    return mask


# --- Network -----------------------------------------------------------------------------------

class Network:
    """`kink` is the closest that any activation came to where its slope jumps."""

    def __init__(self, architecture, params, stats):
        self.a, self.params, self.stats = architecture, params, stats
        self.kink = math.inf

    def activate(self, name, x):
        corners = {"relu": [0], "hswish": [-3, 3], "hsigmoid": [-3, 3], "sigmoid": []}[name]
        for corner in corners:
            self.kink = min(self.kink, (x.detach() - corner).abs().min().item())
        if name == "relu":
            return torch.relu(x)
        if name == "sigmoid":
            return torch.sigmoid(x)
        gate = (x + 3).clamp(0, 6) / 6
        return gate if name == "hsigmoid" else x * gate

    def convolve(self, name, x, stride=1, groups=1):
        weight, bias = self.params[name + ".weight"], self.params.get(name + ".bias")
        return functional.conv2d(x, weight, bias, stride, weight.shape[2] // 2, 1, groups)

    def norm(self, name, x):
        if name + ".weight" not in self.params:
            return x
        weight, bias = self.params[name + ".weight"], self.params[name + ".bias"]
        if self.a["norm"]["name"] == "gn":
            return functional.group_norm(x, self.a["norm"]["num_groups"], weight, bias, 1e-5)
        return functional.batch_norm(x, self.stats[name + ".running_mean"],
                                     self.stats[name + ".running_var"], weight, bias, True,
                                     TRAINING["batch_norm"]["momentum"], 1e-5)

    def inverted_residual(self, name, op, x, out, stride, arguments):
        act = "hswish" if op.endswith("_hs") else "relu"
        groups = 2 if "_g2" in op else 1
        y = x
        if name + ".pw.conv.weight" in self.params:
            y = self.convolve(name + ".pw.conv", y, groups=groups)
            y = self.activate(act, self.norm(name + ".pw.bn", y))
        if groups > 1:
            n, c, h, w = y.shape
            y = y.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        if stride < 0:
            y = functional.interpolate(y, scale_factor=-stride, mode="nearest")
        y = self.convolve(name + ".dw.conv", y, max(stride, 1), y.shape[1])
        if "_se" in op:
            gate = self.convolve(name + ".se.se.0.conv", y.mean((2, 3), keepdim=True))
            gate = self.convolve(name + ".se.se.1", self.activate(act, gate))
            y = y * self.activate("hsigmoid" if "sehsig" in op else "sigmoid", gate)
        y = self.convolve(name + ".pwl.conv", y, groups=arguments.get("pwl_groups", 1))
        y = self.norm(name + ".pwl.bn", y)
        return y + x if x.shape[1] == out and stride == 1 else y

    def pool(self, name, op, x):
        act = "hswish" if op.endswith("_hs") else "relu"
        x = self.activate(act, self.norm(name + ".pw.bn", self.convolve(name + ".pw.conv", x)))
        return self.activate(act, self.convolve(name + ".pwl.conv", x.mean((2, 3), keepdim=True)))

    def stage(self, blocks, prefix, x):
        index = 0
        for op, out, stride, repeat, *dictionaries in blocks:
            arguments = {k: v for d in dictionaries for k, v in d.items()}
            if self.a["scale_factor"] != 1:
                out = TINY["divisible"](int(out * self.a["scale_factor"]), self.a["width_divisor"])
            for i in range(repeat):
                name, step = prefix + str(index), stride if i == 0 else 1
                if op.startswith("conv"):
                    x = self.norm(name + ".bn", self.convolve(name + ".conv", x, max(step, 1)))
                    x = self.activate("hswish" if op.endswith("_hs") else "relu", x)
                    if step < 0:
                        x = functional.interpolate(x, scale_factor=-step, mode="nearest")
                elif op.startswith("ir_pool"):
                    x = self.pool(name, op, x)
                elif op != "skip":
                    x = self.inverted_residual(name, op, x, out, step, arguments)
                index += 1
        return x


# --- Boxes -------------------------------------------------------------------------------------

def overlaps(a, b):
    low, high = torch.max(a[:, None, :2], b[None, :, :2]), torch.min(a[:, None, 2:], b[None, :, 2:])
    inter = (high - low).clamp(min=0).prod(2)
    area_a, area_b = [(v[:, 2:] - v[:, :2]).prod(1) for v in (a, b)]
    return inter / (area_a[:, None] + area_b[None] - inter)


def decode(deltas, boxes, weights):
    size, centre = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    deltas = deltas / torch.tensor(weights, dtype=deltas.dtype)
    centre = centre + deltas[:, :2] * size
    size = size * deltas[:, 2:].clamp(max=math.log(1000 / 16)).exp()
    return torch.cat([centre - size / 2, centre + size / 2], 1)


def encode(boxes, truth, weights):
    size, centre = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    truth_size, truth_centre = truth[:, 2:] - truth[:, :2], (truth[:, 2:] + truth[:, :2]) / 2
    deltas = torch.cat([(truth_centre - centre) / size, (truth_size / size).log()], 1)
    return deltas * torch.tensor(weights, dtype=deltas.dtype)


def smooth_l1(difference, beta):
    """Summed; beta 0: L1."""
    size = difference.abs()
    if beta == 0:
        return size.sum()
    return torch.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta).sum()


def match(quality, bounds, low_quality):
    """quality [truth, boxes]. Labels 1, 0, -1; the truth each box is nearest to; the narrowest
    decision."""
    best, matched = quality.max(0)
    labels = torch.full_like(matched, -1)
    labels[best < bounds[0]] = 0
    labels[best >= bounds[1]] = 1
    margin = min((best - bound).abs().min().item() for bound in bounds)
    if low_quality:
        rows = quality.sort(1, descending=True)[0]
        margin = min(margin, (rows[:, 0] - rows[:, 1]).min().item(), rows[:, 0].min().item())
        labels[(quality == rows[:, :1]).any(0)] = 1
    if len(quality) > 1:
        first, second = quality[:, labels == 1].sort(0, descending=True)[0][:2]
        margin = min(margin, (first - second).min().item())
    return labels, matched, margin


def sampled_all(labels, config):
    """Are no more objects, no more samples there than random sampling would take?"""
    size = config["batch_size_per_image"]
    n_objects = (labels == 1).sum().item()
    return n_objects <= int(size * config["positive_fraction"]) \
        and (labels >= 0).sum().item() <= size


# --- One step ----------------------------------------------------------------------------------

class Step:
    """Forward and backward. `out` has the stages, `choices` every decision, `overlap` and `kink`
    the narrowest ones."""

    def __init__(self, description, params, stats, samples, betas, jitter=0):
        self.d, self.params, self.stats = description, params, stats
        self.dtype = next(iter(params.values())).dtype
        self.samples, self.betas, self.jitter = samples, betas, jitter
        self.net = Network(description["architecture"], params, stats)
        self.noise = np.random.RandomState(5)
        self.out, self.choices, self.losses = {}, {}, {}
        self.overlap, self.sampled = math.inf, True
        self.truth = [self.tensor(s["boxes"]) for s in samples]
        self.n_classes = description["roi_heads"]["n_classes"]

    def tensor(self, values):
        return torch.tensor(np.asarray(values), dtype=self.dtype)

    def keep(self, name, x):
        self.out[name] = x
        if x.requires_grad:
            x.retain_grad()
        return x

    def shake(self, x):
        x = x.detach()
        return x + self.jitter * x.std() * self.tensor(self.noise.uniform(-1, 1, x.shape))

    def batch(self):
        """Normalised first, padded with zeros then."""
        spec = self.d["input"]
        multiple = max(spec.get("size_divisibility", 0), 1)
        sizes = [s["pixels"].shape[:2] for s in self.samples]
        height, width = [-(-max(s[i] for s in sizes) // multiple) * multiple for i in range(2)]
        x = torch.zeros((len(sizes), 3, height, width), dtype=self.dtype)
        for i, sample in enumerate(self.samples):
            pixels = (self.tensor(sample["pixels"]) - self.tensor(spec["mean"])) \
                / self.tensor(spec["std"])
            x[i, :, :sizes[i][0], :sizes[i][1]] = pixels.permute(2, 0, 1)
        return x

    def trunk(self):
        x = self.batch()
        for s, blocks in enumerate(self.net.a["trunk"]):
            x = self.net.stage(blocks, "backbone.body.trunk%d.fbnetv2_%d_" % (s, s), x)
        self.strides = [STRIDE]
        return [self.keep("features.trunk3", x)]

    def rpn_level(self, feature, anchors, stride):
        prefix = "proposal_generator.rpn_head."
        x = self.net.stage(self.net.a["rpn"][0], prefix + "rpn_feature.0.fbnetv2_0_", feature)
        logits = self.net.convolve(prefix + "rpn_regressor.cls_logits", x)
        deltas = self.net.convolve(prefix + "rpn_regressor.bbox_pred", x)
        n, cells, height, width = logits.shape
        anchors = self.tensor(TINY["anchors"](anchors, height, width, stride))
        logits = logits.permute(0, 2, 3, 1).reshape(n, -1)
        deltas = deltas.reshape(n, cells, 4, height, width).permute(0, 3, 4, 1, 2).reshape(n, -1, 4)
        return logits, deltas, anchors

    def rpn(self, features):
        parts = [self.rpn_level(feature, {**self.d["anchors"], "sizes": [sizes]}, stride)
                 for feature, sizes, stride in zip(features, self.d["anchors"]["sizes"], self.strides)]
        logits, deltas, anchors = zip(*parts)
        self.anchors = torch.cat(anchors)
        self.levels = torch.cat([torch.full((len(a),), i) for i, a in enumerate(anchors)])
        return self.keep("rpn.logits", torch.cat(logits, 1)), self.keep("rpn.deltas", torch.cat(deltas, 1))

    def rpn_losses(self, logits, deltas):
        config, weights = TRAINING["rpn"], self.d["rpn"].get("bbox_reg_weights", [1, 1, 1, 1])
        bounds = self.d["rpn"].get("iou_bounds", [0.3, 0.7])
        cls, loc, all_labels, all_matched = 0, 0, [], []
        for i, truth in enumerate(self.truth):
            labels, matched, margin = match(overlaps(truth, self.anchors), bounds, True)
            self.overlap = min(self.overlap, margin)
            self.sampled &= sampled_all(labels, config)
            used, objects = labels >= 0, labels == 1
            cls = cls + functional.binary_cross_entropy_with_logits(
                logits[i, used], labels[used].to(self.dtype), reduction="sum")
            target = encode(self.anchors[objects], truth[matched[objects]], weights)
            loc = loc + self.regression(deltas[i, objects] - target, self.betas["rpn"])
            all_labels.append(labels)
            all_matched.append(torch.where(objects, matched, -1))
        normalizer = config["batch_size_per_image"] * len(self.samples)
        self.losses["rpn_cls"], self.losses["rpn_loc"] = cls / normalizer, loc / normalizer
        self.choices["rpn.labels"] = torch.stack(all_labels)
        self.choices["rpn.matched"] = torch.stack(all_matched)

    def regression(self, difference, beta):
        if beta == 0:
            self.net.kink = min(self.net.kink, difference.detach().abs().min().item())
        return smooth_l1(difference, beta)

    def proposals(self, logits, deltas):
        """Without derivative: to the heads, proposals are given."""
        config, weights = TRAINING["rpn"], self.d["rpn"].get("bbox_reg_weights", [1, 1, 1, 1])
        logits, deltas, found = self.shake(logits), self.shake(deltas), []
        for i, sample in enumerate(self.samples):
            order = torch.cat([
                level[logits[i, level].argsort(descending=True)[:config["pre_nms_count"]]]
                for level in ((self.levels == k).nonzero()[:, 0] for k in range(len(self.strides)))])
            boxes = decode(deltas[i, order], self.anchors[order], weights)
            height, width = sample["pixels"].shape[:2]
            boxes = torch.stack([boxes[:, j].clamp(0, [width, height][j % 2]) for j in range(4)], 1)
            solid = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)
            order, boxes = order[solid], boxes[solid]
            kept = nms(boxes, logits[i, order], config["iou_threshold"]) if len(self.strides) == 1 else \
                batched_nms(boxes, logits[i, order], self.levels[order], config["iou_threshold"])
            kept = kept[:config["post_nms_count"]]
            self.choices["proposals.%d" % i] = order[kept]
            self.out["proposals.%d" % i] = boxes[kept]
            found.append(boxes[kept])
        return found

    def label(self, proposals):
        """ROIs with what they should become; all of them, where detectron2 takes a sample."""
        bounds = self.d["roi_heads"].get("iou_bounds", [0.5, 0.5])
        rois, classes, matches = [], [], []
        for i, (boxes, truth) in enumerate(zip(proposals, self.truth)):
            boxes = torch.cat([boxes, truth])
            labels, matched, margin = match(overlaps(truth, boxes), bounds, False)
            self.overlap = min(self.overlap, margin)
            self.sampled &= sampled_all(labels, TRAINING["roi_heads"])
            class_id = torch.tensor(self.samples[i]["classes"])[matched]
            rois.append(torch.cat([torch.full((len(boxes), 1), i, dtype=self.dtype), boxes], 1))
            classes.append(torch.where(labels == 1, class_id, self.n_classes))
            matches.append(torch.where(labels == 1, matched, -1))
        self.out["roi.boxes"] = torch.cat(rois)
        self.choices["roi.classes"] = torch.cat(classes)
        self.choices["roi.matched"] = torch.cat(matches)

    def roi_levels(self, rois):
        """detectron2 modeling/poolers.py assign_boxes_to_levels, among the levels that the heads read."""
        sizes = (rois[:, 3:] - rois[:, 1:3]).prod(1).sqrt()
        level = (4 + (sizes / 224 + 1e-8).log2()).floor() - math.log2(self.strides[0])
        return level.clamp(0, len(self.d["roi_heads"]["in_features"]) - 1).long()

    def pool(self, features, rois, head):
        side, ratio = head["pooler_resolution"], head.get("sampling_ratio", 0)
        levels = self.roi_levels(rois)
        if ratio == 0:
            strides = self.tensor(self.strides)[levels][:, None]
            grid = ((rois[:, 3:] - rois[:, 1:3]) / strides / side).ceil()
            self.choices["samples.%d" % side] = grid.long()
        self.choices["levels.%d" % side] = levels
        parts = [roi_align(features[k], rois[levels == k], side, 1 / self.strides[k], ratio, aligned=True)
                 for k in range(int(levels.max()) + 1)]
        order = torch.cat([(levels == k).nonzero()[:, 0] for k in range(len(parts))])
        return torch.cat(parts)[order.argsort()]

    def truth_of(self, chosen):
        """Ground-truth boxes of ROIs that are objects."""
        pictures = self.out["roi.boxes"][chosen, 0].long()
        matched = self.choices["roi.matched"][chosen]
        return torch.stack([self.truth[i][j] for i, j in zip(pictures, matched)])

    def linear(self, name, x):
        name = "roi_heads.box_predictor." + name
        return functional.linear(x, self.params[name + ".weight"], self.params[name + ".bias"])

    def box_losses(self, features):
        rois, classes = self.out["roi.boxes"], self.choices["roi.classes"]
        x = self.pool(features, rois, self.d["box_head"])
        x = self.net.stage(self.net.a["bbox"][0], "roi_heads.box_head.roi_box_conv.0.fbnetv2_0_", x)
        x = x.mean((2, 3))
        logits = self.keep("box.logits", self.linear("cls_score", x))
        deltas = self.keep("box.deltas", self.linear("bbox_pred", x))
        self.losses["cls"] = functional.cross_entropy(logits, classes)
        objects = classes < self.n_classes
        column = classes[objects] if deltas.shape[1] > 4 else torch.zeros_like(classes[objects])
        mine = deltas.reshape(len(rois), -1, 4)[objects, column]
        target = encode(rois[objects, 1:], self.truth_of(objects),
                        self.d["box_head"]["bbox_reg_weights"])
        difference = self.regression(mine - target, self.betas["box_head"])
        self.losses["box_reg"] = difference / len(rois)

    def mask_loss(self, features):
        objects = self.choices["roi.classes"] < self.n_classes
        rois, prefix = self.out["roi.boxes"][objects], "roi_heads.mask_head."
        x = self.pool(features, rois, self.d["mask_head"])
        x = self.net.stage(self.net.a["mask"][0], prefix + "feature_extractor.0.fbnetv2_0_", x)
        logits = self.net.convolve(prefix + "predictor.mask_fcn_logits", x)
        logits = logits[torch.arange(len(rois)), self.choices["roi.classes"][objects]]
        self.keep("mask.logits", logits)
        targets = [crop_mask(self.samples[int(roi[0])]["polygons"][j], roi[1:], logits.shape[-1])
                   for roi, j in zip(rois, self.choices["roi.matched"][objects])]
        self.choices["mask.targets"] = torch.tensor(np.array(targets))
        self.losses["mask"] = functional.binary_cross_entropy_with_logits(
            logits, self.choices["mask.targets"].to(self.dtype))

    def keypoint_targets(self, side):
        """detectron2 select_proposals_with_visible_keypoints, _keypoints_to_heatmap: the ROIs, and map,
        pixel of each keypoint in one."""
        rois, maps, pixels = [], [], []
        objects = self.choices["roi.classes"] < self.n_classes
        for roi, j in zip(self.out["roi.boxes"][objects], self.choices["roi.matched"][objects]):
            points = self.tensor(self.samples[int(roi[0])]["keypoints"][j])
            box, at, known = roi[1:], points[:, :2], points[:, 2] > 0
            inside = (at >= box[:2]).all(1) & (at <= box[2:]).all(1) & known
            if not inside.any():
                continue
            place = (at - box[:2]) * (side / (box[2:] - box[:2]))
            fraction = (place - place.round()).abs()[inside].min().item()
            self.overlap = min(self.overlap, fraction)
            place = place.floor().long()
            valid = (place >= 0).all(1) & (place < side).all(1) & known
            maps += [len(rois) * len(points) + int(k) for k in valid.nonzero()[:, 0]]
            pixels += (place[valid, 1] * side + place[valid, 0]).tolist()
            rois.append(roi)
        return torch.stack(rois), torch.tensor(maps), torch.tensor(pixels)

    def keypoint_loss(self, features):
        head = self.d["keypoint_head"]
        rois, maps, pixels = self.keypoint_targets(2 * head["pooler_resolution"])
        prefix = "roi_heads.keypoint_head."
        x = self.pool(features, rois, head)
        x = self.net.stage(self.net.a["kpts"][0], prefix + "feature_extractor.0.fbnetv2_0_", x)
        x = self.net.inverted_residual(prefix + "predictor.kps_score_lowres", "ir_k3", x,
                                       head["n_keypoints"], -2, {})
        self.keep("keypoint.maps", x)
        self.choices["keypoint.maps"], self.choices["keypoint.pixels"] = maps, pixels
        self.losses["keypoint"] = functional.cross_entropy(
            x.reshape(-1, x.shape[2] * x.shape[3])[maps], pixels, reduction="sum") / len(maps)

    def forward(self):
        features = self.trunk()
        logits, deltas = self.rpn(features)
        self.rpn_losses(logits, deltas)
        self.label(self.proposals(logits, deltas))
        self.box_losses(features)
        if "mask_head" in self.d:
            self.mask_loss(features)
        if "keypoint_head" in self.d:
            self.keypoint_loss(features)
        return self

    def backward(self):
        for param in self.params.values():
            param.grad = None
        sum(self.losses.values()).backward()
        self.grads = {name: param.grad.clone() for name, param in self.params.items()}
        return self


class PyramidStep(Step):
    """The same over a pyramid: detectron2 modeling/backbone/fpn.py FPN and LastLevelMaxPool."""

    def trunk(self):
        x, stages, spec = self.batch(), [], self.d["backbone"]["fpn"]
        for s, blocks in enumerate(self.net.a["trunk"]):
            x = self.net.stage(blocks, "backbone.bottom_up.trunk%d.fbnetv2_%d_" % (s, s), x)
            stages.append(x)
        above, found = None, []
        for name, level in reversed(list(zip(spec["in_features"], spec["levels"]))):
            x = self.net.convolve("backbone.fpn_lateral" + level[1:], stages[int(name[5:])])
            if above is not None:
                x = x + functional.interpolate(above, scale_factor=2, mode="nearest")
            found.insert(0, self.net.convolve("backbone.fpn_output" + level[1:], x))
            above = x
        found.append(functional.max_pool2d(found[-1], 1, 2))
        self.strides = [2 ** int(level[1:]) for level in spec["levels"]]
        return [self.keep("features.%d" % i, x) for i, x in enumerate(found)]


class ClassStep(Step):
    """A classifier: mobile_cv model_zoo/models/fbnet_v2.py FBNet, ClsConvHead."""

    def __init__(self, description, params, stats, samples, betas, jitter=0):
        self.d, self.params, self.stats, self.samples = description, params, stats, samples
        self.dtype = next(iter(params.values())).dtype
        self.net = Network(description["architecture"], params, stats)
        self.out, self.choices, self.losses = {}, {}, {}
        self.overlap, self.sampled = math.inf, True

    def forward(self):
        x = self.batch()
        for s, blocks in enumerate(self.net.a["trunk"]):
            x = self.net.stage(blocks, "backbone.stages.xif%d_" % s, x)
        logits = self.net.convolve("head.conv", x.mean((2, 3), keepdim=True)).flatten(1)
        self.keep("logits", logits)
        self.losses["cls"] = functional.cross_entropy(
            logits, torch.tensor([s["class"] for s in self.samples]),
            label_smoothing=TRAINING["classify"]["label_smoothing"])
        return self


def step_of(description, *arguments):
    if description["task"] == "classification":
        return ClassStep(description, *arguments)
    kind = PyramidStep if description["backbone"]["type"] == "FPN" else Step
    return kind(description, *arguments)


class Run:
    """Two steps from the model as it is, with SGD and the moving average."""

    def __init__(self, tensors, description, samples, dtype, jitter=0):
        config, norms = TRAINING["sgd"], lambda name: ".bn." in name
        self.params, self.stats = split(tensors, dtype)
        sgd = torch.optim.SGD(
            [{"params": [p for n, p in self.params.items() if not norms(n)]},
             {"params": [p for n, p in self.params.items() if norms(n)],
              "weight_decay": config["weight_decay_norm"]}],
            config["rate"], config["momentum"], weight_decay=config["weight_decay"])
        self.ema, self.steps, self.after = self.state(), [], []
        betas = {"rpn": TRAINING["rpn"]["smooth_l1_beta"],
                 "box_head": TRAINING["box_head"]["smooth_l1_beta"]}
        for _ in range(2):
            step = step_of(description, self.params, self.stats, samples, betas, jitter)
            self.steps.append(step.forward().backward())
            sgd.step()
            self.after.append(self.state())
            for name, value in self.after[-1].items():
                decay = TRAINING["ema"]["decay"]
                self.ema[name] = decay * self.ema[name] + (1 - decay) * value

    def state(self):
        return {n: v.detach().clone() for n, v in {**self.params, **self.stats}.items()}


# --- Choosing samples --------------------------------------------------------------------------

def same_choices(a, b):
    return all(x.choices[k].shape == y.choices[k].shape and torch.equal(x.choices[k], y.choices[k])
               for x, y in zip(a.steps, b.steps) for k in x.choices)


def is_telling(step):
    """Well and badly matched anchors, proposals that found an object, masks that are not empty."""
    quality = max(overlaps(t, step.anchors).max().item() for t in step.truth)
    objects = (step.choices["roi.matched"] >= 0).sum().item()
    masks = step.choices.get("mask.targets", torch.tensor([[0, 1]])).double().flatten(1).mean(1)
    return quality > 0.7 and objects >= sum(len(t) for t in step.truth) + 3 \
        and (step.choices["rpn.labels"] == -1).any() and masks.min() > 0.05


def is_clear_step(step):
    kink = MARGIN_KINK_MAPS if "keypoint_head" in step.d else MARGIN_KINK
    return step.sampled and step.overlap > MARGIN_OVERLAP and step.net.kink > kink


def is_clear(run):
    return all(is_clear_step(step) for step in run.steps)


def first_step(tensors, description, samples):
    betas = {"rpn": TRAINING["rpn"]["smooth_l1_beta"],
             "box_head": TRAINING["box_head"]["smooth_l1_beta"]}
    with torch.no_grad():
        return step_of(description, *split(tensors, torch.float64), samples, betas).forward()


def find_samples(tensors, description, sizes):
    n_classes = description["roi_heads"]["n_classes"]
    n_keypoints = description.get("keypoint_head", {}).get("n_keypoints", 0)
    side, stride = (6, STRIDE) if description["backbone"]["type"] == "C4" else (12, 8)  # the first level
    grid = TINY["anchors"](description["anchors"], side, side, stride)
    for seed in range(1, 2000):
        random = np.random.RandomState(seed)
        samples = [make_sample(random, h, w, n, n_classes, grid, n_keypoints) for h, w, n in sizes]
        first = first_step(tensors, description, samples)
        if not (is_telling(first) and is_clear_step(first)):  # most are not
            continue
        run = Run(tensors, description, samples, torch.float64)
        if is_telling(run.steps[0]) and is_clear(run):
            single = Run(tensors, description, samples, torch.float32)
            shaken = Run(tensors, description, samples, torch.float64, JITTER)
            if same_choices(run, single) and same_choices(run, shaken):
                return seed, samples, run, single
    raise SystemExit("no seed gives clear choices")


# --- Schedules ---------------------------------------------------------------------------------

def learning_rate(schedule, iteration):
    """detectron2 solver/build.py with fvcore's param_scheduler: `end` makes it a half cosine,
    `milestones` steps; the warm-up leads from a part of the first rate to what the schedule says at
    its end."""
    def plain(at):
        if "milestones" in schedule:
            return schedule["gamma"] ** sum(m <= at for m in schedule["milestones"])
        end = schedule["end"] / schedule["base"]
        return end + 0.5 * (1 - end) * (1 + math.cos(math.pi * at / schedule["iterations"]))

    warm, factor = schedule["warmup_iterations"], schedule["warmup_factor"]
    if iteration >= warm:
        return schedule["base"] * plain(iteration)
    along = iteration / warm
    return schedule["base"] * (plain(warm) * along + factor * plain(0) * (1 - along))


def schedules():
    common = {"base": 0.08, "iterations": 1000, "warmup_factor": 0.001, "warmup_iterations": 100}
    table = [{**common, "name": "WarmupCosineLR", "end": 0.0},
             {**common, "name": "WarmupCosineLR", "end": 0.004, "warmup_factor": 0.1},
             {**common, "name": "WarmupCosineLR", "end": 0.0, "warmup_iterations": 0},
             {**common, "name": "WarmupMultiStepLR", "gamma": 0.1, "milestones": [600, 850]}]
    for schedule in table:
        schedule["warmup_method"] = "linear"
        schedule["rates"] = [[i, learning_rate(schedule, i)] for i in
                             (0, 1, 50, 99, 100, 101, 500, 599, 600, 601, 849, 850, 998, 999)]
    return table


# --- Norms over workers ------------------------------------------------------------------------

def normalise(xs, weight, bias, pooling, running):
    """What each worker gets; running statistics are replaced."""
    momentum = TRAINING["batch_norm"]["momentum"]
    if pooling == "pixels":
        flat = torch.cat([x.transpose(0, 1).flatten(1) for x in xs], 1)[None]
        flat = functional.batch_norm(flat, *running, weight, bias, True, momentum, 1e-5)[0]
        parts = flat.split([x[:, 0].numel() for x in xs], 1)
        return [p.reshape(x.transpose(0, 1).shape).transpose(0, 1) for p, x in zip(parts, xs)]
    shares = [1 if pooling == "equally" else len(x) for x in xs]
    mean = sum(s * x.mean((0, 2, 3)) for s, x in zip(shares, xs)) / sum(shares)
    square = sum(s * (x * x).mean((0, 2, 3)) for s, x in zip(shares, xs)) / sum(shares)
    variance = square - mean * mean
    for value, new in zip(running, (mean, variance)):
        value += momentum * (new.detach() - value)
    scale = (weight / (variance + 1e-5).sqrt())[:, None, None]
    return [(x - mean[:, None, None]) * scale + bias[:, None, None] for x in xs]


def make_norms(folder):
    random = np.random.RandomState(11)
    out = {}

    def given(name, low, high, *shape):
        out[name] = random.uniform(low, high, shape).astype(np.float32)

    for k, (images, height, width) in enumerate([(2, 3, 4), (1, 5, 6), (3, 2, 2), (1, 1, 3)]):
        given("x.%d" % k, -1 + 0.5 * k, 1 + k, images, 3, height, width)
        given("dy.%d" % k, -1, 1, images, 3, height, width)
    for name, low, high in (("weight", 0.5, 1.5), ("bias", -1, 1), ("running_mean", -1, 1),
                            ("running_var", 0.5, 2)):
        given(name, low, high, 3)
    source = {k: torch.tensor(v, dtype=torch.float64) for k, v in out.items()}
    for pooling in ("pixels", "equally", "images"):
        leaves = {k: v.clone().requires_grad_(k[0] in "xwb") for k, v in source.items()}
        running = [leaves["running_mean"], leaves["running_var"]]
        ys = normalise([leaves["x.%d" % k] for k in range(4)], leaves["weight"], leaves["bias"],
                       pooling, running)
        sum((leaves["dy.%d" % k] * y).sum() for k, y in enumerate(ys)).backward()
        result = {"y.%d" % k: y for k, y in enumerate(ys)}
        result.update({"d" + k: v.grad for k, v in leaves.items() if v.requires_grad})
        result.update(running_mean=running[0], running_var=running[1])
        out.update({pooling + "." + k: single(v) for k, v in result.items()})
    TINY["save"](folder + "/train-norms.safetensors", out,
                 {"fbnet": json.dumps({**TRAINING["batch_norm"], "epsilon": 1e-5})})


# --- Output ------------------------------------------------------------------------------------

def single(value):
    return value.detach().numpy().astype(np.float32)


def stages(step):
    out = {}
    for i, sample in enumerate(step.samples):
        out["image.%d" % i] = np.ascontiguousarray(sample["pixels"])
        out["boxes.%d" % i] = sample["boxes"]
        out["classes.%d" % i] = sample["classes"].astype(np.int32)
        if sample["keypoints"]:
            out["keypoints.%d" % i] = np.stack(sample["keypoints"])
    for name, value in step.out.items():
        out[name] = single(value)
        if value.grad is not None:
            out["d." + name] = single(value.grad)
    for name in ("rpn.labels", "rpn.matched", "roi.classes", "roi.matched"):
        out[name] = step.choices[name].numpy().astype(np.int32)
    if "mask.targets" in step.choices:
        out["mask.targets"] = step.choices["mask.targets"].numpy().astype(np.uint8)
    return out


def numbers(run):
    """Losses, gradients, and what became of the parameters."""
    out = {}
    for prefix, step in (("", run.steps[0]), ("2", run.steps[1])):
        out.update({"loss%s.%s" % (prefix, k): single(v[None]) for k, v in step.losses.items()})
        out.update({"grad%s.%s" % (prefix, k): single(v) for k, v in step.grads.items()})
    for i, state in enumerate(run.after):
        for name, value in state.items():
            kind = "stats" if ".running_" in name else "after"
            out["%s%d.%s" % (kind, i + 1, name)] = single(value)
    out.update({"ema2." + k: single(v) for k, v in run.ema.items()})
    return out


def results(run, smooth):
    out = {**stages(run.steps[0]), **numbers(run)}
    out.update({"smooth.loss." + k: single(v[None]) for k, v in smooth.losses.items()})
    out.update({"smooth.grad." + k: single(v) for k, v in smooth.grads.items()})
    return out


def report(name, exact, rounded):
    """Largest deviation of each group, each tensor's by its own largest number; what is nothing but
    rounding (gradients of biases that a batch norm takes away again), as it is."""
    groups = {}
    for key, value in exact.items():
        parts = key.split(".")
        group = ".".join(parts[:2]) if parts[0] in ("smooth", "d", "rpn", "box") else parts[0]
        if value.dtype == np.float32:
            groups.setdefault(group, []).append(key)
    for group, keys in sorted(groups.items()):
        largest = max(np.abs(exact[k]).max() for k in keys)
        worst, where, nothing = 0, "", 0
        for k in keys:
            size, off = np.abs(exact[k]).max(), np.abs(exact[k] - rounded[k]).max()
            if size < 1e-9 * largest:
                nothing = max(nothing, off)
            elif off >= worst * size:
                worst, where = off / size, k
        print("%s: %-15s %4d tensors, largest number %8.3g, off by %.1e (zeros: %.1e)  %s" %
              (name, group, len(keys), largest, worst, nothing, where))


def make(name, sizes, folder):
    tensors, description = load("%s/%s.safetensors" % (folder, name))
    seed, samples, run, rounded = find_samples(tensors, description, sizes)
    smooth = [step_of(description, *split(tensors, dtype), samples, TRAINING["smooth"])
              .forward().backward() for dtype in (torch.float64, torch.float32)]
    out = results(run, smooth[0])
    report(name, out, results(rounded, smooth[1]))
    print("%s: seed %d, losses %s, %d ROIs, %d objects" %
          (name, seed, {k: round(v.item(), 4) for k, v in run.steps[0].losses.items()},
           len(out["roi.boxes"]), (out["roi.matched"] >= 0).sum()))
    training = copy.deepcopy(TRAINING)
    training["sizes"] = [list(s["pixels"].shape[:2]) for s in samples]
    training["rpn"]["normalizer"] = TRAINING["rpn"]["batch_size_per_image"] * len(samples)
    training["box_head"]["normalizer"] = len(out["roi.boxes"])
    losses = {k: {n: v.item() for n, v in s.losses.items()}
              for k, s in (("1", run.steps[0]), ("2", run.steps[1]), ("smooth", smooth[0]))}
    metadata = {"training": training, "polygons": [s["polygons"] for s in samples],
                "losses": losses, "schedules": schedules()}
    TINY["save"]("%s/%s.safetensors" % (folder, name.replace("tiny", "train")), out,
                 {"fbnet": json.dumps(metadata, separators=(",", ":"))})


def make_classes(folder):
    """Of a seed with which no activation is close to a corner."""
    tensors, description = load(folder + "/tiny-cls.safetensors")
    side, n = description["input"]["crop"], description["head"]["n_classes"]
    for seed in range(1, 2000):
        random = np.random.RandomState(seed)
        samples = [{"pixels": TINY["draw"](side, side, int(random.randint(1000))), "class": i % n}
                   for i in range(4)]
        run = Run(tensors, description, samples, torch.float64)
        if is_clear(run):
            break
    else:
        raise SystemExit("no seed keeps clear of corners")
    rounded = Run(tensors, description, samples, torch.float32)
    out = {**class_inputs(samples), **numbers(run), "logits": single(run.steps[0].out["logits"])}
    report("cls", out, {**class_inputs(samples), **numbers(rounded),
                        "logits": single(rounded.steps[0].out["logits"])})
    print("cls: seed %d, losses %s" % (seed, [s.losses["cls"].item() for s in run.steps]))
    TINY["save"](folder + "/train-cls.safetensors", out,
                 {"fbnet": json.dumps({"training": TRAINING}, separators=(",", ":"))})


def class_inputs(samples):
    out = {}
    for i, sample in enumerate(samples):
        out["image.%d" % i] = np.ascontiguousarray(sample["pixels"])
        out["classes.%d" % i] = np.array([sample["class"]], np.int32)
    return out


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "."
    chosen = sys.argv[2:] or ["norms", "bn", "gn", "fpn", "kpt", "cls"]
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Height, width, objects; neither is a multiple of the stride, nor the larger in both.
    sizes = {"bn": [(61, 83, 3), (75, 58, 2)], "gn": [(70, 54, 2), (57, 90, 3)],
             "fpn": [(61, 83, 3), (57, 90, 2)], "kpt": [(61, 83, 3), (75, 58, 2)]}
    if "norms" in chosen:
        make_norms(folder)
    if "cls" in chosen:
        make_classes(folder)
    for name in sizes.keys() & set(chosen):  # all anchors are samples
        TRAINING["rpn"]["batch_size_per_image"] = 8192 if name == "fpn" else 256
        make("tiny-" + name, sizes[name], folder)


if __name__ == "__main__":
    main()
