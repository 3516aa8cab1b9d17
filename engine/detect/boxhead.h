/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the box head's numbers to final detections. Semantics: detectron2
 * modeling/roi_heads/fast_rcnn.py fast_rcnn_inference_single_image and modeling/postprocessing.py
 * detector_postprocess.
 */
#ifndef FBNET_BOXHEAD_H
#define FBNET_BOXHEAD_H

#include "base/box.h"

typedef struct {
  gsize n_classes;
  gboolean class_agnostic_boxes; /* deltas are 4 per proposal, not 4 per class */
  gboolean class_agnostic_nms;
  float weights[4]; /* of the deltas */
  float score_threshold;
  const float *class_thresholds; /* n_classes, or NULL */
  float iou_threshold;
  gsize max_detections;
} BoxHeadParams;

/* In network pixels. */
typedef struct {
  Box box;
  float score;
  guint32 class_id;
  guint32 proposal; /* index */
} BoxHeadDetection;

/* Bytes of scratch that box_head_detections() needs. */
gsize box_head_scratch_size (gsize n_proposals, gsize n_classes);

/* In-place softmax of each of n rows of n_columns logits; zeros for a row that is not finite. */
void softmax_rows (float *logits, gsize n, gsize n_columns);

/* `logits`: [n][n_classes + 1], background last; `deltas`: [n][4 n_classes] (or [n][4]). Writes at
 * most max_detections, by descending score; returns how many. Logits are not changed. */
gsize box_head_detections (BoxHeadDetection *out, const Box *proposals, const float *logits,
    const float *deltas, gsize n, const BoxHeadParams *params, float image_width,
    float image_height, void *scratch);

/* Network pixels to frame pixels: scaled, clipped. FALSE when nothing of the box is left. */
gboolean box_to_frame (Box *frame_box, const Box *network_box, gsize network_width,
    gsize network_height, gsize frame_width, gsize frame_height);

#endif
