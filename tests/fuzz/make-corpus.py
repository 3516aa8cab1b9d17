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
import zlib
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


# --- Choices ----------------------------------------------------------------------------------------


def choices(seed, n):
    """Bytes by splitmix64, the same with every Python."""
    mask, out = 2**64 - 1, bytearray()
    while len(out) < n:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        x = seed
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
        out += struct.pack("<Q", x ^ x >> 31)
    return bytes(out[:n])


def run_seeds():
    for seed in range(24):
        # In turn floats and bytes, with the rows compared and without.
        yield f"choice-{seed:02}", bytes([seed & 3]) + choices(seed, 120)
    # Of random ones few load that have a pyramid (4) or keypoints (8, and 16 times the predictor): these do.
    for seed, kind in ((0, 4), (289, 5), (34, 6), (89, 37), (43, 39), (0, 8), (289, 9), (34, 10), (276, 24), (89, 41),
                       (43, 43), (28, 56), (141, 57), (289, 13), (98, 14), (38, 30), (43, 47), (254, 62)):
        yield f"heads-{kind:02}-{seed}", bytes([kind]) + choices(1000 + seed, 120)


def mutated_seeds():
    for base in range(2):
        yield f"sound-{base}", bytes([base, 0]) + choices(base, 40)
    for seed in range(16):
        yield f"choice-{seed:02}", bytes([seed & 1, 1 + seed % 3]) + choices(100 + seed, 80)


def tracker_seeds():
    walk = bytearray([0, 20, 20])
    for look in range(12):
        walk += bytes([3])
        for i in range(3):
            walk += bytes([20 + 30 * i + look, 40, 30, 60, 220 - 30 * i, i % 2])
        walk += bytes([2, 1])
    yield "three-walk", bytes(walk)
    for seed in range(4):
        yield f"choice-{seed}", bytes([seed, 40, 20]) + choices(200 + seed, 300)


def element_seeds():
    for seed in range(24):
        yield f"choice-{seed:02}", choices(300 + seed, 250)


# --- Data sets -------------------------------------------------------------------------------------


def coco_seeds():
    images = [{"id": 1, "file_name": "a.png", "width": 20, "height": 10}, {"id": 2, "file_name": "b.png"}]
    categories = [{"id": 1, "name": "a"}, {"id": 7, "name": "b"}]
    polygon = [[1, 1, 9, 1, 9, 8, 1, 8]]
    runs = {"size": [10, 20], "counts": [30, 5, 165]}
    points = [5, 5, 2] * 17
    truth = {"images": images, "categories": categories, "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 7], "area": 56, "iscrowd": 0,
         "segmentation": polygon, "keypoints": points, "num_keypoints": 17},
        {"id": 2, "image_id": 2, "category_id": 7, "bbox": [0, 0, 5, 5], "iscrowd": 1, "segmentation": runs},
    ]}  # fmt: skip
    found = [
        {"image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 7.5], "score": 0.9, "segmentation": runs,
         "keypoints": points},
        {"image_id": 2, "category_id": 7, "bbox": [0, 0, 5, 4], "score": 0.4, "segmentation": polygon},
        {"image_id": 2, "category_id": 9, "bbox": [0, 0, 5, 4], "score": 0.3},
    ]  # fmt: skip
    for name, results in (("all", found), ("boxes", [{k: v for k, v in found[1].items() if k != "segmentation"}]),
                          ("none", [])):
        yield name, json.dumps(truth).encode() + b"\0" + json.dumps(results).encode()
    text = json.dumps(truth).replace('"image_id": 1', '"image_id": "x"').replace('"id": 1', '"id": "x"')
    yield "text-ids", text.encode() + b"\0" + json.dumps(found).replace('"image_id": 1', '"image_id": "x"').encode()


def rle_seeds():
    for name, width, height, value in (
        ("polygon", 30, 20, [[1, 1, 20, 3, 18, 15.5, 2, 12]]),
        ("two", 30, 20, [[1, 1, 9, 1, 9, 9], [10, 10, 29, 10, 20, 19]]),
        ("runs", 6, 5, {"size": [5, 6], "counts": [3, 2, 20, 5]}),
        ("text", 6, 5, {"size": [5, 6], "counts": "32d05"}),
        ("outside", 10, 10, [[-5, -5, 50, -5, 50, 50]]),
        ("alone", 10, 10, [1, 1, 5, 1, 5, 5]),
    ):
        yield name, bytes([width, height]) + json.dumps(value).encode()


# --- Pictures ---------------------------------------------------------------------------------------


def png(width, height, color, depth, rows, more=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))  # fmt: skip


def picture_seeds():
    yield "rgb", png(3, 2, 2, 8, (b"\0" + bytes(range(9))) * 2)
    yield "gray16", png(2, 2, 0, 16, (b"\0" + bytes(4)) * 2)
    yield "bits", png(9, 2, 0, 1, (b"\0" + b"\xaa\x80") * 2)
    yield "alpha", png(2, 1, 6, 8, b"\1" + bytes(8))
    yield "labels", b"\xef\xbb\xbfperson\n\n  bicycle \ncar"


# --- All -------------------------------------------------------------------------------------------


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    for target, seeds in (("archive", archive_seeds()), ("coco", coco_seeds()),
                          ("element", element_seeds()), ("model", model_seeds()),
                          ("model-run", run_seeds()), ("model-run-mutated", mutated_seeds()),
                          ("pickle", pickle_seeds()), ("picture", picture_seeds()), ("rle", rle_seeds()),
                          ("tracker", tracker_seeds()), ("yaml", yaml_seeds())):
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
