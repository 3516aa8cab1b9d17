/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From class logits and deltas to detections, and on to the frame.
 */
#include "detect/boxhead.h"

#include <math.h>

#define MAX_FOUND 400

static BoxHeadParams
two_classes (void)
{
  return (BoxHeadParams){ .n_classes = 2,
    .weights = { 1, 1, 1, 1 },
    .score_threshold = 0.05f,
    .iou_threshold = 0.5f,
    .max_detections = 100 };
}

/* Runs over scratch of exactly the size asked for, in a picture of 100 × 50. */
static gsize
run (BoxHeadDetection *out, const Box *proposals, const float *logits, const float *deltas, gsize n,
    const BoxHeadParams *params)
{
  g_autofree void *scratch = g_malloc (box_head_scratch_size (n, params->n_classes));

  return box_head_detections (out, proposals, logits, deltas, n, params, 100, 50, scratch);
}

/* --- Softmax ---------------------------------------------------------------------------------- */

/* Rows are independent, do not overflow, and -infinity is a probability of 0. */
static void
test_softmax (void)
{
  float rows[] = { 0, (float) G_LN2, 0, 1e30f, 1e30f, -1e30f, -INFINITY, 3, -INFINITY };

  softmax_rows (rows, 3, 3);
  const float expected[] = { 0.25f, 0.5f, 0.25f, 0.5f, 0.5f, 0, 0, 1, 0 };
  for (gsize i = 0; i < 9; i++)
    g_assert_cmpfloat_with_epsilon (rows[i], expected[i], 1e-7);
}

/* NaN and +infinity make their row improbable, and only theirs. */
static void
test_softmax_not_finite (void)
{
  float rows[] = { 0, NAN, 0, INFINITY, 5, 5, -INFINITY, -INFINITY, -INFINITY, 0, 0, 0 };

  softmax_rows (rows, 4, 3);
  for (gsize row = 0; row < 3; row++)
    g_assert_true (rows[row * 3] == 0 && rows[row * 3 + 1] == 0 && rows[row * 3 + 2] == 0);
  g_assert_cmpfloat (rows[9], ==, 1.0f / 3.0f);
}

/* --- Detections ------------------------------------------------------------------------------- */

/* Each class has its own deltas, the background none; boxes are clipped; the best score is first. */
static void
test_detections (void)
{
  const Box proposals[] = { { 10, 10, 20, 20 }, { 80, 20, 120, 40 } };
  const float logits[] = { 2, 1, 0, -9, 4, 0 };
  const float deltas[] = { 0, 0, 0, 0, 1, 2, 0, 0, /* */ 9, 9, 9, 9, 0, 0.5f, 0, 0 };
  const BoxHeadParams params = two_classes ();
  BoxHeadDetection found[4];

  g_assert_cmpuint (run (found, proposals, logits, deltas, 2, &params), ==, 3);

  const double sum = exp (2) + exp (1) + exp (0);
  const BoxHeadDetection expected[] = {
    { { 80, 30, 100, 50 }, (float) (exp (4) / (exp (-9) + exp (4) + 1)), 1, 1 },
    { { 10, 10, 20, 20 }, (float) (exp (2) / sum), 0, 0 },
    { { 20, 30, 30, 40 }, (float) (exp (1) / sum), 1, 0 },
  };
  for (gsize i = 0; i < 3; i++) {
    g_assert_cmpfloat (found[i].box.x0, ==, expected[i].box.x0);
    g_assert_cmpfloat (found[i].box.y0, ==, expected[i].box.y0);
    g_assert_cmpfloat (found[i].box.x1, ==, expected[i].box.x1);
    g_assert_cmpfloat (found[i].box.y1, ==, expected[i].box.y1);
    g_assert_cmpfloat_with_epsilon (found[i].score, expected[i].score, 1e-6);
    g_assert_cmpuint (found[i].class_id, ==, expected[i].class_id);
    g_assert_cmpuint (found[i].proposal, ==, expected[i].proposal);
  }
}

/* A probability of exactly the threshold is not enough; a class can have a threshold of its own, and
 * one of 1 switches it off even at probability 1. */
static void
test_thresholds (void)
{
  const Box proposal = { 10, 10, 20, 20 };
  const float half[] = { 0, 0, -INFINITY }, certain[] = { 200, 0, 0 }, deltas[8] = { 0 };
  BoxHeadDetection found[2];
  BoxHeadParams params = two_classes ();

  params.score_threshold = 0.5f;
  g_assert_cmpuint (run (found, &proposal, half, deltas, 1, &params), ==, 0);
  params.score_threshold = nextafterf (0.5f, 0);
  g_assert_cmpuint (run (found, &proposal, half, deltas, 1, &params), ==, 2);
  params.class_thresholds = (float[]){ 0.6f, 0.4f };
  g_assert_cmpuint (run (found, &proposal, half, deltas, 1, &params), ==, 1);
  g_assert_cmpuint (found[0].class_id, ==, 1);
  params.class_thresholds = (float[]){ 1, 1 };
  g_assert_cmpuint (run (found, &proposal, certain, deltas, 1, &params), ==, 0);
}

