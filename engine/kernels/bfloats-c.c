/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of bfloat16, plain C: the specification.
 */
#include "activation.h"
#include "rows.h"

/* --- Matrix product --------------------------------------------------------------------------- */

/* Columns whose sums are kept at a time. The packed weights are pairs of rows of a block of them, so that
 * compilers vectorise over the columns; the second of a pair lies first. */
#define BLOCK 16

static gsize
even (gsize k)
{
  return k + (k & 1);
}

gsize
bgemm_packed_size_c (gsize n, gsize k)
{
  return (n + BLOCK - 1) / BLOCK * BLOCK * even (k);
}

void
bgemm_pack_c (BFloat *packed, const float *weight, gsize n, gsize k)
{
  for (gsize first = 0; first < n; first += BLOCK)
    for (gsize at = 0; at < even (k); at++) {
      const gsize p = at ^ 1;
      for (gsize j = first; j < first + BLOCK; j++)
        *packed++ = j < n && p < k ? bfloat_from_float (weight[j * k + p]) : 0;
    }
}

static void
multiply_block (float sum[BLOCK], const BFloat *a, const BFloat *packed, gsize k)
{
  for (gsize at = 0; at < even (k); at++, packed += BLOCK) {
    const gsize p = at ^ 1;
    const float x = p < k ? bfloat_to_float (a[p]) : 0.0f;
    for (gsize j = 0; j < BLOCK; j++)
      sum[j] += x * bfloat_to_float (packed[j]);
  }
}

static void
finish_block (const BGemmArgs *g, gsize i, gsize first, gsize width, const float sum[BLOCK])
{
  for (gsize j = 0; j < width; j++) {
    const float moved = g->residual != NULL ? sum[j] + g->residual[i * g->ldr + first + j] : sum[j];
    const float s = activation_apply (moved, g->act);
    if (g->c != NULL)
      g->c[i * g->ldc + first + j] = s;
    else
      g->rounded[i * g->ldc + first + j] = bfloat_from_float (s);
  }
}

void
bgemm_c (const BGemmArgs *g)
{
  g_assert (g->lda >= g->k && g->ldc >= g->n);
  g_assert (g->residual == NULL || g->ldr >= g->n);

  for (gsize i = 0; i < g->m; i++)
    for (gsize first = 0; first < g->n; first += BLOCK) {
      const gsize width = MIN (BLOCK, g->n - first);
      float sum[BLOCK] = { 0.0f };
      if (g->bias != NULL)
        memcpy (sum, g->bias + first, width * sizeof *sum);
      multiply_block (sum, g->a + i * g->lda, g->packed + first * even (g->k), g->k);
      finish_block (g, i, first, width, sum);
    }
}

/* --- Depthwise convolution -------------------------------------------------------------------- */

static float
sum_taps (const BDepthwiseArgs *d, gsize x, gsize c)
{
  float sum = d->bias != NULL ? d->bias[c] : 0.0f;

  for (guint r = 0; r < d->kernel; r++) {
    for (guint q = 0; d->rows[r] != NULL && q < d->kernel; q++) {
      const gsize v = x * d->stride + q - d->pad; /* wraps to huge left of the row */
      if (v < d->in_width * d->upsample)
        sum += bfloat_to_float (d->rows[r][v / d->upsample * d->channels + c])
            * d->weight[(r * d->kernel + q) * d->channels + c];
    }
  }
  return sum;
}

void
bdepthwise_row_c (const BDepthwiseArgs *d)
{
  g_assert (d->kernel > 0 && d->stride > 0 && d->upsample > 0);

  for (gsize x = 0; x < d->out_width; x++)
    for (gsize c = 0; c < d->channels; c++)
      d->out[x * d->channels + c] =
          bfloat_from_float (activation_apply (sum_taps (d, x, c), d->act));
}

/* --- Rounding --------------------------------------------------------------------------------- */

void
bround_c (BFloat *out, const float *in, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = bfloat_from_float (in[i]);
}
