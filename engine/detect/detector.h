/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests may look at inside a detector: every stage's output of the last frame.
 */
#ifndef FBNET_DETECTOR_H
#define FBNET_DETECTOR_H

#include "boxhead.h"
#include "fbnet/fbnet.h"
#include "model/arch.h"
#include "base/tensor.h"

/* Valid until the detector's next frame. */
typedef struct {
  const guint8 *resized; /* [height][width][3], the model's channel order */
  gsize height, width;
  Tensor input; /* padded */
  guint n_stages;
  Tensor stages[MAX_LEVELS]; /* trunk0, trunk1, … */
  guint n_features;          /* trunk stages again, or levels of the pyramid */
  Tensor features[MAX_LEVELS];
  guint n_levels;                /* features that the RPN reads */
  Tensor rpn_logits[MAX_LEVELS]; /* c = anchors per pixel */
  Tensor rpn_deltas[MAX_LEVELS]; /* c = 4 × anchors */
  gsize n_proposals;
  const Box *proposals;
  const float *proposal_logits;
  Tensor box_rois;     /* n_proposals × resolution × resolution × c */
  Tensor box_features; /* n_proposals × 1 × 1 × c, after the average pool */
  Tensor cls_logits;   /* n_proposals × 1 × 1 × (n_classes + 1) */
  Tensor box_deltas;   /* n_proposals × 1 × 1 × 4 n_classes */
  gsize n_detections;
  const BoxHeadDetection *detections; /* network pixels */
  gsize n_masks;                      /* detections that are left in the frame, in order */
  Tensor mask_rois;                   /* n_masks × resolution × resolution × c */
  Tensor mask_logits;                 /* n_masks × side × side × 1, of the predicted class */
  Tensor mask_probabilities;          /* the same after the sigmoid */
  gsize n_keypoint_boxes;             /* detections that are left in the frame, in order */
  Tensor keypoint_rois;               /* n_keypoint_boxes × resolution × resolution × c */
  Tensor heatmaps;                    /* n_keypoint_boxes × side × side × n_keypoints */
  const FbnetKeypoint *keypoints;     /* network pixels: n_keypoint_boxes × n_keypoints */
} DetectorTaps;

/* Calls `observe` with the output of every layer from the next frame on, and fuses none; NULL ends it.
 * RunnerObserver: network.h. */
void detector_observe (FbnetDetector *detector,
    void (*observe) (const char *name, const Tensor *output, gpointer data), gpointer data);

/* The stream's statistics (PackedConv.norm_at of cache_get_following_network()); NULL unless batch
 * norms follow it. */
const double *detector_get_norm_stats (const FbnetDetector *detector);

void detector_get_taps (const FbnetDetector *detector, DetectorTaps *taps);

#endif
