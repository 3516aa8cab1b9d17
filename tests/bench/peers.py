#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A whole frame of the box detector at 224x320 against OpenVINO's networks alone, in turns: trunk, RPN head on 14x20 and
# box head on 30 ROIs. Needs OpenVINO and NNCF, which quantises for it (PyPI: openvino, nncf), and those networks as
# ONNX: trunk*.onnx, rpn*.onnx, box*.onnx with random weights, batch norm folded. Ours is bench-precision, whose model has
# the same layers.
import argparse
import glob
import os
import subprocess
import sys
import time

try:
    import nncf
    import numpy
    import openvino
except ImportError as error:
    print(error)
    sys.exit(77)

PARTS = ("trunk", "rpn", "box")
PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}


def quantize(model):
    """Speed does not depend on the ranges."""
    shape = list(model.input(0).shape)
    numbers = numpy.random.default_rng(1)
    samples = [numbers.uniform(-1, 1, shape).astype(numpy.float32) for _ in range(4)]
    return nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples))


class Network:
    """One of the peer's networks, and its milliseconds."""

    def __init__(self, core, path, precision, threads):
        model = core.read_model(path)
        self.model = core.compile_model(quantize(model) if precision == "int8" else model, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision]})
        shape = self.model.input(0).shape
        self.request = self.model.create_infer_request()
        pixels = numpy.random.default_rng(1).uniform(-1, 1, list(shape)).astype(numpy.float32)
        self.request.set_input_tensor(openvino.Tensor(pixels))
        self.times = []

    def run(self, times):
        for _ in range(3):
            self.request.infer()
        for _ in range(times):
            began = time.perf_counter()
            self.request.infer()
            self.times.append(1e3 * (time.perf_counter() - began))


def find(folder, part):
    found = [p for p in glob.glob(os.path.join(folder, part + "*.onnx")) if not p.endswith(".q8.onnx")]
    if len(found) != 1:
        sys.exit("%s: expected one %s*.onnx, found %d" % (folder, part, len(found)))
    return found[0]


def ours(build, threads):
    """Minimum and median of the whole frame by precision, as bench-precision prints them."""
    text = subprocess.run([build + "/tests/bench/bench-precision"], check=True, capture_output=True, text=True).stdout
    table = text.split("| minimum, median |")[threads]
    names = [cell.strip() for cell in table.splitlines()[0].split("|") if cell.strip() in PRECISIONS]
    total = [line for line in table.splitlines() if line.startswith("| total")][0]
    pairs = [cell.split() for cell in total.split("|") if len(cell.split()) == 2]
    return {name: [float(number) for number in pair] for name, pair in zip(names, pairs)}


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


def main():
    parser = argparse.ArgumentParser(description="A whole frame against OpenVINO's networks alone.")
    parser.add_argument("build", help="build folder")
    parser.add_argument("networks", help="folder of ONNX files")
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=60, help="of a network in a round")
    options = parser.parse_args()
    core = openvino.Core()
    networks = {name: [Network(core, find(options.networks, part), name, options.threads) for part in PARTS]
                for name in PRECISIONS}
    frames = {name: [] for name in PRECISIONS}
    for _ in range(options.rounds):
        for name, frame in ours(options.build, options.threads).items():
            frames[name].append(frame)
            for network in networks[name]:
                network.run(options.runs)
    print("OpenVINO %s, threads %d, %d rounds; ms, minimum median" %
          (openvino.__version__, options.threads, options.rounds))
    print("| | %s | OpenVINO's networks | our whole frame | ratio |" % " | ".join(PARTS))
    for name in PRECISIONS:
        if not frames[name]:
            continue
        parts = [(min(network.times), median(network.times)) for network in networks[name]]
        theirs = [sum(part[k] for part in parts) for k in (0, 1)]
        mine = min(frame[0] for frame in frames[name]), median([frame[1] for frame in frames[name]])
        cells = ["%.2f %.2f" % (pair[0], pair[1]) for pair in [*parts, theirs, mine]]
        print("| %s | %s | %.2f %.2f |" % (name, " | ".join(cells), mine[0] / theirs[0], mine[1] / theirs[1]))


main()
