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
  RoiLevel levels[MAX_LEVELS];
  RoiPooler pooler;
  gsize batch; /* ROIs that go through the blocks together */
  Plan plan;   /* of a batch */
  Tensor rois; /* all of them */
  Tensor map;  /* the blocks' output for a batch */
} RoiHead;

/* What tells the heads apart. */
typedef struct {
  Role role;
  guint resolution, sampling_ratio;
  gsize n;         /* ROIs at most */
  gsize batch;     /* enough for full matrix products, few enough for the cache */
  gboolean floats; /* wanted of the map; else as the blocks leave it */
} RoiHeadSpec;

/* Pooled squares, blocks, and the map; the caller adds what comes behind to the plan that the planner is
 * left with, and makes the arena forget what is only passing. */
void roi_head_lay_out (RoiHead *head, Planner *planner, const FbnetModel *model,
    const Tensor *features, const RoiHeadSpec *spec);
void roi_head_clear (RoiHead *head);

void roi_head_pool (RoiHead *head, Workspace *workspace, const Box *boxes, gsize n);

/* Behind each batch: ROIs [first, first + n) have gone through the plan. */
typedef void (*RoiBatchFunc) (RoiHead *head, gsize first, gsize n, gpointer data);

/* n ROIs through the plan, whose output port stands for one after the other of `out`'s images; NULL: it has
 * none. FALSE: it was cancelled. */
gboolean roi_head_run (RoiHead *head, Workspace *workspace, gsize n, const Tensor *out,
    RoiBatchFunc behind, gpointer data);

#endif
