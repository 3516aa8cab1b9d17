/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#ifndef FBNET_DETECT_DETECTOPTIONS_H
#define FBNET_DETECT_DETECTOPTIONS_H

#include "support/paramoptions.h"

typedef struct {
  char *model;
  ParamOptions *params, *zoom, *tracker;
  char *annotate;                     /* folder, or NULL */
  char *coco, *images, *coco_results; /* all three or none */
  gboolean timings;
  gboolean tracking; /* the pictures are a sequence */
  double frame_rate; /* of it */
  char **pictures;   /* NULL-terminated; NULL: none */
} DetectOptions;

DetectOptions detect_options_new (void);
void detect_options_clear (DetectOptions *options);

/* For Program. */
void detect_options_add (gpointer options, GOptionContext *context);
gboolean detect_options_check (gpointer options, GError **error);

#endif
