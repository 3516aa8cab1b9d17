/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stable top-k and non-maximum suppression. Scratch is allocated to the byte, so that a memory
 * checker sees what goes beyond.
 */
#include "detect/nms.h"

#include <math.h>
#include <string.h>

/* --- top_k ------------------------------------------------------------------------------------ */

static void
assert_top_k (const float *scores, gsize n, gsize k, const guint32 *expected, gsize n_expected)
{
  g_autofree guint32 *order = g_new (guint32, MAX (n, 1));
  g_autofree void *scratch = g_malloc (n * 8);

  memset (order, 0xff, n * sizeof *order);
  top_k (order, scores, n, k, scratch);
  g_assert_cmpmem (order, n_expected * sizeof *order, expected, n_expected * sizeof *expected);
  for (gsize i = n_expected; i < n; i++)
    g_assert_cmphex (order[i], ==, 0xffffffff);
}

/* The k best come in order, and nothing more is written, for k of none, some, all and too many. */
static void
test_top_k_counts (void)
{
  const float scores[] = { 1, -3, 7, 0.5f, -0.25f };
  const guint32 order[] = { 2, 0, 3, 4, 1 };

  for (gsize k = 0; k <= 7; k++)
    assert_top_k (scores, 5, k, order, MIN (k, 5));
  assert_top_k (NULL, 0, 3, NULL, 0);
}

/* Equal scores keep their order, inside the k best and at their edge; 0 and -0 are equal. */
static void
test_top_k_ties (void)
{
  const float scores[] = { 1, 2, 1, 2, 0, -0.0f, 0, 1 };
  const guint32 order[] = { 1, 3, 0, 2, 7, 4, 5, 6 };

  for (gsize k = 0; k <= 8; k++)
    assert_top_k (scores, 8, k, order, k);
}

/* Infinities are the ends, and NaN of either sign comes after all. */
static void
test_top_k_not_finite (void)
{
  const float scores[] = { NAN, -INFINITY, 3, -NAN, INFINITY, -3 };
  const guint32 order[] = { 4, 2, 5, 1, 0, 3 };

  for (gsize k = 0; k <= 6; k++)
    assert_top_k (scores, 6, k, order, k);
}

/* Insertion sort: stable, and nothing like a radix sort. */
static void
sort_plainly (guint32 *order, const float *scores, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gsize at = i;
    for (; at > 0 && scores[order[at - 1]] < scores[i]; at--)
      order[at] = order[at - 1];
    order[at] = (guint32) i;
  }
}

/* Any float but NaN, or, coarse, one of a few values, so that ties abound. */
static float
random_score (gboolean coarse)
{
  if (coarse)
    return (float) g_test_rand_int_range (-4, 5) / 4;
  union {
    guint32 bits;
    float value;
  } u = { .bits = (guint32) g_test_rand_int () };
  return isnan (u.value) ? 0.0f : u.value;
}

/* Random scores of all magnitudes, and with many ties, come in the order of an insertion sort. */
static void
test_top_k_random (void)
{
  for (guint round = 0; round < 200; round++) {
    const gsize n = (gsize) g_test_rand_int_range (1, 700);
    const gsize k = (gsize) g_test_rand_int_range (0, 800);
    g_autofree float *scores = g_new (float, n);
    g_autofree guint32 *expected = g_new (guint32, n);
    for (gsize i = 0; i < n; i++)
      scores[i] = random_score (round % 2);
    sort_plainly (expected, scores, n);
    assert_top_k (scores, n, k, expected, MIN (k, n));
  }
}

/* --- nms -------------------------------------------------------------------------------------- */

static void
assert_nms (const Box *boxes, const float *scores, const guint32 *groups, gsize n, gsize limit,
    float threshold, const guint32 *expected, gsize n_expected)
{
  g_autofree guint32 *keep = g_new (guint32, MAX (MIN (n, limit), 1));
  g_autofree void *scratch = g_malloc (nms_scratch_size (n));
  const gsize found = nms (keep, limit, boxes, scores, groups, n, threshold, scratch);

  g_assert_cmpuint (found, ==, n_expected);
  g_assert_cmpmem (keep, found * sizeof *keep, expected, n_expected * sizeof *expected);
}

/* No box, one box, and room for none. */
static void
test_nms_few (void)
{
  const Box box = { 0, 0, 1, 1 };
  const float score = -5;

  assert_nms (NULL, NULL, NULL, 0, 10, 0.5f, NULL, 0);
  assert_nms (&box, &score, NULL, 1, 10, 0.5f, (guint32[]){ 0 }, 1);
  assert_nms (&box, &score, NULL, 1, 0, 0.5f, NULL, 0);
}

