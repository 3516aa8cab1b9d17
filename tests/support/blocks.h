/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A plain reference in double for the network's blocks: nothing fused, nothing folded, nothing
 * packed.
 */
#ifndef TESTS_BLOCKS_H
#define TESTS_BLOCKS_H

#include "model/arch.h"
#include "fbnet/fbnet.h"

typedef struct {
  gsize n, h, w, c;
  double *data; /* g_free() */
} Reference;

Reference reference_new (gsize n, gsize h, gsize w, gsize c);
double *reference_at (const Reference *t, gsize n, gsize y, gsize x);

/* Gives mean and variance of every channel to batch norms, who ask with the convolution's output. */
typedef struct {
  void (*statistics) (const ConvLayer *layer, const Reference *t, double *means, double *vars,
      gpointer data);
  gpointer data;
} ReferenceNorm;

/* The block's output; frees the input. `norm` (nullable): NULL: stored statistics. */
Reference reference_run_block (const FbnetModel *model, const Block *block, Reference in,
    const ReferenceNorm *norm);

#endif
