/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-eval.
 */
#ifndef FBNET_EVALUATE_EVALOPTIONS_H
#define FBNET_EVALUATE_EVALOPTIONS_H

#include "support/paramoptions.h"

typedef struct {
  char *model;
  ParamOptions *params, *zoom; /* how the model runs */
  ParamOptions *bounds;        /* how boxes are compared */
  gboolean json, per_class;
  char *results;       /* to evaluate, or NULL: a model */
  char *tracks;        /* to evaluate instead, or NULL */
  gint every;          /* frame of their ground truth */
  char *images;        /* folder, with a model */
  char *write_results; /* where a model's results go, or NULL */
  char *plot;          /* or NULL */
  char *kinds_text;    /* or NULL */
  char *sigmas_text;   /* or NULL */
  gboolean match, confusion;
  double min_score;
  char **arguments;

  /* What the above mean: after the check. */
  const char *annotations;
  guint kinds;    /* bits; 0: all that both files have */
  double *sigmas; /* n_sigmas; COCO's unless given */
  guint n_sigmas;
  double iou_lower, iou_upper;
} EvalOptions;

EvalOptions eval_options_new (void);
void eval_options_clear (EvalOptions *options);

/* For Program. */
void eval_options_add (gpointer options, GOptionContext *context);
gboolean eval_options_check (gpointer options, GError **error);

#endif
