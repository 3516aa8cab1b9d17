/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * DepthwiseRows for vectors of LANES numbers, which ROWS (name) names and ROWS_TARGET compiles. Some pixels, or taps, at
 * a time: their sums stay in registers.
 */

typedef Real ROWS (Vector)
    __attribute__ ((vector_size (LANES * sizeof (Real)), aligned (sizeof (Real)), may_alias));

#define VECTOR     ROWS (Vector)
#define LOAD(from) (*(const VECTOR *) (from))
#define INLINE     static inline __attribute__ ((always_inline)) ROWS_TARGET

#define PIXELS    4
#define MOST_TAPS 5

INLINE void
ROWS (sum_block) (const RowSum *s, gsize p, gsize i, const gsize pixels)
{
  VECTOR sum[PIXELS];
  Real *to = s->to + p * s->to_step + i;

  for (gsize q = 0; q < pixels; q++)
    sum[q] = s->start != NULL ? LOAD (s->start + i)
        : s->adds             ? LOAD (to + q * s->to_step)
                              : (VECTOR){ 0 };
  for (guint t = 0; t < s->n_taps; t++) {
    const Real *from = s->taps[t].from + p * s->from_step + i;
    const VECTOR weights = LOAD (s->taps[t].weights + i);
    for (gsize q = 0; q < pixels; q++)
      sum[q] += LOAD (from + q * s->from_step) * weights;
  }
  for (gsize q = 0; q < pixels; q++)
    *(VECTOR *) (to + q * s->to_step) = sum[q];
}

INLINE void
ROWS (sum_pixels) (const RowSum *s, gsize p, const gsize pixels)
{
  gsize i = 0;

  for (; i + LANES <= s->c; i += LANES)
    ROWS (sum_block) (s, p, i, pixels);
  for (gsize q = p; q < p + pixels; q++) {
    for (gsize rest = i; rest < s->c; rest++)
      sum_one (s, q, rest);
  }
}

ROWS_TARGET static void
ROWS (sum) (const RowSum *s)
{
  gsize p = 0;

  for (; p + PIXELS <= s->n; p += PIXELS)
    ROWS (sum_pixels) (s, p, PIXELS);
  for (; p < s->n; p++)
    ROWS (sum_pixels) (s, p, 1);
}

/* Of so many taps from `t` on; of few, every other pixel goes into a sum of its own, so that no sum waits for itself. */
INLINE void
ROWS (weigh_block) (const TapSum *s, guint t, gsize i, const guint taps)
{
  const gsize ways = taps > MOST_TAPS / 2 + 1 ? 1 : 2;
  VECTOR sum[2][MOST_TAPS] = { 0 };
  gsize p = 0;

  for (; p + ways <= s->n; p += ways) {
    for (gsize way = 0; way < ways; way++) {
      const VECTOR dy = LOAD (s->dy + (p + way) * s->c + i);
      for (guint k = 0; k < taps; k++)
        sum[way][k] += dy * LOAD (s->x[t + k] + (p + way) * s->step + i);
    }
  }
  if (p < s->n) {
    const VECTOR dy = LOAD (s->dy + p * s->c + i);
    for (guint k = 0; k < taps; k++)
      sum[0][k] += dy * LOAD (s->x[t + k] + p * s->step + i);
  }
  for (guint k = 0; k < taps; k++) {
    Real *weights = s->weights[t + k] + i;
    *(VECTOR *) weights = LOAD (weights) + sum[0][k] + sum[1][k];
  }
}

INLINE void
ROWS (weigh_taps) (const TapSum *s, guint t, const guint taps)
{
  gsize i = 0;

  for (; i + LANES <= s->c; i += LANES)
    ROWS (weigh_block) (s, t, i, taps);
  for (; i < s->c; i++) {
    for (guint k = 0; k < taps; k++)
      weigh_one (s, t + k, i);
  }
}

ROWS_TARGET static void
ROWS (weigh) (const TapSum *s)
{
  guint t = 0;

  for (; t + 5 <= s->n_taps; t += 5)
    ROWS (weigh_taps) (s, t, 5);
  for (; t + 3 <= s->n_taps; t += 3)
    ROWS (weigh_taps) (s, t, 3);
  for (; t < s->n_taps; t++)
    ROWS (weigh_taps) (s, t, 1);
}

#undef VECTOR
#undef LOAD
#undef INLINE
#undef PIXELS
#undef MOST_TAPS
