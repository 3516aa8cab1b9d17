/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model as the rest of the engine sees it: layers with names, and tensors that are known to be
 * there with the right shape and finite numbers.
 */
#ifndef FBNET_MODEL_H
#define FBNET_MODEL_H

#include "description.h"
#include "layers.h"
#include "safetensors.h"

struct _FbnetModel {
  gatomicrefcount references;
  char *path; /* for messages */
  Safetensors *file;
  Description *description;
  Layers *layers;
  guint64 n_parameters;
  gboolean has_norm_statistics; /* of batch norms, which were not folded away before the export */

  /* Weights packed for a kernel set, by and for network/cache.c: they live as long as the model. */
  GMutex lock;
  GSList *networks;
  GDestroyNotify free_network;
};

/* The layer's tensor ("weight", "bias"; with `norm`: of its norm) as float32, in a new array. NULL with
 * error (FBNET_ERROR_MEMORY). */
float *model_read_floats (const FbnetModel *model, const ConvLayer *layer, gboolean norm,
    const char *field, GError **error);

/* A quantised layer's weights as they are, and its scales per output channel. */
const gint8 *model_get_int8_weights (const FbnetModel *model, const ConvLayer *layer,
    const float **scales);

#endif
