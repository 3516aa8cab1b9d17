/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ROIAlign with aligned=True (ROIAlignV2) over one or more feature levels.
 * Semantics: torchvision ops/cpu/roi_align_kernel.cpp, detectron2 modeling/poolers.py ROIPooler.
 */
#ifndef FBNET_ROI_H
#define FBNET_ROI_H

#include "base/box.h"
#include "kernels/kernels.h"
#include "base/tensor.h"
#include "base/workers.h"

typedef struct {
  Tensor feature; /* n = 1 */
  float scale;    /* 1 / stride */
} RoiLevel;

typedef struct {
  const RoiLevel *levels; /* ascending stride, each twice the one before */
  gsize n_levels;
  guint min_level;      /* log2 of the first level's stride */
  guint resolution;     /* side of the output */
  guint sampling_ratio; /* samples per bin and axis; 0: ceil of the bin's size */
} RoiPooler;

/* Index of the level that a box is pooled from: floor (4 + log2 (sqrt (area) / 224 + 1e-8)) clamped
 * to the levels there are; one level: 0. */
gsize roi_level (const RoiPooler *pooler, const Box *box);

/* Bytes of scratch per thread that roi_align() needs for these features and this resolution. */
gsize roi_scratch_size (const RoiPooler *pooler);

/* out: [n][resolution][resolution][c], one image per box, boxes in network pixels.
 * `scratch` is workers_count (workers) × roi_scratch_size() bytes. */
void roi_align (float *out, const RoiPooler *pooler, const Box *boxes, gsize n,
    const Kernels *kernels, Workers *workers, void *scratch);

#endif
