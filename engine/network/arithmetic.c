/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Floats, bfloat16 and bytes; see arithmetic.h.
 */
#include "arithmetic.h"

#include <string.h>

/* --- Floats ----------------------------------------------------------------------------------- */

static gsize
floats_gemm_packed_bytes (const Kernels *kernels, gsize n, gsize k)
{
  return kernels->floats.gemm_packed_size (n, k) * sizeof (float);
}

static void
floats_gemm_pack (const Kernels *kernels, void *packed, const void *weights, gsize n, gsize k)
{
  kernels->floats.gemm_pack (packed, weights, n, k);
}

static gsize
floats_depthwise_packed_bytes (const Kernels *kernels, guint kernel, gsize channels)
{
  return (gsize) kernel * kernel * channels * sizeof (float);
}

static void
floats_depthwise_pack (const Kernels *kernels, void *packed, const void *weights, guint kernel,
    gsize channels)
{
  memcpy (packed, weights, floats_depthwise_packed_bytes (kernels, kernel, channels));
}

static gsize
floats_product_room (const PackedConv *conv, gsize m, gboolean residual)
{
  return 0;
}

static void
floats_multiply (const Kernels *kernels, const Product *product)
{
  const PackedConv *conv = product->conv;
  const ConvLayer *layer = conv->layer;
  const gsize in = layer->in / layer->groups * product->taps, out = layer->out / layer->groups;
  const float *a = product->in, *residual = product->residual;
  float *c = product->out;

  for (guint g = 0; g < layer->groups; g++) {
    const GemmArgs args = { .m = product->m,
      .n = out,
      .k = in,
      .a = a + g * in,
      .lda = in * layer->groups,
      .packed = (const float *) (conv->weights + g * conv->group_size),
      .bias = conv->bias != NULL ? conv->bias + g * out : NULL,
      .residual = residual != NULL ? residual + g * out : NULL,
      .ldr = layer->out,
      .c = c + g * out,
      .ldc = layer->out,
      .act = product->act };
    kernels->floats.gemm (&args);
  }
}

static void
floats_depthwise_row (const Kernels *kernels, const DepthwiseRow *row)
{
  const PackedConv *conv = row->conv;
  const ConvLayer *layer = conv->layer;
  const DepthwiseArgs args = { .out = row->out,
    .rows = (const float *const *) row->rows,
    .weight = (const float *) conv->weights,
    .bias = conv->bias,
    .channels = layer->out,
    .in_width = row->in_width,
    .out_width = row->out_width,
    .kernel = layer->kernel,
    .stride = layer->stride,
    .pad = layer->pad,
    .upsample = row->upsample,
    .act = row->act };

  kernels->floats.depthwise_row (&args);
}

static void
floats_add (const Kernels *kernels, const PackedConv *conv, void *out, const void *a, const void *b,
    gsize n)
{
  const float *left = a, *right = b;
  float *sum = out;

  for (gsize i = 0; i < n; i++)
    sum[i] = left[i] + right[i];
}

const Arithmetic arithmetic_floats = {
  .size = sizeof (float),
  .inner_size = sizeof (float),
  .product_rows = 96,
  .patch_bytes = 128u << 10,
  .gemm_packed_bytes = floats_gemm_packed_bytes,
  .gemm_pack = floats_gemm_pack,
  .depthwise_packed_bytes = floats_depthwise_packed_bytes,
  .depthwise_pack = floats_depthwise_pack,
  .product_room = floats_product_room,
  .multiply = floats_multiply,
  .depthwise_row = floats_depthwise_row,
  .add = floats_add,
};

/* --- bfloat16 --------------------------------------------------------------------------------- */

/* Floats that are rounded at a time: they shall stay in the first-level cache, in whole tiles. */
#define ROUNDED_BYTES (32u << 10)
#define TILE_ROWS     24

