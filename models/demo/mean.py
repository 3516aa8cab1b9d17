#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mean.py OUTPUT WEIGHT MODEL [WEIGHT MODEL...]: the weighted mean of models, tensor by tensor

The models are points of one run (models/FORMAT.md); OUTPUT has the first one's description, and its whole numbers."""
import json
import struct
import sys

FORMATS = {"F16": "e", "F32": "f"}


def read(path):
    """The file's header as it is, what it says, and the bytes behind it."""
    with open(path, "rb") as file:
        data = file.read()
    end = 8 + struct.unpack_from("<Q", data)[0]
    return data[:end], json.loads(data[8:end]), data[end:]


def numbers(model, name, form):
    """A tensor's numbers."""
    _, tensors, body = model
    start, end = tensors[name]["data_offsets"]
    return struct.unpack(f"<{(end - start) // struct.calcsize(form)}{form}", body[start:end])


output, *pairs = sys.argv[1:]
weights = [float(weight) for weight in pairs[::2]]
models = [read(path) for path in pairs[1::2]]
head, first, body = models[0]
mean = bytearray(body)
for name, tensor in first.items():
    form = FORMATS.get(tensor.get("dtype"))
    if form is None:
        continue
    columns = zip(*(numbers(model, name, form) for model in models))
    values = [sum(w * x for w, x in zip(weights, column)) / sum(weights) for column in columns]
    start, end = tensor["data_offsets"]
    mean[start:end] = struct.pack(f"<{len(values)}{form}", *values)
with open(output, "wb") as file:
    file.write(head + mean)
