/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What tells floats, bfloat16 and bytes apart: the size of a number, how weights are packed, products, sums. All
 * else about a layer is written once, over one of these three.
 */
#ifndef FBNET_ARITHMETIC_H
#define FBNET_ARITHMETIC_H

#include "packed.h"

/* Pixels through a convolution, and what follows it. Where patches of k × k pixels were gathered, `in`
 * has `taps` times a group's channels side by side, group after group. */
typedef struct {
  const PackedConv *conv;
  gsize m, taps;
  const void *in;
  const void *residual; /* [m][out], or NULL */
  void *room;           /* product_room() bytes */
  void *out;
  gboolean inner_in, inner_out; /* numbers as they lie between the layers of a fused block */
  Activation act;               /* of floats: the layer's, or none if a norm comes between */
} Product;

/* A row of a depthwise convolution: as DepthwiseArgs and QDepthwiseArgs. */
typedef struct {
  const PackedConv *conv;
  void *out;
  const void *const *rows;
  gsize in_width, out_width;
  guint upsample;
  Activation act;
  gboolean inner; /* as Product's, of `rows` and of `out` */
} DepthwiseRow;

struct Arithmetic {
  gsize size;         /* bytes of a number */
  gsize inner_size;   /* between the layers of a fused block */
  gsize slack;        /* bytes that kernels may read behind a tensor */
  gsize product_rows; /* pixels of a product that a thread takes at a time */
  gsize
      patch_bytes; /* gathered at a time: enough rows for the tiles, little enough for the cache */

  gsize (*gemm_packed_bytes) (const Kernels *kernels, gsize n, gsize k);
  void (*gemm_pack) (const Kernels *kernels, void *packed, const void *weights, gsize n, gsize k);
  gsize (*depthwise_packed_bytes) (const Kernels *kernels, guint kernel, gsize channels);
  void (*depthwise_pack) (const Kernels *kernels, void *packed, const void *weights, guint kernel,
      gsize channels);

  /* Bytes of scratch that a product of m pixels wants. */
  gsize (*product_room) (const PackedConv *conv, gsize m, gboolean residual);
  void (*multiply) (const Kernels *kernels, const Product *product);
  void (*depthwise_row) (const Kernels *kernels, const DepthwiseRow *row);
  void (*add) (const Kernels *kernels, const PackedConv *conv, void *out, const void *a,
      const void *b, gsize n);
};

/* arithmetic_bfloats: tensors of floats, products of bfloat16. Of 1×1 convolutions without groups, and of
 * depthwise ones between two of these. */
extern const Arithmetic arithmetic_floats, arithmetic_bfloats, arithmetic_bytes;

#endif
