/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preprocessing kernels in C: the specification of the others.
 */
#include "resize.h"

static void
split2 (guint8 *even, guint8 *odd, const guint8 *in, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    even[i] = in[2 * i];
    odd[i] = in[2 * i + 1];
  }
}

static void
split3 (guint8 *const out[3], const guint8 *in, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    out[0][i] = in[3 * i];
    out[1][i] = in[3 * i + 1];
    out[2][i] = in[3 * i + 2];
  }
}

static void
chroma_blend (guint16 *out, const guint8 *near, const guint8 *far, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (guint16) (3 * near[i] + far[i]);
}

static void
chroma_double (gint16 *out, const guint16 *in, gsize n, guint even, guint odd)
{
  for (gsize i = 0; i < n; i++) {
    const gint left = (gint) (even * in[(gssize) i - 1] + (4 - even) * in[i]);
    const gint right = (gint) (odd * in[i + 1] + (4 - odd) * in[i]);
    out[2 * i] = (gint16) (16 * left - 32768);
    out[2 * i + 1] = (gint16) (16 * right - 32768);
  }
}

static inline gint
multiply (gint a, gint b)
{
  return (a * b + (1 << 14)) >> 15;
}

static inline guint8
clip8 (gint value)
{
  return (guint8) CLAMP (value, 0, 255);
}

static void
color_row (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v, gsize n,
    const ColorMatrix *matrix)
{
  for (gsize i = 0; i < n; i++) {
    const gint luma = multiply (y[i] << 7, matrix->y_scale) + matrix->y_offset;
    rgb[0][i] = clip8 ((luma + multiply (v[i], matrix->rv)) >> 6);
    rgb[1][i] = clip8 ((luma - multiply (u[i], matrix->gu) - multiply (v[i], matrix->gv)) >> 6);
    rgb[2][i] = clip8 ((luma + multiply (u[i], matrix->bu)) >> 6);
  }
}

static inline guint8
weigh (const guint8 *in, const ResizePair *pairs, gsize n_pairs)
{
  gint32 sum = 1 << (RESIZE_BITS - 1);

  for (gsize p = 0; p < n_pairs; p++)
    sum += resize_weight (&pairs[p], 0) * in[2 * p] + resize_weight (&pairs[p], 1) * in[2 * p + 1];
  return (guint8) MIN (sum >> RESIZE_BITS, 255);
}

static void
horizontal (const HorizontalArgs *args)
{
  const ResizeAxis *axis = args->axis;
  const gsize in_stride = resize_in_stride (axis->n_in);
  const gsize out_stride = resize_out_stride (axis->n_out);

  for (gsize r = 0; r < RESIZE_ROWS; r++) {
    guint8 *out = args->out + r * out_stride;
    for (gsize x = 0; x < axis->n_out; x++) {
      const gsize first = r * in_stride + axis->first[x];
      const ResizePair *pairs = axis->pairs + x * axis->n_pairs;
      for (gsize c = 0; c < 3; c++)
        *out++ = weigh (args->in[c] + first, pairs, axis->n_pairs);
    }
  }
}

/* Bytes whose sums stay in the first-level cache while the rows go by. */
#define VERTICAL_CHUNK 256

static void
vertical_chunk (guint8 *out, const guint8 *const *rows, gsize offset, const ResizePair *pairs,
    gsize n_pairs, gsize n)
{
  gint32 sums[VERTICAL_CHUNK];

  for (gsize i = 0; i < n; i++)
    sums[i] = 1 << (RESIZE_BITS - 1);
  for (gsize p = 0; p < n_pairs; p++) {
    const guint8 *a = rows[2 * p] + offset, *b = rows[2 * p + 1] + offset;
    const gint32 weight_a = resize_weight (&pairs[p], 0), weight_b = resize_weight (&pairs[p], 1);
    for (gsize i = 0; i < n; i++)
      sums[i] += weight_a * a[i] + weight_b * b[i];
  }
  for (gsize i = 0; i < n; i++)
    out[i] = (guint8) MIN (sums[i] >> RESIZE_BITS, 255);
}

static void
vertical (guint8 *out, const guint8 *const *rows, const ResizePair *pairs, gsize n_pairs, gsize n)
{
  for (gsize x = 0; x < n; x += VERTICAL_CHUNK)
    vertical_chunk (out + x, rows, x, pairs, n_pairs, MIN (n - x, VERTICAL_CHUNK));
}

const ResizeKernels resize_kernels_c = {
  .name = "c",
  .split2 = split2,
  .split3 = split3,
  .chroma_blend = chroma_blend,
  .chroma_double = chroma_double,
  .color_row = color_row,
  .horizontal = horizontal,
  .vertical = vertical,
};
