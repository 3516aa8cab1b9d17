/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes, plain C: the specification.
 */
#include <string.h>

#include "bytes-output.h"
#include "rows.h"

/* Columns whose sums are kept at a time. The packed weights are k-major within a block of them, so
 * that compilers vectorise over the columns; 16 bits wide, since the baseline multiplies those. */
#define BLOCK 16

gsize
qgemm_packed_size_c (gsize n, gsize k)
{
  return (n + BLOCK - 1) / BLOCK * BLOCK * k * sizeof (gint16);
}

void
qgemm_pack_c (void *packed, const gint8 *weight, gsize n, gsize k)
{
  gint16 *to = packed;

  for (gsize first = 0; first < n; first += BLOCK)
    for (gsize p = 0; p < k; p++)
      for (gsize j = first; j < first + BLOCK; j++)
        *to++ = j < n ? weight[j * k + p] : 0;
}

/* A product fits 32 bits, the sums wrap. */
static void
multiply_block (guint32 sum[BLOCK], const guint8 *a, const gint16 *packed, gsize k)
{
  guint32 s[BLOCK] = { 0 };

  for (gsize p = 0; p < k; p++) {
    const gint16 x = a[p];
    for (guint j = 0; j < BLOCK; j++)
      s[j] += (guint32) (x * packed[p * BLOCK + j]);
  }
  memcpy (sum, s, sizeof s);
}

static void
gemm_row (const QGemmArgs *g, gsize i)
{
  const gint16 *packed = g->packed;

  for (gsize first = 0; first < g->n; first += BLOCK) {
    guint32 sum[BLOCK];

    multiply_block (sum, g->a + i * g->lda, packed + first * g->k, g->k);
    for (gsize j = 0; j < MIN (BLOCK, g->n - first); j++)
      g->c[i * g->ldc + first + j] = q_output (&g->output, sum[j], first + j);
  }
}

void
qgemm_c (const QGemmArgs *g)
{
  g_assert (g->lda >= g->k && g->ldc >= g->n);

  for (gsize i = 0; i < g->m; i++)
    gemm_row (g, i);
}