static gsize
bfloats_gemm_packed_bytes (const Kernels *kernels, gsize n, gsize k)
{
  return kernels->bfloats.gemm_packed_size (n, k) * sizeof (BFloat);
}

static void
bfloats_gemm_pack (const Kernels *kernels, void *packed, const void *weights, gsize n, gsize k)
{
  kernels->bfloats.gemm_pack (packed, weights, n, k);
}

static void
bfloats_depthwise_pack (const Kernels *kernels, void *packed, const void *weights, guint kernel,
    gsize channels)
{
  const gsize n = (gsize) kernel * kernel * channels;
  const float *from = weights;
  float *to = packed;

  for (gsize i = 0; i < n; i++)
    to[i] = bfloat_to_float (bfloat_from_float (from[i]));
}

static gsize
rounded_rows (const PackedConv *conv)
{
  return MAX (ROUNDED_BYTES / sizeof (BFloat) / conv->layer->in / TILE_ROWS, 1) * TILE_ROWS;
}

static gsize
bfloats_product_room (const PackedConv *conv, gsize m, gboolean residual)
{
  return MIN (m, rounded_rows (conv)) * conv->layer->in * sizeof (BFloat);
}

static void
bfloats_multiply (const Kernels *kernels, const Product *product)
{
  const PackedConv *conv = product->conv;
  const gsize in = conv->layer->in, out = conv->layer->out;
  const gsize rows = product->inner_in ? product->m : rounded_rows (conv);
  const float *residual = product->residual;

  for (gsize i = 0; i < product->m; i += rows) {
    const gsize m = MIN (rows, product->m - i);
    if (!product->inner_in)
      kernels->bfloats.round (product->room, (const float *) product->in + i * in, m * in);
    const BGemmArgs args = { .m = m,
      .n = out,
      .k = in,
      .a = product->inner_in ? product->in : product->room,
      .lda = in,
      .packed = (const BFloat *) conv->weights,
      .bias = conv->bias,
      .residual = residual != NULL ? residual + i * out : NULL,
      .ldr = out,
      .c = product->inner_out ? NULL : (float *) product->out + i * out,
      .rounded = product->inner_out ? (BFloat *) product->out + i * out : NULL,
      .ldc = out,
      .act = product->act };
    kernels->bfloats.gemm (&args);
  }
}

static void
bfloats_depthwise_row (const Kernels *kernels, const DepthwiseRow *row)
{
  const PackedConv *conv = row->conv;
  const ConvLayer *layer = conv->layer;

  if (!row->inner) {
    floats_depthwise_row (kernels, row);
    return;
  }
  const BDepthwiseArgs args = { .out = row->out,
    .rows = (const BFloat *const *) row->rows,
    .weight = (const float *) conv->weights,
    .bias = conv->bias,
    .channels = layer->out,
    .in_width = row->in_width,
    .out_width = row->out_width,
    .kernel = layer->kernel,
    .stride = layer->stride,
    .pad = layer->pad,
    .upsample = row->upsample,
    .act = row->act };
  kernels->bfloats.depthwise_row (&args);
}

const Arithmetic arithmetic_bfloats = {
  .size = sizeof (float),
  .inner_size = sizeof (BFloat),
  .product_rows = 96,
  .gemm_packed_bytes = bfloats_gemm_packed_bytes,
  .gemm_pack = bfloats_gemm_pack,
  .depthwise_packed_bytes = floats_depthwise_packed_bytes,
  .depthwise_pack = bfloats_depthwise_pack,
  .product_room = bfloats_product_room,
  .multiply = bfloats_multiply,
  .depthwise_row = bfloats_depthwise_row,
  .add = floats_add,
};

/* --- Bytes ------------------------------------------------------------------------------------ */

static gsize
bytes_gemm_packed_bytes (const Kernels *kernels, gsize n, gsize k)
{
  return kernels->bytes.gemm_packed_size (n, k);
}

