/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Non-maximum suppression. Semantics: torchvision ops/cpu/nms_kernel.cpp and
 * ops/boxes.py batched_nms, as pure per-group suppression.
 */
#ifndef FBNET_NMS_H
#define FBNET_NMS_H

#include "base/box.h"

/* Bytes of scratch that nms() needs for up to `capacity` candidates. No check for overflow: fewer
 * than three times the bytes of the boxes, which exist. */
gsize nms_scratch_size (gsize capacity);

/* Writes to keep[] the indices of the boxes that survive, by descending score, ties by ascending
 * index, at most `limit`; returns how many. Within a group a box goes when its IoU with a better,
 * kept box is greater than `threshold`. `groups` NULL: all one group. `scratch` is
 * nms_scratch_size(n) bytes, 16-byte aligned. NaN scores sort last. */
gsize nms (guint32 *keep, gsize limit, const Box *boxes, const float *scores, const guint32 *groups,
    gsize n, float threshold, void *scratch);

/* Indices 0 … n-1 by descending score, ties by ascending index, only the first k are written:
 * a stable top-k. `scratch` is n * 8 bytes, 8-byte aligned. */
void top_k (guint32 *order, const float *scores, gsize n, gsize k, void *scratch);

/* The same with ties in the order of torch.sort(), the first k of it (torchsort.h). */
void top_k_torch (guint32 *order, const float *scores, gsize n, gsize k, void *scratch);

#endif
