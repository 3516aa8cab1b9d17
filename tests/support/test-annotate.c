/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawing detections: what is drawn lies where it should, and nothing else is touched.
 */
#include <math.h>
#include <string.h>

#include "support/annotate.h"

#define GREY        90
#define N_KEYPOINTS 2

static const char *const labels[] = { "box", NULL };

static Picture *
grey_picture (guint width, guint height)
{
  g_autoptr (GError) error = NULL;
  Picture *picture = picture_new (width, height, "test", &error);

  g_assert_no_error (error);
  memset (picture->pixels, GREY, (gsize) width * height * 3);
  return picture;
}

static void
annotate (Picture *picture, const FbnetDetection *items, guint n)
{
  g_autoptr (GError) error = NULL;
  const FbnetDetections detections = { items, n };

  g_assert_true (annotate_picture (picture, &detections, labels, N_KEYPOINTS, "test", &error));
  g_assert_no_error (error);
}

static gboolean
is_touched (const Picture *picture, guint x, guint y)
{
  const guint8 *pixel = picture->pixels + 3 * ((gsize) y * picture->width + x);

  return pixel[0] != GREY || pixel[1] != GREY || pixel[2] != GREY;
}

static guint
count_touched (const Picture *picture, guint x0, guint y0, guint x1, guint y1)
{
  guint n = 0;

  for (guint y = y0; y < y1; y++)
    for (guint x = x0; x < x1; x++)
      n += is_touched (picture, x, y);
  return n;
}

/* No detections: not one pixel changes. */
static void
test_nothing (void)
{
  g_autoptr (Picture) picture = grey_picture (33, 21);

  annotate (picture, NULL, 0);
  g_assert_cmpuint (count_touched (picture, 0, 0, 33, 21), ==, 0);
}

/* The four sides of the box are drawn, its inside and what lies far from it are not. */
static void
test_box (void)
{
  const FbnetDetection item = { .x0 = 100, .y0 = 60, .x1 = 180, .y1 = 160, .score = 0.5f };
  g_autoptr (Picture) picture = grey_picture (320, 240);

  annotate (picture, &item, 1);
  g_assert_true (is_touched (picture, 140, 60));
  g_assert_true (is_touched (picture, 140, 159));
  g_assert_true (is_touched (picture, 100, 110));
  g_assert_true (is_touched (picture, 179, 110));
  g_assert_cmpuint (count_touched (picture, 104, 64, 176, 156), ==, 0);
  g_assert_cmpuint (count_touched (picture, 0, 165, 320, 240), ==, 0);
  g_assert_cmpuint (count_touched (picture, 0, 0, 95, 240), ==, 0);
}

/* A label stands above its box, with letters: neither plain grey nor one plain colour. */
static void
test_label (void)
{
  const FbnetDetection item = { .x0 = 100, .y0 = 60, .x1 = 180, .y1 = 160, .score = 0.5f };
  g_autoptr (Picture) picture = grey_picture (320, 240);

  annotate (picture, &item, 1);
  const guint8 *corner = picture->pixels + 3 * (56 * 320 + 101);
  guint background = 0, letters = 0;
  for (guint y = 50; y < 58; y++) {
    for (guint x = 101; x < 140; x++) {
      const guint8 *pixel = picture->pixels + 3 * (y * 320 + x);
      background += memcmp (pixel, corner, 3) == 0;
      letters += pixel[0] < 40 && pixel[1] < 40 && pixel[2] < 40;
    }
  }
  g_assert_cmpuint (background, >, 20);
  g_assert_cmpuint (letters, >, 20);
}

/* A mask tints the pixels inside it and only those. */
static void
test_mask (void)
{
  guint8 pixels[40 * 40] = { 0 };

  for (guint y = 0; y < 40; y++)
    memset (pixels + y * 40, 255, y < 20 ? 40 : 0);
  const FbnetDetection item = { .x0 = 100,
    .y0 = 100,
    .x1 = 140,
    .y1 = 140,
    .score = 0.5f,
    .class_id = 1,
    .mask = { 100, 100, 40, 40, pixels } };
  g_autoptr (Picture) picture = grey_picture (320, 240);
  annotate (picture, &item, 1);
  g_assert_cmpuint (count_touched (picture, 104, 104, 136, 118), ==, 32 * 14);
  g_assert_cmpuint (count_touched (picture, 104, 121, 136, 136), ==, 0);
}

