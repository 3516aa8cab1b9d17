/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model consists of, block by block, with what each block costs.
 */
#ifndef FBNET_INSPECT_LAYERTABLE_H
#define FBNET_INSPECT_LAYERTABLE_H

#include <glib.h>

#include "fbnet/fbnet.h"

typedef struct {
  char *name;                    /* what its tensors' names begin with */
  char *op;                      /* as in the block lists; "conv" and "linear" outside of them */
  guint channels, height, width; /* of its output, of the first feature level */
  guint64 parameters;            /* learnable numbers */
  guint64 multiply_adds;         /* each time it runs, over all feature levels */
  guint runs;                    /* per frame, at most */
} LayerRow;

typedef struct {
  guint input_height, input_width; /* the network's input that the costs are for */
  GArray *rows;                    /* LayerRow, in the order they run */
  guint64 multiply_adds;           /* per frame, at most */
} LayerTable;

/* For the largest frame the model's sizes allow: min_size × max_size, of a classifier its crop. Blocks
 * without convolutions are left out. */
LayerTable *layer_table_new (const FbnetModel *model);
void layer_table_free (LayerTable *table); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LayerTable, layer_table_free)

#endif
