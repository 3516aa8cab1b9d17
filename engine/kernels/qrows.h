/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of one row of the int8 kernel table share: the prototypes, suffixed by the row's
 * name.
 */
#ifndef FBNET_KERNELS_QROWS_H
#define FBNET_KERNELS_QROWS_H

#include "qkernels.h"

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

#endif
