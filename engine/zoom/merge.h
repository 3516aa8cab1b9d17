/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several looks' detections as one frame's.
 */
#ifndef FBNET_ZOOM_MERGE_H
#define FBNET_ZOOM_MERGE_H

#include "base/tensor.h"
#include "fbnet/fbnet.h"

/* Memory that is used again; zero-initialise it. */
typedef struct {
  FbnetDetection *all, *kept;
  guint *look_of_all, *look; /* which look found each */
  Buffer boxes, scores, classes, order, scratch;
  guint n, n_whole, room; /* n_whole: the first ones, of the whole frame */
} Merge;

void merge_clear (Merge *merge);
void merge_begin (Merge *merge);

/* Adds a look's. `region` NULL: the whole frame's, all of them; else of a region those that are not cut by an edge
 * that is none of `frame`, and do not fill it. Masks and keypoints stay where they are. FALSE with error without
 * memory. */
gboolean merge_add (Merge *merge, const FbnetDetections *found, guint look,
    const FbnetRegion *region, const FbnetRegion *frame, GError **error);

/* Class NMS over all, best first, into `kept` and `look`; `n` of them. FALSE with error without memory. */
gboolean merge_finish (Merge *merge, const FbnetParams *params, guint *n, GError **error);

#endif
