/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product, plain C: the specification.
 */
#include <string.h>

#include "activation.h"
#include "rows.h"

gsize
gemm_packed_size_c (gsize n, gsize k)
{
  return n * k;
}

void
gemm_pack_c (float *packed, const float *weight, gsize n, gsize k)
{
  memcpy (packed, weight, n * k * sizeof *packed);
}

static float
dot (const float *a, const float *b, gsize k, float sum)
{
  for (gsize p = 0; p < k; p++)
    sum += a[p] * b[p];
  return sum;
}

void
gemm_c (const GemmArgs *g)
{
  g_assert (g->lda >= g->k && g->ldc >= g->n);
  g_assert (!g->residual || g->ldr >= g->n);

  for (gsize i = 0; i < g->m; i++) {
    const float *a = g->a + i * g->lda;
    float *c = g->c + i * g->ldc;

    for (gsize j = 0; j < g->n; j++) {
      float sum = dot (a, g->packed + j * g->k, g->k, g->bias ? g->bias[j] : 0.0f);
      if (g->residual)
        sum += g->residual[i * g->ldr + j];
      c[j] = activation_apply (sum, g->act);
    }
  }
}
