/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for any aarch64. What
 * each does stands in bytes-vec-avx2.h. A lane takes one tap, 16 bits wide: an instruction multiplies, widens
 * and adds.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_NEON_H
#define FBNET_KERNELS_BYTES_VEC_NEON_H

#include "bytes-vec-arm.h"

#define KERNEL(name) name##_neon

#define QVEC_TAPS   1
#define QVEC_OFFSET 0
typedef gint16 QWeight;
typedef int16x8_t QTaps;

#define QVEC_PARTS            4
#define QVEC_PLACE(part, tap) (part)

static inline QTaps
qvec_load_weights (const QWeight *p)
{
  return vld1q_s16 (p);
}

/* The same for all parts, which so share what they load. */
static inline QMask
qvec_step_mask (guint part, gsize n)
{
  return qvec_four_mask (n);
}

/* All four neighbours, each in its lane. */
static inline QTaps
qvec_broadcast (const guint8 *a, guint part, QMask mask)
{
  return vreinterpretq_s16_u16 (vmovl_u8 (qvec_load_four (a, mask)));
}

static inline QTaps
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  return vreinterpretq_s16_u16 (vmovl_u8 (vld1_u8 (tap[0])));
}

static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  sum.low = vmlal_s16 (sum.low, vget_low_s16 (x), vget_low_s16 (weight));
  sum.high = vmlal_high_s16 (sum.high, x, weight);
  return sum;
}

#define DOT_LANE(lane)                                                                             \
  (QVec)                                                                                           \
  {                                                                                                \
    vmlal_laneq_s16 (sum.low, vget_low_s16 (weight), x, lane),                                     \
        vmlal_high_laneq_s16 (sum.high, weight, x, lane)                                           \
  }

static inline __attribute__ ((always_inline)) QVec
qvec_dot_broadcast (QVec sum, QTaps x, QTaps weight, const guint part)
{
  switch (part) {
    case 0:
      return DOT_LANE (0);
    case 1:
      return DOT_LANE (1);
    case 2:
      return DOT_LANE (2);
    default:
      return DOT_LANE (3);
  }
}

#endif
