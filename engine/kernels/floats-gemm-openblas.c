/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product through OpenBLAS. It keeps the number of threads that the host application has
 * chosen; what that means for the bits of a result stands in docs/kernels.md.
 */
#include <string.h>

#include "openblas.h"
#include "rows.h"

/* Rows per call. Fixed, so that calls that divide their rows at multiples of it give OpenBLAS the
 * same problems, and so the same bits, as one call over all rows. */
#define CHUNK 96

gsize
gemm_packed_size_openblas (gsize n, gsize k)
{
  return n * k;
}

void
gemm_pack_openblas (float *packed, const float *weight, gsize n, gsize k)
{
  memcpy (packed, weight, n * k * sizeof *packed);
}

/* c = bias + residual, on which sgemm then adds the product: one pass less than an epilogue, and
 * right when c is the residual's memory. */
static void
begin_row (const GemmArgs *g, gsize i)
{
  float *c = g->c + i * g->ldc;
  const float *residual = g->residual != NULL ? g->residual + i * g->ldr : NULL;

  if (g->bias != NULL && residual != NULL) {
    for (gsize j = 0; j < g->n; j++)
      c[j] = residual[j] + g->bias[j];
  } else if (g->bias != NULL || residual != NULL) {
    const float *source = residual != NULL ? residual : g->bias;
    if (c != source)
      memcpy (c, source, g->n * sizeof *c);
  } else {
    memset (c, 0, g->n * sizeof *c);
  }
}

static void
gemm_chunk (const GemmArgs *g, gsize first, gsize rows)
{
  float *c = g->c + first * g->ldc;

  for (gsize i = first; i < first + rows; i++)
    begin_row (g, i);
  openblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) rows, (blasint) g->n,
      (blasint) g->k, 1.0f, g->a + first * g->lda, (blasint) g->lda, g->packed, (blasint) g->k,
      1.0f, c, (blasint) g->ldc);
  for (gsize i = 0; i < rows; i++)
    activate_c (c + i * g->ldc, g->n, g->act);
}

void
gemm_openblas (const GemmArgs *g)
{
  for (gsize i = 0; i < g->m; i += CHUNK)
    gemm_chunk (g, i, MIN (CHUNK, g->m - i));
}
