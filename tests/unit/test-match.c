/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matching boxes to references by IoU.
 */
#include "fbnet/fbnet.h"
#include "detect/match.h"

static const Box reference = { 0, 0, 4, 1 };

/* IoU with `reference`: width / 4. */
static Box
part (float width)
{
  return (Box){ 0, 0, width, 1 };
}

static void
assert_match (Match match, gint reference_index, float iou, MatchLabel label)
{
  g_assert_cmpint (match.reference, ==, reference_index);
  g_assert_cmpfloat (match.iou, ==, iou);
  g_assert_cmpint (match.label, ==, label);
}

/* Exactly the upper bound is an object, exactly the lower one is ignored, below is background. */
static void
test_bounds (void)
{
  const Box boxes[] = { part (4), part (3), part (2), part (1), part (0.5f), { 9, 9, 10, 10 } };
  Match found[6];

  match_boxes (found, boxes, 6, &reference, 1, 0.25f, 0.75f, FALSE, NULL);
  assert_match (found[0], 0, 1, MATCH_OBJECT);
  assert_match (found[1], 0, 0.75f, MATCH_OBJECT);
  assert_match (found[2], 0, 0.5f, MATCH_IGNORED);
  assert_match (found[3], 0, 0.25f, MATCH_IGNORED);
  assert_match (found[4], 0, 0.125f, MATCH_BACKGROUND);
  assert_match (found[5], 0, 0, MATCH_BACKGROUND);
}

/* With equal bounds nothing is ignored. */
static void
test_equal_bounds (void)
{
  const Box boxes[] = { part (2), part (1.9f) };
  Match found[2];

  match_boxes (found, boxes, 2, &reference, 1, 0.5f, 0.5f, FALSE, NULL);
  g_assert_cmpint (found[0].label, ==, MATCH_OBJECT);
  g_assert_cmpint (found[1].label, ==, MATCH_BACKGROUND);
}

/* Without references everything is background, with and without low quality; no boxes are fine. */
static void
test_empty (void)
{
  const Box box = part (1);
  Match found;
  float best;

  match_boxes (&found, &box, 1, NULL, 0, 0.3f, 0.7f, TRUE, NULL);
  assert_match (found, 0, 0, MATCH_BACKGROUND);
  match_boxes (NULL, NULL, 0, &reference, 1, 0.3f, 0.7f, TRUE, &best);
  match_boxes (&found, &box, 1, NULL, 0, 0, 0, FALSE, NULL); /* IoU 0 >= 0, and yet */
  assert_match (found, 0, 0, MATCH_BACKGROUND);
}

/* The first of equally good references is taken. */
static void
test_equal_references (void)
{
  const Box references[] = { part (1), part (4), part (4) };
  const Box box = part (4);
  Match found;

  match_boxes (&found, &box, 1, references, 3, 0.3f, 0.7f, FALSE, NULL);
  assert_match (found, 1, 1, MATCH_OBJECT);
}

/* A reference's best boxes are objects, all that tie, also those nearer to another reference, which
 * they keep; a reference that touches no box promotes none. */
static void
test_low_quality (void)
{
  const Box references[] = { part (4), { 3, 0, 7, 1 }, { 90, 90, 91, 91 } };
  const Box boxes[] = { part (1), part (1), { 0, 0, 3.5f, 1 }, { 50, 50, 51, 51 } };
  Match found[4];
  float best[3];

  match_boxes (found, boxes, 4, references, 3, 0.3f, 0.9f, TRUE, best);
  assert_match (found[0], 0, 0.25f, MATCH_BACKGROUND);
  assert_match (found[2], 0, 0.875f, MATCH_OBJECT); /* best of both references */
  assert_match (found[3], 0, 0, MATCH_BACKGROUND);

  match_boxes (found, boxes, 2, references, 3, 0.3f, 0.9f, TRUE, best);
  assert_match (found[0], 0, 0.25f, MATCH_OBJECT);
  assert_match (found[1], 0, 0.25f, MATCH_OBJECT);
}

