/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of one row of the kernel table share: the prototypes, suffixed by the row's name.
 */
#ifndef FBNET_KERNELS_ROWS_H
#define FBNET_KERNELS_ROWS_H

#include "kernels.h"

#define DECLARE_GEMM(row)                                                                          \
  gsize gemm_packed_size_##row (gsize n, gsize k);                                                 \
  void gemm_pack_##row (float *packed, const float *weight, gsize n, gsize k);                     \
  void gemm_##row (const GemmArgs *args)

#define DECLARE_DEPTHWISE(row) void depthwise_row_##row (const DepthwiseArgs *args)

#define DECLARE_CHANNELS(row)                                                                      \
  void channel_sums_##row (double *sum, double *sum_sq, const float *x, gsize pixels,              \
      gsize channels);                                                                             \
  void channel_affine_##row (float *x, const float *scale, const float *shift,                     \
      const float *residual, gsize pixels, gsize channels, Activation act);                        \
  void weighted_sum_##row (float *out, const float *const *source, const float *weight, gsize n,   \
      gsize channels);                                                                             \
  void activate_##row (float *x, gsize n, Activation act)

DECLARE_GEMM (c);
DECLARE_DEPTHWISE (c);
DECLARE_CHANNELS (c);

DECLARE_GEMM (openblas);

DECLARE_GEMM (avx2);
DECLARE_DEPTHWISE (avx2);
DECLARE_CHANNELS (avx2);

DECLARE_GEMM (avx512);
DECLARE_DEPTHWISE (avx512);
DECLARE_CHANNELS (avx512);

DECLARE_GEMM (neon);
DECLARE_DEPTHWISE (neon);
DECLARE_CHANNELS (neon);

#endif
