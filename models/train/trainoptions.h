/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-train.
 */
#ifndef FBNET_TRAIN_TRAINOPTIONS_H
#define FBNET_TRAIN_TRAINOPTIONS_H

#include <cjson/cJSON.h>

#include "augment.h"
#include "support/paramoptions.h"
#include "train/trainer.h"

typedef struct {
  /* What to begin with */
  char *model, *config, *description;
  gboolean keep;           /* what the model knows */
  char *norm, *statistics; /* as given, or NULL */

  /* What to learn from */
  char **annotations,
      **images; /* pairs; without annotations one folder that has one for each class */
  gboolean keep_empty;
  AugmentOptions augment;
  char *sizes; /* as given, or NULL: the model's */
  double repeat_threshold;

  /* What to evaluate with */
  char *val_annotations, *val_images; /* both or none; without annotations the folder alone */
  double val_split;                   /* or this share of the pictures; 0: none */
  gint val_period;                    /* steps; 0: chosen */
  gint patience;

  /* How */
  gint iterations;                              /* -1: by epochs */
  double epochs;                                /* 0: chosen */
  gint batch;                                   /* -1: chosen */
  gint threads;                                 /* 0: chosen */
  char *solver, *betas, *schedule, *milestones; /* as given, or NULL */
  gboolean nesterov;
  double rho, epsilon; /* -1: the solver's usual one */
  double gamma;
  gint decay_period;
  SolverKind solver_kind; /* after the check */
  Fall fall;
  gboolean plateau; /* the rate falls where evaluations stop getting better */
  double rate, end_rate, warmup_factor, momentum, weight_decay, norm_weight_decay, clip, ema;
  gint warmup;
  gint64 seed;
  gint freeze;
  gint rpn_batch, roi_batch;
  ParamOptions
      *params; /* proposals, sizes: the model's, or detectron2's for training, unless given */
  gint test_pre_nms, test_post_nms; /* proposals when the model is used; 0: the model's */
  double rpn_fraction, roi_fraction, rpn_beta, box_beta;
  double label_smoothing;
  char *rpn_bounds, *roi_bounds; /* "LOWER,UPPER", or NULL: the model's */
  gboolean no_masks, no_keypoints;
  double keypoint_weight;

  /* What comes of it */
  char *output, *checkpoint, *log, *curve, *show;
  gint checkpoint_period;
  gboolean resume, half;
} TrainOptions;

TrainOptions train_options_new (void);

/* Whether pictures are given by class, for a classifier, and not with annotations. */
gboolean train_options_by_class (const TrainOptions *options);

/* FALSE with error when what is trained is for other pictures than are given, or for other options. */
gboolean train_options_check_task (const TrainOptions *options, const cJSON *description,
    GError **error);

void train_options_clear (TrainOptions *options);

/* For Program. */
void train_options_add (gpointer options, GOptionContext *context);
gboolean train_options_check (gpointer options, GError **error);

/* Puts into the description of what is trained the sizes, counts and thresholds that were asked for: the
 * model is written as what it was trained as. */
gboolean train_options_describe (const TrainOptions *options, cJSON *description, GError **error);

/* Whether there are pictures to evaluate with, and after how many steps that is done. */
gboolean train_options_validates (const TrainOptions *options);
guint train_options_val_period (const TrainOptions *options, guint epoch_length);

/* The model's own numbers where no others were given. `epoch_length`: pictures drawn an epoch. FALSE with
 * error when they do not fit it. */
gboolean train_options_settings (const TrainOptions *options, const FbnetModel *model,
    guint n_processes, guint epoch_length, TrainSettings *settings, GError **error);

/* The same for the samples; the sizes and the border are the model's. */
gboolean train_options_augment (const TrainOptions *options, const FbnetModel *model,
    AugmentOptions *augment, GError **error);

#endif
