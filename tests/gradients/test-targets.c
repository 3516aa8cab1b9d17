/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which anchors and proposals count in training, what they should have said, and the random numbers
 * that choose among them.
 */
#include "train/targets.h"

#include <string.h>

#include "detect/rpn.h"
#include "model/anchors.h"

#define N_BOXES 1000

/* A row of boxes of 10 × 10, `step` apart. */
static Box *
row_of_boxes (guint n, float step)
{
  Box *boxes = g_new (Box, n);

  for (guint i = 0; i < n; i++)
    boxes[i] = (Box){ step * (float) i, 0, step * (float) i + 10, 10 };
  return boxes;
}

/* A picture with one object at the beginning of the row. */
static TrainObject one_object[] = { { { 0, 0, 10, 10 }, 0, NULL } };
static const TrainSample one = { .width = 100,
  .height = 10,
  .n_objects = 1,
  .objects = one_object };
static const TrainSample nothing = { .width = 100, .height = 10 };

static RandomKey
key (guint64 number)
{
  return random_key_part (random_key_new (7), number);
}

/* --- Sampling --------------------------------------------------------------------------------- */

/* What detectron2's subsample_labels() gives for these numbers of objects and of background. */
static void
check_counts (guint n_objects, guint n_background, guint batch, double fraction)
{
  const SampleSettings settings = { batch, fraction, 0.5f, 0.5f };
  g_autofree Box *boxes = g_new (Box, n_objects + n_background);
  const guint positive = MIN (n_objects, (guint) (batch * fraction));
  const guint negative = MIN (n_background, batch - positive);
  const RandomKey random = key (n_objects);

  for (guint i = 0; i < n_objects + n_background; i++)
    boxes[i] = i < n_background ? (Box){ 50, 0, 60, 10 } : one_object[0].box;
  Sampled sampled = sample_boxes (boxes, n_objects + n_background, &one, &settings, FALSE, random);
  g_assert_cmpuint (sampled.n_positive, ==, positive);
  g_assert_cmpuint (sampled.n, ==, positive + negative);
  for (guint i = 0; i < sampled.n; i++) {
    g_assert_true ((sampled.boxes[i] >= n_background) == (i < positive));
    for (guint k = 0; k < i; k++)
      g_assert_cmpuint (sampled.boxes[k], !=, sampled.boxes[i]);
  }
  sampled_clear (&sampled);
  g_assert_null (sampled.boxes);
}

/* At most the fraction are objects, the rest is background, as much as there is; none comes twice. */
static void
test_counts (void)
{
  check_counts (300, 700, 256, 0.5);
  check_counts (128, 128, 256, 0.5);
  check_counts (127, 500, 256, 0.5);
  check_counts (10, 20, 256, 0.5);
  check_counts (300, 0, 256, 0.5);
  check_counts (0, 300, 256, 0.5);
  check_counts (0, 0, 256, 0.5);
  check_counts (200, 900, 512, 0.25);
  check_counts (5, 5, 5, 0.5);
  check_counts (5, 5, 3, 1);
  check_counts (5, 5, 3, 0);
  check_counts (5, 5, 0, 0.5);
}

/* Without an object everything is background. */
static void
test_no_objects (void)
{
  const SampleSettings settings = { 8, 0.5, 0.3f, 0.7f };
  g_autofree Box *boxes = row_of_boxes (20, 1);
  const RandomKey random = key (0);
  Sampled sampled = sample_boxes (boxes, 20, &nothing, &settings, TRUE, random);

  g_assert_cmpuint (sampled.n, ==, 8);
  g_assert_cmpuint (sampled.n_positive, ==, 0);
  sampled_clear (&sampled);
}

/* Boxes 2 apart overlap the object by 1, 2/3, 3/7, 1/4, 1/9, 0: those between the bounds count as
 * neither, a box at the upper bound is an object. */
static void
test_bounds (void)
{
  static const guint expected[] = { 0, 1, 3, 4, 5 };
  const SampleSettings settings = { 20, 0.5, 0.3f, 0.6f };
  g_autofree Box *boxes = row_of_boxes (6, 2);
  const RandomKey random = key (0);
  Sampled sampled = sample_boxes (boxes, 6, &one, &settings, FALSE, random);

  g_assert_cmpuint (sampled.n_positive, ==, 2);
  g_assert_cmpuint (sampled.n, ==, 5);
  for (guint i = 0; i < sampled.n; i++)
    g_assert_cmpuint (sampled.boxes[i], ==, expected[i]);
  sampled_clear (&sampled);

  const SampleSettings at_bound = { 20, 0.5, 0.3f, 1.0f };
  sampled = sample_boxes (boxes, 6, &one, &at_bound, FALSE, random);
  g_assert_cmpuint (sampled.n_positive, ==, 1);
  g_assert_cmpuint (sampled.boxes[0], ==, 0);
  sampled_clear (&sampled);
}

/* An object that no box meets well has its best boxes, all that tie, when these are kept; each box
 * stands for the object that it overlaps most. */
