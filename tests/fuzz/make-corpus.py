#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the seeds of the fuzz targets to corpus/TARGET: small inputs of every form that the target reads.

Needs nothing but Python: what PyTorch would write is written by hand. Inputs that once did harm lie beside
them, under names of their own, and stay.
"""

import io
import json
import pickle
import struct
import sys
import zipfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


# --- Pickles ---------------------------------------------------------------------------------------


class Name:
    """A global of torch's, pickled by its name."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """What a global called with arguments gives."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, kind, key, length):
        self.id = ("storage", Name("torch", kind), key, "cpu", length)


class Torch(pickle._Pickler):  # the one in Python: it can be taught
    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Name):
            self.write(f"c{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(tuple(obj.arguments))
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def pickled(value):
    out = io.BytesIO()
    Torch(out, protocol=2).dump(value)
    return out.getvalue()


def ordered(items):
    return Call(Name("collections", "OrderedDict"), [list(item) for item in items.items()])


def tensor(kind, key, shape, offset=0):
    strides, n = [], 1
    for side in reversed(shape):
        strides.insert(0, n)
        n *= side
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), Storage(kind, key, offset + n), offset, tuple(shape),
                tuple(strides), False, ordered({}))


def quantized(key, shape):
    """Per channel, as convolutions' weights are."""
    scales = tensor("DoubleStorage", "1", shape[:1])
    zeros = tensor("LongStorage", "2", shape[:1])
    n = shape[0] * shape[1]
    return Call(Name("torch._utils", "_rebuild_qtensor"), Storage("QInt8Storage", key, n), 0, tuple(shape),
                (shape[1], 1), (Name("torch", "per_channel_affine"), scales, zeros, 0), False, ordered({}))


def state_dict():
    return {
        "model": {
            "a.weight": tensor("FloatStorage", "0", [2, 3]),
            "a.bias": tensor("HalfStorage", "1", [2], offset=1),
            "n": tensor("LongStorage", "2", []),
        },
        "ema_state": None,
        "iteration": 7,
        "rate": 0.5,
        "done": True,
    }


STORAGES = {
    "0": struct.pack("<6f", *range(6)),
    "1": struct.pack("<3e", 1, 2, 3),
    "2": struct.pack("<q", 5),
}


def bytecode(instructions):
    """(7, (name, tables)): one function of the lite interpreter."""
    tables = (
        ("instructions", tuple(instructions)),
        ("operators", (("aten::add", "", 2), ("aten::topk", "", 3), ("prim::RaiseException", "", 1))),
        ("constants", (0, 5)),
        ("register_size", 2),
    )
    return (7, ("f.forward", tables))


BRANCH_AND_LOOP = [
    ("STOREN", 1, 2), ("LOAD", 2, 0), ("JF", 4, 0), ("LOAD", 2, 0), ("LOADC", 1, 0), ("JMP", 3, 0),
    ("LOADC", 0, 0), ("LOADC", 1, 0), ("OP", 0, 0), ("STORE", 1, 0), ("LOADC", 1, 0), ("JF", 4, 0),
    ("LOADC", 0, 0), ("OP", 2, 0), ("JMP", 2, 0), ("LOAD", 1, 0), ("LOADC", 0, 0), ("LOADC", 1, 0),
    ("LOADC", 1, 0), ("LOOP", 6, 2), ("LOADC", 1, 0), ("OP", 0, 0), ("DROP", 0, 0), ("LOADC", 1, 0),
    ("JMP", -5, 0), ("RET", 0, 0),
]  # fmt: skip


def pickle_seeds():
    yield "state-dict", pickled(state_dict())
    yield "quantized", pickled({"w": quantized("0", [2, 3])})
    yield "module", pickled(Call(Name("__torch__", "M"), {"training": False, "weights": [1, 2.5, "x"]}))
    yield "branch-and-loop", pickled(bytecode(BRANCH_AND_LOOP))
    yield "opn", pickled(bytecode([("LOADC", 0, 0), ("LOADC", 1, 0), ("OPN", 0, 2), ("LIST_UNPACK", 0, 2), ("RET", 0, 0)]))
    yield "numbers", pickled([0, 255, 65535, -1, 2**31, 2**40, -(2**70), 1e300, b"\0\1", "ü", (), {}])
    yield "shared", pickled((lambda x: [x, x, (x, x)])(["again"]))


# --- Archives --------------------------------------------------------------------------------------


