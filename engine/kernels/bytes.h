/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of int8. Activations are unsigned bytes with a scale and a zero point per tensor,
 * channels-last; weights are signed bytes with a scale per output channel and no zero point; sums are
 * 32-bit. Beyond the contract of kernels.h: every row gives the bits of the row "c", at every extreme;
 * no kernel may saturate where these loops do not (AVX2's maddubs does). The arithmetic is QNNPACK's.
 */
#ifndef FBNET_KERNELS_BYTES_H
#define FBNET_KERNELS_BYTES_H

#include <glib.h>

/* Bytes that a kernel may read behind the end of any input row. They need not have been written: no output
 * depends on them. */
#define Q_SLACK 64

/* From a 32-bit sum to a byte. Equivalent:
 *   v = (float) (gint32) (sum + bias[j]) * scale[j] + offset[j]     (the sum wraps; two roundings)
 *   byte = clamp (rint (v) + zero, low, 255)                        (half to even)
 * `bias` already holds what the input's zero point takes away: bias_q - zero_in * sum of weights.
 * `offset` is 0 where the bias fits 32 bits; then x + 0 = x and this is QNNPACK's own. `low` is
 * `zero` after a ReLU, else 0. Scales and offsets are finite; zero and low are 0 … 255. */
typedef struct {
  const gint32 *bias;
  const float *scale;
  const float *offset;
  gint32 zero;
  gint32 low;
} QOutput;

/* Equivalent loop: for i < m, j < n:
 *   sum = for p < k: a[i*lda + p] * weight[j][p]     (in 32 bits, wrapping)
 *   c[i*ldc + j] = output (sum, j) */
typedef struct {
  gsize m, n, k;
  const guint8 *a;
  gsize lda;
  const void *packed; /* as gemm_pack() laid the weights out; 64-byte aligned */
  guint8 *c;
  gsize ldc;
  QOutput output;
} QGemmArgs;

/* As DepthwiseArgs (floats.h), with bytes; where the kernel hangs over the image's edge, and in rows
 * that are NULL, the input is `zero_in`. */
typedef struct {
  guint8 *out;
  const guint8 *const *rows;
  const void *packed; /* as depthwise_pack() laid the weights out; 64-byte aligned */
  gsize channels, in_width, out_width;
  guint kernel, stride, pad, upsample;
  guint8 zero_in;
  QOutput output; /* its `bias` includes zero_in * sum of weights, as for gemm */
} QDepthwiseArgs;

/* Two tensors added, as QNNPACK adds them. The factors are 0 … 2^22, and the constant is such that no sum
 * leaves 32 bits: minus each factor times a byte. With
 *   acc = a[i]*factor_a + b[i]*factor_b + constant
 *   y = (acc >> shift) + ((acc & (2^shift - 1)) - (acc < 0) > (2^shift - 1) >> 1)
 *   out[i] = clamp (y + zero, 0, 255) */
typedef struct {
  gint32 factor_a, factor_b, constant;
  guint shift; /* 1 … 30 */
  gint32 zero; /* 0 … 255 */
} QAdd;

typedef struct {
  /* Bytes that the two pack() write. gemm's weights come as [n][k], depthwise's as
   * [kernel][kernel][channels]; a depthwise row of few pixels could not pay for widening them. */
  gsize (*gemm_packed_size) (gsize n, gsize k);
  void (*gemm_pack) (void *packed, const gint8 *weight, gsize n, gsize k);
  void (*gemm) (const QGemmArgs *args);

  gsize (*depthwise_packed_size) (guint kernel, gsize channels);
  void (*depthwise_pack) (void *packed, const gint8 *weight, guint kernel, gsize channels);
  void (*depthwise_row) (const QDepthwiseArgs *args);

  void (*add) (guint8 *out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add);

  /* out[i] = clamp (rint (in[i] * inverse_scale) + zero, 0, 255); NaN gives 0 */
  void (*quantize) (guint8 *out, const float *in, gsize n, float inverse_scale, gint32 zero);
  /* out[i] = (in[i] - zero) * scale */
  void (*dequantize) (float *out, const guint8 *in, gsize n, float scale, gint32 zero);
  /* sum[c] += x[p][c]; pixels < 2^23 */
  void (*channel_sums) (gint32 *sum, const guint8 *x, gsize pixels, gsize channels);
  /* out[p][c] = clamp (rint ((in[p][c] - zero_in) * scale[c]) + zero, 0, 255) */
  void (*gate) (guint8 *out, const guint8 *in, const float *scale, gsize pixels, gsize channels,
      gint32 zero_in, gint32 zero);
  /* bytes[i] = table[bytes[i]]; the table has 256 */
  void (*lookup) (guint8 *bytes, gsize n, const guint8 *table);
} ByteKernels;

#endif
