/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mask pasting; see mask.h.
 */
#include "mask.h"

#include <math.h>

/* [lo - 1, hi + 1) in whole pixels, cut to [0, limit]; NaN counts as 0. */
static void
rect_axis (gint *start, gint *size, float lo, float hi, gsize limit)
{
  const float last = (float) limit;
  const float begin = floorf (lo) - 1.0f, end = ceilf (hi) + 1.0f;
  const gint from = begin > 0.0f ? (gint) MIN (begin, last) : 0;
  const gint to = end > 0.0f ? (gint) MIN (end, last) : 0;

  *start = from;
  *size = MAX (to - from, 0);
}

MaskRect
mask_rect (const Box *frame_box, gsize frame_width, gsize frame_height)
{
  MaskRect rect;

  rect_axis (&rect.x, &rect.width, frame_box->x0, frame_box->x1, frame_width);
  rect_axis (&rect.y, &rect.height, frame_box->y0, frame_box->y1, frame_height);
  return rect;
}

/* Where a pixel falls in the map: between `lo` and `lo` + 1, `fraction` of the way. Either may lie
 * outside the map, where everything is 0. */
typedef struct {
  gint32 lo;
  float fraction;
} Sample;

gsize
mask_scratch_size (gsize rect_width, gsize rect_height)
{
  return (rect_width + rect_height) * sizeof (Sample) + 2 * rect_width * sizeof (float);
}

/* Pixel centres to map coordinates by way of grid_sample's -1 … 1 (align_corners=False), in float32
 * and in that order, because the threshold shows every rounding. */
static void
sample_axis (Sample *samples, gint start, gint n, float lo, float hi, gsize side)
{
  const float size = (float) side;

  for (gint i = 0; i < n; i++) {
    const float centre = (float) (start + i) + 0.5f;
    const float grid = (centre - lo) / (hi - lo) * 2.0f - 1.0f;
    const float position = ((grid + 1.0f) * size - 1.0f) / 2.0f;
    if (!(position > -1.0f && position < size)) { /* NaN too: a box of no size */
      samples[i] = (Sample){ -2, 0.0f };
      continue;
    }
    const float below = floorf (position);
    samples[i] = (Sample){ (gint32) below, position - below };
  }
}

/* One row of the map stretched over the rectangle's columns; a row outside the map is zeros. */
static void
stretch_row (float *out, const float *map, gint row, gint side, const Sample *columns, gint width)
{
  const float *values = row >= 0 && row < side ? map + (gsize) row * side : NULL;

  for (gint x = 0; x < width; x++) {
    const gint lo = columns[x].lo;
    const float left = values != NULL && lo >= 0 ? values[lo] : 0.0f;
    const float right = values != NULL && lo >= -1 && lo + 1 < side ? values[lo + 1] : 0.0f;
    out[x] = left * (1.0f - columns[x].fraction) + right * columns[x].fraction;
  }
}

static void
threshold_row (guint8 *out, const float *upper, const float *lower, float fraction, gint width,
    float threshold)
{
  for (gint x = 0; x < width; x++) {
    const float value = upper[x] * (1.0f - fraction) + lower[x] * fraction;
    out[x] = value >= threshold ? 255 : 0;
  }
}

void
mask_paste (guint8 *out, const MaskRect *rect, const float *probabilities, gsize side,
    const Box *frame_box, float threshold, void *scratch)
{
  Sample *columns = scratch, *rows = columns + rect->width;
  float *upper = (float *) (rows + rect->height), *lower = upper + rect->width;

  sample_axis (columns, rect->x, rect->width, frame_box->x0, frame_box->x1, side);
  sample_axis (rows, rect->y, rect->height, frame_box->y0, frame_box->y1, side);

  const gint map_side = (gint) side;
  gint stretched = G_MININT; /* the map row that `upper` holds */
  for (gint y = 0; y < rect->height; y++) {
    if (rows[y].lo != stretched) {
      stretched = rows[y].lo;
      stretch_row (upper, probabilities, stretched, map_side, columns, rect->width);
      stretch_row (lower, probabilities, stretched + 1, map_side, columns, rect->width);
    }
    threshold_row (out + (gsize) y * rect->width, upper, lower, rows[y].fraction, rect->width,
        threshold);
  }
}
