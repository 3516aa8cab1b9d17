/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product: every row of the table against sums in double.
 */
#include <math.h>
#include <string.h>

#include "check.h"

typedef enum {
  RESIDUAL_NONE,
  RESIDUAL_OTHER, /* its own memory */
  RESIDUAL_SAME,  /* c's memory */
} Residual;

typedef struct {
  gsize m, n, k;
  gsize lda_gap, ldc_gap, ldr_gap;
  gboolean bias;
  Residual residual;
  Activation act;
} Case;

/* Numbers for one case, and the case as a GemmArgs that lacks only the row's packed weights. */
typedef struct {
  GemmArgs args;
  float *a, *weight, *bias, *residual;
  gsize n_residual;
  Guarded c;
} Problem;

static void
problem_init (Problem *problem, const Case *t)
{
  const gsize lda = t->k + t->lda_gap, ldc = t->n + t->ldc_gap;
  const gsize ldr = t->residual == RESIDUAL_SAME ? ldc : t->n + t->ldr_gap;

  problem->a = check_random (t->m > 0 ? (t->m - 1) * lda + t->k : 0);
  problem->weight = check_random (t->n * t->k);
  problem->bias = check_random (t->n);
  problem->n_residual = t->m > 0 ? (t->m - 1) * ldr + t->n : 0;
  problem->residual = check_random (problem->n_residual);
  problem->c = guarded_new (t->m > 0 ? (t->m - 1) * ldc + t->n : 0);
  problem->args = (GemmArgs){ .m = t->m,
    .n = t->n,
    .k = t->k,
    .a = problem->a,
    .lda = lda,
    .bias = t->bias ? problem->bias : NULL,
    .ldr = ldr,
    .c = problem->c.data,
    .ldc = ldc,
    .act = t->act };
  if (t->residual == RESIDUAL_OTHER)
    problem->args.residual = problem->residual;
  else if (t->residual == RESIDUAL_SAME)
    problem->args.residual = problem->c.data;
}

static void
problem_clear (Problem *problem)
{
  g_free (problem->a);
  g_free (problem->weight);
  g_free (problem->bias);
  g_free (problem->residual);
  guarded_free (&problem->c);
}

static float *
pack (const Kernels *kernels, const Problem *problem)
{
  const gsize n = problem->args.n, k = problem->args.k;
  const gsize size = kernels->floats.gemm_packed_size (n, k);
  float *packed = g_aligned_alloc (MAX (size, 1), sizeof (float), 64);

  g_assert_cmpuint (size, >=, n * k);
  kernels->floats.gemm_pack (packed, problem->weight, n, k);
  return packed;
}

/* Puts c, and with it an aliased residual, into the state before the call. */
static void
problem_reset (Problem *problem)
{
  for (gsize i = 0; i < problem->c.n; i++)
    problem->c.data[i] = 777.0f; /* what must survive between the rows of c */
  if (problem->args.residual == problem->c.data)
    for (gsize i = 0; i < problem->args.m; i++)
      memcpy (problem->c.data + i * problem->args.ldc, problem->residual + i * problem->args.ldr,
          problem->args.n * sizeof (float));
}

static void
problem_run (Problem *problem, const Kernels *kernels)
{
  float *packed = pack (kernels, problem);

  problem_reset (problem);
  problem->args.packed = packed;
  kernels->floats.gemm (&problem->args);
  g_aligned_free (packed);
}

/* The same, in several calls of `step` rows. */
static void
problem_run_split (Problem *problem, const Kernels *kernels, gsize step)
{
  float *packed = pack (kernels, problem);

  problem_reset (problem);
  for (gsize i = 0; i < problem->args.m; i += step) {
    GemmArgs part = problem->args;
    part.packed = packed;
    part.m = MIN (step, problem->args.m - i);
    part.a += i * part.lda;
    part.c += i * part.ldc;
    part.residual = part.residual ? part.residual + i * part.ldr : NULL;
    kernels->floats.gemm (&part);
  }
  g_aligned_free (packed);
}

