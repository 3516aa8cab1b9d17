/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers made ready for a kernel set: norms folded, weights packed, what bytes need worked out. A
 * Network is immutable and shared by streams; its entries stand beside those of the model's list of
 * layers.
 */
#ifndef FBNET_PACK_H
#define FBNET_PACK_H

#include "model/model.h"
#include "packed.h"

/* As LayerEntry: one of the two. */
typedef struct {
  PackedStage stage;
  PackedConv conv;
} PackedEntry;

typedef struct {
  const Kernels *kernels;
  gboolean int8; /* quantised layers run on bytes */
  gboolean exact_bias;
  gboolean bfloat16; /* most 1×1 convolutions of blocks run on bfloat16 */
  gboolean follows;  /* a stream: batch norms are not folded */
  const Layers *layers;
  PackedEntry *entries; /* layers->n */
  gsize n_norm_stats;
  double *norm_stats; /* where streams begin, norm_stats_begin() layer by layer */
  gsize max_norm_channels;
} Network;

/* How weights are packed. */
typedef struct {
  const Kernels *kernels;
  gboolean int8,
      exact_bias; /* biases saturate at 32 bits as QNNPACK's do; else what does not fit is
                                added later */
  gboolean bfloat16;
  gboolean follows;
} PackOptions;

/* NULL with error (FBNET_ERROR_MEMORY). */
Network *network_new (const FbnetModel *model, const PackOptions *options, GError **error);
void network_free (Network *network); /* NULL is allowed */

/* NULL when the model has no such entry. */
const PackedStage *network_stage (const Network *network, Role role, guint index);
const PackedConv *network_conv (const Network *network, Role role, guint index);

/* What observers call the input of a role's layer: LayerEntry.input. */
const char *network_input_name (const Network *network, Role role);

/* A float layer's weights, and in *bias its bias or NULL, with its batch or frozen norm folded in; new
 * arrays. NULL with error (FBNET_ERROR_MEMORY). */
float *pack_read_folded (const FbnetModel *model, const ConvLayer *layer, float **bias,
    GError **error);

#endif
