/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far found numbers are from expected ones.
 */
#include "compare.h"

#include <math.h>

/* Sums in one pass over pairs that come in any order. */
typedef struct {
  double max_abs, sum, sum_sq;
  gsize n;
} Accumulator;

static void
accumulate (Accumulator *sums, float found, float expected)
{
  double difference = fabs ((double) found - expected);

  if (isnan (difference))
    difference = isnan (found) && isnan (expected) ? 0 : INFINITY;
  sums->max_abs = MAX (sums->max_abs, difference);
  sums->sum += expected;
  sums->sum_sq += (double) expected * expected;
  sums->n++;
}

static Deviation
accumulated (const Accumulator *sums)
{
  if (sums->n == 0)
    return (Deviation){ 0, 0 };
  const double mean = sums->sum / (double) sums->n;
  const double variance = sums->sum_sq / (double) sums->n - mean * mean;
  return (Deviation){ sums->max_abs, sqrt (MAX (variance, 0)) };
}

Deviation
compare_floats (const float *found, const float *expected, gsize n)
{
  Accumulator sums = { 0 };

  for (gsize i = 0; i < n; i++)
    accumulate (&sums, found[i], expected[i]);
  return accumulated (&sums);
}

/* One image: pixels × channels found, channels × pixels expected. */
static void
accumulate_image (Accumulator *sums, const float *found, const float *expected, gsize pixels,
    gsize channels)
{
  for (gsize c = 0; c < channels; c++) {
    for (gsize p = 0; p < pixels; p++)
      accumulate (sums, found[p * channels + c], expected[c * pixels + p]);
  }
}

static void
assert_image_shape (const Tensor *found, const Npy *expected)
{
  g_assert_true (expected->n_dims == 4 || expected->n_dims == 2);
  g_assert_cmpuint (expected->shape[1], ==, found->c);
  g_assert_cmpuint (expected->n_dims == 4 ? expected->shape[2] : 1, ==, found->h);
  g_assert_cmpuint (expected->n_dims == 4 ? expected->shape[3] : 1, ==, found->w);
}

Deviation
compare_tensor (const Tensor *found, const Npy *expected)
{
  const gsize pixels = found->h * found->w, size = pixels * found->c;
  const float *values = npy_floats (expected);
  Accumulator sums = { 0 };

  assert_image_shape (found, expected);
  g_assert_cmpuint (expected->shape[0], ==, found->n);
  for (gsize i = 0; i < found->n; i++)
    accumulate_image (&sums, tensor_pixel (found, i, 0, 0), values + i * size, pixels, found->c);
  return accumulated (&sums);
}

Deviation
compare_images (const Tensor *found, const guint32 *index, gsize n, const Npy *expected)
{
  const gsize pixels = found->h * found->w, size = pixels * found->c;
  const float *values = npy_floats (expected);
  Accumulator sums = { 0 };

  assert_image_shape (found, expected);
  g_assert_cmpuint (expected->shape[0], ==, n);
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpuint (index[i], <, found->n);
    accumulate_image (&sums, tensor_pixel (found, index[i], 0, 0), values + i * size, pixels,
        found->c);
  }
  return accumulated (&sums);
}

/* --- Boxes ------------------------------------------------------------------------------------ */

static double
box_distance (const Box *a, const Box *b)
{
  const double x = MAX (fabs ((double) a->x0 - b->x0), fabs ((double) a->x1 - b->x1));
  const double y = MAX (fabs ((double) a->y0 - b->y0), fabs ((double) a->y1 - b->y1));

  return MAX (x, y);
}

/* The nearest unpaired box of the same class, or -1. */
static gssize
find_partner (const ComparedBox *wanted, const ComparedBox *found, const gboolean *paired,
    gsize n_found, double reach)
{
  gssize best = -1;
  double best_distance = reach;

  for (gsize i = 0; i < n_found; i++) {
    const double distance = box_distance (&wanted->box, &found[i].box);
    if (!paired[i] && found[i].class_id == wanted->class_id && distance <= best_distance) {
      best = (gssize) i;
      best_distance = distance;
    }
  }
  return best;
}

static void
count_missing (BoxMatch *match, float score, float lowest, double slack)
{
  match->n_missing++;
  if (fabs ((double) score - lowest) <= slack)
    match->n_at_bounds++;
}

BoxMatch
compare_boxes (const ComparedBox *found, gsize n_found, const ComparedBox *expected,
    gsize n_expected, double reach, double score_slack)
{
  g_autofree gboolean *paired = g_new0 (gboolean, n_found + 1);
  BoxMatch match = { 0 };
  float lowest = INFINITY;

  for (gsize i = 0; i < n_expected; i++)
    lowest = MIN (lowest, expected[i].score);
  for (gsize i = 0; i < n_expected; i++) {
    const gssize partner = find_partner (&expected[i], found, paired, n_found, reach);
    if (partner < 0) {
      count_missing (&match, expected[i].score, lowest, score_slack);
      continue;
    }
    const ComparedBox *other = &found[partner];
    paired[partner] = TRUE;
    match.max_box = MAX (match.max_box, box_distance (&expected[i].box, &other->box));
    match.max_score = MAX (match.max_score, fabs ((double) expected[i].score - other->score));
  }
  for (gsize i = 0; i < n_found; i++) {
    if (!paired[i])
      count_missing (&match, found[i].score, lowest, score_slack);
  }
  return match;
}
