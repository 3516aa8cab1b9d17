/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers made ready for a kernel set, as pack.h makes them.
 */
#ifndef FBNET_PACKED_H
#define FBNET_PACKED_H

#include "kernels/kernels.h"
#include "model/arch.h"

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
  /* Aligned; as the kernels want them, groups group_size bytes apart. Of an entry that is USE_PER_CLASS:
   * floats [out][in], of which a row at a time is packed when it runs. */
  guint8 *weights;
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

static inline gboolean
conv_has_norm (const PackedConv *conv)
{
  return conv->gamma != NULL;
}

#endif