static Box
random_box (void)
{
  const float x = (float) g_test_rand_int_range (0, 12), y = (float) g_test_rand_int_range (0, 12);

  return (Box){ x, y, x + (float) g_test_rand_int_range (0, 8),
    y + (float) g_test_rand_int_range (0, 8) };
}

/* Matcher from its definition: a matrix of IoUs, maxima of its columns and rows. */
static void
match_plainly (Match *matches, const Box *boxes, gsize n, const Box *references, gsize n_references,
    float lower, float upper)
{
  for (gsize i = 0; i < n; i++) {
    matches[i] = (Match){ 0, box_iou (&references[0], &boxes[i]), MATCH_IGNORED };
    for (gsize r = 1; r < n_references; r++)
      if (box_iou (&references[r], &boxes[i]) > matches[i].iou)
        matches[i] = (Match){ (gint32) r, box_iou (&references[r], &boxes[i]), MATCH_IGNORED };
    if (matches[i].iou < lower)
      matches[i].label = MATCH_BACKGROUND;
    else if (matches[i].iou >= upper)
      matches[i].label = MATCH_OBJECT;
  }
  for (gsize i = 0; i < n; i++)
    for (gsize r = 0; r < n_references; r++) {
      const float iou = box_iou (&references[r], &boxes[i]);
      gboolean is_best = iou > 0;
      for (gsize j = 0; j < n; j++)
        is_best = is_best && box_iou (&references[r], &boxes[j]) <= iou;
      if (is_best)
        matches[i].label = MATCH_OBJECT;
    }
}

/* Random boxes with many ties match as the definition says. */
static void
test_random (void)
{
  for (guint round = 0; round < 300; round++) {
    Box boxes[40], references[6];
    Match found[40], expected[40];
    float best[6];
    const gsize n = (gsize) g_test_rand_int_range (1, 41);
    const gsize n_references = (gsize) g_test_rand_int_range (1, 7);
    for (gsize i = 0; i < n; i++)
      boxes[i] = random_box ();
    for (gsize r = 0; r < n_references; r++)
      references[r] = random_box ();
    match_boxes (found, boxes, n, references, n_references, 0.3f, 0.7f, TRUE, best);
    match_plainly (expected, boxes, n, references, n_references, 0.3f, 0.7f);
    for (gsize i = 0; i < n; i++)
      assert_match (found[i], expected[i].reference, expected[i].iou, expected[i].label);
  }
}

/* --- Detections ------------------------------------------------------------------------------- */

static FbnetDetection
detection_of (float x0, float x1, guint class_id)
{
  return (FbnetDetection){ .x0 = x0, .y0 = 0, .x1 = x1, .y1 = 10, .class_id = class_id };
}

static void
assert_detection (const FbnetMatch *match, FbnetMatchLabel label, gint index, gboolean is_first)
{
  g_assert_cmpint (match->label, ==, label);
  g_assert_cmpint (match->reference, ==, index);
  g_assert_cmpint (match->is_first, ==, is_first);
}

static void
assert_counts (const FbnetMatchCounts *counts, guint64 true_positives, guint64 false_positives,
    guint64 misses)
{
  g_assert_cmpuint (counts->true_positives, ==, true_positives);
  g_assert_cmpuint (counts->false_positives, ==, false_positives);
  g_assert_cmpuint (counts->misses, ==, misses);
}

/* An object, its duplicate, one between the bounds, one of the wrong class, one over nothing; of
 * three references two are missed. A second frame adds to the counts. */