/* Element (i, j) in double; *scale: the sum of the absolute terms. */
static double
reference (const Problem *problem, gsize i, gsize j, double *scale)
{
  const GemmArgs *g = &problem->args;
  double sum = g->bias ? g->bias[j] : 0.0;

  *scale = fabs (sum);
  for (gsize p = 0; p < g->k; p++) {
    const double term = (double) g->a[i * g->lda + p] * problem->weight[j * g->k + p];
    sum += term;
    *scale += fabs (term);
  }
  if (g->residual) {
    sum += problem->residual[i * g->ldr + j];
    *scale += fabs ((double) problem->residual[i * g->ldr + j]);
  }
  return sum;
}

static void
problem_check (const Problem *problem, const char *row)
{
  const GemmArgs *g = &problem->args;

  guarded_check (&problem->c, row);
  for (gsize i = 0; i < g->m; i++) {
    const float *c = g->c + i * g->ldc;
    for (gsize j = 0; j < g->n; j++) {
      double scale;
      const double want = check_activation (reference (problem, i, j, &scale), g->act);
      g_autofree char *what = g_strdup_printf ("%s: m %zu n %zu k %zu, %s: element %zu, %zu", row,
          g->m, g->n, g->k, check_activation_name (g->act), i, j);
      if (!check_close (c[j], want, 6.0 * CHECK_EPSILON * (scale + fabs (want)), what))
        return;
    }
    for (gsize j = g->n; i + 1 < g->m && j < g->ldc; j++)
      g_assert_cmpfloat (c[j], ==, 777.0f);
  }
}

static void
check_case (const Case *t)
{
  Problem problem;

  problem_init (&problem, t);
  for (guint r = 0; check_rows ()[r]; r++) {
    problem_run (&problem, check_rows ()[r]);
    problem_check (&problem, check_rows ()[r]->name);
  }
  problem_clear (&problem);
}

/* Every combination of sizes around the tiles' edges, from nothing to several tiles. */
static void
test_edges (void)
{
  const gsize ms[] = { 0, 1, 2, 5, 6, 7, 11, 12, 13, 23, 24, 25 };
  const gsize ns[] = { 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 47, 48, 49 };
  const gsize ks[] = { 1, 2, 17 };

  for (guint m = 0; m < G_N_ELEMENTS (ms); m++)
    for (guint n = 0; n < G_N_ELEMENTS (ns); n++)
      for (guint k = 0; k < G_N_ELEMENTS (ks); k++) {
        const Case t = { .m = ms[m], .n = ns[n], .k = ks[k], .bias = TRUE };
        check_case (&t);
      }
}

/* The shapes of D2Go's networks, stem and predictors included, with rows enough for several
 * rounds over the panels. */
static void
test_network_shapes (void)
{
  const gsize shapes[][2] = { { 16, 64 }, { 64, 32 }, { 128, 40 }, { 40, 120 }, { 160, 72 },
    { 72, 216 }, { 288, 112 }, { 112, 448 }, { 448, 128 }, { 128, 768 }, { 768, 160 }, { 27, 16 },
    { 112, 15 }, { 112, 60 }, { 160, 81 }, { 160, 320 }, { 1200, 24 } };

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++) {
    const Case t = { .m = 53,
      .n = shapes[s][1],
      .k = shapes[s][0],
      .bias = TRUE,
      .residual = RESIDUAL_SAME,
      .act = ACT_RELU };
    check_case (&t);
  }
}

/* Random sizes, leading dimensions, bias, residual (in c's memory as well) and activations. */
static void
test_random (void)
{
  for (guint i = 0; i < 300; i++) {
    const Case t = { .m = (gsize) g_test_rand_int_range (0, 40),
      .n = (gsize) g_test_rand_int_range (1, 90),
      .k = (gsize) g_test_rand_int_range (1, 80),
      .lda_gap = (gsize) g_test_rand_int_range (0, 5),
      .ldc_gap = (gsize) g_test_rand_int_range (0, 5),
      .ldr_gap = (gsize) g_test_rand_int_range (0, 5),
      .bias = g_test_rand_bit (),
      .residual = (Residual) g_test_rand_int_range (0, 3),
      .act = (Activation) g_test_rand_int_range (0, CHECK_N_ACTIVATIONS) };
    check_case (&t);
  }
}

