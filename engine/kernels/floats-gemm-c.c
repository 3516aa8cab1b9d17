/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product, plain C: the specification.
 */
#include <string.h>

#include "rows.h"

/* Columns whose sums are kept at a time. The packed weights are k-major within a block of them, so
 * that compilers vectorise over the columns. */
#define BLOCK 16

gsize
gemm_packed_size_c (gsize n, gsize k)
{
  return (n + BLOCK - 1) / BLOCK * BLOCK * k;
}

void
gemm_pack_c (float *packed, const float *weight, gsize n, gsize k)
{
  for (gsize first = 0; first < n; first += BLOCK)
    for (gsize p = 0; p < k; p++)
      for (gsize j = first; j < first + BLOCK; j++)
        *packed++ = j < n ? weight[j * k + p] : 0.0f;
}

/* Four floats that the compiler adds and multiplies at once where it can. In plain loops gcc 12
 * vectorises over p, with shuffles, at a fifth of the speed. */
typedef float Four __attribute__ ((vector_size (16)));

static void
multiply_block (float sum[BLOCK], const float *a, const float *packed, gsize k)
{
  const Four *weight = (const Four *) packed; /* aligned: the start by contract, blocks by size */
  Four s[BLOCK / 4];

  memcpy (s, sum, sizeof s);
  for (gsize p = 0; p < k; p++, weight += BLOCK / 4) {
    s[0] += a[p] * weight[0];
    s[1] += a[p] * weight[1];
    s[2] += a[p] * weight[2];
    s[3] += a[p] * weight[3];
  }
  memcpy (sum, s, sizeof s);
}

static void
gemm_row (const GemmArgs *g, gsize i)
{
  const float *residual = g->residual != NULL ? g->residual + i * g->ldr : NULL;
  float *c = g->c + i * g->ldc;

  for (gsize first = 0; first < g->n; first += BLOCK) {
    const gsize width = MIN (BLOCK, g->n - first);
    float sum[BLOCK] = { 0.0f };

    if (g->bias != NULL)
      memcpy (sum, g->bias + first, width * sizeof *sum);
    multiply_block (sum, g->a + i * g->lda, g->packed + first * g->k, g->k);
    for (gsize j = 0; j < width; j++)
      c[first + j] = residual != NULL ? sum[j] + residual[first + j] : sum[j];
  }
  activate_c (c, g->n, g->act);
}

void
gemm_c (const GemmArgs *g)
{
  g_assert (g->lda >= g->k && g->ldc >= g->n);
  g_assert (!g->residual || g->ldr >= g->n);

  for (gsize i = 0; i < g->m; i++)
    gemm_row (g, i);
}
