/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a frame costs, by the list of layers and the sizes of the maps alone: nothing is allocated for it.
 */
#ifndef FBNET_COSTS_H
#define FBNET_COSTS_H

#include "description.h"
#include "layers.h"

/* A block, or a layer outside of blocks, that has convolutions. */
typedef struct {
  const LayerEntry *entry;
  const Block *block; /* or NULL: entry->conv */
  guint channels;     /* of its output, and there of the first feature level: */
  gsize height, width;
  guint64 parameters;    /* learnable numbers */
  guint64 multiply_adds; /* each time it runs, over all feature levels */
  guint runs;            /* per frame, at most */
} Cost;

typedef void (*CostFunc) (const Cost *cost, gpointer data);

/* Calls `func` (nullable) for each, in the order in which they run, for a network input of this size.
 * Returns a frame's multiply-adds, at most: of as many boxes as the parameters allow; G_MAXUINT64 stands for
 * more. */
guint64 costs_of_frame (const Description *description, const Layers *layers, gsize height,
    gsize width, const FbnetParams *params, CostFunc func, gpointer data);

/* The options' multiply-add-limit, or the usual one; and whether a frame stays within it: FALSE with error
 * (FBNET_ERROR_WORK). */
guint64 costs_limit (const FbnetDetectorOptions *options);
gboolean costs_check (guint64 limit, const Description *description, const Layers *layers,
    gsize height, gsize width, const FbnetParams *params, GError **error);

#endif
