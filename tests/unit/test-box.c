/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Boxes: decoding, clipping, overlap.
 */
#include "base/box.h"

#include <math.h>

static const float ones[4] = { 1, 1, 1, 1 };

static void
assert_box (Box box, float x0, float y0, float x1, float y1)
{
  g_assert_cmpfloat_with_epsilon (box.x0, x0, 1e-5);
  g_assert_cmpfloat_with_epsilon (box.y0, y0, 1e-5);
  g_assert_cmpfloat_with_epsilon (box.x1, x1, 1e-5);
  g_assert_cmpfloat_with_epsilon (box.y1, y1, 1e-5);
}

/* Deltas move by sides and scale by exponents, and are divided by the weights first. */
static void
test_decode (void)
{
  const Box anchor = { 10, 20, 30, 60 };

  assert_box (box_decode ((float[]){ 0, 0, 0, 0 }, &anchor, ones), 10, 20, 30, 60);
  const float ln2 = (float) G_LN2;
  assert_box (box_decode ((float[]){ 0.5f, -0.25f, ln2, 0 }, &anchor, ones), 10, 10, 50, 50);
  const float weights[4] = { 10, 20, 5, 4 };
  assert_box (box_decode ((float[]){ 5, -5, 5 * ln2, 0 }, &anchor, weights), 10, 10, 50, 50);
}

/* Scales are cut at 1000 / 16 from above and not from below. */
static void
test_decode_clamp (void)
{
  const Box anchor = { -8, -8, 8, 8 };
  const Box clamped = box_decode ((float[]){ 0, 0, 5, INFINITY }, &anchor, ones);

  g_assert_cmpfloat_with_epsilon (clamped.x1 - clamped.x0, 1000, 1e-3);
  g_assert_cmpfloat_with_epsilon (clamped.y1 - clamped.y0, 1000, 1e-3);
  assert_box (box_decode ((float[]){ 0, 0, -INFINITY, -200 }, &anchor, ones), 0, 0, 0, 0);
}

/* NaN and infinite deltas are not hidden: the box is not finite. */
static void
test_decode_not_finite (void)
{
  const Box anchor = { -8, -8, 8, 8 };

  for (guint i = 0; i < 4; i++) {
    float delta[4] = { 0 };
    delta[i] = NAN;
    const Box box = box_decode (delta, &anchor, ones);
    g_assert_false (box_is_finite (&box));
  }
  const Box far = box_decode ((float[]){ 0, INFINITY, 0, 0 }, &anchor, ones);
  g_assert_false (box_is_finite (&far));
}

/* Clipping moves what is outside to the border, leaves the rest and keeps NaN. */
static void
test_clip (void)
{
  assert_box (box_clip (&(Box){ -5, 3, 50, 70 }, 40, 60), 0, 3, 40, 60);
  assert_box (box_clip (&(Box){ 41, -9, 43, -1 }, 40, 60), 40, 0, 40, 0);
  assert_box (box_clip (&(Box){ 0, 0, 40, 60 }, 40, 60), 0, 0, 40, 60);
  const Box clipped = box_clip (&(Box){ NAN, 0, INFINITY, 1 }, 40, 60);
  g_assert_true (isnan (clipped.x0));
  g_assert_cmpfloat (clipped.x1, ==, 40);
}

/* Overlap of equal, shifted, nested, touching, apart, empty and turned-over boxes. */
static void
test_iou (void)
{
  const Box unit = { 0, 0, 2, 2 };

  g_assert_cmpfloat (box_area (&(Box){ 1, 2, 4, 4 }), ==, 6);
  g_assert_cmpfloat (box_iou (&unit, &unit), ==, 1);
  g_assert_cmpfloat (box_iou (&unit, &(Box){ 1, 0, 3, 2 }), ==, 2.0f / 6.0f);
  g_assert_cmpfloat (box_iou (&unit, &(Box){ 0, 0, 1, 1 }), ==, 0.25f);
  g_assert_cmpfloat (box_iou (&unit, &(Box){ 2, 0, 4, 2 }), ==, 0);
  g_assert_cmpfloat (box_iou (&unit, &(Box){ 5, 5, 6, 6 }), ==, 0);
  g_assert_cmpfloat (box_iou (&unit, &(Box){ 1, 1, 1, 1 }), ==, 0);
  g_assert_cmpfloat (box_iou (&(Box){ 1, 1, 1, 1 }, &(Box){ 1, 1, 1, 1 }), ==, 0);
  g_assert_cmpfloat (box_iou (&unit, &(Box){ 2, 2, 0, 0 }), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/box/decode", test_decode);
  g_test_add_func ("/box/decode-clamp", test_decode_clamp);
  g_test_add_func ("/box/decode-not-finite", test_decode_not_finite);
  g_test_add_func ("/box/clip", test_clip);
  g_test_add_func ("/box/iou", test_iou);
  return g_test_run ();
}
