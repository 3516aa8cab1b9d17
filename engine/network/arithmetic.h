/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What tells floats from bytes: the size of a number, how weights are packed, products, sums. All else
 * about a layer is written once, over one of these two.
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
  void *sums;           /* room for [m][out] where a residual is added apart */
  void *out;
  Activation act; /* of floats: the layer's, or none if a norm comes between */
} Product;

/* A row of a depthwise convolution: as DepthwiseArgs and QDepthwiseArgs. */
typedef struct {
  const PackedConv *conv;
  void *out;
  const void *const *rows;
  gsize in_width, out_width;
  guint upsample;
  Activation act;
} DepthwiseRow;

struct Arithmetic {
  gsize size;          /* bytes of a number */
  gsize slack;         /* bytes that kernels may read behind a tensor */
  gboolean sums_apart; /* a residual is added behind the product, not in it */
  gsize product_rows;  /* pixels of a product that a thread takes at a time */
  gsize
      patch_bytes; /* gathered at a time: enough rows for the tiles, little enough for the cache */

  gsize (*gemm_packed_bytes) (const Kernels *kernels, gsize n, gsize k);
  void (*gemm_pack) (const Kernels *kernels, void *packed, const void *weights, gsize n, gsize k);
  gsize (*depthwise_packed_bytes) (const Kernels *kernels, guint kernel, gsize channels);
  void (*depthwise_pack) (const Kernels *kernels, void *packed, const void *weights, guint kernel,
      gsize channels);

  void (*multiply) (const Kernels *kernels, const Product *product);
  void (*depthwise_row) (const Kernels *kernels, const DepthwiseRow *row);
  void (*add) (const Kernels *kernels, const PackedConv *conv, void *out, const void *a,
      const void *b, gsize n);
};

extern const Arithmetic arithmetic_floats, arithmetic_bytes;

#endif
