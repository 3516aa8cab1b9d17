/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the ROI heads have in common: a pooler, blocks over the pooled squares, and batches of a size that
 * stays in the cache.
 */
#ifndef FBNET_ROIHEAD_H
#define FBNET_ROIHEAD_H

#include "network/plan.h"
#include "roi.h"

typedef struct {
  const LayerEntry *entry; /* its blocks in the model's list */
  RoiSpec spec;            /* of what it reads */
  RoiLevel levels[MAX_LEVELS];
  RoiPooler pooler;
  gsize batch; /* ROIs that go through the blocks together */
  Plan plan;   /* of a batch */
  Tensor rois; /* n × side × side × c, of this frame */
  Tensor map;  /* the blocks' output for a batch */
} RoiHead;

/* What the parameters ask of the model's head of that role. FALSE: it has none, or it is not to run. */
gboolean roi_head_open (RoiHead *head, const FbnetModel *model, Role role,
    const FbnetParams *params);

/* Pooled squares, blocks, and the map, as floats or as the blocks leave it; the caller adds what comes
 * behind to the plan that the planner is left with, and makes the arena forget what is only passing. A
 * batch: enough ROIs for full matrix products, few enough for the cache. */
void roi_head_lay_out (RoiHead *head, Planner *planner, const FbnetModel *model,
    const Tensor *features, gsize batch, gboolean floats);
void roi_head_clear (RoiHead *head);

/* How many boxes the head looks at in this frame; none where it is not to run. */
void roi_head_set_count (RoiHead *head, gsize n);
void roi_head_pool (RoiHead *head, Workspace *workspace, const Box *boxes);

/* Behind each batch: ROIs [first, first + n) have gone through the plan. */
typedef void (*RoiBatchFunc) (RoiHead *head, gsize first, gsize n, gpointer data);

/* The frame's ROIs through the plan, whose output port stands for one after the other of `out`'s images;
 * NULL: it has none. FALSE: it was cancelled. */
gboolean roi_head_run (RoiHead *head, Workspace *workspace, const Tensor *out, RoiBatchFunc behind,
    gpointer data);

#endif
