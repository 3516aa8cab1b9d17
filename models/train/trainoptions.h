/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-train.
 */
#ifndef FBNET_TRAIN_TRAINOPTIONS_H
#define FBNET_TRAIN_TRAINOPTIONS_H

#include "augment.h"
#include "support/paramoptions.h"
#include "train/trainer.h"

typedef struct {
  /* What to begin with */
  char *model, *config, *description;
  char *norm, *statistics; /* as given, or NULL */

  /* What to learn from */
  char **annotations, **images; /* pairs */
  gboolean keep_empty;
  AugmentOptions augment;
  char *sizes; /* as given, or NULL: the model's */

  /* How */
  gint iterations, batch, threads;
  double rate, end_rate, warmup_factor, momentum, weight_decay, norm_weight_decay, clip, ema;
  gint warmup;
  gint64 seed;
  gint freeze;
  gint rpn_batch, roi_batch;
  ParamOptions
      *params; /* proposals, sizes: the model's, or detectron2's for training, unless given */
  double rpn_fraction, roi_fraction, rpn_beta, box_beta;
  char *rpn_bounds, *roi_bounds; /* "LOWER,UPPER", or NULL: the model's */
  gboolean no_masks;

  /* What comes of it */
  char *output, *checkpoint, *log, *curve, *show;
  gint checkpoint_period;
  gboolean resume, half;
} TrainOptions;

TrainOptions train_options_new (void);
void train_options_clear (TrainOptions *options);

/* For Program. */
void train_options_add (gpointer options, GOptionContext *context);
gboolean train_options_check (gpointer options, GError **error);

/* The model's own numbers where no others were given. FALSE with error when they do not fit it. */
gboolean train_options_settings (const TrainOptions *options, const FbnetModel *model,
    guint n_processes, TrainSettings *settings, GError **error);

/* The same for the samples; the sizes and the border are the model's. */
gboolean train_options_augment (const TrainOptions *options, const FbnetModel *model,
    AugmentOptions *augment, GError **error);

#endif
