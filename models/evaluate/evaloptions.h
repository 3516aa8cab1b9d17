/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-eval.
 */
#ifndef FBNET_TOOLS_EVALOPTIONS_H
#define FBNET_TOOLS_EVALOPTIONS_H

#include "support/options.h"

typedef struct {
  DetectorOptions detector;
  gboolean version, json, per_class;
  char *annotations;
  char *results;       /* to evaluate, or NULL: a model */
  char *images;        /* folder, with a model */
  char *write_results; /* where a model's results go, or NULL */
  char *plot;          /* or NULL */
  char *kinds_text;    /* or NULL */
  guint kinds;         /* bits; 0: all that both files have */
  char *sigmas_text;   /* or NULL */
  double *sigmas;      /* n_sigmas; COCO's unless given */
  guint n_sigmas;
  gboolean match;
  double iou_lower, iou_upper, min_score;
  char **arguments;
} EvalOptions;

/* FALSE with error, a sentence about the option that is wrong. --help is answered, and ends the
 * process, here. */
gboolean eval_options_parse (EvalOptions *options, int argc, char **argv, GError **error);
void eval_options_clear (EvalOptions *options);

#endif