def zipped(entries, deflate=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # of 1980: the same bytes each time
    return out.getvalue()


def checkpoint(root, deflate=False):
    entries = {f"{root}/data.pkl": pickled(state_dict()), f"{root}/version": b"3\n"}
    entries |= {f"{root}/data/{key}": data for key, data in STORAGES.items()}
    return zipped(entries, deflate)


def legacy():
    """torch.save before 1.6: magic, protocol, sizes, the tree, the keys, each storage behind its length."""
    head = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    sizes = {"0": 6, "1": 3, "2": 1}
    tail = b"".join(struct.pack("<q", sizes[key]) + STORAGES[key] for key in sorted(STORAGES))
    return head + pickled(state_dict()) + pickle.dumps(sorted(STORAGES), 2) + tail


def lite():
    """For the lite interpreter: data.pkl and bytecode.pkl."""
    data = pickled(Call(Name("__torch__", "M"), {"weight": tensor("FloatStorage", "0", [2, 3])}))
    return zipped({
        "m/data.pkl": data,
        "m/bytecode.pkl": pickled((7, bytecode(BRANCH_AND_LOOP)[1])),
        "m/constants.pkl": pickled(()),
        "m/data/0": STORAGES["0"],
        "m/version": b"3\n",
    })  # fmt: skip


def scripted():
    """TorchScript: its code beside its data."""
    return zipped({
        "m/data.pkl": pickled(Call(Name("__torch__", "M"), {"training": False, "w": quantized("0", [2, 3])})),
        "m/code/__torch__.py": b"class M(Module):\n  def forward(self: __torch__.M) -> Tensor:\n    return 1\n",
        "m/constants.pkl": pickled((tensor("FloatStorage", "0", [1]),)),
        "m/constants/0": struct.pack("<f", 1),
        "m/data/0": bytes(6),
        "m/data/1": struct.pack("<2d", 0.5, 0.25),
        "m/data/2": struct.pack("<2q", 0, 0),
        "m/version": b"3\n",
    })  # fmt: skip


def archive_seeds():
    yield "checkpoint", checkpoint("x")
    yield "deflated", checkpoint("archive", True)
    yield "legacy", legacy()
    yield "lite", lite()
    yield "scripted", scripted()


# --- Configs ---------------------------------------------------------------------------------------


def yaml_seeds():
    yield "faster-rcnn", b"""VERSION: 2
INPUT: {FORMAT: BGR, MIN_SIZE_TEST: 224, MAX_SIZE_TEST: 320}
MODEL:
  META_ARCHITECTURE: GeneralizedRCNN
  MASK_ON: false
  PIXEL_MEAN: [103.53, 116.28, 123.675]
  PIXEL_STD:
  - 1.0
  - 1.0
  - 1.0
  BACKBONE: {NAME: FBNetV2C4Backbone}
  FBNET_V2:
    ARCH: FBNetV3_A_dsmask_tiny
    ARCH_DEF: []
    NORM: gn
    NORM_ARGS: [{num_groups: 8}]
    SCALE_FACTOR: 0.5
    WIDTH_DIVISOR: 8
  ANCHOR_GENERATOR:
    SIZES: [[32, 64]]
    ASPECT_RATIOS: [[0.5, 1.0, 2.0]]
  RPN: {IN_FEATURES: [trunk3], PRE_NMS_TOPK_TEST: 1000, POST_NMS_TOPK_TEST: 30, NMS_THRESH: 0.7}
  ROI_HEADS: {NUM_CLASSES: 3, IN_FEATURES: [trunk3]}
"""
    yield "merged", b"base: &base\n  a: 1\n  b: [x, 'y', \"z\"]\nmore:\n  <<: *base\n  c: ~\n  d: |\n    text\n    of lines\n"
    yield "tagged", b"a: !!python/tuple [1, 2]\nb: !!float 3\nc: 0x1f\nd: 1e5\ne: .inf\nf: 2021-01-01\n"
    yield "base", b"_BASE_: d2go://base.yaml\nMODEL:\n  FBNET_V2: {ARCH: default}\n"


# --- Models ----------------------------------------------------------------------------------------


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def model_seeds():
    entry = {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}
    description = {"format": "fbnet-model", "version": 1, "name": "seed", "task": "detection", "labels": ["a"]}
    yield "no-description", safetensors({"a": entry}, bytes(8))
    yield "no-parts", safetensors({"__metadata__": {"fbnet": json.dumps(description)}, "a": entry}, bytes(8))
    yield "overlap", safetensors({"a": entry, "b": {**entry, "dtype": "I8", "data_offsets": [4, 6]}}, bytes(8))
    yield "nothing", safetensors({}, b"")


# --- All -------------------------------------------------------------------------------------------


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    for target, seeds in (("archive", archive_seeds()), ("model", model_seeds()), ("pickle", pickle_seeds()),
                          ("yaml", yaml_seeds())):
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
