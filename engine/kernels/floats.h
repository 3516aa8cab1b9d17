/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of float32: matrix products, depthwise convolutions, and what goes along channels.
 * Beyond the contract of kernels.h: pointers are aligned to float only, unless said otherwise; results
 * agree with the row "c" within a small multiple of epsilon times the sum of the absolute products.
 *
 * Activations are channels-last: a pixel is `channels` consecutive floats.
 */
#ifndef FBNET_KERNELS_FLOATS_H
#define FBNET_KERNELS_FLOATS_H

#include <glib.h>

typedef enum {
  ACT_NONE,
  ACT_RELU,
  ACT_HSWISH,   /* x * (relu6(x + 3) * (1/6)) */
  ACT_SWISH,    /* x * sigmoid(x) */
  ACT_SIGMOID,  /* 1 / (1 + exp(-x)) */
  ACT_HSIGMOID, /* relu6(x + 3) * (1/6) */
} Activation;

/* Pointwise convolution as a matrix product with everything that may follow it.
 * Equivalent loop:
 *   for i < m, j < n:
 *     s = bias ? bias[j] : 0
 *     for p < k: s += a[i*lda + p] * weight[j][p]       (p ascending)
 *     if (residual) s += residual[i*ldr + j]
 *     c[i*ldc + j] = act (s)
 * `c` may be the same memory as `residual` (same leading dimension), never as `a`. m may be 0. */
typedef struct {
  gsize m, n, k;
  const float *a;
  gsize lda;
  const float *packed;   /* the weights as gemm_pack() laid them out */
  const float *bias;     /* n floats, or NULL */
  const float *residual; /* or NULL */
  gsize ldr;
  float *c;
  gsize ldc;
  Activation act;
} GemmArgs;

/* One output row of a depthwise convolution over one image, optionally with a nearest-neighbour
 * up-sampling in front of it. `rows[r]` is the source row under kernel row r, `in_width` pixels, or
 * NULL where the kernel hangs over the image's edge (zeros). With upsample u, the row the kernel
 * walks over has in_width*u pixels and pixel x of it is source pixel x/u (the caller picks source
 * rows the same way).
 * Equivalent loop:
 *   for x < out_width, c < channels:
 *     s = bias ? bias[c] : 0
 *     for r < kernel, q < kernel (ascending):
 *       v = x*stride - pad + q
 *       if (rows[r] && 0 <= v < in_width*upsample) s += rows[r][(v/upsample)*channels + c] *
 *                                                       weight[(r*kernel + q)*channels + c]
 *     out[x*channels + c] = act (s) */
typedef struct {
  float *out;
  const float *const *rows;
  const float *weight; /* [kernel][kernel][channels] */
  const float *bias;   /* or NULL */
  gsize channels, in_width, out_width;
  guint kernel, stride, pad, upsample;
  Activation act;
} DepthwiseArgs;

typedef struct {
  gboolean split_shows; /* the exception to the contract: how rows are divided among calls to gemm()
                           shows in the bits, so the caller must divide them always alike */

  /* gemm: floats that gemm_pack() writes; at least n*k; packed memory is 64-byte aligned */
  gsize (*gemm_packed_size) (gsize n, gsize k);
  void (*gemm_pack) (float *packed, const float *weight, gsize n, gsize k); /* weight: [n][k] */
  void (*gemm) (const GemmArgs *args);

  void (*depthwise_row) (const DepthwiseArgs *args);

  /* sum[c] += x[p][c]; and with sum_sq not NULL: sum_sq[c] += x[p][c]^2. In double, p ascending. */
  void (*channel_sums) (double *sum, double *sum_sq, const float *x, gsize pixels, gsize channels);

  /* x[p][c] = act (x[p][c] * scale[c] + (shift ? shift[c] : 0) + (residual ? residual[p][c] : 0)),
   * in place */
  void (*channel_affine) (float *x, const float *scale, const float *shift, const float *residual,
      gsize pixels, gsize channels, Activation act);

  /* out[c] = sum over t < n of weight[t] * source[t][c], t ascending */
  void (*weighted_sum) (float *out, const float *const *source, const float *weight, gsize n,
      gsize channels);

  /* x[i] = act (x[i]), in place */
  void (*activate) (float *x, gsize n, Activation act);
} FloatKernels;

#endif