/* Classes do not suppress each other unless asked to; deltas can be shared by all classes. */
static void
test_class_agnostic (void)
{
  const Box proposal = { 10, 10, 20, 20 };
  const float logits[] = { 1, 2, 0 }, shared[] = { 1, 0, 0, 0 };
  BoxHeadParams params = two_classes ();

  params.class_agnostic_boxes = TRUE;
  BoxHeadDetection found[2];
  g_assert_cmpuint (run (found, &proposal, logits, shared, 1, &params), ==, 2);
  g_assert_cmpfloat (found[0].box.x0, ==, 20);
  g_assert_cmpfloat (found[1].box.x0, ==, 20);
  params.class_agnostic_nms = TRUE;
  g_assert_cmpuint (run (found, &proposal, logits, shared, 1, &params), ==, 1);
  g_assert_cmpuint (found[0].class_id, ==, 1);
}

/* No proposals, and room for one or none. */
static void
test_counts (void)
{
  const Box proposals[] = { { 10, 10, 20, 20 }, { 40, 10, 50, 20 } };
  const float logits[] = { 1, -9, 0, 2, -9, 0 }, deltas[16] = { 0 };
  BoxHeadParams params = two_classes ();
  BoxHeadDetection found[4];

  g_assert_cmpuint (run (found, NULL, NULL, NULL, 0, &params), ==, 0);
  params.max_detections = 1;
  g_assert_cmpuint (run (found, proposals, logits, deltas, 2, &params), ==, 1);
  g_assert_cmpuint (found[0].proposal, ==, 1);
  params.max_detections = 0;
  g_assert_cmpuint (run (found, proposals, logits, deltas, 2, &params), ==, 0);
}

/* One box that is not finite, of whatever class and score, takes its whole proposal away, as in
 * detectron2, and no other; an infinite scale is only clamped. */
static void
test_not_finite (void)
{
  const Box proposals[] = { { 10, 10, 20, 20 }, { 40, 10, 50, 20 } };
  const float logits[] = { 5, -90, 0, 5, -90, 0 };
  const struct {
    float value;
    gsize component;
    gsize n_left;
  } cases[] = { { 0, 0, 2 }, { NAN, 0, 1 }, { NAN, 3, 1 }, { INFINITY, 1, 1 }, { -INFINITY, 0, 1 },
    { 1e38f, 0, 1 }, { 1e30f, 0, 2 }, { INFINITY, 2, 2 }, { -INFINITY, 3, 2 } };
  const BoxHeadParams params = two_classes ();
  BoxHeadDetection found[4];

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    float deltas[16] = { 0 };
    deltas[4 + cases[i].component] = cases[i].value; /* of the class nobody believes in */
    g_assert_cmpuint (run (found, proposals, logits, deltas, 2, &params), ==, cases[i].n_left);
  }
  const float deltas[16] = { 0 };
  const float spoilt[] = { 5, 0, NAN, 5, 0, 0 };
  g_assert_cmpuint (run (found, proposals, spoilt, deltas, 2, &params), ==, 1);
  const Box endless[] = { { 10, 10, INFINITY, 20 }, { 40, 10, 50, 20 } };
  g_assert_cmpuint (run (found, endless, logits, deltas, 2, &params), ==, 1);
}

/* fast_rcnn_inference_single_image from its definition: every class decoded, candidates in the order
 * of proposals and classes, the best taken until none is left. The softmax is the engine's, so that
 * its rounding does not decide between near equals. */
static gsize
detect_plainly (BoxHeadDetection *out, const Box *proposals, const float *logits,
    const float *deltas, gsize n, const BoxHeadParams *params)
{
  const gsize n_classes = params->n_classes;
  g_autoptr (GArray) left = g_array_new (FALSE, FALSE, sizeof (BoxHeadDetection));

  for (gsize i = 0; i < n; i++) {
    g_autofree float *scores =
        g_memdup2 (logits + i * (n_classes + 1), (n_classes + 1) * sizeof *scores);
    softmax_rows (scores, 1, n_classes + 1);
    for (gsize k = 0; k < n_classes; k++) {
      const Box box = box_decode (deltas + (i * n_classes + k) * 4, &proposals[i], params->weights);
      const BoxHeadDetection candidate = { box_clip (&box, 100, 50), scores[k], (guint32) k,
        (guint32) i };
      if (candidate.score > params->score_threshold)
        g_array_append_val (left, candidate);
    }
  }
  gsize n_found = 0;
  while (left->len > 0 && n_found < params->max_detections) {
    guint best = 0;
    for (guint i = 1; i < left->len; i++)
      if (g_array_index (left, BoxHeadDetection, i).score
          > g_array_index (left, BoxHeadDetection, best).score)
        best = i;
    const BoxHeadDetection chosen = g_array_index (left, BoxHeadDetection, best);
    out[n_found++] = chosen;
    g_array_remove_index (left, best);
    for (guint i = left->len; i-- > 0;) {
      const BoxHeadDetection *other = &g_array_index (left, BoxHeadDetection, i);
      if (other->class_id == chosen.class_id
          && box_iou (&other->box, &chosen.box) > params->iou_threshold)
        g_array_remove_index (left, i);
    }
  }
  return n_found;
}

