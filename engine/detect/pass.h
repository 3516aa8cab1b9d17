/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame's pass through a detector: the plans of all its parts, and what each stage leaves for the next.
 * Tests look at it to see the stages one by one.
 */
#ifndef FBNET_PASS_H
#define FBNET_PASS_H

#include "boxhead.h"
#include "detections.h"
#include "input.h"
#include "network/plan.h"
#include "roihead.h"
#include "rpn.h"

/* The ROI heads, in the order in which they run. */
typedef enum {
  HEAD_BOX, /* looks at proposals, the others at detections */
  HEAD_MASK,
  HEAD_KEYPOINTS,
  N_HEADS
} Head;

/* What lies in it is valid until the next frame; the planned shapes until parameters or sizes change. */
typedef struct {
  FbnetModel *model;
  Workspace workspace;
  FbnetParams params;
  const FbnetInput *from; /* this frame's */

  const guint8 *resized; /* [height][width][3], the model's channel order */
  gsize height, width;
  Tensor input; /* padded */

  Plan trunk;
  guint n_stages;
  Tensor stages[MAX_LEVELS]; /* trunk0, trunk1, … */
  guint n_features;          /* trunk stages again, or levels of the pyramid */
  Tensor features[MAX_LEVELS];

  Plan rpn;
  guint n_levels; /* features that the RPN reads */
  RpnLevel levels[MAX_LEVELS];
  Tensor rpn_logits[MAX_LEVELS]; /* c = anchors per pixel */
  Tensor rpn_deltas[MAX_LEVELS]; /* c = 4 × anchors */
  void *proposal_scratch;
  gsize n_proposals;
  Box *proposals;
  float *proposal_logits;

  RoiHead heads[N_HEADS];

  Plan predictors;
  Tensor box_features; /* n_proposals × 1 × 1 × c, after the average pool */
  Tensor cls_logits;   /* n_proposals × 1 × 1 × (n_classes + 1) */
  Tensor box_deltas;   /* n_proposals × 1 × 1 × 4 n_classes */
  void *detection_scratch;
  gsize n_detections;
  BoxHeadDetection *detections; /* network pixels */
  Box *network_boxes;           /* of those that are left in the frame, in order */
  Box *frame_boxes;

  /* Of the detections that are left in the frame, in order; none where the head does not run. */
  Tensor mask_logits;        /* n × side × side × 1, of the predicted class */
  Tensor mask_probabilities; /* the same after the sigmoid */

  Tensor heatmaps;          /* n × side × side × n_keypoints */
  FbnetKeypoint *keypoints; /* network pixels: n × n_keypoints */

  FbnetTimings timings;
} Pass;

/* Plans everything for inputs of this one's sizes and the pass's parameters. FALSE with error: nothing can
 * be run. */
gboolean pass_plan (Pass *pass, const FbnetInput *input, GError **error);
void pass_clear (Pass *pass);

/* All stages behind the input, with their times. FALSE with error: memory, or it was cancelled. */
gboolean pass_run (Pass *pass, const FbnetInput *input, Detections *found, GError **error);

/* --- Masks and keypoints: maskhead.c, keypointhead.c -------------------------------------------- */

void mask_head_lay_out (Pass *pass, Planner *planner);
gboolean mask_head_pool (Pass *pass, Detections *found, GError **error);
gboolean mask_head_run (Pass *pass, Detections *found, GError **error);
gboolean mask_head_paste (Pass *pass, Detections *found, GError **error);

void keypoint_head_lay_out (Pass *pass, Planner *planner);
gboolean keypoint_head_pool (Pass *pass, Detections *found, GError **error);
gboolean keypoint_head_run (Pass *pass, Detections *found, GError **error);
gboolean keypoint_head_decode (Pass *pass, Detections *found, GError **error);

#endif