static void
test_low_quality (void)
{
  TrainObject objects[] = { { { 4, 0, 8, 4 }, 1, NULL }, { { 30, 0, 40, 10 }, 2, NULL } };
  const TrainSample sample = { .width = 100, .height = 10, .n_objects = 2, .objects = objects };
  const SampleSettings settings = { 20, 0.5, 0.3f, 0.7f };
  const Box boxes[] = { { 50, 0, 60, 10 }, { 0, 0, 10, 10 }, { 1, 0, 11, 10 }, { 31, 0, 41, 10 } };
  const RandomKey random = key (0);

  Sampled sampled = sample_boxes (boxes, 4, &sample, &settings, TRUE, random);
  g_assert_cmpuint (sampled.n_positive, ==, 3);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpuint (sampled.boxes[i], ==, i + 1);
    g_assert_cmpuint (sampled.objects[i], ==, i == 2);
  }
  sampled_clear (&sampled);
  sampled = sample_boxes (boxes, 4, &sample, &settings, FALSE, random);
  g_assert_cmpuint (sampled.n_positive, ==, 1);
  g_assert_cmpuint (sampled.boxes[0], ==, 3);
  sampled_clear (&sampled);
}

/* The same key gives the same sample, another key another. */
static void
test_determinism (void)
{
  const SampleSettings settings = { 64, 0.5, 0.3f, 0.7f };
  g_autofree Box *boxes = row_of_boxes (N_BOXES, 1);
  const RandomKey randoms[] = { key (3), key (3), key (4) };
  Sampled samples[3];

  for (guint i = 0; i < 3; i++)
    samples[i] = sample_boxes (boxes, N_BOXES, &nothing, &settings, FALSE, randoms[i]);
  g_assert_cmpmem (samples[0].boxes, 64 * 4, samples[1].boxes, 64 * 4);
  g_assert_cmpint (memcmp (samples[0].boxes, samples[2].boxes, 64 * sizeof (guint32)), !=, 0);
  for (guint i = 0; i < 3; i++)
    sampled_clear (&samples[i]);
}

/* Every box comes equally often: 4000 times 10 of 40 give each 1000 ± 27 (standard deviation); the
 * keys are fixed, so this either holds or does not. */
static void
test_uniform (void)
{
  enum { ROUNDS = 4000, BOXES = 40, BATCH = 10 };
  const SampleSettings settings = { BATCH, 0.5, 0.3f, 0.7f };
  g_autofree Box *boxes = row_of_boxes (BOXES, 1);
  guint counts[BOXES] = { 0 };

  for (guint round = 0; round < ROUNDS; round++) {
    const RandomKey random = key (round);
    Sampled sampled = sample_boxes (boxes, BOXES, &nothing, &settings, FALSE, random);
    for (guint i = 0; i < sampled.n; i++)
      counts[sampled.boxes[i]]++;
    sampled_clear (&sampled);
  }
  for (guint i = 0; i < BOXES; i++) {
    g_assert_cmpuint (counts[i], >, ROUNDS * BATCH / BOXES - 5 * 27);
    g_assert_cmpuint (counts[i], <, ROUNDS * BATCH / BOXES + 5 * 27);
  }
}

/* --- Random numbers --------------------------------------------------------------------------- */

/* Uniform and normal numbers have their ranges, means and variances. */
static void
test_random (void)
{
  enum { N = 100000 };
  double sums[4] = { 0 };

  for (guint i = 0; i < N; i++) {
    const double unit = random_key_uniform (key (0), i), normal = random_key_normal (key (1), i);
    g_assert_true (unit >= 0 && unit < 1);
    g_assert_cmpuint (random_key_below (key (2), i, 7), <, 7);
    sums[0] += unit;
    sums[1] += unit * unit;
    sums[2] += normal;
    sums[3] += normal * normal;
  }
  g_assert_cmpfloat_with_epsilon (sums[0] / N, 0.5, 0.005);
  g_assert_cmpfloat_with_epsilon (sums[1] / N, 1 / 3.0, 0.005);
  g_assert_cmpfloat_with_epsilon (sums[2] / N, 0, 0.02);
  g_assert_cmpfloat_with_epsilon (sums[3] / N, 1, 0.03);
}

/* The generator is splitmix64: its first numbers from the state 1234567, as published with it. */
static void
test_generator (void)
{
  static const guint64 expected[] = { G_GUINT64_CONSTANT (6457827717110365317),
    G_GUINT64_CONSTANT (3203168211198807973), G_GUINT64_CONSTANT (9817491932198370423) };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_true (random_key_bits ((RandomKey){ 1234567 }, i) == expected[i]);
}

/* --- Boxes ------------------------------------------------------------------------------------ */

static Box
random_box (void)
{
  const float x = (float) g_test_rand_double_range (0, 300);
  const float y = (float) g_test_rand_double_range (0, 300);

  return (Box){ x, y, x + (float) g_test_rand_double_range (1, 200),
    y + (float) g_test_rand_double_range (1, 200) };
}

