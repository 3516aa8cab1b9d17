/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several looks as one: what a region's edge cut, and pieces of what the first look saw whole.
 */
#include "zoom/merge.h"

static const FbnetRegion frame = { 0, 0, 1000, 800 };
static const FbnetRegion region = { 300, 400, 400, 300 };

static void
add (Merge *merge, const FbnetDetection *found, guint look, const FbnetRegion *where)
{
  const FbnetDetections detections = { .n = 1, .items = (FbnetDetection *) found };

  g_assert_true (merge_add (merge, &detections, look, where, &frame, NULL));
}

/* What is left of an object of the first look and one of the region's. */
static guint
count_left (const FbnetDetection *whole, const FbnetDetection *part)
{
  FbnetParams params = { .max_detections = 100, .iou_threshold = 0.5f };
  Merge merge = { 0 };
  guint n;

  merge_begin (&merge);
  add (&merge, whole, 0, NULL);
  add (&merge, part, 1, &region);
  g_assert_true (merge_finish (&merge, &params, &n, NULL));
  merge_clear (&merge);
  return n;
}

/* A person from above the region into it. */
static const FbnetDetection person = { .x0 = 420, .y0 = 100, .x1 = 560, .y1 = 650, .score = 0.9f };

static void
test_pieces (void)
{
  FbnetDetection legs = { .x0 = 430, .y0 = 410, .x1 = 550, .y1 = 645, .score = 0.95f };

  g_assert_cmpuint (count_left (&person, &legs), ==, 1);
  legs.class_id = 1;
  g_assert_cmpuint (count_left (&person, &legs), ==, 2);
}

/* What stands by itself before the person, what lies beside, and where the first look was hardly sure. */
static void
test_others (void)
{
  const FbnetDetection ball = { .x0 = 450, .y0 = 600, .x1 = 500, .y1 = 640, .score = 0.9f };
  const FbnetDetection beside = { .x0 = 540, .y0 = 410, .x1 = 640, .y1 = 645, .score = 0.9f };
  const FbnetDetection legs = { .x0 = 430, .y0 = 410, .x1 = 550, .y1 = 645, .score = 0.95f };
  FbnetDetection doubtful = person;

  g_assert_cmpuint (count_left (&person, &ball), ==, 2);
  g_assert_cmpuint (count_left (&person, &beside), ==, 2);
  doubtful.score = 0.2f;
  g_assert_cmpuint (count_left (&doubtful, &legs), ==, 2);
}

/* The edges of the region cut, those of the frame do not. */
static void
test_cut (void)
{
  const FbnetDetection far = { .x0 = 10, .y0 = 10, .x1 = 40, .y1 = 40, .score = 0.9f };
  const FbnetDetection cut = { .x0 = 430, .y0 = 400.5f, .x1 = 480, .y1 = 460, .score = 0.9f };
  const FbnetDetection inside = { .x0 = 430, .y0 = 405, .x1 = 480, .y1 = 460, .score = 0.9f };

  g_assert_cmpuint (count_left (&far, &cut), ==, 1);
  g_assert_cmpuint (count_left (&far, &inside), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/merge/pieces", test_pieces);
  g_test_add_func ("/merge/others", test_others);
  g_test_add_func ("/merge/cut", test_cut);
  return g_test_run ();
}
