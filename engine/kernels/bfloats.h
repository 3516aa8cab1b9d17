/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of bfloat16: matrix products and depthwise convolutions of numbers that are the upper half of a
 * float32, with sums in float32. Beyond the contract of kernels.h: pointers are aligned to their numbers only,
 * unless said otherwise.
 *
 * A product of two such numbers is a float32 exactly, and the order of additions is given: so all rows give
 * the same bits, but behind sigmoid and swish, and but where a product or a sum other than 0 is below 2^-126,
 * which a row may take for 0. The row "amx" adds products in an order of its own: there the results agree within a
 * small multiple of epsilon times the sum of the absolute products.
 */
#ifndef FBNET_KERNELS_BFLOATS_H
#define FBNET_KERNELS_BFLOATS_H

#include <string.h>

#include "floats.h"

typedef guint16 BFloat;

static inline float
bfloat_to_float (BFloat x)
{
  const guint32 bits = (guint32) x << 16;
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* Rounded to nearest, halves to even; what is below 2^-126 becomes 0, with its sign; NaN stays NaN. */
static inline BFloat
bfloat_from_float (float x)
{
  guint32 bits;

  memcpy (&bits, &x, sizeof bits);
  const guint32 magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return (BFloat) (bits >> 16 | 0x40);
  if (magnitude < 0x00800000)
    return (BFloat) (bits >> 16 & 0x8000);
  return (BFloat) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* As GemmArgs, over pairs along k, the second number of a pair first.
 * Equivalent loop, with a[…][k] = weight[…][k] = 0:
 *   for i < m, j < n:
 *     s = bias ? bias[j] : 0
 *     for p = 0, 2, … < k:
 *       s += a[i*lda + p + 1] * weight[j][p + 1]
 *       s += a[i*lda + p] * weight[j][p]
 *     if (residual) s += residual[i*ldr + j]
 *     s = act (s)
 *     if (c) c[i*ldc + j] = s
 *     else rounded[i*ldc + j] = bfloat_from_float (s)
 * `c` is not the memory of `residual`. m may be 0. */
typedef struct {
  gsize m, n, k;
  const BFloat *a;
  gsize lda;
  const BFloat *packed;  /* the weights as gemm_pack() laid them out */
  const float *bias;     /* n floats, or NULL */
  const float *residual; /* or NULL */
  gsize ldr;
  float *c;        /* or NULL: */
  BFloat *rounded; /* then here */
  gsize ldc;
  Activation act;
} BGemmArgs;

/* As DepthwiseArgs, from bfloat16 to bfloat16. The weights are floats that a bfloat16 holds exactly. */
typedef struct {
  BFloat *out;
  const BFloat *const *rows;
  const float *weight; /* [kernel][kernel][channels] */
  const float *bias;   /* or NULL */
  gsize channels, in_width, out_width;
  guint kernel, stride, pad, upsample;
  Activation act;
} BDepthwiseArgs;

typedef struct {
  /* gemm: numbers that gemm_pack() writes, which rounds the weights; packed memory is 64-byte aligned */
  gsize (*gemm_packed_size) (gsize n, gsize k);
  void (*gemm_pack) (BFloat *packed, const float *weight, gsize n, gsize k); /* weight: [n][k] */
  void (*gemm) (const BGemmArgs *args);

  void (*depthwise_row) (const BDepthwiseArgs *args);

  /* out[i] = bfloat_from_float (in[i]) */
  void (*round) (BFloat *out, const float *in, gsize n);
} BFloatKernels;

#endif