/* Decoding what was encoded gives the object, for the weights of RPN and box head. */
static void
test_encode (void)
{
  static const float weights[][4] = { { 1, 1, 1, 1 }, { 10, 10, 5, 5 }, { 2, 3, 1, 4 } };

  for (guint round = 0; round < 300; round++) {
    const Box box = random_box ();
    Box object = random_box ();
    Real encoded[4];
    /* no side more than 1000 / 16 times as long: decoding cuts there */
    object.x1 = MIN (object.x1, object.x0 + 60 * (box.x1 - box.x0));
    object.y1 = MIN (object.y1, object.y0 + 60 * (box.y1 - box.y0));
    box_encode (encoded, &box, &object, weights[round % 3]);
    const float delta[] = { (float) encoded[0], (float) encoded[1], (float) encoded[2],
      (float) encoded[3] };
    const Box found = box_decode (delta, &box, weights[round % 3]);
    g_assert_cmpfloat_with_epsilon (found.x0, object.x0, 1e-3);
    g_assert_cmpfloat_with_epsilon (found.y0, object.y0, 1e-3);
    g_assert_cmpfloat_with_epsilon (found.x1, object.x1, 1e-3);
    g_assert_cmpfloat_with_epsilon (found.y1, object.y1, 1e-3);
  }
}

/* A box twice as wide, shifted by a quarter of its height: numbers by hand. */
static void
test_encode_by_hand (void)
{
  const float weights[] = { 10, 20, 5, 3 };
  Real delta[4];

  box_encode (delta, &(Box){ 10, 10, 20, 30 }, &(Box){ 5, 15, 25, 35 }, weights);
  g_assert_cmpfloat_with_epsilon (delta[0], 0, 1e-6);
  g_assert_cmpfloat_with_epsilon (delta[1], 20 * 0.25, 1e-6);
  g_assert_cmpfloat_with_epsilon (delta[2], 5 * G_LN2, 1e-6);
  g_assert_cmpfloat_with_epsilon (delta[3], 0, 1e-6);
}

/* Anchors are the boxes that the engine's own proposals are where all deltas are 0, in the order of
 * the logits; with and without an offset. */
static void
check_anchors (double offset)
{
  enum { H = 3, W = 5, CELLS = 4, N = H * W * CELLS, STRIDE = 16 };
  static const float deltas[4 * N] = { 0 };
  const double sizes[] = { 8, 20 }, ratios[] = { 0.5, 2.0 };
  Box cells[CELLS], found[N];
  float logits[N], scores[N];

  make_cell_anchors (cells, sizes, 2, ratios, 2);
  for (guint i = 0; i < N; i++)
    logits[i] = (float) -(int) i; /* so proposals come in the logits' order */
  /* the engine clips at 0: cells are moved into the picture first */
  for (guint i = 0; i < CELLS; i++)
    cells[i] = (Box){ cells[i].x0 + 20, cells[i].y0 + 20, cells[i].x1 + 20, cells[i].y1 + 20 };
  const RpnLevel level = { logits, deltas, H, W, cells, CELLS, STRIDE, (float) offset };
  const RpnParams params = { .pre_nms_count = N,
    .post_nms_count = N,
    .iou_threshold = 1,
    .weights = { 1, 1, 1, 1 } };
  g_autofree void *scratch = g_malloc (rpn_scratch_size (&level, 1, &params));
  g_assert_cmpuint (rpn_proposals (found, scores, &level, 1, &params, 1000, 1000, scratch), ==, N);

  g_autofree Box *anchors = make_anchors (cells, CELLS, H, W, STRIDE, offset);
  for (guint i = 0; i < N; i++) {
    g_assert_cmpfloat_with_epsilon (anchors[i].x0, found[i].x0, 1e-4);
    g_assert_cmpfloat_with_epsilon (anchors[i].y0, found[i].y0, 1e-4);
    g_assert_cmpfloat_with_epsilon (anchors[i].x1, found[i].x1, 1e-4);
    g_assert_cmpfloat_with_epsilon (anchors[i].y1, found[i].y1, 1e-4);
  }
}

static void
test_anchors (void)
{
  check_anchors (0);
  check_anchors (0.5);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/train/targets/counts", test_counts);
  g_test_add_func ("/train/targets/no-objects", test_no_objects);
  g_test_add_func ("/train/targets/bounds", test_bounds);
  g_test_add_func ("/train/targets/low-quality", test_low_quality);
  g_test_add_func ("/train/targets/determinism", test_determinism);
  g_test_add_func ("/train/targets/uniform", test_uniform);
  g_test_add_func ("/train/targets/random", test_random);
  g_test_add_func ("/train/targets/generator", test_generator);
  g_test_add_func ("/train/targets/encode", test_encode);
  g_test_add_func ("/train/targets/encode-by-hand", test_encode_by_hand);
  g_test_add_func ("/train/targets/anchors", test_anchors);
  return g_test_run ();
}
