/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loops of depthwise convolution for vectors of several lengths; see depthwiserows.h.
 */
#include "depthwiserows.h"

#include "base/cpu.h"

/* A number of what is left over by vectors. */
static inline void
sum_one (const RowSum *s, gsize p, gsize i)
{
  Real *to = s->to + p * s->to_step + i;
  Real sum = s->start != NULL ? s->start[i] : s->adds ? *to : 0;

  for (guint t = 0; t < s->n_taps; t++)
    sum += s->taps[t].from[p * s->from_step + i] * s->taps[t].weights[i];
  *to = sum;
}

static inline void
weigh_one (const TapSum *s, guint t, gsize i)
{
  for (gsize p = 0; p < s->n; p++)
    s->weights[t][i] += s->dy[p * s->c + i] * s->x[t][p * s->step + i];
}

#define LANES       4
#define ROWS(name)  name##_4
#define ROWS_TARGET /* what every processor of the kind has */
#include "depthwiserows.inc.h"
#undef LANES
#undef ROWS
#undef ROWS_TARGET

#ifdef __x86_64__
#  define LANES       8
#  define ROWS(name)  name##_8
#  define ROWS_TARGET __attribute__ ((target ("fma")))
#  include "depthwiserows.inc.h"
#  undef LANES
#  undef ROWS
#  undef ROWS_TARGET

#  define LANES       16
#  define ROWS(name)  name##_16
#  define ROWS_TARGET __attribute__ ((target ("avx512f")))
#  include "depthwiserows.inc.h"
#endif

const DepthwiseRows *
depthwise_rows (gsize c)
{
  static const DepthwiseRows rows_4 = { sum_4, weigh_4 };

#ifdef __x86_64__
  static const DepthwiseRows rows_8 = { sum_8, weigh_8 }, rows_16 = { sum_16, weigh_16 };
  if (c % 16 == 0 && (cpu_flags () & CPU_AVX512) != 0)
    return &rows_16;
  if (c >= 8 && (cpu_flags () & CPU_AVX2) != 0)
    return &rows_8;
#endif
  return &rows_4;
}
