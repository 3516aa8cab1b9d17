/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tools' command lines share: exit codes, and the options of a detector.
 */
#ifndef FBNET_TOOLS_OPTIONS_H
#define FBNET_TOOLS_OPTIONS_H

#include <glib.h>

#include "fbnet/fbnet.h"

/* Exit codes of the tools. */
enum {
  EXIT_DONE = 0,
  EXIT_FAILED = 1, /* the model, or at least one picture or file */
  EXIT_USAGE = 2,  /* the command line */
};

/* Which model runs, and how. */
typedef struct {
  char *model; /* NULL: not given */
  char *kernels;
  char *precision, *int8_bias;           /* as given, or NULL */
  char *normalization, *norm_statistics; /* as given, or NULL */
  gint threads;
  gboolean no_masks, no_keypoints;
  /* The model's own value unless given. */
  double score_threshold, iou_threshold, norm_momentum;
  gint min_size, max_size, pre_nms, post_nms, max_detections;
} DetectorOptions;

/* Nothing given. */
DetectorOptions detector_options_new (void);
void detector_options_clear (DetectorOptions *options);

/* Parsing the context fills the options, which must outlive it. */
void detector_options_add (DetectorOptions *options, GOptionContext *context);

/* FALSE with error, a sentence about the option that is wrong. */
gboolean detector_options_check (const DetectorOptions *options, GError **error);

/* How the detector is to run; the options have been checked. */
FbnetDetectorOptions detector_options_how (const DetectorOptions *options);

/* Puts what was given in place of the model's values. */
void detector_options_apply (const DetectorOptions *options, FbnetParams *params);

/* An error about the command line; returns FALSE. */
gboolean usage_error (GError **error, const char *sentence);

#endif
