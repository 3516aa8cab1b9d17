/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ROIAlign over one level and several.
 */
#include "detect/roi.h"

#include <math.h>
#include <string.h>

#define MAX_LEVELS 3

typedef struct {
  RoiLevel levels[MAX_LEVELS];
  RoiPooler pooler;
} Pooler;

/* A pyramid whose first map is height × width and each further one half of that, of zeros. */
static Pooler *
pooler_new (gsize n_levels, gsize height, gsize width, gsize channels, guint min_level)
{
  Pooler *p = g_new0 (Pooler, 1);

  for (gsize l = 0; l < n_levels; l++) {
    const gsize h = MAX (height >> l, 1), w = MAX (width >> l, 1);
    p->levels[l].feature = (Tensor){ g_new0 (float, h *w *channels), 1, h, w, channels };
    p->levels[l].scale = 1.0f / (float) (1u << (min_level + l));
  }
  p->pooler = (RoiPooler){ .levels = p->levels,
    .n_levels = n_levels,
    .min_level = min_level,
    .resolution = 2 };
  return p;
}

static void
pooler_free (Pooler *p)
{
  for (gsize l = 0; l < p->pooler.n_levels; l++)
    g_free (p->levels[l].feature.data);
  g_free (p);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pooler, pooler_free)

/* One map of one channel at scale 1, one bin of `resolution`² each. */
static Pooler *
single_new (gsize height, gsize width, guint resolution)
{
  Pooler *p = pooler_new (1, height, width, 1, 0);

  p->pooler.resolution = resolution;
  return p;
}

static void
fill (const Pooler *p, float at_origin, float per_row, float per_column)
{
  const Tensor *t = &p->levels[0].feature;

  for (gsize y = 0; y < t->h; y++)
    for (gsize x = 0; x < t->w; x++)
      *tensor_pixel (t, 0, y, x) = at_origin + per_row * (float) y + per_column * (float) x;
}

/* Pools on `n_threads` over scratch of exactly the size asked for. */
static void
pool_by (const Kernels *kernels, float *out, const Pooler *p, const Box *boxes, gsize n,
    guint n_threads)
{
  Workers *workers = n_threads ? workers_new (n_threads, NULL) : NULL;
  g_autofree void *scratch = g_malloc (workers_count (workers) * roi_scratch_size (&p->pooler));

  roi_align (out, &p->pooler, boxes, n, kernels, workers, scratch);
  workers_free (workers);
}

static void
pool (float *out, const Pooler *p, const Box *boxes, gsize n, guint n_threads)
{
  pool_by (kernels_find ("c", NULL), out, p, boxes, n, n_threads);
}

static float
pool_one (const Pooler *p, Box box)
{
  float out;

  g_assert_cmpuint (p->pooler.resolution, ==, 1);
  pool (&out, p, &box, 1, 0);
  return out;
}

/* A constant map pools to the constant, and a ramp to its value in the middle of the bin: pixel
 * centres lie at half coordinates. */
static void
test_ramp (void)
{
  g_autoptr (Pooler) p = single_new (20, 30, 2);
  float out[4];

  fill (p, 7, 0, 0);
  pool (out, p, &(Box){ 3.3f, 4.1f, 14.9f, 9.2f }, 1, 0);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat_with_epsilon (out[i], 7, 1e-5);

  fill (p, 0, 10, 1);
  pool (out, p, &(Box){ 4, 6, 8, 14 }, 1, 0); /* bins 2 × 4, centred on (5, 8), (7, 8), … */
  g_assert_cmpfloat_with_epsilon (out[0], 75 + 4.5, 1e-4);
  g_assert_cmpfloat_with_epsilon (out[1], 75 + 6.5, 1e-4);
  g_assert_cmpfloat_with_epsilon (out[2], 115 + 4.5, 1e-4);
  g_assert_cmpfloat_with_epsilon (out[3], 115 + 6.5, 1e-4);
}

/* A box of no size, turned over, or of NaN has no samples and pools to 0. */
static void
test_no_samples (void)
{
  g_autoptr (Pooler) p = single_new (4, 4, 1);

  fill (p, 1, 0, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 2, 2, 2, 2 }), ==, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 1, 2, 3, 2 }), ==, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 3, 3, 1, 1 }), ==, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ NAN, 0, 1, 1 }), ==, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 1, 1, nextafterf (1, 2), 2 }), ==, 1);
}

/* A sample exactly one pixel before the first, or exactly at the length, counts as the border; just
 * beyond it is 0. */
