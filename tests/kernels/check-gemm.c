/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix products, of floats, of bfloat16 and of bytes: every row of the table against exact sums; with --bench,
 * their speed on the shapes of D2Go's networks, in thousand million operations a second, two for each
 * multiply-add.
 */
#include <cblas.h>
#include <stdio.h>

#include "gemm.h"

/* --- Tests ------------------------------------------------------------------------------------ */

typedef struct {
  void (*check) (const GemmCase *t);
} Family;

/* Every combination of sizes around the tiles' edges, from nothing to several tiles. */
static void
test_edges (gconstpointer family)
{
  const Family *f = family;
  const gsize ms[] = { 0, 1, 2, 5, 6, 7, 11, 12, 13, 23, 24, 25 };
  const gsize ns[] = { 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 47, 48, 49 };
  const gsize ks[] = { 1, 2, 17 };

  for (guint m = 0; m < G_N_ELEMENTS (ms); m++)
    for (guint n = 0; n < G_N_ELEMENTS (ns); n++)
      for (guint k = 0; k < G_N_ELEMENTS (ks); k++)
        f->check (&(GemmCase){ .m = ms[m], .n = ns[n], .k = ks[k], .bias = TRUE });
}

/* Every number of columns and of rows up to more than a tile: each tile and each remainder. */
static void
test_tiles (gconstpointer family)
{
  const Family *f = family;

  for (gsize n = 1; n <= 70; n++)
    f->check (&(GemmCase){ .m = 5, .n = n, .k = 24, .c_gap = n % 3 });
  for (gsize m = 0; m <= 50; m++) {
    f->check (&(GemmCase){ .m = m, .n = 9, .k = 8 });
    f->check (&(GemmCase){ .m = m, .n = 16, .k = 9 });
    f->check (&(GemmCase){ .m = m, .n = 56, .k = 10 });
  }
}

/* Every depth up to some dot products, in rows that lie apart: what lies behind the k numbers of a row
 * is not used. */
static void
test_depths (gconstpointer family)
{
  const Family *f = family;

  for (gsize k = 1; k <= 40; k++)
    for (gsize gap = 0; gap <= 5; gap += 5)
      f->check (&(GemmCase){ .m = 7, .n = 27, .k = k, .a_gap = gap, .c_gap = gap });
}

/* The shapes of D2Go's networks, stem and predictors included, with rows enough for several
 * rounds over the panels. */
static void
test_network_shapes (gconstpointer family)
{
  const Family *f = family;
  const gsize shapes[][2] = { { 16, 64 }, { 64, 32 }, { 128, 40 }, { 40, 120 }, { 160, 72 },
    { 72, 216 }, { 288, 112 }, { 112, 448 }, { 448, 128 }, { 128, 768 }, { 768, 160 }, { 27, 16 },
    { 112, 15 }, { 112, 60 }, { 160, 81 }, { 160, 320 }, { 1200, 24 } };

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    f->check (&(GemmCase){ .m = 53,
        .n = shapes[s][1],
        .k = shapes[s][0],
        .bias = TRUE,
        .residual = RESIDUAL_SAME,
        .act = ACT_RELU });
}

/* Random sizes and gaps; of floats bias, residual (in c's memory as well) and activation; of bytes what
 * they are, and what is made of the sums. */
static void
test_random (gconstpointer family)
{
  const Family *f = family;

  for (guint i = 0; i < 400; i++)
    f->check (&(GemmCase){ .m = (gsize) g_test_rand_int_range (0, 40),
        .n = (gsize) g_test_rand_int_range (1, 100),
        .k = (gsize) g_test_rand_int_range (1, 150),
        .a_gap = (gsize) g_test_rand_int_range (0, 9),
        .c_gap = (gsize) g_test_rand_int_range (0, 9),
        .residual_gap = (gsize) g_test_rand_int_range (0, 9),
        .bias = g_test_rand_bit (),
        .residual = (Residual) g_test_rand_int_range (0, N_RESIDUALS),
        .act = check_any_activation (),
        .rounded = g_test_rand_bit (),
        .a = check_any_fill (),
        .weight = check_any_fill (),
        .extreme_output = g_test_rand_int_range (0, 8) == 0 });
}

/* Rows computed in one call and in pieces are the same to the bit. */
static void
test_split (gconstpointer family)
{
  const Family *f = family;

  for (guint i = 0; i < 60; i++)
    f->check (&(GemmCase){ .m = (gsize) g_test_rand_int_range (1, 300),
        .n = (gsize) g_test_rand_int_range (1, 90),
        .k = (gsize) g_test_rand_int_range (1, 200),
        .step = (gsize) g_test_rand_int_range (1, 60),
        .a_gap = (gsize) g_test_rand_int_range (0, 3),
        .bias = TRUE,
        .residual = (Residual) g_test_rand_int_range (0, N_RESIDUALS),
        .act = check_any_activation (),
        .rounded = g_test_rand_bit () });
}

