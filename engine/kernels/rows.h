/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The prototypes of all kernels, suffixed by the instruction set that they are for: what table.c makes
 * rows of.
 */
#ifndef FBNET_KERNELS_ROWS_H
#define FBNET_KERNELS_ROWS_H

#include "bfloats.h"
#include "bytes.h"
#include "floats.h"
#include "picture.h"

#define DECLARE_GEMM(isa)                                                                          \
  gsize gemm_packed_size_##isa (gsize n, gsize k);                                                 \
  void gemm_pack_##isa (float *packed, const float *weight, gsize n, gsize k);                     \
  void gemm_##isa (const GemmArgs *args)

#define DECLARE_FLOATS(isa)                                                                        \
  DECLARE_GEMM (isa);                                                                              \
  void depthwise_row_##isa (const DepthwiseArgs *args);                                            \
  void channel_sums_##isa (double *sum, double *sum_sq, const float *x, gsize pixels,              \
      gsize channels);                                                                             \
  void channel_affine_##isa (float *x, const float *scale, const float *shift,                     \
      const float *residual, gsize pixels, gsize channels, Activation act);                        \
  void weighted_sum_##isa (float *out, const float *const *source, const float *weight, gsize n,   \
      gsize channels);                                                                             \
  void activate_##isa (float *x, gsize n, Activation act)

#define DECLARE_BFLOATS(isa)                                                                       \
  gsize bgemm_packed_size_##isa (gsize n, gsize k);                                                \
  void bgemm_pack_##isa (BFloat *packed, const float *weight, gsize n, gsize k);                   \
  void bgemm_##isa (const BGemmArgs *args);                                                        \
  void bdepthwise_row_##isa (const BDepthwiseArgs *args);                                          \
  void bround_##isa (BFloat *out, const float *in, gsize n)

#define DECLARE_BYTE_PRODUCTS(isa)                                                                 \
  gsize qgemm_packed_size_##isa (gsize n, gsize k);                                                \
  void qgemm_pack_##isa (void *packed, const gint8 *weight, gsize n, gsize k);                     \
  void qgemm_##isa (const QGemmArgs *args);                                                        \
  gsize qdepthwise_packed_size_##isa (guint kernel, gsize channels);                               \
  void qdepthwise_pack_##isa (void *packed, const gint8 *weight, guint kernel, gsize channels);    \
  void qdepthwise_row_##isa (const QDepthwiseArgs *args)

#define DECLARE_BYTES(isa)                                                                         \
  DECLARE_BYTE_PRODUCTS (isa);                                                                     \
  void qadd_##isa (guint8 *out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add);       \
  void qquantize_##isa (guint8 *out, const float *in, gsize n, float inverse_scale, gint32 zero);  \
  void qdequantize_##isa (float *out, const guint8 *in, gsize n, float scale, gint32 zero);        \
  void qchannel_sums_##isa (gint32 *sum, const guint8 *x, gsize pixels, gsize channels);           \
  void qgate_##isa (guint8 *out, const guint8 *in, const float *scale, gsize pixels,               \
      gsize channels, gint32 zero_in, gint32 zero)

#define DECLARE_LOOKUP(isa) void qlookup_##isa (guint8 *bytes, gsize n, const guint8 *table)

#define DECLARE_PICTURE(isa)                                                                       \
  void split2_##isa (guint8 *even, guint8 *odd, const guint8 *in, gsize n);                        \
  void split3_##isa (guint8 *const out[3], const guint8 *in, gsize n);                             \
  void split565_##isa (guint8 *const out[3], const guint8 *in, gsize n);                           \
  void narrow_##isa (guint8 *out, const guint8 *in, gsize n, guint shift, gint16 scale);           \
  void chroma_widen_##isa (gint16 *out, const guint8 *in, gsize n);                                \
  void chroma_blend_##isa (gint16 *out, const guint8 *near, const guint8 *far, gsize n);           \
  void chroma_blend_pairs_##isa (gint16 *const out[2], const guint8 *near, const guint8 *far,      \
      gsize n);                                                                                    \
  void color_row_##isa (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v,   \
      gsize n, const ColorMatrix *matrix);                                                         \
  void color_row_shared_##isa (guint8 *const rgb[3], const guint8 *y, const gint16 *u,             \
      const gint16 *v, gsize n, gboolean on_even, const ColorMatrix *matrix);                      \
  void horizontal_##isa (const HorizontalArgs *args);                                              \
  void vertical_##isa (guint8 *out, const guint8 *const *rows, const ResizePair *pairs,            \
      gsize n_pairs, gsize n)

DECLARE_FLOATS (c);
DECLARE_GEMM (openblas);
DECLARE_FLOATS (sse41);
DECLARE_FLOATS (avx2);
DECLARE_FLOATS (avx512);
DECLARE_FLOATS (neon);

DECLARE_BFLOATS (c);
DECLARE_BFLOATS (avx512bf16);

DECLARE_BYTES (c);
DECLARE_LOOKUP (c);
DECLARE_BYTES (sse41);
DECLARE_BYTES (avx2);
DECLARE_LOOKUP (avx2);
DECLARE_BYTES (avxvnni);
DECLARE_BYTES (avx512vnni);
DECLARE_LOOKUP (avx512vbmi);
gsize bgemm_packed_size_amx (gsize n, gsize k);
void bgemm_pack_amx (BFloat *packed, const float *weight, gsize n, gsize k);
void bgemm_amx (const BGemmArgs *args);
gsize qgemm_packed_size_amx (gsize n, gsize k);
void qgemm_pack_amx (void *packed, const gint8 *weight, gsize n, gsize k);
void qgemm_amx (const QGemmArgs *args);
DECLARE_BYTES (neon);
DECLARE_LOOKUP (neon);
DECLARE_BYTE_PRODUCTS (neondot);
DECLARE_BYTE_PRODUCTS (neoni8mm);

DECLARE_PICTURE (c);
DECLARE_PICTURE (avx2);
void chroma_blend_pairs_avx512vnni (gint16 *const out[2], const guint8 *near, const guint8 *far,
    gsize n);
void color_row_shared_avx512vnni (guint8 *const rgb[3], const guint8 *y, const gint16 *u,
    const gint16 *v, gsize n, gboolean on_even, const ColorMatrix *matrix);
void horizontal_avx512vnni (const HorizontalArgs *args);
void horizontal_avx512vbmi (const HorizontalArgs *args);
void vertical_avx512vnni (guint8 *out, const guint8 *const *rows, const ResizePair *pairs,
    gsize n_pairs, gsize n);

#endif