/* Random heads detect what the definition detects. */
static void
test_random (void)
{
  enum { MAX_N = 20, MAX_CLASSES = 12 };

  for (guint round = 0; round < 100; round++) {
    const gsize n = (gsize) g_test_rand_int_range (1, MAX_N + 1);
    BoxHeadParams params = two_classes ();
    params.n_classes = (gsize) g_test_rand_int_range (1, MAX_CLASSES + 1);
    params.max_detections = (gsize) g_test_rand_int_range (1, MAX_FOUND);
    Box proposals[MAX_N];
    float logits[MAX_N * (MAX_CLASSES + 1)], deltas[MAX_N * MAX_CLASSES * 4];
    for (gsize i = 0; i < n; i++) {
      const float x = (float) g_test_rand_double_range (0, 60);
      const float y = (float) g_test_rand_double_range (0, 20);
      proposals[i] = (Box){ x, y, x + 30, y + 25 };
    }
    for (gsize i = 0; i < n * (params.n_classes + 1); i++)
      logits[i] = (float) g_test_rand_double_range (-4, 4);
    for (gsize i = 0; i < n * params.n_classes * 4; i++)
      deltas[i] = (float) g_test_rand_double_range (-0.5, 0.5);

    BoxHeadDetection found[MAX_FOUND], expected[MAX_FOUND];
    const gsize n_found = run (found, proposals, logits, deltas, n, &params);
    g_assert_cmpuint (n_found, ==,
        detect_plainly (expected, proposals, logits, deltas, n, &params));
    for (gsize i = 0; i < n_found; i++) {
      g_assert_cmpmem (&found[i].box, sizeof (Box), &expected[i].box, sizeof (Box));
      g_assert_cmpfloat (found[i].score, ==, expected[i].score);
      g_assert_cmpuint (found[i].class_id, ==, expected[i].class_id);
      g_assert_cmpuint (found[i].proposal, ==, expected[i].proposal);
    }
  }
}

/* --- To the frame ----------------------------------------------------------------------------- */

/* Boxes are stretched by each axis's ratio and clipped; those with nothing left are told. */
static void
test_to_frame (void)
{
  Box box;

  g_assert_true (box_to_frame (&box, &(Box){ 10, 10, 50, 90 }, 100, 100, 200, 50));
  g_assert_cmpfloat (box.x0, ==, 20);
  g_assert_cmpfloat (box.y0, ==, 5);
  g_assert_cmpfloat (box.x1, ==, 100);
  g_assert_cmpfloat (box.y1, ==, 45);
  g_assert_true (box_to_frame (&box, &(Box){ -7, 10, 999, 90 }, 100, 100, 200, 50));
  g_assert_cmpfloat (box.x0, ==, 0);
  g_assert_cmpfloat (box.x1, ==, 200);
  g_assert_false (box_to_frame (&box, &(Box){ 10, 10, 10, 90 }, 100, 100, 200, 50));
  g_assert_false (box_to_frame (&box, &(Box){ 10, 60, 20, 50 }, 100, 100, 200, 50));
  g_assert_false (box_to_frame (&box, &(Box){ 100, 10, 130, 90 }, 100, 100, 200, 50));
  g_assert_false (box_to_frame (&box, &(Box){ NAN, 10, 130, 90 }, 100, 100, 200, 50));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/boxhead/softmax", test_softmax);
  g_test_add_func ("/boxhead/softmax-not-finite", test_softmax_not_finite);
  g_test_add_func ("/boxhead/detections", test_detections);
  g_test_add_func ("/boxhead/thresholds", test_thresholds);
  g_test_add_func ("/boxhead/class-agnostic", test_class_agnostic);
  g_test_add_func ("/boxhead/counts", test_counts);
  g_test_add_func ("/boxhead/not-finite", test_not_finite);
  g_test_add_func ("/boxhead/random", test_random);
  g_test_add_func ("/boxhead/to-frame", test_to_frame);
  return g_test_run ();
}
