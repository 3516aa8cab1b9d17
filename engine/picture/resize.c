/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The weights of Pillow's antialiased bilinear resize.
 */
#include "resize.h"

#include <math.h>

#include "fbnet/fbnet.h"

/* Where one output's filter lies: source samples low … high - 1. In doubles and in this order, as
 * Pillow does it: the bits depend on it. */
typedef struct {
  double centre, width;
  gsize low, high;
} Window;

static Window
window_at (gsize n_in, gsize n_out, gsize i)
{
  const double scale = (double) n_in / (double) n_out;
  const double width = MAX (scale, 1.0);
  const double centre = ((double) i + 0.5) * scale;
  const double low = centre - width + 0.5;

  return (Window){
    .centre = centre,
    .width = width,
    .low = low > 0 ? (gsize) low : 0,
    .high = MIN ((gsize) (centre + width + 0.5), n_in),
  };
}

static double
triangle (const Window *window, gsize x)
{
  const double distance = fabs (((double) x - window->centre + 0.5) * (1.0 / window->width));

  return distance < 1.0 ? 1.0 - distance : 0.0;
}

static double
triangle_sum (const Window *window)
{
  double sum = 0;

  for (gsize x = window->low; x < window->high; x++)
    sum += triangle (window, x);
  return sum;
}

static gint32
weight_at (const Window *window, double sum, gsize x)
{
  return (gint32) (0.5 + triangle (window, x) / sum * (1 << RESIZE_BITS));
}

/* Drops taps without weight at both ends. The middle one always has some. */
static Window
window_trim (Window window, double sum)
{
  while (weight_at (&window, sum, window.high - 1) == 0)
    window.high--;
  gsize low = window.low;
  while (weight_at (&window, sum, low) == 0)
    low++;
  window.low = low;
  return window;
}

static gsize
pairs_needed (const Window *window, guint alignment)
{
  const gsize start = window->low / alignment * alignment;

  return (window->high - start + 1) / 2;
}

static gsize
most_pairs (gsize n_in, gsize n_out, guint alignment)
{
  gsize most = 0;

  for (gsize i = 0; i < n_out; i++) {
    const Window window = window_at (n_in, n_out, i);
    const Window trimmed = window_trim (window, triangle_sum (&window));
    most = MAX (most, pairs_needed (&trimmed, alignment));
  }
  return most;
}

static void
pair_set (ResizePair *pairs, gsize tap, gint32 weight)
{
  ResizePair *pair = &pairs[tap / 2];
  const gint32 high = (weight + 32768) >> 16;

  pair->low[tap % 2] = (gint16) (weight - high * 65536);
  pair->high[tap % 2] = pair->high[2 + tap % 2] = (gint8) high;
}

/* `first` moves down where 2 * n_pairs samples would pass the end: leading taps of weight 0. */
static guint32
fill_output (ResizePair *pairs, gsize n_pairs, gsize n_in, gsize n_out, gsize i, guint alignment)
{
  const Window window = window_at (n_in, n_out, i);
  const double sum = triangle_sum (&window);
  const Window trimmed = window_trim (window, sum);
  const gsize n_taps = 2 * n_pairs;
  const gsize end = alignment == 1 && n_taps <= n_in ? n_in : n_in + n_in % 2;
  const gsize last_start = end - n_taps;
  const gsize start = MIN (trimmed.low / alignment * alignment, last_start);

  for (gsize x = trimmed.low; x < trimmed.high; x++)
    pair_set (pairs, x - start, weight_at (&window, sum, x));
  return (guint32) start;
}

/* The quads that output i's taps lie in. */
static gsize
quads_needed (const ResizeAxis *axis, gsize i)
{
  return (axis->first[i] % 4 + 2 * axis->n_pairs + 3) / 4;
}

static gsize
most_quads (const ResizeAxis *axis)
{
  gsize most = 0;

  for (gsize i = 0; i < axis->n_out; i++)
    most = MAX (most, quads_needed (axis, i));
  return MIN (most, resize_in_stride (axis->n_in) / 4);
}

