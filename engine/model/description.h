/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The JSON description inside a model file (models/FORMAT.md), as numbers.
 */
#ifndef FBNET_DESCRIPTION_H
#define FBNET_DESCRIPTION_H

#include <cjson/cJSON.h>

#include "arch.h"
#include "base/box.h"
#include "fbnet/fbnet.h"
#include "quantization.h"

/* The layer that doubles the keypoint head's map into heat maps. */
typedef enum {
  KEYPOINTS_IRF,            /* inverted residual block without norm */
  KEYPOINTS_DECONV,         /* 4×4 transposed convolution of stride 2 */
  KEYPOINTS_DECONV_UPSCALE, /* that, then bilinear × 2 */
  KEYPOINTS_CONV_UPSAMPLE,  /* nearest × 2, then a 3×3 convolution */
} KeypointPredictor;

typedef struct {
  guint n_cells;
  Box *cells; /* anchors centred on (0, 0) */
} AnchorLevel;

typedef struct {
  cJSON *tree; /* the architecture stays JSON: arch.h builds from it */
  const cJSON *architecture;
  char *name;
  FbnetTask task;
  GStrv labels; /* or NULL */

  gboolean bgr;
  float mean[3], std[3];
  char *trunk_prefix; /* "backbone.body" */
  guint n_classes;    /* without background */

  /* Classification */
  guint resize, crop; /* shorter side, then a square from the middle; network pixels */

  /* Detection */
  guint size_divisibility;

  gboolean has_fpn;
  guint fpn_first_stage, n_fpn_stages; /* trunk stages that the pyramid stands on */
  guint fpn_first_level;               /* its number: 2 for p2 */
  guint fpn_channels;
  Norm fpn_norm;

  /* A feature is a trunk stage, or with an FPN a level of the pyramid: 0 … n_fpn_stages, the last
   * one sub-sampled from the one before. */
  guint n_levels; /* features that the RPN reads */
  guint rpn_features[MAX_LEVELS];
  guint n_roi_levels; /* features that the ROI heads read */
  guint roi_features[MAX_LEVELS];
  AnchorLevel anchors[MAX_LEVELS];
  double anchor_offset;

  float rpn_weights[4];
  float rpn_iou_bounds[2], roi_iou_bounds[2]; /* lower, upper */

  guint box_sampling_ratio;
  float box_weights[4];
  gboolean class_agnostic_boxes;

  gboolean has_masks;
  guint mask_sampling_ratio;
  gboolean class_agnostic_masks;

  guint n_keypoints; /* 0: no keypoint head */
  guint keypoint_resolution, keypoint_sampling_ratio;
  KeypointPredictor keypoint_predictor;

  Quantization *quantization; /* NULL: a float model */

  FbnetParams params; /* the values the model was exported with */
} Description;

/* NULL with error: messages begin with `name`. */
Description *description_parse (const char *text, const char *name, GError **error);
void description_free (Description *description); /* NULL is allowed */

#endif
