/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix products of floats: every row of the table against sums in double.
 */
#include <math.h>
#include <string.h>

#include "gemm.h"

/* Numbers for one case, and the case as a GemmArgs that lacks only the row's packed weights. */
typedef struct {
  GemmArgs args;
  float *a, *weight, *bias, *residual;
  Guarded c;
} Problem;

static gsize
floats_of (gsize rows, gsize stride, gsize width)
{
  return rows > 0 ? (rows - 1) * stride + width : 0;
}

static void
problem_init (Problem *problem, const GemmCase *t)
{
  const gsize lda = t->k + t->a_gap, ldc = t->n + t->c_gap;
  const gsize ldr = t->residual == RESIDUAL_SAME ? ldc : t->n + t->residual_gap;

  problem->a = check_floats (floats_of (t->m, lda, t->k));
  problem->weight = check_floats (t->n * t->k);
  problem->bias = check_floats (t->n);
  problem->residual = check_floats (floats_of (t->m, ldr, t->n));
  problem->c = guarded_new (floats_of (t->m, ldc, t->n) * sizeof (float), sizeof (float));
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
  if (t->residual != RESIDUAL_NONE)
    problem->args.residual = t->residual == RESIDUAL_SAME ? problem->args.c : problem->residual;
}

static void
problem_clear (Problem *problem)
{
  check_free (problem->a);
  check_free (problem->weight);
  check_free (problem->bias);
  check_free (problem->residual);
  check_free ((gpointer) problem->args.packed);
  guarded_free (&problem->c);
}

/* The weights as this row wants them. */
static void
problem_pack (Problem *problem, const FloatKernels *kernels)
{
  const gsize n = problem->args.n, k = problem->args.k;
  const gsize size = kernels->gemm_packed_size (n, k);
  float *packed = check_alloc (size * sizeof (float), 0);

  g_assert_cmpuint (size, >=, n * k);
  kernels->gemm_pack (packed, problem->weight, n, k);
  g_clear_pointer ((gpointer *) &problem->args.packed, check_free);
  problem->args.packed = packed;
}

/* Puts c, and with it an aliased residual, into the state before the call. */
static void
problem_reset (Problem *problem)
{
  const GemmArgs *g = &problem->args;

  guarded_reset (&problem->c);
  if (g->residual == g->c)
    for (gsize i = 0; i < g->m; i++)
      memcpy (g->c + i * g->ldc, problem->residual + i * g->ldr, g->n * sizeof (float));
}

/* In calls of `step` rows each. */
static void
problem_run (Problem *problem, const FloatKernels *kernels, gsize step)
{
  const GemmArgs *g = &problem->args;

  problem_reset (problem);
  for (gsize i = 0; i < g->m; i += step) {
    GemmArgs part = *g;
    part.m = MIN (step, g->m - i);
    part.a += i * g->lda;
    part.c += i * g->ldc;
    part.residual = g->residual != NULL ? g->residual + i * g->ldr : NULL;
    kernels->gemm (&part);
  }
}

/* Element (i, j) in double; *scale: the sum of the absolute terms. */
static double
reference (const Problem *problem, gsize i, gsize j, double *scale)
{
  const GemmArgs *g = &problem->args;
  double sum = g->bias != NULL ? g->bias[j] : 0.0;

  *scale = fabs (sum);
  for (gsize p = 0; p < g->k; p++) {
    const double term = (double) g->a[i * g->lda + p] * problem->weight[j * g->k + p];
    sum += term;
    *scale += fabs (term);
  }
  if (g->residual != NULL) {
    sum += problem->residual[i * g->ldr + j];
    *scale += fabs ((double) problem->residual[i * g->ldr + j]);
  }
  return sum;
}

static void
problem_check (const Problem *problem, const char *row)
{
  const GemmArgs *g = &problem->args;
  const Guarded *c = &problem->c;

  guarded_check (c, row);
  for (gsize i = 0; i < g->m; i++)
    for (gsize j = 0; j < g->n; j++) {
      double scale;
      const double want = check_activation (reference (problem, i, j, &scale), g->act);
      const float got = g->c[i * g->ldc + j];
      if (check_close (got, want, 6.0 * CHECK_EPSILON * (scale + fabs (want))))
        continue;
      check_failed ("%s: m %zu n %zu k %zu, %s: element %zu, %zu: expected %.9g, found %.9g", row,
          g->m, g->n, g->k, check_activation_name (g->act), i, j, want, got);
      return;
    }
  for (gsize at = 0; at < c->size; at++)
    if (at / sizeof (float) % g->ldc >= g->n)
      g_assert_cmphex (((const guint8 *) c->data)[at], ==, CHECK_UNTOUCHED);
}

/* Where the split may show (OpenBLAS), only parts at multiples of 96 rows are promised to be the same. */
static void
check_split (Problem *problem, const Kernels *row, gsize step)
{
  g_autofree guint8 *whole = g_memdup2 (problem->c.data, problem->c.size);

  problem_run (problem, &row->floats, row->floats.split_shows ? 96 : step);
  if (memcmp (whole, problem->c.data, problem->c.size) != 0)
    check_failed ("%s: m %zu n %zu k %zu: the parts differ from the whole", row->name,
        problem->args.m, problem->args.n, problem->args.k);
}

void
gemm_check_floats (const GemmCase *t)
{
  g_auto (CheckBits) bits = { NULL };
  Problem problem;

  problem_init (&problem, t);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    problem_pack (&problem, &(*row)->floats);
    problem_run (&problem, &(*row)->floats, MAX (t->m, 1));
    problem_check (&problem, (*row)->name);
    check_same_bits (&bits, *row, t->act, &problem.c, "gemm");
    if (t->step > 0 && t->m > 0)
      check_split (&problem, *row, t->step);
  }
  problem_clear (&problem);
}

/* A NaN in `a` shows in its own row of c, whatever the activation, and in no other. */
static void
test_nan (void)
{
  for (guint act = 0; act < CHECK_N_ACTIVATIONS; act++) {
    const GemmCase t = { .m = 20, .n = 21, .k = 30, .act = (Activation) act };
    Problem problem;

    problem_init (&problem, &t);
    problem.a[7 * t.k + 11] = NAN;
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      problem_pack (&problem, &(*row)->floats);
      problem_run (&problem, &(*row)->floats, t.m);
      for (gsize i = 0; i < t.m * t.n; i++)
        g_assert_cmpint (isnan (problem.args.c[i]) != 0, ==, i / t.n == 7);
    }
    problem_clear (&problem);
  }
}

void
gemm_add_float_tests (void)
{
  g_test_add_func ("/kernels/gemm/floats/nan", test_nan);
}

typedef struct {
  const FloatKernels *kernels;
  const GemmArgs *args;
} Work;

static void
call (gconstpointer data)
{
  const Work *work = data;

  work->kernels->gemm (work->args);
}

double
gemm_time_floats (const Kernels *row, const GemmCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  problem_pack (&problem, &row->floats);
  const double micros = check_micros (call, &(Work){ &row->floats, &problem.args });
  problem_clear (&problem);
  return micros;
}
