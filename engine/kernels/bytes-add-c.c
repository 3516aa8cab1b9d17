/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two tensors of bytes added, for the processor family's baseline: the specification.
 */
#include "rows.h"

/* As QNNPACK: it rounds the fixed-point number half away from zero. */
void
qadd_c (guint8 *restrict out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add)
{
  const guint32 factor_a = (guint32) add->factor_a, factor_b = (guint32) add->factor_b;
  const guint32 constant = (guint32) add->constant;
  const gint32 mask = (gint32) ((1u << add->shift) - 1u), half = mask >> 1;
  const gint32 zero = add->zero, shift = (gint32) add->shift;

  for (gsize i = 0; i < n; i++) {
    const gint32 sum = (gint32) (a[i] * factor_a + b[i] * factor_b + constant);
    const gint32 rest = (sum & mask) - (sum < 0);
    const gint32 y = (sum >> shift) + (rest > half) + zero;
    out[i] = (guint8) CLAMP (y, 0, 255);
  }
}
