/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pasting masks into the frame.
 */
#include "detect/mask.h"

#include <math.h>
#include <string.h>

#define MAX_SIDE 28

static void
assert_rect (Box box, gint x, gint y, gint width, gint height)
{
  const MaskRect rect = mask_rect (&box, 100, 50);

  g_assert_cmpint (rect.x, ==, x);
  g_assert_cmpint (rect.y, ==, y);
  g_assert_cmpint (rect.width, ==, width);
  g_assert_cmpint (rect.height, ==, height);
}

/* The rectangle is the box rounded outwards and one more, within the frame, and never negative. */
static void
test_rect (void)
{
  assert_rect ((Box){ 10.5f, 20, 30.25f, 40 }, 9, 19, 23, 22);
  assert_rect ((Box){ 0.5f, 0, 99.5f, 50 }, 0, 0, 100, 50);
  assert_rect ((Box){ 1, 1, 2, 2 }, 0, 0, 3, 3);
  assert_rect ((Box){ 99, 49, 100, 50 }, 98, 48, 2, 2);
  assert_rect ((Box){ -40, -1e30f, 1e30f, INFINITY }, 0, 0, 100, 50);
  assert_rect ((Box){ 300, 20, 400, 30 }, 100, 19, 0, 12);
  assert_rect ((Box){ -30, 20, -20, 30 }, 0, 19, 0, 12);
  assert_rect ((Box){ 50, 30, 20, 20 }, 49, 29, 0, 0);
  assert_rect ((Box){ NAN, NAN, NAN, NAN }, 0, 0, 0, 0);
}

/* The mask of a box, over scratch of exactly the size asked for; free it. */
static guint8 *
paste (MaskRect *rect, const float *map, gsize side, const Box *box, float threshold)
{
  *rect = mask_rect (box, 100, 50);
  const gsize width = (gsize) rect->width, height = (gsize) rect->height;
  guint8 *out = g_malloc (MAX (width * height, 1));
  g_autofree void *scratch = g_malloc (mask_scratch_size (width, height));
  memset (out, 0x55, MAX (width * height, 1));
  mask_paste (out, rect, map, side, box, threshold, scratch);
  return out;
}

/* Whether a pixel's centre lies in [lo + margin, hi - margin]. */
static gboolean
centre_within (gint pixel, float lo, float hi, float margin)
{
  const float centre = (float) pixel + 0.5f;

  return centre >= lo + margin && centre <= hi - margin;
}

/* A map of ones fills exactly the pixels whose centres lie in the box, its edge included: there the
 * probability has fallen to a half. (Looked at along the middle of each side, where only one axis
 * falls.) A map of zeros fills none. */
static void
test_full_and_empty (void)
{
  const Box boxes[] = { { 10.5f, 20, 31.5f, 41 }, { 0, 0, 100, 50 }, { 7, 7, 8, 8 } };
  const gsize sides[] = { 2, 3, 28 };

  for (gsize i = 0; i < G_N_ELEMENTS (boxes) * G_N_ELEMENTS (sides); i++) {
    const Box *box = &boxes[i / G_N_ELEMENTS (sides)];
    const gsize side = sides[i % G_N_ELEMENTS (sides)];
    const float margin_x = (box->x1 - box->x0) / (float) side / 2 + 1e-3f;
    const float margin_y = (box->y1 - box->y0) / (float) side / 2 + 1e-3f;
    float map[MAX_SIDE * MAX_SIDE];
    for (gsize m = 0; m < side * side; m++)
      map[m] = 1;
    MaskRect rect;
    g_autofree guint8 *full = paste (&rect, map, side, box, 0.4999f);
    memset (map, 0, sizeof map);
    g_autofree guint8 *empty = paste (&rect, map, side, box, 0.4999f);
    guint n_checked = 0;
    for (gint p = 0; p < rect.width * rect.height; p++) {
      const gint x = rect.x + p % rect.width, y = rect.y + p / rect.width;
      g_assert_cmpuint (empty[p], ==, 0);
      const gboolean middle_row = centre_within (y, box->y0, box->y1, margin_y);
      const gboolean middle_column = centre_within (x, box->x0, box->x1, margin_x);
      if (!middle_row && !middle_column)
        continue;
      const gboolean inside = middle_row ? centre_within (x, box->x0, box->x1, 0)
                                         : centre_within (y, box->y0, box->y1, 0);
      g_assert_cmpuint (full[p], ==, inside ? 255 : 0);
      n_checked++;
    }
    g_assert_cmpuint (n_checked, >=, 5);
  }
}

/* A probability of exactly the threshold belongs to the object. */
static void
test_threshold (void)
{
  const float map[] = { 0.5f, 0.5f, 0.5f, 0.5f };
  const Box box = { 10, 10, 30, 30 };
  MaskRect rect;
  g_autofree guint8 *at = paste (&rect, map, 2, &box, 0.5f);
  g_autofree guint8 *above = paste (&rect, map, 2, &box, nextafterf (0.5f, 1));
  const gint centre = (20 - rect.y) * rect.width + 20 - rect.x;

  g_assert_cmpuint (at[centre], ==, 255);
  g_assert_cmpuint (above[centre], ==, 0);
}

