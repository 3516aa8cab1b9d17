/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two tensors of bytes added, for any aarch64. A shift to the right that rounds goes half up; a sum below zero
 * made one less goes half away from zero.
 */
#include <arm_neon.h>
#include <string.h>

#include "rows.h"

enum { LANES = 16 };

static inline int16x4_t
add_lanes (uint16x4_t a, uint16x4_t b, const QAdd *add)
{
  int32x4_t sum = vdupq_n_s32 (add->constant);

  sum = vmlaq_n_s32 (sum, vreinterpretq_s32_u32 (vmovl_u16 (a)), add->factor_a);
  sum = vmlaq_n_s32 (sum, vreinterpretq_s32_u32 (vmovl_u16 (b)), add->factor_b);
  sum = vsraq_n_s32 (sum, sum, 31);
  return vqmovn_s32 (vrshlq_s32 (sum, vdupq_n_s32 (-(gint32) add->shift)));
}

static inline uint8x8_t
add_words (uint8x8_t a, uint8x8_t b, const QAdd *add)
{
  const uint16x8_t wide_a = vmovl_u8 (a), wide_b = vmovl_u8 (b);
  const int16x4_t low = add_lanes (vget_low_u16 (wide_a), vget_low_u16 (wide_b), add);
  const int16x4_t high = add_lanes (vget_high_u16 (wide_a), vget_high_u16 (wide_b), add);

  return vqmovun_s16 (vqaddq_s16 (vcombine_s16 (low, high), vdupq_n_s16 ((gint16) add->zero)));
}

static inline void
add_vector (guint8 *out, const guint8 *a, const guint8 *b, const QAdd *add)
{
  const uint8x16_t left = vld1q_u8 (a), right = vld1q_u8 (b);

  vst1q_u8 (out,
      vcombine_u8 (add_words (vget_low_u8 (left), vget_low_u8 (right), add),
          add_words (vget_high_u8 (left), vget_high_u8 (right), add)));
}

void
qadd_neon (guint8 *out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add)
{
  const QAdd numbers = *add; /* not reread behind every store */
  guint8 last[3][LANES] = { { 0 } };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    add_vector (out + i, a + i, b + i, &numbers);
  if (i == n)
    return;
  memcpy (last[0], a + i, n - i);
  memcpy (last[1], b + i, n - i);
  add_vector (last[2], last[0], last[1], &numbers);
  memcpy (out + i, last[2], n - i);
}
