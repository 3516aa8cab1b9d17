/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of one row of the kernel table share: the prototypes, suffixed by the row's name or,
 * where a row takes more than one instruction set, by that.
 */
#ifndef FBNET_KERNELS_ROWS_H
#define FBNET_KERNELS_ROWS_H

#include "bytes.h"
#include "floats.h"
#include "picture.h"

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

#define DECLARE_QGEMM(row)                                                                         \
  gsize qgemm_packed_size_##row (gsize n, gsize k);                                                \
  void qgemm_pack_##row (void *packed, const gint8 *weight, gsize n, gsize k);                     \
  void qgemm_##row (const QGemmArgs *args)

#define DECLARE_QDEPTHWISE(row)                                                                    \
  gsize qdepthwise_packed_size_##row (guint kernel, gsize channels);                               \
  void qdepthwise_pack_##row (void *packed, const gint8 *weight, guint kernel, gsize channels);    \
  void qdepthwise_row_##row (const QDepthwiseArgs *args)

#define DECLARE_QBYTES(row)                                                                        \
  void qadd_##row (guint8 *out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add);       \
  void qquantize_##row (guint8 *out, const float *in, gsize n, float inverse_scale, gint32 zero);  \
  void qdequantize_##row (float *out, const guint8 *in, gsize n, float scale, gint32 zero);        \
  void qchannel_sums_##row (gint32 *sum, const guint8 *x, gsize pixels, gsize channels);           \
  void qgate_##row (guint8 *out, const guint8 *in, const float *scale, gsize pixels,               \
      gsize channels, gint32 zero_in, gint32 zero)

#define DECLARE_PICTURE(row)                                                                       \
  void split2_##row (guint8 *even, guint8 *odd, const guint8 *in, gsize n);                        \
  void split3_##row (guint8 *const out[3], const guint8 *in, gsize n);                             \
  void chroma_blend_##row (guint16 *out, const guint8 *near, const guint8 *far, gsize n);          \
  void chroma_double_##row (gint16 *out, const guint16 *in, gsize n, guint even, guint odd);       \
  void color_row_##row (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v,   \
      gsize n, const ColorMatrix *matrix);                                                         \
  void horizontal_##row (const HorizontalArgs *args);                                              \
  void vertical_##row (guint8 *out, const guint8 *const *rows, const ResizePair *pairs,            \
      gsize n_pairs, gsize n)

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

DECLARE_QGEMM (c);
DECLARE_QDEPTHWISE (c);
DECLARE_QBYTES (c);

DECLARE_QGEMM (avx2);
DECLARE_QDEPTHWISE (avx2);
DECLARE_QBYTES (avx2);

DECLARE_QGEMM (avx512vnni);
DECLARE_QDEPTHWISE (avx512vnni);
DECLARE_QBYTES (avx512vnni);

void qlookup_c (guint8 *bytes, gsize n, const guint8 *table);
void qlookup_avx2 (guint8 *bytes, gsize n, const guint8 *table);
void qlookup_avx512vbmi (guint8 *bytes, gsize n, const guint8 *table);

DECLARE_PICTURE (c);
DECLARE_PICTURE (avx2);

#endif
