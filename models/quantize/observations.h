/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a float model's tensors hold, by their names in `quantization.activations`: learnt by running it
 * on pictures.
 */
#ifndef FBNET_QUANTIZE_OBSERVATIONS_H
#define FBNET_QUANTIZE_OBSERVATIONS_H

#include "fbnet/fbnet.h"
#include "histogram.h"

typedef struct {
  Histogram *histogram;
  gsize n_channels;
  double *sums; /* per channel */
  guint64 n_pixels;
} Observed;

typedef struct Observations Observations;

/* Starts the model, a detector or a classifier, with floats. NULL with error. */
Observations *observations_new (FbnetModel *model, const char *kernels, guint n_threads,
    GError **error);
void observations_free (Observations *observations); /* NULL is allowed */

gboolean observations_add_image (Observations *observations, const FbnetImage *image,
    GError **error);

/* NULL: it was never computed. */
const Observed *observations_find (const Observations *observations, const char *name);

#endif