/* Map rows are frame rows and map columns frame columns: only the quarter that is set appears. */
static void
test_orientation (void)
{
  const float map[] = { 0, 1, 0, 0 };
  MaskRect rect;
  g_autofree guint8 *mask = paste (&rect, map, 2, &(Box){ 10, 10, 30, 30 }, 0.5f);

  g_assert_cmpuint (mask[(15 - rect.y) * rect.width + 25 - rect.x], ==, 255);
  g_assert_cmpuint (mask[(15 - rect.y) * rect.width + 15 - rect.x], ==, 0);
  g_assert_cmpuint (mask[(25 - rect.y) * rect.width + 25 - rect.x], ==, 0);
  g_assert_cmpuint (mask[(25 - rect.y) * rect.width + 15 - rect.x], ==, 0);
}

/* A box of no size, or of NaN, has a mask of zeros; NaN probabilities are not over any threshold. */
static void
test_degenerate (void)
{
  const float map[] = { 1, 1, 1, 1 }, spoilt[] = { NAN, NAN, NAN, NAN };
  const Box boxes[] = { { 10, 10, 10, 20 }, { 10, 10, 20, 10 }, { 10, 10, 10, 10 },
    { NAN, 10, 20, 20 } };
  MaskRect rect;

  for (gsize b = 0; b < G_N_ELEMENTS (boxes); b++) {
    g_autofree guint8 *mask = paste (&rect, map, 2, &boxes[b], 0.5f);
    for (gint i = 0; i < rect.width * rect.height; i++)
      g_assert_cmpuint (mask[i], ==, 0);
  }
  g_autofree guint8 *mask = paste (&rect, spoilt, 2, &(Box){ 10, 10, 20, 20 }, 0.5f);
  for (gint i = 0; i < rect.width * rect.height; i++)
    g_assert_cmpuint (mask[i], ==, 0);
}

static double
map_at (const float *map, gint side, gint y, gint x)
{
  return y >= 0 && y < side && x >= 0 && x < side ? map[y * side + x] : 0;
}

/* grid_sample at one pixel centre, in double. */
static double
sample_plainly (const float *map, gint side, const Box *box, gint px, gint py)
{
  const double x = (px + 0.5 - box->x0) / ((double) box->x1 - box->x0) * side - 0.5;
  const double y = (py + 0.5 - box->y0) / ((double) box->y1 - box->y0) * side - 0.5;
  const gint x0 = (gint) floor (x), y0 = (gint) floor (y);
  const double fx = x - x0, fy = y - y0;

  return (1 - fy) * ((1 - fx) * map_at (map, side, y0, x0) + fx * map_at (map, side, y0, x0 + 1))
      + fy * ((1 - fx) * map_at (map, side, y0 + 1, x0) + fx * map_at (map, side, y0 + 1, x0 + 1));
}

/* Random maps in random boxes are sampled as grid_sample does, wherever the value is not so near the
 * threshold that rounding decides. */
static void
test_random (void)
{
  for (guint round = 0; round < 100; round++) {
    const gint side = g_test_rand_int_range (1, MAX_SIDE + 1);
    float map[MAX_SIDE * MAX_SIDE];
    for (gint i = 0; i < side * side; i++)
      map[i] = (float) g_test_rand_double ();
    const float x = (float) g_test_rand_double_range (0, 95);
    const float y = (float) g_test_rand_double_range (0, 45);
    const Box box = { x, y, (float) g_test_rand_double_range (x + 0.01, 100),
      (float) g_test_rand_double_range (y + 0.01, 50) };
    const float threshold = (float) g_test_rand_double_range (0.05, 0.95);
    MaskRect rect;
    g_autofree guint8 *mask = paste (&rect, map, (gsize) side, &box, threshold);
    for (gint i = 0; i < rect.width * rect.height; i++) {
      const double value =
          sample_plainly (map, side, &box, rect.x + i % rect.width, rect.y + i / rect.width);
      const double rounding = 1e-4 / MIN (box.x1 - box.x0, MIN (box.y1 - box.y0, 1));
      if (fabs (value - threshold) > rounding)
        g_assert_cmpuint (mask[i], ==, value >= threshold ? 255 : 0);
    }
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mask/rect", test_rect);
  g_test_add_func ("/mask/full-and-empty", test_full_and_empty);
  g_test_add_func ("/mask/threshold", test_threshold);
  g_test_add_func ("/mask/orientation", test_orientation);
  g_test_add_func ("/mask/degenerate", test_degenerate);
  g_test_add_func ("/mask/random", test_random);
  return g_test_run ();
}