static void
fill_quads (ResizeFilter *filter)
{
  const ResizeAxis *axis = &filter->axis;
  const gsize last = resize_in_stride (axis->n_in) / 4 - axis->n_quads;

  for (gsize i = 0; i < axis->n_out; i++) {
    const gsize start = MIN (axis->first[i] / 4, last);
    const gsize offset = axis->first[i] - 4 * start;
    filter->first_quad[i] = (guint32) start;
    for (gsize k = 0; k < 2 * axis->n_pairs; k++)
      resize_quad_set (filter->quads + i * axis->n_quads, offset + k,
          resize_weight (&axis->pairs[i * axis->n_pairs + k / 2], k % 2));
  }
}

static gboolean
add_quads (ResizeFilter *filter)
{
  ResizeAxis *axis = &filter->axis;

  axis->n_quads = most_quads (axis);
  filter->first_quad = g_try_new (guint32, axis->n_out);
  filter->quads = axis->n_quads <= G_MAXSIZE / axis->n_out
      ? g_try_new0 (ResizeQuad, axis->n_out * axis->n_quads)
      : NULL;
  if (filter->first_quad == NULL || filter->quads == NULL)
    return FALSE;
  fill_quads (filter);
  axis->first_quad = filter->first_quad;
  axis->quads = filter->quads;
  return TRUE;
}

/* Where each output's taps with weight begin, of whole groups: the last output is repeated; returns the most taps. */
static gsize
find_taps (const ResizeAxis *axis, guint32 *begins, gsize n)
{
  gsize most = 0;

  for (gsize i = 0; i < n; i++) {
    const Window window = window_at (axis->n_in, axis->n_out, MIN (i, axis->n_out - 1));
    const Window trimmed = window_trim (window, triangle_sum (&window));
    begins[i] = (guint32) trimmed.low;
    most = MAX (most, trimmed.high - trimmed.low);
  }
  return most;
}

/* Down where 4 * n_quads samples would pass the end. */
static void
move_begins (guint32 *begins, gsize n, gsize n_in, gsize n_quads)
{
  const gsize last = n_in > 4 * n_quads ? n_in - 4 * n_quads : 0;

  for (gsize i = 0; i < n; i++)
    begins[i] = (guint32) MIN (begins[i], last);
}

/* The output that the window of output i begins with. */
static gsize
first_served (const ResizeGroups *groups, gsize i)
{
  return i - i % RESIZE_GROUP % groups->n_served;
}

/* How far behind the beginning of its window an output begins, at most. */
static guint32
most_behind (const ResizeGroups *groups, const guint32 *begins, gsize n)
{
  guint32 most = 0;

  for (gsize i = 0; i < n; i++)
    most = MAX (most, begins[i] - begins[first_served (groups, i)]);
  return most;
}

/* As many to a window as there can be. */
static void
share_windows (ResizeGroups *groups, const guint32 *begins, gsize n)
{
  static const guint numbers[] = { 16, 8, 6, 4, 2, 1 };
  guint32 behind = G_MAXUINT32;

  for (guint i = 0; i < G_N_ELEMENTS (numbers) && behind > RESIZE_WINDOW - 4; i++) {
    groups->n_served = numbers[i];
    groups->n_windows = (RESIZE_GROUP + numbers[i] - 1) / numbers[i];
    behind = most_behind (groups, begins, n);
  }
  groups->n_held =
      (RESIZE_WINDOW - behind) / 4; /* a window of one output has it at its beginning */
}

static void
fill_windows (ResizeFilter *filter, const guint32 *begins, gsize n)
{
  const ResizeGroups *groups = &filter->axis.groups;

  for (gsize i = 0; i < n; i++) {
    const gsize first = first_served (groups, i);
    const gsize window = i % RESIZE_GROUP / groups->n_served;
    filter->windows[i / RESIZE_GROUP * groups->n_windows + window] = begins[first];
    for (guint k = 0; k < 4; k++)
      filter->places[4 * i + k] = (guint8) (begins[i] - begins[first] + k);
  }
}

static void
set_digits (gint32 *digits, gsize tap, gint32 weight)
{
  ResizeQuad quad = { 0 };

  resize_quad_set (&quad, tap % 4, weight);
  for (guint d = 0; d < 3; d++)
    digits[(tap / 4 * 3 + d) * RESIZE_GROUP] |= quad.digits[d];
}

