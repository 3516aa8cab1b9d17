#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the project's own golden set: two tiny models with generated weights, and what every stage of
# them must give for one drawn picture. Written with plain numpy after the published semantics of
# D2Go and detectron2, sharing nothing with the engine, networks in float64, everything behind them in
# float32 as detectron2 computes it.
#
#   /usr/bin/python3 tests/data/make-tiny.py tests/data
#
# writes tiny-bn.safetensors, tiny-gn.safetensors (models) and tiny-bn-expected.safetensors,
# tiny-gn-expected.safetensors (stage outputs by name; the picture's width, height and seed stand in
# their metadata).
import json
import math
import struct
import sys

import numpy as np

F = np.float32

# --- Models ------------------------------------------------------------------------------------

COMMON_BOX = {"bbox_reg_weights": [10, 10, 5, 5]}

# Batch norm; squeeze-and-excite with both gates; plain and hard-swish blocks, a grouped one with
# channel shuffle, fractional expansion, residuals, up-sampling in a block and after a convolution.
TINY_BN = {
    "format": "fbnet-model", "version": 1, "name": "tiny-bn", "task": "detection",
    "provenance": {"source": "tests/data/make-tiny.py"},
    "labels": ["square", "circle", "cross"], "category_ids": [3, 5, 8],
    "input": {"channel_order": "BGR", "mean": [103.53, 116.28, 123.675], "std": [1, 1, 1],
              "min_size": 48, "max_size": 72},
    "architecture": {
        "name": "tiny-bn", "basic_args": {"dw_skip_bnrelu": True, "zero_last_bn_gamma": False},
        "width_divisor": 8, "scale_factor": 1.0, "norm": {"name": "naiveSyncBN"},
        "trunk": [
            [["conv_k3", 8, 2, 1], ["ir_k3", 8, 1, 1, {"expansion": 1}]],
            [["ir_k5", 16, 2, 1, {"expansion": 3}],
             ["ir_k3_g2", 16, 1, 1, {"expansion": 2}, {"pwl_groups": 2}]],
            [["ir_k5_se", 24, 2, 1, {"expansion": 2}],
             ["ir_k3_sehsig_hs", 24, 1, 1, {"expansion": 1.5}]],
            [["ir_k5_hs", 32, 2, 1, {"expansion": 1}], ["skip", 32, 1, 1]]],
        "rpn": [[["ir_k3_se", 32, 1, 1, {"expansion": 1}]]],
        "bbox": [[["ir_k3", 32, 2, 1, {"expansion": 1}], ["ir_k3", 40, 1, 1, {"expansion": 1}]]],
        "mask": [[["ir_k3", 24, 2, 1, {"expansion": 1}], ["ir_k3", 24, -2, 1, {"expansion": 2}],
                  ["conv_k3", 8, -2, 1]]]},
    "backbone": {"type": "C4", "prefix": "backbone.body"},
    "anchors": {"sizes": [[16, 32]], "aspect_ratios": [[0.5, 1.0, 2.0]]},
    "rpn": {"in_features": ["trunk3"], "pre_nms_count": 60, "post_nms_count": 10,
            "iou_threshold": 0.7},
    "roi_heads": {"in_features": ["trunk3"], "n_classes": 3, "score_threshold": 0.3,
                  "iou_threshold": 0.5, "max_detections": 6},
    "box_head": {"pooler_resolution": 6, **COMMON_BOX},
    "mask_head": {"pooler_resolution": 8},
}