static void
bytes_gemm_pack (const Kernels *kernels, void *packed, const void *weights, gsize n, gsize k)
{
  kernels->bytes.gemm_pack (packed, weights, n, k);
}

static gsize
bytes_depthwise_packed_bytes (const Kernels *kernels, guint kernel, gsize channels)
{
  return kernels->bytes.depthwise_packed_size (kernel, channels);
}

static void
bytes_depthwise_pack (const Kernels *kernels, void *packed, const void *weights, guint kernel,
    gsize channels)
{
  kernels->bytes.depthwise_pack (packed, weights, kernel, channels);
}

/* Channels [first, …) as kernels want them. */
static QOutput
output_of (const PackedConv *conv, gsize first)
{
  const QNumbers *q = conv->q;

  return (QOutput){ q->bias + first, q->scale + first, q->offset + first, conv->layer->q_sum.zero,
    q->low };
}

/* On bytes, an activation other than a ReLU is a table. */
static void
bytes_activate (const Kernels *kernels, const PackedConv *conv, guint8 *bytes, gsize n)
{
  if (conv->q->table != NULL)
    kernels->bytes.lookup (bytes, n, conv->q->table);
}

static void
bytes_add (const Kernels *kernels, const PackedConv *conv, void *out, const void *a, const void *b,
    gsize n)
{
  kernels->bytes.add (out, a, b, n, &conv->q->add);
}

/* A residual is added behind the product, not in it. */
static gsize
bytes_product_room (const PackedConv *conv, gsize m, gboolean residual)
{
  return residual ? m * conv->layer->out : 0;
}

static void
bytes_multiply (const Kernels *kernels, const Product *product)
{
  const PackedConv *conv = product->conv;
  const ConvLayer *layer = conv->layer;
  const gsize in = layer->in / layer->groups * product->taps, out = layer->out / layer->groups;
  const guint8 *a = product->in;
  guint8 *c = product->residual != NULL ? product->room : product->out;

  for (guint g = 0; g < layer->groups; g++) {
    const QGemmArgs args = { .m = product->m,
      .n = out,
      .k = in,
      .a = a + g * in,
      .lda = in * layer->groups,
      .packed = conv->weights + g * conv->group_size,
      .c = c + g * out,
      .ldc = layer->out,
      .output = output_of (conv, g * out) };
    kernels->bytes.gemm (&args);
  }
  bytes_activate (kernels, conv, c, product->m * layer->out);
  if (product->residual != NULL)
    bytes_add (kernels, conv, product->out, c, product->residual, product->m * layer->out);
}

static void
bytes_depthwise_row (const Kernels *kernels, const DepthwiseRow *row)
{
  const PackedConv *conv = row->conv;
  const ConvLayer *layer = conv->layer;
  const QDepthwiseArgs args = { .out = row->out,
    .rows = (const guint8 *const *) row->rows,
    .packed = conv->weights,
    .channels = layer->out,
    .in_width = row->in_width,
    .out_width = row->out_width,
    .kernel = layer->kernel,
    .stride = layer->stride,
    .pad = layer->pad,
    .upsample = row->upsample,
    .zero_in = conv->padding,
    .output = output_of (conv, 0) };

  kernels->bytes.depthwise_row (&args);
  bytes_activate (kernels, conv, row->out, row->out_width * layer->out);
}

const Arithmetic arithmetic_bytes = {
  .size = 1,
  .inner_size = 1,
  .slack = Q_SLACK,
  .product_rows = 192,
  .patch_bytes = 64u << 10,
  .gemm_packed_bytes = bytes_gemm_packed_bytes,
  .gemm_pack = bytes_gemm_pack,
  .depthwise_packed_bytes = bytes_depthwise_packed_bytes,
  .depthwise_pack = bytes_depthwise_pack,
  .product_room = bytes_product_room,
  .multiply = bytes_multiply,
  .depthwise_row = bytes_depthwise_row,
  .add = bytes_add,
};