static void
add_tests (void)
{
  static const Family floats = { gemm_check_floats }, bytes = { gemm_check_bytes };
  static const Family bfloats = { gemm_check_bfloats };
  static const CheckTest tests[] = { { "edges", test_edges }, { "tiles", test_tiles },
    { "depths", test_depths }, { "network-shapes", test_network_shapes }, { "random", test_random },
    { "split", test_split } };

  check_add_tests ("/kernels/gemm/floats/", &floats, tests, G_N_ELEMENTS (tests));
  check_add_tests ("/kernels/gemm/bfloats/", &bfloats, tests, G_N_ELEMENTS (tests));
  check_add_tests ("/kernels/gemm/bytes/", &bytes, tests, G_N_ELEMENTS (tests));
  gemm_add_float_tests ();
  gemm_add_bfloat_tests ();
  gemm_add_byte_tests ();
}

/* --- Benchmark -------------------------------------------------------------------------------- */

/* Pixels, inputs, outputs. */
static const guint shapes[][3] = {
  { 320, 27, 16 },
  { 320, 16, 16 },
  { 320, 16, 64 },
  { 160, 64, 24 },
  { 160, 64, 32 },
  { 160, 32, 64 },
  { 160, 32, 128 },
  { 80, 128, 40 },
  { 80, 40, 120 },
  { 80, 120, 40 },
  { 80, 40, 160 },
  { 40, 160, 72 },
  { 40, 72, 216 },
  { 40, 216, 72 },
  { 40, 216, 112 },
  { 40, 288, 112 },
  { 40, 112, 448 },
  { 40, 448, 112 },
  { 280, 112, 448 },
  { 280, 448, 112 },
  { 280, 112, 15 },
  { 280, 112, 60 },
  { 270, 448, 128 },
  { 270, 128, 768 },
  { 270, 768, 128 },
  { 270, 768, 160 },
  { 2000, 128, 128 },
  { 7, 112, 448 },
  { 1, 120, 32 },
  { 30, 160, 81 },
};

static char *
shape_name (guint i)
{
  return g_strdup_printf ("%u × %u → %u", shapes[i][0], shapes[i][1], shapes[i][2]);
}

static GemmCase
shape_case (guint i)
{
  return (GemmCase){ .m = shapes[i][0],
    .k = shapes[i][1],
    .n = shapes[i][2],
    .bias = TRUE,
    .act = ACT_RELU };
}

static double
rate (double micros, const GemmCase *t)
{
  return 2.0 * (double) t->m * (double) t->n * (double) t->k / micros * 1e-3;
}

static double
rate_floats (const Kernels *row, guint i)
{
  const GemmCase t = shape_case (i);

  return rate (gemm_time_floats (row, &t), &t);
}

static double
rate_bfloats (const Kernels *row, guint i)
{
  const GemmCase t = shape_case (i);

  return kernels_have_bfloats (row) ? rate (gemm_time_bfloats (row, &t), &t) : 0;
}

static double
rate_bytes (const Kernels *row, guint i)
{
  const GemmCase t = shape_case (i);

  return rate (gemm_time_bytes (row, &t), &t);
}

/* The bare product, without bias and activation. */
static void
run_sgemm (const GemmArgs *g)
{
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) g->m, (blasint) g->n,
      (blasint) g->k, 1.0f, g->a, (blasint) g->lda, g->packed, (blasint) g->k, 0.0f, g->c,
      (blasint) g->ldc);
}

static void
bench (void)
{
  Kernels sgemm = *kernels_find ("openblas", NULL); /* it leaves weights as they are */

  sgemm.name = "cblas_sgemm";
  sgemm.floats.gemm = run_sgemm;
  printf ("OpenBLAS on %d thread(s)\n", openblas_get_num_threads ());
  check_print (&(CheckTable){ .what = "floats: pixels × k → n",
      .n = G_N_ELEMENTS (shapes),
      .extra = &sgemm,
      .name = shape_name,
      .rate = rate_floats });
  check_print (&(CheckTable){ .what = "bfloat16: pixels × k → n",
      .n = G_N_ELEMENTS (shapes),
      .name = shape_name,
      .rate = rate_bfloats });
  check_print (&(CheckTable){ .what = "bytes: pixels × k → n",
      .n = G_N_ELEMENTS (shapes),
      .name = shape_name,
      .rate = rate_bytes });
}

int
main (int argc, char **argv)
{
  return check_main (argc, argv, add_tests, bench);
}
