/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preprocessing kernels in C: the specification of the others.
 */
#include "rows.h"

void
split2_c (guint8 *restrict even, guint8 *restrict odd, const guint8 *in, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    even[i] = in[2 * i];
    odd[i] = in[2 * i + 1];
  }
}

void
split3_c (guint8 *const out[3], const guint8 *in, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    out[0][i] = in[3 * i];
    out[1][i] = in[3 * i + 1];
    out[2][i] = in[3 * i + 2];
  }
}

static inline guint
word_at (const guint8 *in, gsize i)
{
  return in[2 * i] | (guint) in[2 * i + 1] << 8;
}

void
split565_c (guint8 *const out[3], const guint8 *in, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    const guint word = word_at (in, i);
    const guint high = word >> 11, middle = word >> 5 & 63, low = word & 31;
    out[0][i] = (guint8) (high << 3 | high >> 2);
    out[1][i] = (guint8) (middle << 2 | middle >> 4);
    out[2][i] = (guint8) (low << 3 | low >> 2);
  }
}

static inline gint
multiply (gint16 a, gint16 b)
{
  return (a * b + (1 << 14)) >> 15;
}

static inline guint8
clip8 (gint value)
{
  return (guint8) CLAMP (value, 0, 255);
}

void
narrow_c (guint8 *restrict out, const guint8 *restrict in, gsize n, guint shift, gint16 scale)
{
  for (gsize i = 0; i < n; i++)
    out[i] = clip8 (multiply ((gint16) (word_at (in, i) >> shift), scale));
}

void
chroma_widen_c (gint16 *restrict out, const guint8 *restrict in, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (gint16) (256 * in[i] - 32768);
}

void
chroma_blend_c (gint16 *restrict out, const guint8 *near, const guint8 *far, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (gint16) (3 * near[i] + far[i] - 512);
}

static void
blend_pairs (gint16 *restrict first, gint16 *restrict second, const guint8 *near, const guint8 *far,
    gsize n)
{
  for (gsize i = 0; i < n; i++) {
    first[i] = (gint16) (3 * near[2 * i] + far[2 * i] - 512);
    second[i] = (gint16) (3 * near[2 * i + 1] + far[2 * i + 1] - 512);
  }
}

void
chroma_blend_pairs_c (gint16 *const out[2], const guint8 *near, const guint8 *far, gsize n)
{
  blend_pairs (out[0], out[1], near, far, n);
}

/* Restricted parameters, which compilers trust more than restricted variables: without them the loop
 * is not vectorised. */
static void
color_planes (guint8 *restrict r, guint8 *restrict g, guint8 *restrict b, const guint8 *restrict y,
    const gint16 *restrict u, const gint16 *restrict v, gsize n, ColorMatrix m)
{
  for (gsize i = 0; i < n; i++) {
    const gint luma = multiply ((gint16) (y[i] << 7), m.y_scale) + m.y_offset;
    r[i] = clip8 ((luma + multiply (v[i], m.rv)) >> 6);
    g[i] = clip8 ((luma - multiply (u[i], m.gu) - multiply (v[i], m.gv)) >> 6);
    b[i] = clip8 ((luma + multiply (u[i], m.bu)) >> 6);
  }
}

void
color_row_c (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v, gsize n,
    const ColorMatrix *matrix)
{
  color_planes (rgb[0], rgb[1], rgb[2], y, u, v, n, *matrix);
}

/* One chroma sample for each of 2 * n pixels; even and odd: the parts, in quarters, that the neighbours have. */
static void
double_chroma (gint16 *restrict out, const gint16 *in, gsize n, gint even, gint odd)
{
  for (gsize i = 0; i < n; i++) {
    out[2 * i] = (gint16) (16 * (even * in[(gssize) i - 1] + (4 - even) * in[i]));
    out[2 * i + 1] = (gint16) (16 * (odd * in[i + 1] + (4 - odd) * in[i]));
  }
}

/* Pixels whose chroma stays in the first-level cache until it is used; a multiple of 2. */
#define COLOR_CHUNK 256

void
color_row_shared_c (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v,
    gsize n, gboolean on_even, const ColorMatrix *matrix)
{
  const gint even = on_even ? 0 : 1, odd = on_even ? 2 : 1;
  gint16 cb[COLOR_CHUNK], cr[COLOR_CHUNK];

  for (gsize x = 0; x < n; x += COLOR_CHUNK) {
    const gsize some = MIN (n - x, COLOR_CHUNK);
    double_chroma (cb, u + x / 2, (some + 1) / 2, even, odd);
    double_chroma (cr, v + x / 2, (some + 1) / 2, even, odd);
    color_planes (rgb[0] + x, rgb[1] + x, rgb[2] + x, y + x, cb, cr, some, *matrix);
  }
}

static inline guint8
finish (gint32 sum)
{
  return (guint8) MIN (sum >> RESIZE_BITS, 255);
}

/* One pixel: the three channels share the weights. */
static inline void
weigh (guint8 out[3], const guint8 *const in[3], gsize first, const ResizePair *pairs,
    gsize n_pairs)
{
  const guint8 *a = in[0] + first, *b = in[1] + first, *c = in[2] + first;
  gint32 sum_a = 1 << (RESIZE_BITS - 1), sum_b = sum_a, sum_c = sum_a;

  for (gsize p = 0; p < n_pairs; p++) {
    const gint32 left = resize_weight (&pairs[p], 0), right = resize_weight (&pairs[p], 1);
    sum_a += left * a[2 * p] + right * a[2 * p + 1];
    sum_b += left * b[2 * p] + right * b[2 * p + 1];
    sum_c += left * c[2 * p] + right * c[2 * p + 1];
  }
  out[0] = finish (sum_a);
  out[1] = finish (sum_b);
  out[2] = finish (sum_c);
}

void
horizontal_c (const HorizontalArgs *args)
{
  const ResizeAxis *axis = args->axis;

  for (gsize x = 0; x < axis->n_out; x++)
    weigh (args->out + x * 3, args->in, axis->first[x], axis->pairs + x * axis->n_pairs,
        axis->n_pairs);
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
    out[i] = finish (sums[i]);
}

void
vertical_c (guint8 *out, const guint8 *const *rows, const ResizePair *pairs, gsize n_pairs, gsize n)
{
  for (gsize x = 0; x < n; x += VERTICAL_CHUNK)
    vertical_chunk (out + x, rows, x, pairs, n_pairs, MIN (n - x, VERTICAL_CHUNK));
}
