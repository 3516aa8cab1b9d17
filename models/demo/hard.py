#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hard.py ANNOTATIONS RESULTS LEAST OUTPUT: of pictures that show nothing, those in which a model saw something

ANNOTATIONS is a data set in COCO's format, RESULTS what `fbnet-detect --coco-results` wrote of it. OUTPUT becomes the
data set of the pictures with a detection of a score of at least LEAST: more is learnt from them than from others.
One picture is kept in any case, as a set without any cannot be trained with."""
import json
import sys

annotations, results, least, output = sys.argv[1:]
with open(annotations, encoding="utf-8") as file:
    data = json.load(file)
with open(results, encoding="utf-8") as file:
    hard = {found["image_id"] for found in json.load(file) if found["score"] >= float(least)}
hard = hard or {data["images"][0]["id"]}
print(f"{len(hard)} of {len(data['images'])} pictures without codes are hard at {least}")
data["images"] = [image for image in data["images"] if image["id"] in hard]
with open(output, "w", encoding="utf-8") as file:
    json.dump(data, file)