/* An overlap of exactly the threshold stays, one just over goes. */
static void
test_nms_threshold (void)
{
  const Box boxes[] = { { 0, 0, 2, 1 }, { 0, 0, 1, 1 } }; /* IoU 0.5 */
  const float scores[] = { 1, 2 };

  assert_nms (boxes, scores, NULL, 2, 9, 0.5f, (guint32[]){ 1, 0 }, 2);
  assert_nms (boxes, scores, NULL, 2, 9, nextafterf (0.5f, 0), (guint32[]){ 1 }, 1);
}

/* A suppressed box suppresses nobody. */
static void
test_nms_chain (void)
{
  const Box boxes[] = { { 0, 0, 10, 10 }, { 4, 0, 14, 10 }, { 8, 0, 18, 10 } };
  const float scores[] = { 3, 2, 1 };

  assert_nms (boxes, scores, NULL, 3, 9, 0.4f, (guint32[]){ 0, 2 }, 2);
}

/* Equal boxes of other groups stay; equal boxes of equal scores leave the first; the limit counts
 * over all groups. */
static void
test_nms_groups (void)
{
  const Box boxes[] = { { 0, 0, 1, 1 }, { 0, 0, 1, 1 }, { 0, 0, 1, 1 }, { 0, 0, 1, 1 } };
  const float scores[] = { 1, 5, 1, 5 };
  const guint32 groups[] = { 7, 4000000000u, 7, 7 };

  assert_nms (boxes, scores, groups, 4, 9, 0.5f, (guint32[]){ 1, 3 }, 2);
  assert_nms (boxes, scores, groups, 4, 1, 0.5f, (guint32[]){ 1 }, 1);
  assert_nms (boxes, scores, NULL, 4, 9, 0.5f, (guint32[]){ 1 }, 1);
}

/* Boxes of no area are not suppressed, not even by themselves (0 / 0); NaN scores come last. */
static void
test_nms_degenerate (void)
{
  const Box boxes[] = { { 3, 3, 3, 3 }, { 3, 3, 3, 3 }, { 0, 0, 9, 9 }, { 0, 0, 9, 9 } };
  const float scores[] = { 1, 2, NAN, -INFINITY };

  assert_nms (boxes, scores, NULL, 4, 9, 0, (guint32[]){ 1, 0, 3 }, 3);
}

/* The definition, in n². */
static gsize
suppress_plainly (guint32 *keep, gsize limit, const Box *boxes, const float *scores,
    const guint32 *groups, gsize n, float threshold)
{
  g_autofree guint32 *order = g_new (guint32, n);

  sort_plainly (order, scores, n);
  gsize n_kept = 0;
  for (gsize i = 0; i < n && n_kept < limit; i++) {
    gboolean stays = TRUE;
    for (gsize j = 0; j < n_kept; j++)
      if (groups[order[i]] == groups[keep[j]]
          && box_iou (&boxes[order[i]], &boxes[keep[j]]) > threshold)
        stays = FALSE;
    if (stays)
      keep[n_kept++] = order[i];
  }
  return n_kept;
}

/* Random crowds, groups and limits keep what the definition keeps. */
static void
test_nms_random (void)
{
  for (guint round = 0; round < 200; round++) {
    const gsize n = (gsize) g_test_rand_int_range (1, 400);
    const gsize limit = (gsize) g_test_rand_int_range (0, 450);
    const float threshold = (float) g_test_rand_double ();
    g_autofree Box *boxes = g_new (Box, n);
    g_autofree float *scores = g_new (float, n);
    g_autofree guint32 *groups = g_new (guint32, n), *expected = g_new (guint32, n);
    const gint n_groups = g_test_rand_int_range (1, 6);
    for (gsize i = 0; i < n; i++) {
      const float x = (float) g_test_rand_double_range (0, 50);
      const float y = (float) g_test_rand_double_range (0, 50);
      boxes[i] = (Box){ x, y, x + (float) g_test_rand_double_range (0, 60),
        y + (float) g_test_rand_double_range (0, 60) };
      scores[i] = random_score (round % 2);
      groups[i] = (guint32) g_test_rand_int_range (0, n_groups) * 0x01010101u;
    }
    const gsize n_expected =
        suppress_plainly (expected, limit, boxes, scores, groups, n, threshold);
    assert_nms (boxes, scores, groups, n, limit, threshold, expected, n_expected);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/top-k/counts", test_top_k_counts);
  g_test_add_func ("/top-k/ties", test_top_k_ties);
  g_test_add_func ("/top-k/not-finite", test_top_k_not_finite);
  g_test_add_func ("/top-k/random", test_top_k_random);
  g_test_add_func ("/nms/few", test_nms_few);
  g_test_add_func ("/nms/threshold", test_nms_threshold);
  g_test_add_func ("/nms/chain", test_nms_chain);
  g_test_add_func ("/nms/groups", test_nms_groups);
  g_test_add_func ("/nms/degenerate", test_nms_degenerate);
  g_test_add_func ("/nms/random", test_nms_random);
  return g_test_run ();
}
