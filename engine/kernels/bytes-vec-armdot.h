/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the vector primitives of the int8 kernel templates (bytes-*.inc.h) have in common where aarch64 has dot
 * products of four bytes. What each does stands in bytes-vec-avx2.h.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_ARMDOT_H
#define FBNET_KERNELS_BYTES_VEC_ARMDOT_H

#include "bytes-vec-arm.h"

#define QVEC_TAPS 4
typedef gint8 QWeight;

#define QVEC_PARTS            1
#define QVEC_PLACE(part, tap) (tap)

typedef struct {
  int8x16_t low, high;
} QTaps;

static inline QTaps
qvec_load_weights (const QWeight *p)
{
  return (QTaps){ vld1q_s8 (p), vld1q_s8 (p + 16) };
}

static inline QMask
qvec_step_mask (guint part, gsize n)
{
  return qvec_four_mask (n);
}

/* Each byte less QVEC_OFFSET. */
static inline int8x16_t
qvec_offset (uint8x16_t bytes)
{
  return vreinterpretq_s8_u8 (veorq_u8 (bytes, vdupq_n_u8 (QVEC_OFFSET)));
}

/* In the lowest lane, from where the dot product takes it. */
static inline QTaps
qvec_broadcast (const guint8 *a, guint part, QMask mask)
{
  const uint8x8_t four = qvec_load_four (a, mask);
  const int8x16_t x = qvec_offset (vcombine_u8 (four, four));

  return (QTaps){ x, x };
}

/* Eight bytes of a tap, zeros behind them. */
static inline uint8x16_t
qvec_load_tap (const guint8 *tap)
{
  return vcombine_u8 (vld1_u8 (tap), vcreate_u8 (0));
}

static inline QTaps
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  const uint8x16_t even = vzip1q_u8 (qvec_load_tap (tap[0]), qvec_load_tap (tap[1]));
  const uint8x16_t odd = vzip1q_u8 (qvec_load_tap (tap[2]), qvec_load_tap (tap[3]));
  const uint16x8_t pairs = vreinterpretq_u16_u8 (even), others = vreinterpretq_u16_u8 (odd);

  return (QTaps){ qvec_offset (vreinterpretq_u8_u16 (vzip1q_u16 (pairs, others))),
    qvec_offset (vreinterpretq_u8_u16 (vzip2q_u16 (pairs, others))) };
}

#endif