# Group norm, scaled widths, RGB, std, padding, shifted anchors, boxes that classes share, a fixed
# number of samples per ROI bin, weights in half precision.
TINY_GN = {
    "format": "fbnet-model", "version": 1, "name": "tiny-gn", "task": "detection",
    "input": {"channel_order": "RGB", "mean": [123.675, 116.28, 103.53],
              "std": [58.395, 57.12, 57.375], "min_size": 48, "max_size": 80,
              "size_divisibility": 32},
    "architecture": {
        "name": "tiny-gn", "basic_args": {"dw_skip_bnrelu": True},
        "width_divisor": 8, "scale_factor": 0.5, "norm": {"name": "gn", "num_groups": 4},
        "trunk": [
            [["conv_k3_hs", 16, 2, 1]],
            [["ir_k5", 32, 2, 1, {"expansion": 3}], ["ir_k3", 32, 1, 1, {"expansion": 2}]],
            [["ir_k3_se", 40, 2, 1, {"expansion": 2}]],
            [["ir_k5", 48, 2, 1, {"expansion": 2}]]],
        "rpn": [[["ir_k3", 48, 1, 1, {"expansion": 1.5}]]],
        "bbox": [[["ir_k3", 42, 2, 1, {"expansion": 2}]]]},
    "backbone": {"type": "C4", "prefix": "backbone.body"},
    "anchors": {"sizes": [[16, 40]], "aspect_ratios": [[1.0, 2.0]], "offset": 0.5},
    "rpn": {"in_features": ["trunk3"], "pre_nms_count": 20, "post_nms_count": 8,
            "iou_threshold": 0.6, "bbox_reg_weights": [2, 2, 1, 1]},
    "roi_heads": {"in_features": ["trunk3"], "n_classes": 2, "score_threshold": 0.2,
                  "iou_threshold": 0.4, "max_detections": 5},
    "box_head": {"pooler_resolution": 5, "sampling_ratio": 2, "class_agnostic": True, **COMMON_BOX},
}


# --- Picture -----------------------------------------------------------------------------------

def draw(width, height, seed):
    """The picture that picture_draw() of the tests draws."""
    rgb = np.zeros((height, width, 3), np.uint8)
    noise = (seed * 2654435761 + 1) & 0xFFFFFFFF
    for y in range(height):
        for x in range(width):
            for c in range(3):
                dx, dy = x - width * (c + 1) // 4, y - height * (3 - c) // 4
                radius = min(width, height) // (3 + c)
                disc = 96 if dx * dx + dy * dy < radius * radius else 0
                noise = (noise * 1664525 + 1013904223) & 0xFFFFFFFF
                rgb[y, x, c] = (x * 3 + y * (2 + c) + disc + (noise >> 28)) & 255
    return rgb


def network_size(height, width, min_size, max_size):
    scale = min_size / min(height, width)
    h, w = (min_size, scale * width) if height < width else (scale * height, min_size)
    if max(h, w) > max_size:
        h, w = h * (max_size / max(h, w)), w * (max_size / max(h, w))
    return int(h + 0.5), int(w + 0.5)


def resize_axis(pixels, size):
    """Pillow's antialiased triangle filter along the first axis, in 22-bit fixed point."""
    n = pixels.shape[0]
    if n == size:
        return pixels
    scale = n / size
    reach = max(scale, 1.0)
    out = np.zeros((size,) + pixels.shape[1:], np.uint8)
    for i in range(size):
        centre = (i + 0.5) * scale
        first, last = max(0, int(centre - reach + 0.5)), min(n, int(centre + reach + 0.5))
        weights = [max(0.0, 1 - abs((k - centre + 0.5) / reach)) for k in range(first, last)]
        fixed = np.array([int(0.5 + v / sum(weights) * (1 << 22)) for v in weights], np.int64)
        total = (1 << 21) + np.tensordot(fixed, pixels[first:last].astype(np.int64), axes=1)
        out[i] = np.clip(total >> 22, 0, 255)
    return out


def resize(rgb, height, width):
    horizontal = resize_axis(rgb.swapaxes(0, 1), width).swapaxes(0, 1)
    return resize_axis(horizontal, height)


# --- Layers ------------------------------------------------------------------------------------

def divisible(number, divisor):
    result = int(number)
    if number % divisor != 0:
        result = divisor * max(1, math.floor(number / divisor + 0.5))
        if result < 0.95 * number:
            result += divisor
    return max(result, divisor)


def relu6(x):
    return np.clip(x, 0, 6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    None: lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "hswish": lambda x: x * relu6(x + 3) / 6,
    "sigmoid": sigmoid,
    "hsigmoid": lambda x: relu6(x + 3) / 6,
}


