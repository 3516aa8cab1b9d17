/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a training run changes: a model's parameters, and the statistics of its batch norms, as two
 * vectors with a list of who owns which part.
 */
#ifndef FBNET_TRAIN_PARAMS_H
#define FBNET_TRAIN_PARAMS_H

#include "model/model.h"
#include "ops.h"

typedef struct {
  const char *name; /* of the tensor in the model file */
  gsize begin, n;   /* in its vector */
  gboolean norm;    /* gamma or beta */
  gboolean frozen;  /* parameters only */
} Param;

/* Where a layer's tensors are: index into `params` or `statistics`; -1: it has none. */
typedef struct {
  gint weight, bias, gamma, beta; /* params */
  gint mean, variance;            /* statistics */
} LayerParams;

typedef struct {
  const FbnetModel *model;
  GArray *params, *statistics; /* Param */
  gsize n_values, n_statistics;
  Real *values; /* parameters */
  Real *statistics_values;
  GHashTable *layers; /* ConvLayer → LayerParams */
} Params;

/* As the model has them. The model must outlive it. */
Params *params_new (const FbnetModel *model);
void params_free (Params *params); /* NULL is allowed */

const LayerParams *params_of_layer (const Params *params, const ConvLayer *layer);

static inline const Param *
params_get (const GArray *array, gint index)
{
  return &g_array_index (array, Param, index);
}

/* Freezes the layer's parameters; its statistics are then stored ones (net.c). */
void params_freeze_layer (Params *params, const ConvLayer *layer);

/* The model with other numbers in its tensors: `values` and `statistics` in the vectors' order, as float32, or the
 * parameters in half precision (F16). Tensors that are neither are kept, those of the training state are not;
 * num_batches_tracked becomes `iteration`. `extra` (FbnetTensorView, or NULL) are added. */
gboolean params_write (const Params *params, const Real *values, const Real *statistics,
    gint64 iteration, gboolean half, const FbnetTensorView *extra, guint n_extra, const char *path,
    GError **error);

/* Names of tensors that hold the training state begin with it. */
#define TRAIN_STATE_PREFIX "train."

#endif