static void
test_borders (void)
{
  g_autoptr (Pooler) p = single_new (3, 5, 1);

  p->pooler.sampling_ratio = 1; /* one sample, in the box's centre less 0.5 */
  fill (p, 2, 0, 1);
  g_assert_cmpfloat (pool_one (p, (Box){ -1.5f, 1, 0.5f, 2 }), ==, 2);
  g_assert_cmpfloat (pool_one (p, (Box){ -1.5f, 1, 0.4999f, 2 }), ==, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 4.5f, 1, 6.5f, 2 }), ==, 6);
  g_assert_cmpfloat (pool_one (p, (Box){ 4.5f, 1, 6.5001f, 2 }), ==, 0);
  fill (p, 2, 1, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 1, -1.5f, 2, 0.5f }), ==, 2);
  g_assert_cmpfloat (pool_one (p, (Box){ 1, -1.5f, 2, 0.4999f }), ==, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 1, 2.5f, 2, 4.5f }), ==, 4);
  g_assert_cmpfloat (pool_one (p, (Box){ 1, 2.5f, 2, 4.5001f }), ==, 0);
}

/* Samples outside the map count as zeros in the mean. */
static void
test_partly_outside (void)
{
  g_autoptr (Pooler) p = single_new (4, 4, 1);

  fill (p, 8, 0, 0);
  /* 4 × 2 samples, at x = -3.5 … , three of four columns left of -1 */
  g_assert_cmpfloat (pool_one (p, (Box){ -3.5f, 1, 0.5f, 3 }), ==, 2);
  g_assert_cmpfloat (pool_one (p, (Box){ 50, 50, 60, 60 }), ==, 0);
}

/* A map of one pixel is that pixel wherever a sample counts. */
static void
test_one_pixel (void)
{
  g_autoptr (Pooler) p = single_new (1, 1, 1);

  fill (p, 3, 0, 0);
  g_assert_cmpfloat (pool_one (p, (Box){ 0, 0, 1, 1 }), ==, 3);
  g_assert_cmpfloat (pool_one (p, (Box){ -0.4f, 0.2f, 1.3f, 1.4f }), ==, 3);
}

/* Levels change at multiples of 224 by 2, are clamped to those there are, and with one level there
 * is nothing to choose; boxes of no, negative or infinite area have a level too. */