def convolve(x, weight, bias, stride, pad, groups):
    """x [n, c, h, w], weight [out, c / groups, k, k]."""
    n, channels, height, width = x.shape
    out, per_group, k, _ = weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    h, w = (height + 2 * pad - k) // stride + 1, (width + 2 * pad - k) // stride + 1
    x = x.reshape(n, groups, per_group, *x.shape[2:])
    weight = weight.reshape(groups, out // groups, per_group, k, k)
    y = np.zeros((n, groups, out // groups, h, w))
    for dy in range(k):
        for dx in range(k):
            tap = x[..., dy:dy + stride * h:stride, dx:dx + stride * w:stride]
            y += np.einsum("ngchw,goc->ngohw", tap[..., :h, :w], weight[..., dy, dx])
    y = y.reshape(n, out, h, w)
    return y if bias is None else y + bias[None, :, None, None]


def upsample(x, factor):
    return x.repeat(factor, axis=2).repeat(factor, axis=3)


class Weights:
    """Tensors by name, generated when first asked for."""

    def __init__(self, seed, half):
        self.random = np.random.RandomState(seed)
        self.half = half
        self.tensors = {}

    def get(self, name, shape, low, high):
        if name not in self.tensors:
            values = self.random.uniform(low, high, shape)
            self.tensors[name] = values.astype(np.float16 if self.half else F)
        assert self.tensors[name].shape == tuple(shape), name
        return self.tensors[name].astype(np.float64)

    def conv(self, name, out, per_group, k, gain=1.0):
        reach = gain * math.sqrt(3 / (per_group * k * k))
        return self.get(name + ".weight", (out, per_group, k, k), -reach, reach)

    def bias(self, name, out, reach=0.2):
        return self.get(name + ".bias", (out,), -reach, reach)


class Network:
    def __init__(self, architecture, weights):
        self.a = architecture
        self.w = weights

    def norm(self, name, x):
        channels = x.shape[1]
        gamma = self.w.get(name + ".weight", (channels,), 0.8, 1.6)
        beta = self.w.get(name + ".bias", (channels,), -0.3, 0.5)
        if self.a["norm"]["name"] == "gn":
            groups = x.reshape(x.shape[0], self.a["norm"]["num_groups"], -1)
            mean, variance = groups.mean(2, keepdims=True), groups.var(2, keepdims=True)
            x = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape)
        else:
            # Statistics near the real ones keep the signal alive; rounded, they are stored.
            if name + ".running_mean" not in self.w.tensors:
                spread = max(float(x.var()), 1e-3)
                self.w.get(name + ".running_mean", (channels,), -0.1, 0.1)
                self.w.get(name + ".running_var", (channels,), 0.6 * spread, 1.4 * spread)
            mean = self.w.get(name + ".running_mean", (channels,), 0, 0)
            variance = self.w.get(name + ".running_var", (channels,), 0, 0)
            x = (x - mean[None, :, None, None]) / np.sqrt(variance + 1e-5)[None, :, None, None]
        return x * gamma[None, :, None, None] + beta[None, :, None, None]

    def pointwise(self, name, x, out, groups=1, norm=True, bias=False):
        weight = self.w.conv(name + ".conv", out, x.shape[1] // groups, 1)
        y = convolve(x, weight, self.w.bias(name + ".conv", out) if bias else None, 1, 0, groups)
        return self.norm(name + ".bn", y) if norm else y

    def squeeze_excite(self, name, x, act, gate):
        squeezed = divisible(int(x.shape[1] * 0.25), self.a["width_divisor"])
        y = x.mean((2, 3), keepdims=True)
        y = ACTIVATIONS[act](self.pointwise(name + ".se.se.0", y, squeezed, norm=False, bias=True))
        weight = self.w.conv(name + ".se.se.1", x.shape[1], squeezed, 1, gain=3)
        y = convolve(y, weight, self.w.bias(name + ".se.se.1", x.shape[1]), 1, 0, 1)
        return x * ACTIVATIONS[gate](y)

    def inverted_residual(self, name, op, x, out, stride, arguments):
        kernel = int(op[4])
        act = "hswish" if op.endswith("_hs") else "relu"
        groups = 2 if "_g2" in op else 1
        mid = divisible(x.shape[1] * arguments["expansion"], self.a["width_divisor"])
        y = x
        if mid != x.shape[1]:
            y = ACTIVATIONS[act](self.pointwise(name + ".pw", y, mid, groups))
        if groups > 1:
            n, c, h, w = y.shape
            y = y.reshape(n, groups, c // groups, h, w).swapaxes(1, 2).reshape(n, c, h, w)
        if stride < 0:
            y = upsample(y, -stride)
        weight = self.w.conv(name + ".dw.conv", mid, 1, kernel)
        y = convolve(y, weight, None, max(stride, 1), kernel // 2, mid)
        if "_se" in op:
            y = self.squeeze_excite(name, y, act, "hsigmoid" if "sehsig" in op else "sigmoid")
        y = self.pointwise(name + ".pwl", y, out, arguments.get("pwl_groups", 1))
        return y + x if x.shape[1] == out and stride == 1 else y

    def convolution(self, name, op, x, out, stride):
        kernel = int(op[6])
        y = convolve(x, self.w.conv(name + ".conv", out, x.shape[1], kernel),
                     self.w.bias(name + ".conv", out), max(stride, 1), kernel // 2, 1)
        y = ACTIVATIONS["hswish" if op.endswith("_hs") else "relu"](self.norm(name + ".bn", y))
        return upsample(y, -stride) if stride < 0 else y

    def stage(self, blocks, prefix, x):
        index = 0
        for op, out, stride, repeat, *dictionaries in blocks:
            arguments = {k: v for d in dictionaries for k, v in d.items()}
            if self.a["scale_factor"] != 1:
                out = divisible(int(out * self.a["scale_factor"]), self.a["width_divisor"])
            for i in range(repeat):
                name = prefix + str(index)
                step = stride if i == 0 else 1
                if op.startswith("conv"):
                    x = self.convolution(name, op, x, out, step)
                elif op != "skip":
                    x = self.inverted_residual(name, op, x, out, step, arguments)
                index += 1
        return x

    def head(self, name, x, out, gain, kernel_dims=4):
        shape = (out, x.shape[1], 1, 1)[:kernel_dims]
        reach = gain * math.sqrt(3 / x.shape[1])
        weight = self.w.get(name + ".weight", shape, -reach, reach).reshape(out, x.shape[1], 1, 1)
        return convolve(x, weight, self.w.bias(name, out), 1, 0, 1)


# --- Boxes -------------------------------------------------------------------------------------

def decode(deltas, boxes, weights):
    """deltas [n, k, 4] on boxes [n, 4], as Box2BoxTransform.apply_deltas."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    x, y = boxes[:, 0] + F(0.5) * width, boxes[:, 1] + F(0.5) * height
    dx, dy, dw, dh = [deltas[..., i] / F(weights[i]) for i in range(4)]
    limit = F(math.log(1000.0 / 16))
    x, y = dx * width[:, None] + x[:, None], dy * height[:, None] + y[:, None]
    w = np.exp(np.minimum(dw, limit)) * width[:, None]
    h = np.exp(np.minimum(dh, limit)) * height[:, None]
    return np.stack([x - F(0.5) * w, y - F(0.5) * h, x + F(0.5) * w, y + F(0.5) * h], -1).astype(F)


def clip(boxes, height, width):
    return np.stack([np.clip(boxes[..., 0], 0, F(width)), np.clip(boxes[..., 1], 0, F(height)),
                     np.clip(boxes[..., 2], 0, F(width)), np.clip(boxes[..., 3], 0, F(height))], -1)


def overlap(a, b):
    w = max(F(0), min(a[2], b[2]) - max(a[0], b[0]))
    h = max(F(0), min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
    return w * h / union if union > 0 else F(0)


def suppress(boxes, scores, groups, threshold):
    """Indices that survive, best first."""
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if all(groups[j] != groups[i] or overlap(boxes[i], boxes[j]) <= F(threshold) for j in kept):
            kept.append(i)
    return np.array(kept, int)


def anchors(config, height, width, stride):
    cells = []
    for size in config["sizes"][0]:
        for ratio in config["aspect_ratios"][0]:
            w = math.sqrt(size * size / ratio)
            cells.append([-w / 2, -ratio * w / 2, w / 2, ratio * w / 2])
    cells = np.array(cells, F)
    offset = config.get("offset", 0)
    shifts = [[(x + offset) * stride, (y + offset) * stride] * 2
              for y in range(height) for x in range(width)]
    return (np.array(shifts, F)[:, None] + cells[None]).reshape(-1, 4)


def propose(logits, deltas, config, rpn, stride, size):
    n_cells, height, width = logits.shape
    flat = logits.transpose(1, 2, 0).reshape(-1)
    deltas = deltas.reshape(n_cells, 4, height, width).transpose(2, 3, 0, 1).reshape(-1, 1, 4)
    weights = rpn.get("bbox_reg_weights", [1, 1, 1, 1])
    boxes = decode(deltas, anchors(config, height, width, stride), weights)[:, 0]
    best = np.argsort(-flat, kind="stable")[:rpn["pre_nms_count"]]
    boxes, flat = clip(boxes[best], *size), flat[best]
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    boxes, flat = boxes[solid], flat[solid]
    kept = suppress(boxes, flat, np.zeros(len(boxes)), rpn["iou_threshold"])[:rpn["post_nms_count"]]
    return boxes[kept], flat[kept]


# --- ROIAlign ----------------------------------------------------------------------------------

def sample(feature, y, x):
    """Bilinear; outside the map by more than one pixel: zero."""
    height, width = feature.shape[1:]
    if y < -1 or y > height or x < -1 or x > width:
        return 0
    y, x = max(y, 0), max(x, 0)
    y0, x0 = min(int(y), height - 1), min(int(x), width - 1)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    fy = y - y0 if y0 < height - 1 else 0
    fx = x - x0 if x0 < width - 1 else 0
    return ((1 - fy) * ((1 - fx) * feature[:, y0, x0] + fx * feature[:, y0, x1])
            + fy * ((1 - fx) * feature[:, y1, x0] + fx * feature[:, y1, x1]))


def roi_align(feature, box, scale, side, sampling_ratio):
    x0, y0, x1, y1 = [F(v) * F(scale) - F(0.5) for v in box]
    bin_w, bin_h = (x1 - x0) / F(side), (y1 - y0) / F(side)
    nx = sampling_ratio or max(0, math.ceil(bin_w))
    ny = sampling_ratio or max(0, math.ceil(bin_h))
    out = np.zeros((feature.shape[0], side, side))
    for py in range(side):
        for px in range(side):
            for iy in range(ny):
                for ix in range(nx):
                    y = y0 + F(py) * bin_h + F(iy + 0.5) * bin_h / F(ny)
                    x = x0 + F(px) * bin_w + F(ix + 0.5) * bin_w / F(nx)
                    out[:, py, px] += sample(feature, float(y), float(x))
    return out / max(nx * ny, 1)


def pool(feature, boxes, head, stride):
    return np.array([roi_align(feature, box, 1 / stride, head["pooler_resolution"],
                               head.get("sampling_ratio", 0)) for box in boxes])


# --- Masks -------------------------------------------------------------------------------------

def paste(probabilities, box, height, width):
    side = probabilities.shape[0]
    x_min, y_min = max(math.floor(box[0]) - 1, 0), max(math.floor(box[1]) - 1, 0)
    x_max, y_max = min(math.ceil(box[2]) + 1, width), min(math.ceil(box[3]) + 1, height)
    mask = np.zeros((height, width), bool)

    def axis(n, low, high):
        grid = (np.arange(*n).astype(F) + F(0.5) - low) / (high - low) * F(2) - F(1)
        at = ((grid + F(1)) * F(side) - F(1)) / F(2)
        first = np.floor(at)
        return first.astype(int), at - first

    (ys, fy), (xs, fx) = axis((y_min, y_max), box[1], box[3]), axis((x_min, x_max), box[0], box[2])
    padded = np.zeros((side + 4, side + 4), F)
    padded[2:-2, 2:-2] = probabilities
    ys, xs = np.clip(ys, -2, side) + 2, np.clip(xs, -2, side) + 2
    top = padded[ys][:, xs] * (1 - fx) + padded[ys][:, xs + 1] * fx
    bottom = padded[ys + 1][:, xs] * (1 - fx) + padded[ys + 1][:, xs + 1] * fx
    mask[y_min:y_max, x_min:x_max] = top * (1 - fy)[:, None] + bottom * fy[:, None] >= F(0.5)
    return mask


# --- The whole detector ------------------------------------------------------------------------

class Detector:
    """`jitter` moves feature maps by about that much of their spread: what changes then is too
    close to call."""

    def __init__(self, description, weights, jitter):
        self.d = description
        self.net = Network(description["architecture"], weights)
        self.jitter = jitter
        self.noise = np.random.RandomState(1)
        self.out = {}

    def shake(self, x):
        return x + self.jitter * x.std() * self.noise.uniform(-1, 1, x.shape)

    def trunk(self, rgb):
        spec = self.d["input"]
        self.size = network_size(rgb.shape[0], rgb.shape[1], spec["min_size"], spec["max_size"])
        pixels = resize(rgb, *self.size)
        if spec["channel_order"] == "BGR":
            pixels = pixels[:, :, ::-1]
        x = (pixels.astype(F) - np.array(spec["mean"], F)) / np.array(spec["std"], F)
        multiple = max(spec.get("size_divisibility", 0), 1)
        height, width = [-(-s // multiple) * multiple for s in self.size]
        padded = np.zeros((1, 3, height, width), F)
        padded[0, :, :self.size[0], :self.size[1]] = x.transpose(2, 0, 1)
        self.out["resized"] = np.ascontiguousarray(pixels)
        x = padded.astype(np.float64)
        for s, blocks in enumerate(self.net.a["trunk"]):
            x = self.net.stage(blocks, "backbone.body.trunk%d.fbnetv2_%d_" % (s, s), x)
            if s > 0:
                self.out["trunk%d" % s] = x.astype(F)
        return self.shake(x)

    def proposals(self, feature):
        prefix = "proposal_generator.rpn_head."
        n_cells = len(self.d["anchors"]["sizes"][0]) * len(self.d["anchors"]["aspect_ratios"][0])
        x = self.net.stage(self.net.a["rpn"][0], prefix + "rpn_feature.0.fbnetv2_0_", feature)
        logits = self.net.head(prefix + "rpn_regressor.cls_logits", x, n_cells, 1.5)
        deltas = self.net.head(prefix + "rpn_regressor.bbox_pred", x, 4 * n_cells, 0.3)
        self.out["rpn_logits_0"], self.out["rpn_deltas_0"] = logits.astype(F), deltas.astype(F)
        boxes, scores = propose(self.shake(logits)[0].astype(F), self.shake(deltas)[0].astype(F),
                                self.d["anchors"], self.d["rpn"], 16, self.size)
        self.out["proposals"], self.out["proposal_logits"] = boxes, scores
        return boxes

    def box_head(self, feature, boxes):
        n_classes = self.d["roi_heads"]["n_classes"]
        agnostic = self.d["box_head"].get("class_agnostic", False)
        rois = pool(feature[0], boxes, self.d["box_head"], 16)
        x = self.net.stage(self.net.a["bbox"][0], "roi_heads.box_head.roi_box_conv.0.fbnetv2_0_",
                           rois)
        x = x.mean((2, 3), keepdims=True)
        prefix = "roi_heads.box_predictor."
        logits = self.net.head(prefix + "cls_score", x, n_classes + 1, 6, 2)[:, :, 0, 0]
        deltas = self.net.head(prefix + "bbox_pred", x, 4 if agnostic else 4 * n_classes, 1.5, 2)
        deltas = deltas[:, :, 0, 0]
        index = np.arange(0, len(boxes), 4, dtype=np.int32)
        self.out["roi_box_index"], self.out["roi_box_features"] = index, rois[index].astype(F)
        self.out["box_head_out"] = x[:, :, 0, 0].astype(F)
        self.out["box_cls_logits"], self.out["box_deltas"] = logits.astype(F), deltas.astype(F)
        return self.shake(logits).astype(F), self.shake(deltas).astype(F)

    def detections(self, proposals, logits, deltas):
        heads = self.d["roi_heads"]
        scores = np.exp(logits - logits.max(1, keepdims=True))
        scores = (scores / scores.sum(1, keepdims=True)).astype(F)[:, :-1]
        deltas = deltas.reshape(len(proposals), -1, 4)
        boxes = clip(decode(deltas, proposals, self.d["box_head"]["bbox_reg_weights"]), *self.size)
        rows, classes = np.nonzero(scores > F(heads["score_threshold"]))
        boxes = boxes[rows, classes if deltas.shape[1] > 1 else 0]
        scores = scores[rows, classes]
        kept = suppress(boxes, scores, classes, heads["iou_threshold"])[:heads["max_detections"]]
        self.out["det_boxes_net"], self.out["det_scores"] = boxes[kept], scores[kept]
        self.out["det_classes"] = classes[kept].astype(np.int32)
        self.out["det_proposal_index"] = rows[kept].astype(np.int32)

    def to_frame(self, height, width):
        scale = [width / self.size[1], height / self.size[0]]
        boxes = clip(self.out["det_boxes_net"] * np.array(scale * 2, F), height, width)
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        self.out["det_boxes"] = boxes[solid]
        self.out["final_scores"] = self.out["det_scores"][solid]
        self.out["final_classes"] = self.out["det_classes"][solid]
        return self.out["det_boxes_net"][solid]

    def masks(self, feature, boxes, height, width):
        rois = pool(feature[0], boxes, self.d["mask_head"], 16)
        prefix = "roi_heads.mask_head."
        x = self.net.stage(self.net.a["mask"][0], prefix + "feature_extractor.0.fbnetv2_0_", rois)
        logits = self.net.head(prefix + "predictor.mask_fcn_logits", x,
                               self.d["roi_heads"]["n_classes"], 4)
        logits = logits[np.arange(len(boxes)), self.out["final_classes"]]
        probabilities = sigmoid(logits).astype(F)
        pasted = np.array([paste(p, b, height, width)
                           for p, b in zip(probabilities, self.out["det_boxes"])])
        index = np.arange(0, len(boxes), 3, dtype=np.int32)
        self.out["roi_mask_index"], self.out["roi_mask_features"] = index, rois[index].astype(F)
        self.out["mask_logits_sel"], self.out["mask_probs"] = logits.astype(F), probabilities
        self.out["masks_packed"] = np.packbits(pasted, axis=2)
        self.out["mask_area"] = pasted.sum((1, 2)).astype(np.int32)

    def run(self, rgb):
        feature = self.trunk(rgb)
        proposals = self.proposals(feature)
        self.detections(proposals, *self.box_head(feature, proposals))
        boxes = self.to_frame(*rgb.shape[:2])
        if "mask_head" in self.d and len(boxes) > 0:
            self.masks(feature, boxes, *rgb.shape[:2])
        return self.out


# --- Files -------------------------------------------------------------------------------------

TYPES = {"float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "uint8": "U8"}


def save(path, tensors, metadata):
    """A safetensors file, widest types first: then every tensor is aligned."""
    header, offset, blobs = {"__metadata__": metadata}, 0, []
    for name, value in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        header[name] = {"dtype": TYPES[str(value.dtype)], "shape": list(value.shape),
                        "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
        blobs.append(np.asarray(value, order="C").tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def is_clear(out, shaken):
    """The set judges every stage only if no choice on the way was a close one."""
    same = all(np.array_equal(out[k], shaken[k]) for k in ("det_classes", "det_proposal_index"))
    order = same and out["proposals"].shape == shaken["proposals"].shape \
        and np.abs(out["proposals"] - shaken["proposals"]).max() < 1
    return order and 3 <= len(out["det_boxes"]) and len(set(out["det_classes"])) > 1 \
        and np.abs(np.diff(out["det_scores"])).min() > 1e-3


def is_telling(out):
    """Masks that are neither empty nor full."""
    return "mask_area" not in out or (out["mask_area"] > 50).all() and (out["mask_area"] < 9000).all()


def make(description, width, height, half, folder):
    rgb = draw(width, height, 7)
    for seed in range(1, 500):
        weights = Weights(seed, half)
        Detector(description, weights, 0).run(rgb)
        out = Detector(description, weights, 0).run(rgb)
        if is_telling(out) and is_clear(out, Detector(description, weights, 1e-3).run(rgb)):
            break
    else:
        raise SystemExit("no seed gives clear choices")
    name = description["name"]
    print("%s: seed %d, %d parameters, %d detections" %
          (name, seed, sum(t.size for t in weights.tensors.values()), len(out["det_boxes"])))
    if not half:
        weights.tensors["backbone.body.trunk0.fbnetv2_0_0.bn.num_batches_tracked"] = np.int64(seed)
    save("%s/%s.safetensors" % (folder, name), weights.tensors,
         {"format": "pt", "fbnet": json.dumps(description, separators=(",", ":"))})
    save("%s/%s-expected.safetensors" % (folder, name), out,
         {"width": str(width), "height": str(height), "seed": "7"})


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "."
    make(TINY_BN, 121, 88, False, folder)
    make(TINY_GN, 90, 131, True, folder)


if __name__ == "__main__":
    main()
