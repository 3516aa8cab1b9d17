/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector's losses over a batch of samples, on a tape. Semantics: detectron2's GeneralizedRCNN in
 * training: modeling/proposal_generator/rpn.py losses(), modeling/roi_heads/fast_rcnn.py losses(),
 * modeling/roi_heads/mask_head.py mask_rcnn_loss(), modeling/roi_heads/keypoint_head.py
 * keypoint_rcnn_loss(), normalised by the keypoints that are visible.
 */
#ifndef FBNET_TRAIN_RCNN_H
#define FBNET_TRAIN_RCNN_H

#include "net.h"
#include "sample.h"
#include "targets.h"
#include "teacher.h"
#include "trainlosses.h"

typedef struct {
  SampleSettings rpn, heads;
  guint pre_nms_count, post_nms_count; /* proposals in training */
  float rpn_iou_threshold;             /* of their NMS */
  double rpn_beta, box_beta;           /* of smooth L1; 0: L1 */
  gboolean append_objects;             /* the objects' boxes are proposals too */
  guint box_resolution, mask_resolution;
  gboolean masks, keypoints;
  double keypoint_weight; /* of the keypoints' loss */
} RcnnSettings;

/* detectron2's and D2Go's own numbers, and the model's. */
RcnnSettings rcnn_settings_of (const FbnetModel *model);

/* NULL when training can handle the model's architecture, else a sentence. */
const char *rcnn_unsupported (const FbnetModel *model);

/* Runs the network forward and leaves its steps on net->tape. `seed` and `iteration` are the key of
 * what is sampled; `first` is the number of the batch's first sample in its iteration. Where no object
 * is annotated `teacher` (or NULL) says what there is, whose classes are the network's first ones. */
TrainLosses rcnn_forward (Net *net, Teacher *teacher, const RcnnSettings *settings,
    const TrainSample *const *samples, guint n, guint64 seed, guint64 iteration, guint64 first);

#endif
