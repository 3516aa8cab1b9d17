/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Quantised layers made ready for an int8 kernel set. Arithmetic: QNNPACK's (SPEC section 12,
 * docs/int8.md).
 */
#ifndef FBNET_QNETWORK_H
#define FBNET_QNETWORK_H

#include "model/arch.h"
#include "kernels/bytes.h"

typedef struct _FbnetModel FbnetModel;

/* The numbers behind a product's sums, one per output channel. */
typedef struct {
  const ConvLayer *layer;
  guint8 *packed;   /* for a depthwise row, or for gemm: groups follow each other */
  gsize group_size; /* bytes */
  gint32 *bias;     /* with what the input's zero point takes away */
  float *scale;     /* of a sum of 1, in steps of the output */
  float *offset;    /* wide biases that 32 bits cannot hold, in steps of the output; else 0 */
  gint32 low;
  guint8 *table; /* an activation other than ReLU, for every byte; or NULL */
} QConv;

/* What a block needs beside its layers. */
typedef struct {
  QAdd add; /* of a residual: the block's own result, then its input */
} QBlock;

/* `exact_bias`: biases saturate at 32 bits as QNNPACK's do; else what does not fit is added later. */
QConv *qconv_new (const FbnetModel *model, const ConvLayer *layer, const ByteKernels *kernels,
    gboolean exact_bias);
void qconv_free (QConv *conv); /* NULL is allowed */

/* Channels [first, …) as kernels want them. */
QOutput qconv_output (const QConv *conv, gsize first);

QBlock *qblock_new (const Block *block);
void qblock_free (QBlock *block); /* NULL is allowed */

#endif