/* A keypoint is drawn where it is, one without a score is not. */
static void
test_keypoints (void)
{
  const FbnetKeypoint keypoints[N_KEYPOINTS] = { { 120, 90, 0.5f }, { 160, 130, 0.001f } };
  const FbnetDetection item = { .x0 = 100,
    .y0 = 60,
    .x1 = 180,
    .y1 = 160,
    .score = 0.5f,
    .keypoints = keypoints };
  g_autoptr (Picture) picture = grey_picture (320, 240);

  annotate (picture, &item, 1);
  g_assert_true (is_touched (picture, 120, 90));
  g_assert_cmpuint (count_touched (picture, 110, 80, 130, 100), <, 60);
  g_assert_cmpuint (count_touched (picture, 130, 100, 176, 156), ==, 0);
}

/* Two detections of one place get two labels: the second does not cover the first. */
static void
test_labels_apart (void)
{
  const FbnetDetection items[] = { { .x0 = 50, .y0 = 100, .x1 = 250, .y1 = 230, .score = 0.9f },
    { .x0 = 50, .y0 = 100, .x1 = 250, .y1 = 230, .score = 0.8f } };
  g_autoptr (Picture) one = grey_picture (320, 240);
  g_autoptr (Picture) two = grey_picture (320, 240);

  annotate (one, items, 1);
  annotate (two, items, 2);
  const gsize above = (gsize) 320 * 98 * 3;
  g_assert_cmpmem (one->pixels, above, two->pixels, above);
  g_assert_cmpuint (count_touched (two, 55, 104, 100, 112), >, 45 * 4);
  g_assert_cmpuint (count_touched (one, 55, 104, 100, 112), ==, 0);
}

/* Lines grow with the picture. */
static void
test_grows (void)
{
  static const guint sides[] = { 200, 2000 };
  guint touched[2];

  for (guint i = 0; i < 2; i++) {
    const float side = sides[i];
    const FbnetDetection item = { .x0 = side * 0.25f,
      .y0 = side * 0.25f,
      .x1 = side * 0.75f,
      .y1 = side * 0.75f,
      .score = 0.5f };
    g_autoptr (Picture) picture = grey_picture (sides[i], sides[i]);
    annotate (picture, &item, 1);
    touched[i] = count_touched (picture, 0, sides[i] / 2, sides[i] / 2, sides[i] / 2 + 1);
  }
  g_assert_cmpuint (touched[0], >=, 1);
  g_assert_cmpuint (touched[1], >=, 2 * touched[0]);
}

/* The smallest pictures, and boxes on and past every edge, draw without harm (run it under a
 * sanitizer). */
static void
test_edges (void)
{
  static const guint sides[] = { 1, 2, 7, 50 };
  guint8 mask[50 * 50];

  memset (mask, 255, sizeof mask);
  for (guint i = 0; i < G_N_ELEMENTS (sides); i++) {
    const float side = sides[i];
    const gint whole = (gint) sides[i];
    const FbnetDetection items[] = {
      { .x0 = 0, .y0 = 0, .x1 = side, .y1 = side, .mask = { 0, 0, whole, whole, mask } },
      { .x0 = side, .y0 = side, .x1 = side, .y1 = side, .class_id = 1 },
      { .x0 = -5, .y0 = -5, .x1 = side + 5, .y1 = side + 5, .class_id = 1 },
      { .x0 = 0, .y0 = 0, .x1 = 0, .y1 = 0, .mask = { 0, 0, 0, 0, mask } },
    };
    g_autoptr (Picture) picture = grey_picture (sides[i], sides[i]);
    annotate (picture, items, G_N_ELEMENTS (items));
    g_assert_true (is_touched (picture, 0, 0));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/annotate/nothing", test_nothing);
  g_test_add_func ("/annotate/box", test_box);
  g_test_add_func ("/annotate/label", test_label);
  g_test_add_func ("/annotate/mask", test_mask);
  g_test_add_func ("/annotate/keypoints", test_keypoints);
  g_test_add_func ("/annotate/labels-apart", test_labels_apart);
  g_test_add_func ("/annotate/grows", test_grows);
  g_test_add_func ("/annotate/edges", test_edges);
  return g_test_run ();
}
