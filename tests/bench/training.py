#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A training step of fbnet-train against PyTorch on the same layers, in turns on the same machine: pictures, their
# augmentation, targets, sampling and the solver included in ours; in PyTorch the network alone, forward and backward, on
# as many pictures, ROIs and objects as ours had, and its SGD. Debian: python3-torch, python3-torchvision.
import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time

try:
    import torch
    from torch.nn import functional
    from torchvision.ops import roi_align
except ImportError as error:
    print(error)
    sys.exit(77)

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
REFERENCE = runpy.run_path(os.path.join(TOP, "tests", "data", "make-train-step.py"))
STRIDE = 16


class Network(REFERENCE["Network"]):
    """Without the reference's look at how close activations come to their corners."""

    def activate(self, name, x):
        return {"relu": functional.relu, "hswish": functional.hardswish, "hsigmoid": functional.hardsigmoid,
                "sigmoid": torch.sigmoid}[name](x)


class Step:
    """All layers of a detector of one feature level, on random pixels and ROIs."""

    def __init__(self, model, batch, height, width, rois, objects):
        tensors, self.description = REFERENCE["load"](model)
        self.params, stats = REFERENCE["split"](tensors, torch.float32)
        self.net = Network(self.description["architecture"], self.params, stats)
        self.solver = torch.optim.SGD(self.params.values(), 0.001, 0.9, weight_decay=1e-4)
        self.pixels = torch.randn(batch, 3, height, width)
        corner = torch.rand(rois, 2) * torch.tensor([width, height]) * 0.6
        size = 16 + torch.rand(rois, 2) * torch.tensor([width, height]) * 0.38
        picture = torch.arange(rois) * batch // rois
        self.rois = torch.cat([picture[:, None].float(), corner, corner + size], 1)
        self.objects = objects

    def pool(self, feature, rois, head):
        return roi_align(feature, rois, head["pooler_resolution"], 1 / STRIDE, head.get("sampling_ratio", 0), aligned=True)

    def forward(self):
        """The mean of what every head says, squared: a loss whose gradient reaches all of it."""
        net, a = self.net, self.description["architecture"]
        x = self.pixels
        for s, blocks in enumerate(a["trunk"]):
            x = net.stage(blocks, "backbone.body.trunk%d.fbnetv2_%d_" % (s, s), x)
        head = "proposal_generator.rpn_head."
        y = net.stage(a["rpn"][0], head + "rpn_feature.0.fbnetv2_0_", x)
        said = [net.convolve(head + "rpn_regressor." + name, y) for name in ("cls_logits", "bbox_pred")]
        y = self.pool(x, self.rois, self.description["box_head"])
        y = net.stage(a["bbox"][0], "roi_heads.box_head.roi_box_conv.0.fbnetv2_0_", y).mean((2, 3))
        for name in ("cls_score", "bbox_pred"):
            name = "roi_heads.box_predictor." + name
            said.append(functional.linear(y, self.params[name + ".weight"], self.params[name + ".bias"]))
        if "mask_head" in self.description and self.objects > 0:
            y = self.pool(x, self.rois[:self.objects], self.description["mask_head"])
            y = net.stage(a["mask"][0], "roi_heads.mask_head.feature_extractor.0.fbnetv2_0_", y)
            said.append(net.convolve("roi_heads.mask_head.predictor.mask_fcn_logits", y))
        return sum((s * s).mean() for s in said)

    def __call__(self):
        self.solver.zero_grad(set_to_none=True)
        self.forward().backward()
        self.solver.step()


class Ours:
    def __init__(self, options, folder):
        self.build, self.options, self.folder = options.build, options, folder
        self.scenes = folder + "/scenes"
        subprocess.run([self.build + "/models/scenes/fbnet-scenes", "--count", "64", "--seed", "1", "--size",
                        options.size, "--output", self.scenes], check=True, capture_output=True)

    def train(self, steps, name="out"):
        """Seconds."""
        start = ["--config", self.options.config] if self.options.config else \
            ["--description", TOP + "/models/demo/demo.json"]
        began = time.monotonic()
        subprocess.run([self.build + "/models/train/fbnet-train", *start, "--annotations",
                        self.scenes + "/annotations.json", "--images", self.scenes + "/images", "--iterations",
                        str(steps), "--threads", str(self.options.threads), "--batch", str(self.options.batch), "--seed",
                        "1", "--rate", "0.001", "--log", self.folder + "/log.jsonl", "--output",
                        "%s/%s.safetensors" % (self.folder, name)], check=True, capture_output=True)
        return time.monotonic() - began

    def counts(self):
        """ROIs and objects of a step, on average."""
        with open(self.folder + "/log.jsonl") as file:
            steps = [json.loads(line) for line in file]
        steps = [s for s in steps if "rois" in s]
        return [round(sum(s[k] for s in steps) / len(steps)) for k in ("rois", "objects")]


def network_size(description, size):
    width, height = [int(side) for side in size.split("x")]
    low, high = description["input"]["min_size"], description["input"]["max_size"]
    scale = min(low / min(width, height), high / max(width, height))
    return round(height * scale), round(width * scale)


def summary(name, seconds):
    print("%-12s min %.3f s, median %.3f s a step" % (name, min(seconds), sorted(seconds)[len(seconds) // 2]))


def main():
    parser = argparse.ArgumentParser(description="A training step of fbnet-train against PyTorch on the same layers.")
    parser.add_argument("build", help="build folder")
    parser.add_argument("--config", help="a config of D2Go's zoo instead of the bundled model")
    parser.add_argument("--size", default="384x288", help="pictures' size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4, help="steps of a turn")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(options, folder)
        ours.train(options.steps)
        rois, objects = ours.counts()
        _, description = REFERENCE["load"](folder + "/out.safetensors")
        height, width = network_size(description, options.size)
        print("%d pictures of %dx%d, %d ROIs, %d objects, %d threads, PyTorch %s" %
              (options.batch, width, height, rois, objects, options.threads, torch.__version__))
        step = Step(folder + "/out.safetensors", options.batch, height, width, rois, objects)
        step()
        mine, theirs, ratios = [], [], []
        for _ in range(options.rounds):
            once = ours.train(1)  # begins and writes
            mine.append((ours.train(1 + options.steps) - once) / options.steps)
            began = time.monotonic()
            for _ in range(options.steps):
                step()
            theirs.append((time.monotonic() - began) / options.steps)
            ratios.append(theirs[-1] / mine[-1])
        summary("fbnet-train", mine)
        summary("PyTorch", theirs)
        print("PyTorch takes %.2f times as long: least to least; median of the turns %.2f" %
              (min(theirs) / min(mine), sorted(ratios)[len(ratios) // 2]))


main()
