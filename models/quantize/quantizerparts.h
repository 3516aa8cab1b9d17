/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may be asked of the quantiser, and what it tells of a model's parts.
 */
#ifndef FBNET_QUANTIZERPARTS_H
#define FBNET_QUANTIZERPARTS_H

#include "range.h"

typedef struct {
  RangeMethod method;     /* of activations */
  double share;           /* RANGE_PERCENTILE: of all numbers that stay inside, 0 … 1 */
  gboolean plain_weights; /* the scale that the largest weight needs, not that of the least error */
  gboolean correct_biases; /* by what rounded weights change on average */
  gboolean all;            /* predictors, too: see quantizer.c */
  char **keep_float; /* patterns of blocks' and layers' names, * and ?; NULL-terminated, or NULL */
  const char *kernels; /* that the float model runs with; NULL: the best */
  guint n_threads;     /* 0: one per processor */
} QuantizerOptions;

/* A block, or a layer outside the blocks. */
typedef struct {
  char *name;
  gboolean int8;
  const char *reason; /* why it stays float; NULL: it does not */
  guint64 n_weights;
} QuantizerPart;

#endif
