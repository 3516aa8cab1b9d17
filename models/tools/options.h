/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
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

typedef struct {
  gboolean version;
  char *model;
  char *kernels;
  char *annotate;                     /* folder, or NULL */
  char *coco, *images, *coco_results; /* all three or none */
  char *precision, *int8_bias;        /* as given, or NULL */
  gboolean no_masks, no_keypoints, timings;
  gint threads;
  /* The model's own value unless given. */
  double score_threshold, iou_threshold;
  gint min_size, max_size, pre_nms, post_nms, max_detections;
  char **pictures; /* NULL-terminated; NULL: none */
} Options;

/* FALSE with error, a sentence about the option that is wrong. --help is answered, and ends the
 * process, here. */
gboolean options_parse (Options *options, int argc, char **argv, GError **error);
void options_clear (Options *options);

/* How the detector is to run. */
FbnetDetectorOptions options_detector (const Options *options);

/* Puts what was given in place of the model's values. */
void options_apply (const Options *options, FbnetParams *params);

#endif