/* Where the split may show (OpenBLAS), only parts at multiples of 96 rows are promised to be the
 * same. */
static gsize
random_step (const Kernels *kernels)
{
  const gsize step = (gsize) g_test_rand_int_range (1, 40);
  return kernels->floats.split_shows ? 96 : step;
}

/* Rows computed in one call and in pieces are the same to the bit. */
static void
test_split (void)
{
  for (guint i = 0; i < 60; i++) {
    const Case t = { .m = (gsize) g_test_rand_int_range (1, 300),
      .n = (gsize) g_test_rand_int_range (1, 90),
      .k = (gsize) g_test_rand_int_range (1, 200),
      .bias = TRUE,
      .residual = (Residual) g_test_rand_int_range (0, 3),
      .act = (Activation) g_test_rand_int_range (0, CHECK_N_ACTIVATIONS) };
    Problem problem;

    problem_init (&problem, &t);
    for (guint r = 0; check_rows ()[r]; r++) {
      const Kernels *kernels = check_rows ()[r];
      problem_run (&problem, kernels);
      g_autofree float *whole = g_memdup2 (problem.c.data, problem.c.n * sizeof (float));
      problem_run_split (&problem, kernels, random_step (kernels));
      if (!check_same_bits (whole, problem.c.data, problem.c.n)) {
        g_test_message ("%s: m %zu n %zu k %zu: the parts differ from the whole", kernels->name,
            t.m, t.n, t.k);
        g_test_fail ();
      }
    }
    problem_clear (&problem);
  }
}

/* All rows with fused multiply-adds give the same bits: a result does not depend on the vectors'
 * width. */
static void
test_same_bits (void)
{
  for (guint i = 0; i < 100; i++) {
    const Case t = { .m = (gsize) g_test_rand_int_range (1, 40),
      .n = (gsize) g_test_rand_int_range (1, 90),
      .k = (gsize) g_test_rand_int_range (1, 200),
      .bias = TRUE,
      .act = (Activation) g_test_rand_int_range (0, CHECK_N_ACTIVATIONS) };
    g_autofree float *first = NULL;
    Problem problem;

    problem_init (&problem, &t);
    for (guint r = 0; check_rows ()[r]; r++) {
      if (!check_row_is_simd (check_rows ()[r]))
        continue;
      problem_run (&problem, check_rows ()[r]);
      if (!first)
        first = g_memdup2 (problem.c.data, problem.c.n * sizeof (float));
      g_assert_true (check_same_bits (first, problem.c.data, problem.c.n));
    }
    problem_clear (&problem);
  }
}

/* A NaN in `a` shows in its own row of c, whatever the activation, and in no other. */
static void
test_nan (void)
{
  for (guint act = 0; act < CHECK_N_ACTIVATIONS; act++) {
    const Case t = { .m = 20, .n = 21, .k = 30, .act = (Activation) act };
    Problem problem;

    problem_init (&problem, &t);
    problem.a[7 * t.k + 11] = NAN;
    for (guint r = 0; check_rows ()[r]; r++) {
      problem_run (&problem, check_rows ()[r]);
      for (gsize i = 0; i < t.m * t.n; i++)
        g_assert_cmpint (isnan (problem.c.data[i]) != 0, ==, i / t.n == 7);
    }
    problem_clear (&problem);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/gemm/edges", test_edges);
  g_test_add_func ("/kernels/gemm/network-shapes", test_network_shapes);
  g_test_add_func ("/kernels/gemm/random", test_random);
  g_test_add_func ("/kernels/gemm/split", test_split);
  g_test_add_func ("/kernels/gemm/same-bits", test_same_bits);
  g_test_add_func ("/kernels/gemm/nan", test_nan);
  return g_test_run ();
}
