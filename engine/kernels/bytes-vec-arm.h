/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the vector primitives of the int8 kernel templates (bytes-*.inc.h) have in common on aarch64, where a
 * vector is a pair of registers, eight lanes of 32 bits. Everything but the dot product.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_ARM_H
#define FBNET_KERNELS_BYTES_VEC_ARM_H

#include <arm_neon.h>
#include <string.h>

#include "bytes.h"

#define QVEC_SIZE      8
#define QVEC_REGISTERS 16 /* pairs */

typedef struct {
  int32x4_t low, high;
} QVec;

typedef guint32 QMask;

typedef struct {
  int16x8_t zero;
  uint8x8_t low;
} QLimits;

typedef struct {
  float32x4_t scale[2], offset[2];
} QFactors;

static inline QVec
qvec_load (const gint32 *p)
{
  return (QVec){ vld1q_s32 (p), vld1q_s32 (p + 4) };
}

static inline QVec
qvec_add (QVec a, QVec b)
{
  return (QVec){ vaddq_s32 (a.low, b.low), vaddq_s32 (a.high, b.high) };
}

/* The first n (1 … QVEC_SIZE) numbers of 32 bits, zeros behind them. */
static inline QVec
qvec_load_tail (const void *p, gsize n)
{
  gint32 number[QVEC_SIZE] = { 0 };

  if (n == QVEC_SIZE)
    return qvec_load (p);
  memcpy (number, p, n * sizeof number[0]);
  return qvec_load (number);
}

static inline QVec
qvec_load_bias (const gint32 *p, gsize n)
{
  return qvec_load_tail (p, n);
}

static inline QFactors
qvec_load_factors (const QOutput *output, gsize j, gsize n)
{
  const QVec scale = qvec_load_tail (output->scale + j, n);
  const QVec offset = qvec_load_tail (output->offset + j, n);

  return (QFactors){ { vreinterpretq_f32_s32 (scale.low), vreinterpretq_f32_s32 (scale.high) },
    { vreinterpretq_f32_s32 (offset.low), vreinterpretq_f32_s32 (offset.high) } };
}

static inline QLimits
qvec_limits (const QOutput *output)
{
  return (QLimits){ vdupq_n_s16 ((gint16) output->zero), vdup_n_u8 ((guint8) output->low) };
}

/* To integers, before the zero point; what is far away saturates here and in the narrowing. */
static inline int16x4_t
qvec_round (int32x4_t sum, float32x4_t scale, float32x4_t offset)
{
  const float32x4_t scaled = vmulq_f32 (vcvtq_f32_s32 (sum), scale);
  return vqmovn_s32 (vcvtnq_s32_f32 (vaddq_f32 (scaled, offset)));
}

static inline uint8x8_t
qvec_bytes (QVec sum, QFactors factors, QLimits limits)
{
  const int16x8_t words = vcombine_s16 (qvec_round (sum.low, factors.scale[0], factors.offset[0]),
      qvec_round (sum.high, factors.scale[1], factors.offset[1]));
  return vmax_u8 (vqmovun_s16 (vqaddq_s16 (words, limits.zero)), limits.low);
}

#define QVEC_STORE 4

static inline __attribute__ ((always_inline)) void
qvec_store (guint8 *out, gsize step, const QVec *sum, const guint count, QFactors factors,
    QLimits limits, gsize n)
{
#pragma GCC unroll 4
  for (guint i = 0; i < count; i++) {
    const uint8x8_t bytes = qvec_bytes (sum[i], factors, limits);
    if (n == QVEC_SIZE) {
      vst1_u8 (out + i * step, bytes);
    } else {
      guint8 all[QVEC_SIZE];
      vst1_u8 (all, bytes);
      memcpy (out + i * step, all, n);
    }
  }
}

/* Four bytes, of which the mask leaves some, in the lowest lane. */
static inline uint8x8_t
qvec_load_four (const guint8 *p, QMask mask)
{
  guint32 four;

  memcpy (&four, p, sizeof four);
  return vcreate_u8 (four & mask);
}

/* What of four bytes the first n (1 … 4) are. */
static inline QMask
qvec_four_mask (gsize n)
{
  return G_MAXUINT32 >> (32 - 8 * n);
}

#endif
