/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keypoints from heat maps; see keypoint.h. The stretched maps are never stored: columns are
 * interpolated once, then each row is made from four of theirs and only its maxima are kept.
 */
#include "keypoint.h"

#include <float.h>
#include <math.h>

/* torch's bicubic convolution coefficient. */
#define CUBIC_A (-0.75f)

typedef struct {
  gsize index[4];
  float weight[4];
} CubicTap;

static float
cubic_near (float x)
{
  return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
}

static float
cubic_far (float x)
{
  return ((CUBIC_A * x - 5 * CUBIC_A) * x + 8 * CUBIC_A) * x - 4 * CUBIC_A;
}

/* Where output `at` of `out_size` reads an axis of `in_size`; indices beyond the border repeat it. */
static CubicTap
cubic_tap (gsize at, gsize in_size, gsize out_size)
{
  const float scale = (float) in_size / (float) out_size;
  const float position = scale * ((float) at + 0.5f) - 0.5f;
  const float floored = floorf (position), t = position - floored;
  CubicTap tap = { .weight = { cubic_far (t + 1), cubic_near (t), cubic_near (1 - t),
                       cubic_far (2 - t) } };

  for (gint i = 0; i < 4; i++)
    tap.index[i] = CLAMP ((gint) floored - 1 + i, 0, (gint) in_size - 1);
  return tap;
}

static void
blend (float *out, const float *const rows[4], const float weight[4], gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = rows[0][i] * weight[0] + rows[1][i] * weight[1] + rows[2][i] * weight[2]
        + rows[3][i] * weight[3];
}

gsize
keypoint_scratch_size (gsize side, gsize n_keypoints, gsize max_width)
{
  gsize rows;

  /* Beyond an address space of 32 bits: what nobody gives. */
  if (!g_size_checked_mul (&rows, (side + 1) * n_keypoints * sizeof (float), max_width)
      || rows > G_MAXSIZE / 2)
    return G_MAXSIZE / 2;
  return rows + n_keypoints * (sizeof (float) + sizeof (gsize));
}

/* [side][side][k] to [side][width][k] */
static void
stretch_columns (float *wide, const Tensor *maps, gsize image, gsize width)
{
  const gsize k = maps->c;

  for (gsize x = 0; x < width; x++) {
    const CubicTap tap = cubic_tap (x, maps->w, width);
    for (gsize y = 0; y < maps->h; y++) {
      const float *columns[4];
      for (gint i = 0; i < 4; i++)
        columns[i] = tensor_pixel (maps, image, y, tap.index[i]);
      blend (wide + (y * width + x) * k, columns, tap.weight, k);
    }
  }
}

static void
update_maxima (float *best, gsize *place, const float *row, gsize first, gsize width, gsize k)
{
  for (gsize x = 0; x < width; x++) {
    for (gsize i = 0; i < k; i++) {
      if (row[x * k + i] > best[i]) {
        best[i] = row[x * k + i];
        place[i] = first + x;
      }
    }
  }
}

/* sum of exp (logit - best) over the small map */
static float
softmax_sum (const Tensor *maps, gsize image, gsize i, float best)
{
  const float *map = tensor_pixel (maps, image, 0, 0) + i;
  double sum = 0;

  for (gsize p = 0; p < maps->h * maps->w; p++)
    sum += expf (map[p * maps->c] - best);
  return (float) sum;
}

/* How peaked the map is: above 1 where the stretched map overshoots the small one, as in detectron2's
 * heatmaps_to_keypoints(). A map whose numbers overflow says nothing. */
static float
score_of (float sum)
{
  return isnan (sum) ? 0 : 1 / MAX (sum, FLT_MIN);
}

void
keypoint_decode (FbnetKeypoint *out, const Tensor *maps, gsize image, const Box *box, void *scratch)
{
  const gsize k = maps->c;
  const float box_width = MAX (box->x1 - box->x0, 1.0f), box_height = MAX (box->y1 - box->y0, 1.0f);
  const gsize width = (gsize) ceilf (box_width), height = (gsize) ceilf (box_height);
  gsize *place = scratch;
  float *best = (float *) (place + k);
  float *row = best + k, *wide = row + width * k;

  for (gsize i = 0; i < k; i++) {
    best[i] = -INFINITY;
    place[i] = 0;
  }
  stretch_columns (wide, maps, image, width);
  for (gsize y = 0; y < height; y++) {
    const CubicTap tap = cubic_tap (y, maps->h, height);
    const float *rows[4];
    for (gint i = 0; i < 4; i++)
      rows[i] = wide + tap.index[i] * width * k;
    blend (row, rows, tap.weight, width * k);
    update_maxima (best, place, row, y * width, width, k);
  }
  for (gsize i = 0; i < k; i++) {
    out[i].x = ((float) (place[i] % width) + 0.5f) * (box_width / (float) width) + box->x0;
    out[i].y = ((float) (place[i] / width) + 0.5f) * (box_height / (float) height) + box->y0;
    out[i].score = score_of (softmax_sum (maps, image, i, best[i]));
  }
}
