/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outlines, how they look from aside, and the random numbers and fields that scenes are made of.
 */
#include <math.h>

#include "scenes/dice.h"
#include "scenes/noise.h"
#include "scenes/symbols.h"

static Point
get_point (const Outline *outline, guint index)
{
  return g_array_index (outline->points, Point, index);
}

/* Areas are those of geometry; a hole counts off. */
static void
test_area (void)
{
  g_autoptr (Outline) rectangle = outline_rectangle (1, 2, 4, 7);
  g_autoptr (Outline) ellipse = outline_ellipse (5, 5, 3, 2, 0.7);
  g_autoptr (Outline) capsule = outline_capsule ((Point){ 0, 0 }, (Point){ 3, 4 }, 1);
  g_autoptr (Outline) ring = symbol_outline (SYMBOL_RING);

  g_assert_cmpfloat_with_epsilon (outline_area (rectangle), 15, 1e-9);
  g_assert_cmpfloat_with_epsilon (outline_area (ellipse), G_PI * 6, 0.1);
  g_assert_cmpfloat_with_epsilon (outline_area (capsule), 10 + G_PI, 0.05);
  g_assert_cmpfloat_with_epsilon (outline_area (ring), G_PI * (0.25 - 0.0625), 0.01);
}

/* Symbols fill about a unit square, with a solid share of it, and have names of their own. */
static void
test_symbols (void)
{
  for (guint i = 0; i < N_SYMBOLS; i++) {
    g_autoptr (Outline) outline = symbol_outline ((Symbol) i);
    double reach = 0;
    for (guint j = 0; j < outline->points->len; j++) {
      const Point point = get_point (outline, j);
      reach = fmax (reach, fmax (fabs (point.x), fabs (point.y)));
    }
    g_assert_cmpfloat (reach, >, 0.45);
    g_assert_cmpfloat (reach, <, 0.65);
    g_assert_cmpfloat (outline_area (outline), >, 0.25);
    for (guint j = 0; j < i; j++)
      g_assert_cmpstr (symbol_name ((Symbol) i), !=, symbol_name ((Symbol) j));
  }
}

/* Seen from the front, a plane is only moved, scaled and turned. */
static void
test_front (void)
{
  const Pose pose = pose_new (100, 50, 10, 0, 0, 0);
  const Pose turned = pose_new (100, 50, 10, G_PI / 2, 0, 0);
  const Point seen = pose_project (&pose, (Point){ 2, -1 });
  const Point round = pose_project (&turned, (Point){ 2, -1 });

  g_assert_cmpfloat_with_epsilon (seen.x, 120, 1e-9);
  g_assert_cmpfloat_with_epsilon (seen.y, 40, 1e-9);
  g_assert_cmpfloat_with_epsilon (round.x, 110, 1e-9);
  g_assert_cmpfloat_with_epsilon (round.y, 70, 1e-9);
}

/* From aside, straight lines stay straight, and what is nearer is larger; bent paper bends them. */
static void
test_perspective (void)
{
  Pose pose = pose_new (0, 0, 100, 0.2, 0.6, -0.4);
  g_autoptr (Outline) flat = outline_rectangle (-1, -1, 1, 1);
  g_autoptr (Outline) seen = pose_outline (&pose, flat, (Point){ 0, 0 }, 1, 0);
  const Point first = get_point (seen, 0), middle = get_point (seen, 3), last = get_point (seen, 8);
  const double cross =
      (middle.x - first.x) * (last.y - first.y) - (middle.y - first.y) * (last.x - first.x);

  g_assert_cmpfloat (fabs (cross), <, 1e-6);

  const Pose aside = pose_new (0, 0, 100, 0, 0.6, 0);
  const Point right_top = pose_project (&aside, (Point){ 1, -1 });
  const Point right_low = pose_project (&aside, (Point){ 1, 1 });
  const Point left_top = pose_project (&aside, (Point){ -1, -1 });
  const Point left_low = pose_project (&aside, (Point){ -1, 1 });
  g_assert_cmpfloat (right_low.y - right_top.y, >, 1.2 * (left_low.y - left_top.y));

  pose.bend = 0.5;
  g_autoptr (Outline) bent = pose_outline (&pose, flat, (Point){ 0, 0 }, 1, 0);
  const Point b0 = get_point (bent, 0), b1 = get_point (bent, 3), b2 = get_point (bent, 8);
  g_assert_cmpfloat (fabs ((b1.x - b0.x) * (b2.y - b0.y) - (b1.y - b0.y) * (b2.x - b0.x)), >, 100);
}

/* A plane that would reach behind the camera still has finite points. */
static void
test_behind (void)
{
  const Pose pose = pose_new (0, 0, 1, 0, 1.5, 0);
  const Point point = pose_project (&pose, (Point){ 1e6, 1 });

  g_assert_true (isfinite (point.x) && isfinite (point.y));
}

/* The streams are SplitMix64's; those of neighbouring seeds and scenes have nothing in common. */
static void
test_dice (void)
{
  Dice plain = { 1234567 }; /* the first numbers for this state are published with the algorithm */

  g_assert_cmpuint (dice_bits (&plain), ==, G_GUINT64_CONSTANT (6457827717110365317));
  g_assert_cmpuint (dice_bits (&plain), ==, G_GUINT64_CONSTANT (3203168211198807973));
  Dice first = dice_new (1, 0), second = dice_new (1, 1), other = dice_new (2, 0);
  const guint64 a = dice_bits (&first), b = dice_bits (&second), c = dice_bits (&other);
  g_assert_cmpuint (a, !=, b);
  g_assert_cmpuint (a, !=, c);
  g_assert_cmpuint (dice_bits (&first), !=, b);
  double sum = 0;
  for (guint i = 0; i < 10000; i++) {
    const double value = dice_between (&first, 2, 4);
    g_assert_true (value >= 2 && value < 4);
    g_assert_cmpuint (dice_pick (&first, 7), <, 7);
    sum += value;
  }
  g_assert_cmpfloat_with_epsilon (sum / 10000, 3, 0.03);
}

/* Fields stay within 0 and 1, also when a cell is larger than the picture or smaller than a pixel,
 * and neighbours are alike. */
static void
test_noise (void)
{
  static const double cells[] = { 0.1, 1, 7.5, 20, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++) {
    Dice dice = dice_new (3, i);
    g_autofree float *field = noise_new (&dice, 61, 43, cells[i], cells[i], 5);
    for (guint j = 0; j < 61 * 43; j++)
      g_assert_true (field[j] >= 0 && field[j] <= 1);
  }
  Dice dice = dice_new (4, 0);
  g_autofree float *smooth = noise_new (&dice, 64, 64, 32, 32, 1);
  for (guint j = 1; j < 64; j++)
    g_assert_cmpfloat (fabsf (smooth[j] - smooth[j - 1]), <, 0.06f);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scenes/outline/area", test_area);
  g_test_add_func ("/scenes/outline/symbols", test_symbols);
  g_test_add_func ("/scenes/outline/front", test_front);
  g_test_add_func ("/scenes/outline/perspective", test_perspective);
  g_test_add_func ("/scenes/outline/behind", test_behind);
  g_test_add_func ("/scenes/outline/dice", test_dice);
  g_test_add_func ("/scenes/outline/noise", test_noise);
  return g_test_run ();
}