static void
test_levels (void)
{
  g_autoptr (Pooler) p = pooler_new (3, 8, 8, 1, 3);
  const struct {
    float side;
    gsize level;
  } cases[] = { { 1, 0 }, { 111, 0 }, { 112, 0 }, { 223, 0 }, { 224, 1 }, { 447, 1 }, { 448, 2 },
    { 896, 2 }, { 5000, 2 }, { 0, 0 }, { INFINITY, 2 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (roi_level (&p->pooler, &(Box){ 0, 0, cases[i].side, cases[i].side }), ==,
        cases[i].level);
  g_assert_cmpuint (roi_level (&p->pooler, &(Box){ 0, 0, 500, -500 }), ==, 0);
  p->pooler.n_levels = 1;
  g_assert_cmpuint (roi_level (&p->pooler, &(Box){ 0, 0, 5000, 5000 }), ==, 0);
  p->pooler.n_levels = 3;
}

/* --- Against the definition ------------------------------------------------------------------- */

/* One channel at (y, x), 0 outside [-1, length]. */
static double
sample_plainly (const Tensor *t, float y, float x, gsize c)
{
  if (y < -1 || y > (float) t->h || x < -1 || x > (float) t->w)
    return 0;
  y = CLAMP (y, 0, (float) (t->h - 1));
  x = CLAMP (x, 0, (float) (t->w - 1));
  const gsize y0 = (gsize) y, x0 = (gsize) x;
  const gsize y1 = MIN (y0 + 1, t->h - 1), x1 = MIN (x0 + 1, t->w - 1);
  const double fy = (double) y - (double) y0, fx = (double) x - (double) x0;
  return (1 - fy) * (1 - fx) * tensor_pixel (t, 0, y0, x0)[c]
      + (1 - fy) * fx * tensor_pixel (t, 0, y0, x1)[c]
      + fy * (1 - fx) * tensor_pixel (t, 0, y1, x0)[c] + fy * fx * tensor_pixel (t, 0, y1, x1)[c];
}

/* The mean of one bin's samples, taken one by one. Coordinates in float32, in torchvision's order;
 * sums in double. */
static double
bin_plainly (const RoiPooler *pooler, const Box *box, guint py, guint px, gsize c)
{
  const RoiLevel *level = &pooler->levels[roi_level (pooler, box)];
  const float size = (float) pooler->resolution;
  const float y0 = box->y0 * level->scale - 0.5f, x0 = box->x0 * level->scale - 0.5f;
  const float bh = (box->y1 * level->scale - 0.5f - y0) / size;
  const float bw = (box->x1 * level->scale - 0.5f - x0) / size;
  const gint gh = pooler->sampling_ratio ? (gint) pooler->sampling_ratio : (gint) ceilf (bh);
  const gint gw = pooler->sampling_ratio ? (gint) pooler->sampling_ratio : (gint) ceilf (bw);
  double sum = 0;

  for (gint i = 0; i < gh; i++)
    for (gint j = 0; j < gw; j++) {
      const float y = y0 + (float) py * bh + ((float) i + 0.5f) * bh / (float) gh;
      const float x = x0 + (float) px * bw + ((float) j + 0.5f) * bw / (float) gw;
      sum += sample_plainly (&level->feature, y, x, c);
    }
  return sum / MAX (gh * gw, 1);
}

static Pooler *
random_pooler (void)
{
  Pooler *p = pooler_new ((gsize) g_test_rand_int_range (1, MAX_LEVELS + 1),
      (gsize) g_test_rand_int_range (1, 40), (gsize) g_test_rand_int_range (1, 40),
      (gsize) g_test_rand_int_range (1, 20), 3);

  p->pooler.resolution = (guint) g_test_rand_int_range (1, 9);
  p->pooler.sampling_ratio = (guint) g_test_rand_int_range (0, 4);
  for (gsize l = 0; l < p->pooler.n_levels; l++) {
    const Tensor *t = &p->levels[l].feature;
    for (gsize i = 0; i < t->h * t->w * t->c; i++)
      t->data[i] = (float) g_test_rand_double_range (-1, 1);
  }
  return p;
}

/* In a picture of 320 × 320 and around it; some of no size, some turned over. */
static Box
random_box (void)
{
  const float x = (float) g_test_rand_double_range (-60, 330);
  const float y = (float) g_test_rand_double_range (-60, 330);
  const float reach = g_test_rand_bit () ? 40.0f : 500.0f;

  return (Box){ x, y, x + (float) g_test_rand_double_range (-5, reach),
    y + (g_test_rand_int_range (0, 10) ? (float) g_test_rand_double_range (-5, reach) : 0) };
}

static void
check_random (const Kernels *kernels)
{
  enum { N = 12 };
  g_autoptr (Pooler) p = random_pooler ();
  const gsize channels = p->levels[0].feature.c, resolution = p->pooler.resolution;
  const gsize box_floats = resolution * resolution * channels, n_bytes = N * box_floats * 4;
  g_autofree float *found = g_malloc (n_bytes), *again = g_malloc (n_bytes);
  Box boxes[N];

  for (guint i = 0; i < N; i++)
    boxes[i] = random_box ();
  pool_by (kernels, found, p, boxes, N, 1);
  for (gsize i = 0; i < N * box_floats; i++) {
    const gsize bin = i % box_floats / channels;
    const double expected = bin_plainly (&p->pooler, &boxes[i / box_floats],
        (guint) (bin / resolution), (guint) (bin % resolution), i % channels);
    g_assert_cmpfloat_with_epsilon (found[i], expected, 3e-6);
  }
  for (guint n_threads = 2; n_threads <= 5; n_threads += 3) {
    memset (again, 0xff, n_bytes);
    pool_by (kernels, again, p, boxes, N, n_threads);
    g_assert_cmpmem (again, n_bytes, found, n_bytes);
  }
}

/* Random boxes on random pyramids, with adaptive and fixed sampling, are the means of their samples
 * whichever kernel sums them, and the same to the bit on 1, 2 and 5 threads. */
static void
test_random (void)
{
  for (const Kernels *const *row = kernels_list (); *row != NULL; row++)
    for (guint round = 0; round < 40; round++)
      check_random (*row);
}

static guint n_bins; /* that assert_distinct() has seen */

/* Stands in for a kernel: no pixel of a bin may come twice, none without a weight. */
static void
assert_distinct (float *out, const float *const *source, const float *weight, gsize n,
    gsize channels)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (gsize t = 0; t < n; t++) {
    g_assert_true (g_hash_table_add (seen, (gpointer) source[t]));
    g_assert_cmpfloat (weight[t], >, 0);
  }
  n_bins++;
}

/* Each pixel of a bin is read once, and only where it weighs. */
static void
test_each_pixel_once (void)
{
  const Kernels spy = { .floats.weighted_sum = assert_distinct };

  for (guint round = 0; round < 60; round++) {
    g_autoptr (Pooler) p = random_pooler ();
    const gsize bins = p->pooler.resolution * p->pooler.resolution;
    g_autofree float *out = g_new (float, bins * p->levels[0].feature.c);
    g_autofree void *scratch = g_malloc (roi_scratch_size (&p->pooler));
    n_bins = 0;
    roi_align (out, &p->pooler, &(Box){ -9, 3, 250, 280 }, 1, &spy, NULL, scratch);
    g_assert_cmpuint (n_bins, ==, bins);
  }
}

/* No boxes, no work. */
static void
test_no_boxes (void)
{
  g_autoptr (Pooler) p = single_new (4, 4, 7);

  pool (NULL, p, NULL, 0, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/roi/ramp", test_ramp);
  g_test_add_func ("/roi/no-samples", test_no_samples);
  g_test_add_func ("/roi/borders", test_borders);
  g_test_add_func ("/roi/partly-outside", test_partly_outside);
  g_test_add_func ("/roi/one-pixel", test_one_pixel);
  g_test_add_func ("/roi/levels", test_levels);
  g_test_add_func ("/roi/random", test_random);
  g_test_add_func ("/roi/each-pixel-once", test_each_pixel_once);
  g_test_add_func ("/roi/no-boxes", test_no_boxes);
  return g_test_run ();
}
