/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model's layers and blocks on a tape: what stage.c, conv.c and irf.c of the engine do, with
 * gradients.
 */
#ifndef FBNET_TRAIN_NET_H
#define FBNET_TRAIN_NET_H

#include "params.h"

/* Where a batch norm takes its mean and variance from. */
typedef enum {
  STATISTICS_STORED,  /* the model's running ones, which stay */
  STATISTICS_OWN,     /* this worker's batch: bn */
  STATISTICS_SYNC,    /* all workers' batches, POOL_PIXELS: sync_bn */
  STATISTICS_NAIVE,   /* all workers' batches, POOL_EQUALLY: naiveSyncBN */
  STATISTICS_NAIVE_N, /* all workers' batches, POOL_IMAGES: naiveSyncBN with stats_mode "N" */
} Statistics;

/* One worker's view of a run. */
typedef struct {
  Params *params;
  Tape *tape;
  Group *group;
  guint thread;
  Statistics statistics;
  double momentum;             /* of running statistics: 0.1 */
  Real *gradient;              /* params->n_values; the worker's own */
  gboolean updates_statistics; /* one worker of a process does */
} Net;

Var *net_conv (Net *net, Var *x, const ConvLayer *layer);
Var *net_block (Net *net, Var *x, const Block *block);
Var *net_stage (Net *net, Var *x, const Stage *stage);

/* A detector's trunk, and what its heads read: those of the trunk's own maps, or a pyramid's levels, by
 * feature number. */
typedef struct {
  Var *stages[MAX_LEVELS];
  Var *levels[MAX_LEVELS];
} Features;

/* Of a batch; with `stage` > 0 of what left the stage before, whose maps of earlier stages are not known. */
void net_features (Net *net, Var *x, guint stage, Features *features);

/* The first stage of the trunk whose map is read by something else than the next stage. */
guint net_first_stage (const FbnetModel *model);

/* ROIs of the features that the heads read, each from the level that fits its size. */
typedef struct {
  const Box *boxes;
  const guint32 *images;
  gsize n;
} NetRois;

Var *net_pool (Net *net, const Features *features, const NetRois *rois, guint resolution,
    guint sampling_ratio);

/* A detector's own layers on a feature, on ROIs that were pooled: logits and deltas. */
void net_rpn (Net *net, Var *feature, Var **logits, Var **deltas);
void net_box_head (Net *net, Var *pooled, Var **logits, Var **deltas);

/* Heat maps of ROIs that were pooled. */
Var *net_keypoint_head (Net *net, Var *pooled);

/* All of a classifier, on a batch: logits, one pixel of each image. */
Var *net_classifier (Net *net, Var *x);

#endif
