/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From anchors to proposals. Semantics: detectron2 proposal_generator/proposal_utils.py
 * find_top_rpn_proposals.
 */
#ifndef FBNET_RPN_H
#define FBNET_RPN_H

#include "base/box.h"
#include "base/tensor.h"

/* One feature level's output of the RPN head: logits [h][w][n_cells], deltas [h][w][n_cells][4]. */
typedef struct {
  const float *logits;
  const float *deltas;
  gsize height, width;
  const Box *cells;
  gsize n_cells;
  float stride, offset;
} RpnLevel;

typedef struct {
  gsize pre_nms_count, post_nms_count;
  float iou_threshold;
  float min_box_size;  /* a proposal's sides must be greater */
  float weights[4];    /* of the deltas */
  gboolean torch_ties; /* equal logits in torch.sort()'s order, else by ascending anchor */
} RpnParams;

/* Bytes of scratch that rpn_proposals() needs for levels of these sizes. */
gsize rpn_scratch_size (const RpnLevel *levels, gsize n_levels, const RpnParams *params);

/* Writes at most post_nms_count proposals, by descending logit, clipped to the unpadded network
 * image, and their logits; returns how many. */
gsize rpn_proposals (Box *boxes, float *logits, const RpnLevel *levels, gsize n_levels,
    const RpnParams *params, float image_width, float image_height, void *scratch);

#endif
