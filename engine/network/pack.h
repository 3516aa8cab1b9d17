/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers made ready for a kernel set: norms folded, weights packed, what bytes need worked out. A
 * Network is immutable and shared by streams; its entries stand beside those of the model's list of
 * layers.
 */
#ifndef FBNET_PACK_H
#define FBNET_PACK_H

#include "kernels/kernels.h"
#include "model/model.h"

typedef struct Arithmetic Arithmetic;

/* The numbers behind a product's sums of bytes, one per output channel. */
typedef struct {
  gint32 *bias;  /* with what the input's zero point takes away */
  float *scale;  /* of a sum of 1, in steps of the output */
  float *offset; /* wide biases that 32 bits cannot hold, in steps of the output; else 0 */
  gint32 low;
  guint8 *table; /* an activation other than ReLU, for every byte; or NULL */
  QAdd add;      /* of a residual: the layer's own result, then the block's input */
} QNumbers;

/* A convolution with its batch or frozen norm folded in. A norm that needs numbers of the frame first
 * (group norm, and batch norm where the network is to follow a stream) stays in gamma and beta. */
typedef struct {
  const ConvLayer *layer; /* NULL: the block has no such layer */
  const Arithmetic *arithmetic;
  guint8 *
      weights; /* aligned; as the kernels want them, groups group_size bytes apart. Of an entry that
                       is USE_PER_CLASS: floats [out][in], of which a row at a time is packed when it runs */
  gsize group_size;
  guint8 padding;      /* a byte of what lies around the image */
  float *bias;         /* of floats: or NULL */
  float *gamma, *beta; /* of a norm that is not folded, else NULL */
  gsize norm_at; /* NORM_BATCH: its statistics in Network.norm_stats and Workspace.norm_stats */
  QNumbers *q;   /* on bytes, else NULL */
} PackedConv;

typedef struct {
  const Block *block;
  const Arithmetic *arithmetic;
  union {
    struct {
      PackedConv pw, dw, se_squeeze, se_excite, pwl;
    };
    PackedConv convs[N_BLOCK_LAYERS];
  };
} PackedBlock;

typedef struct {
  guint n_blocks;
  PackedBlock *blocks;
} PackedStage;

/* As LayerEntry: one of the two. */
typedef struct {
  PackedStage stage;
  PackedConv conv;
} PackedEntry;

typedef struct {
  const Kernels *kernels;
  gboolean int8; /* quantised layers run on bytes */
  gboolean exact_bias;
  gboolean follows; /* a stream: batch norms are not folded */
  const Layers *layers;
  PackedEntry *entries; /* layers->n */
  GArray *norm_stats;   /* of double: where streams begin, norm_stats_begin() layer by layer */
  gsize max_norm_channels;
} Network;

/* How weights are packed. */
typedef struct {
  const Kernels *kernels;
  gboolean int8,
      exact_bias; /* biases saturate at 32 bits as QNNPACK's do; else what does not fit is
                                added later */
  gboolean follows;
} PackOptions;

Network *network_new (const FbnetModel *model, const PackOptions *options);
void network_free (Network *network); /* NULL is allowed */

/* NULL when the model has no such entry. */
const PackedStage *network_stage (const Network *network, Role role, guint index);
const PackedConv *network_conv (const Network *network, Role role, guint index);

/* What observers call the input of a role's layer: LayerEntry.input. */
const char *network_input_name (const Network *network, Role role);

static inline gboolean
conv_has_norm (const PackedConv *conv)
{
  return conv->gamma != NULL;
}

/* A float layer's weights, and in *bias its bias or NULL, with its batch or frozen norm folded in; new
 * arrays. */
float *pack_read_folded (const FbnetModel *model, const ConvLayer *layer, float **bias);

#endif