static void
test_detections (void)
{
  const FbnetReference references[] = { { 0, 0, 10, 10, 1 }, { 20, 0, 30, 10, 2 },
    { 40, 0, 50, 10, 1 } };
  const FbnetDetection detections[] = { detection_of (0, 9, 1), detection_of (1, 10, 1),
    detection_of (40, 45, 1), detection_of (20, 30, 1), detection_of (60, 70, 2) };
  FbnetMatch found[G_N_ELEMENTS (detections)];
  FbnetMatchCounts counts = { 0 };

  fbnet_match_detections (found, detections, 5, references, 3, 0.3f, 0.7f, &counts);
  assert_detection (&found[0], FBNET_MATCH_OBJECT, 0, TRUE);
  assert_detection (&found[1], FBNET_MATCH_OBJECT, 0, FALSE);
  assert_detection (&found[2], FBNET_MATCH_IGNORED, 2, FALSE);
  assert_detection (&found[3], FBNET_MATCH_BACKGROUND, -1, FALSE);
  assert_detection (&found[4], FBNET_MATCH_BACKGROUND, -1, FALSE);
  assert_counts (&counts, 1, 3, 2);
  g_assert_cmpuint (counts.objects, ==, 2);
  g_assert_cmpuint (counts.background, ==, 2);
  g_assert_cmpuint (counts.ignored, ==, 1);

  fbnet_match_detections (NULL, NULL, 0, references, 3, 0.3f, 0.7f, &counts);
  assert_counts (&counts, 1, 3, 5);
  fbnet_match_detections (found, detections, 1, NULL, 0, 0.3f, 0.7f, &counts);
  assert_counts (&counts, 1, 4, 5);
}

/* A reference of any class is matched by any class, and found once. */
static void
test_any_class (void)
{
  const FbnetReference wanted = { 0, 0, 10, 10, FBNET_ANY_CLASS };
  const FbnetDetection detections[] = { detection_of (0, 10, 3), detection_of (0, 10, 0) };
  FbnetMatch found[G_N_ELEMENTS (detections)];
  FbnetMatchCounts counts = { 0 };

  fbnet_match_detections (found, detections, 2, &wanted, 1, 0.3f, 0.7f, &counts);
  assert_detection (&found[0], FBNET_MATCH_OBJECT, 0, TRUE);
  assert_detection (&found[1], FBNET_MATCH_OBJECT, 0, FALSE);
  assert_counts (&counts, 1, 1, 0);
}

/* What lies in a group is ignored, unless it is an object; a group is never missed. */
static void
test_group (void)
{
  const FbnetReference references[] = { { 0, 0, 100, 10, 0, TRUE }, { 0, 0, 10, 10, 0 } };
  const FbnetDetection detections[] = { detection_of (0, 10, 0), detection_of (50, 60, 0),
    detection_of (95, 110, 0) };
  FbnetMatch found[G_N_ELEMENTS (detections)];
  FbnetMatchCounts counts = { 0 };

  fbnet_match_detections (found, detections, 3, references, 2, 0.3f, 0.7f, &counts);
  assert_detection (&found[0], FBNET_MATCH_OBJECT, 1, TRUE);
  assert_detection (&found[1], FBNET_MATCH_IGNORED, -1, FALSE);
  assert_detection (&found[2], FBNET_MATCH_BACKGROUND, -1, FALSE);
  assert_counts (&counts, 1, 1, 0);
}

/* With an upper bound of 0 everything is an object, but what overlaps no reference finds none: no
 * more are found than there are. */
static void
test_bound_of_nothing (void)
{
  const FbnetReference wanted = { 0, 0, 10, 10, 0 };
  const FbnetDetection detections[] = { detection_of (50, 60, 0), detection_of (0, 1, 0),
    detection_of (70, 80, 0) };
  FbnetMatch found[G_N_ELEMENTS (detections)];
  FbnetMatchCounts counts = { 0 };

  fbnet_match_detections (found, detections, 3, &wanted, 1, 0, 0, &counts);
  assert_detection (&found[0], FBNET_MATCH_OBJECT, -1, FALSE);
  assert_detection (&found[1], FBNET_MATCH_OBJECT, 0, TRUE);
  assert_counts (&counts, 1, 2, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/match/bounds", test_bounds);
  g_test_add_func ("/match/equal-bounds", test_equal_bounds);
  g_test_add_func ("/match/empty", test_empty);
  g_test_add_func ("/match/equal-references", test_equal_references);
  g_test_add_func ("/match/low-quality", test_low_quality);
  g_test_add_func ("/match/random", test_random);
  g_test_add_func ("/match/detections", test_detections);
  g_test_add_func ("/match/any-class", test_any_class);
  g_test_add_func ("/match/group", test_group);
  g_test_add_func ("/match/bound-of-nothing", test_bound_of_nothing);
  return g_test_run ();
}