static void
fill_digits (ResizeFilter *filter, const guint32 *begins)
{
  const ResizeAxis *axis = &filter->axis;
  const gsize group_size = axis->groups.n_quads * 3 * RESIZE_GROUP;

  for (gsize i = 0; i < axis->n_out; i++) {
    const Window window = window_at (axis->n_in, axis->n_out, i);
    const double sum = triangle_sum (&window);
    const Window trimmed = window_trim (window, sum);
    gint32 *digits = filter->digits + i / RESIZE_GROUP * group_size + i % RESIZE_GROUP;
    for (gsize x = trimmed.low; x < trimmed.high; x++)
      set_digits (digits, x - begins[i], weight_at (&window, sum, x));
  }
}

static gboolean
allocate_groups (ResizeFilter *filter, gsize n)
{
  const ResizeGroups *groups = &filter->axis.groups;
  const gsize n_groups = n / RESIZE_GROUP;

  if (groups->n_quads > G_MAXSIZE / n / 3)
    return FALSE;
  filter->windows = g_try_new (guint32, n_groups * groups->n_windows);
  filter->places = g_try_new (guint8, 4 * n);
  filter->digits = g_try_new0 (gint32, 3 * n * groups->n_quads);
  return filter->windows != NULL && filter->places != NULL && filter->digits != NULL;
}

static gboolean
add_groups (ResizeFilter *filter)
{
  ResizeGroups *groups = &filter->axis.groups;
  const gsize n = (filter->axis.n_out + RESIZE_GROUP - 1) / RESIZE_GROUP * RESIZE_GROUP;
  g_autofree guint32 *begins = g_try_new (guint32, n);

  if (begins == NULL)
    return FALSE;
  groups->n_quads = (find_taps (&filter->axis, begins, n) + 3) / 4;
  move_begins (begins, n, filter->axis.n_in, groups->n_quads);
  share_windows (groups, begins, n);
  if (!allocate_groups (filter, n))
    return FALSE;
  fill_windows (filter, begins, n);
  fill_digits (filter, begins);
  groups->windows = filter->windows;
  groups->places = filter->places;
  groups->digits = filter->digits;
  return TRUE;
}

static gboolean
add_pairs (ResizeFilter *filter, guint alignment)
{
  ResizeAxis *axis = &filter->axis;
  const gsize n_in = axis->n_in, n_out = axis->n_out;

  axis->n_pairs = most_pairs (n_in, n_out, alignment);
  filter->first = g_try_new (guint32, n_out);
  filter->pairs =
      axis->n_pairs <= G_MAXSIZE / n_out ? g_try_new0 (ResizePair, n_out * axis->n_pairs) : NULL;
  if (filter->first == NULL || filter->pairs == NULL)
    return FALSE;
  for (gsize i = 0; i < n_out; i++)
    filter->first[i] =
        fill_output (filter->pairs + i * axis->n_pairs, axis->n_pairs, n_in, n_out, i, alignment);
  axis->first = filter->first;
  axis->pairs = filter->pairs;
  return TRUE;
}

gboolean
resize_filter_build (ResizeFilter *filter, gsize n_in, gsize n_out, guint alignment, GError **error)
{
  ResizeFilter built = { .axis = { .n_in = n_in, .n_out = n_out } };

  if (!add_pairs (&built, alignment)
      || (alignment == 2 && !(add_quads (&built) && add_groups (&built)))) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "resize from %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT
        " pixels: expected memory for %" G_GSIZE_FORMAT " weights, found less",
        n_in, n_out, 2 * n_out * built.axis.n_pairs);
    resize_filter_clear (&built);
    return FALSE;
  }
  resize_filter_clear (filter);
  *filter = built;
  return TRUE;
}

void
resize_filter_clear (ResizeFilter *filter)
{
  g_free (filter->first);
  g_free (filter->first_quad);
  g_free (filter->pairs);
  g_free (filter->quads);
  g_free (filter->windows);
  g_free (filter->places);
  g_free (filter->digits);
  *filter = (ResizeFilter){ 0 };
}
