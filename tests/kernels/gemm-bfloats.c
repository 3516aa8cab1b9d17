/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix products of bfloat16: every row of the table that has them against sums in double, and to the bit
 * against the row "c", but for "amx", which adds in another order.
 */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "gemm.h"

/* Numbers for one case, and the case as a BGemmArgs that lacks only the row's packed weights. The result is
 * floats, or where it is rounded bfloat16. */
typedef struct {
  BGemmArgs args;
  BFloat *a;
  float *weight, *bias, *residual;
  gsize size; /* of a number of the result */
  Guarded c;
} Problem;

static gsize
count (gsize rows, gsize stride, gsize width)
{
  return rows > 0 ? (rows - 1) * stride + width : 0;
}

/* Between the rows lie NaNs: who reads one shows it. */
static BFloat *
make_a (const GemmCase *t, gsize lda)
{
  const gsize n = count (t->m, lda, t->k);
  BFloat *a = check_alloc (n * sizeof *a, sizeof *a);

  for (gsize i = 0; i < n; i++)
    a[i] = i % lda < t->k ? bfloat_from_float ((float) g_test_rand_double_range (-1, 1)) : 0x7fff;
  return a;
}

static void
problem_init (Problem *problem, const GemmCase *t)
{
  const gsize lda = t->k + t->a_gap, ldc = t->n + t->c_gap, ldr = t->n + t->residual_gap;

  problem->a = make_a (t, lda);
  problem->weight = check_floats (t->n * t->k);
  problem->bias = check_floats (t->n);
  problem->residual = check_floats (count (t->m, ldr, t->n));
  problem->size = t->rounded ? sizeof (BFloat) : sizeof (float);
  problem->c = guarded_new (count (t->m, ldc, t->n) * problem->size, problem->size);
  problem->args = (BGemmArgs){ .m = t->m,
    .n = t->n,
    .k = t->k,
    .a = problem->a,
    .lda = lda,
    .bias = t->bias ? problem->bias : NULL,
    .residual = t->residual != RESIDUAL_NONE ? problem->residual : NULL,
    .ldr = ldr,
    .c = t->rounded ? NULL : problem->c.data,
    .rounded = t->rounded ? problem->c.data : NULL,
    .ldc = ldc,
    .act = t->act };
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
problem_pack (Problem *problem, const BFloatKernels *kernels)
{
  const gsize n = problem->args.n, k = problem->args.k;
  BFloat *packed = check_alloc (kernels->gemm_packed_size (n, k) * sizeof *packed, 0);

  kernels->gemm_pack (packed, problem->weight, n, k);
  g_clear_pointer ((gpointer *) &problem->args.packed, check_free);
  problem->args.packed = packed;
}

/* In calls of `step` rows each. */
static void
problem_run (Problem *problem, const BFloatKernels *kernels, gsize step)
{
  const BGemmArgs *g = &problem->args;

  guarded_reset (&problem->c);
  for (gsize i = 0; i < g->m; i += step) {
    BGemmArgs part = *g;
    part.m = MIN (step, g->m - i);
    part.a += i * g->lda;
    if (g->c != NULL)
      part.c += i * g->ldc;
    else
      part.rounded += i * g->ldc;
    part.residual = g->residual != NULL ? g->residual + i * g->ldr : NULL;
    kernels->gemm (&part);
  }
}

static float
result_at (const Problem *problem, gsize at)
{
  return problem->args.c != NULL ? problem->args.c[at]
                                 : bfloat_to_float (problem->args.rounded[at]);
}

/* Element (i, j) in double; *scale: the sum of the absolute terms. */
static double
reference (const Problem *problem, gsize i, gsize j, double *scale)
{
  const BGemmArgs *g = &problem->args;
  double sum = g->bias != NULL ? g->bias[j] : 0.0;

  *scale = fabs (sum);
  for (gsize p = 0; p < g->k; p++) {
    const float weight = bfloat_to_float (bfloat_from_float (problem->weight[j * g->k + p]));
    const double term = (double) bfloat_to_float (g->a[i * g->lda + p]) * weight;
    sum += term;
    *scale += fabs (term);
  }
  if (g->residual != NULL) {
    sum += g->residual[i * g->ldr + j];
    *scale += fabs ((double) g->residual[i * g->ldr + j]);
  }
  return sum;
}

static void
problem_check (const Problem *problem, const char *row)
{
  const BGemmArgs *g = &problem->args;
  const double half_step = g->c != NULL ? 0 : 1.0 / 256;

  guarded_check (&problem->c, row);
  for (gsize i = 0; i < g->m; i++)
    for (gsize j = 0; j < g->n; j++) {
      double scale;
      const double want = check_activation (reference (problem, i, j, &scale), g->act);
      const float got = result_at (problem, i * g->ldc + j);
      const double bound = 6.0 * CHECK_EPSILON * (scale + fabs (want));
      if (check_close (got, want, bound + half_step * (fabs (want) + bound)))
        continue;
      check_failed ("%s: m %zu n %zu k %zu, %s: element %zu, %zu: expected %.9g, found %.9g", row,
          g->m, g->n, g->k, check_activation_name (g->act), i, j, want, got);
      return;
    }
  for (gsize at = 0; at < problem->c.size; at++)
    if (at / problem->size % g->ldc >= g->n)
      g_assert_cmphex (((const guint8 *) problem->c.data)[at], ==, CHECK_UNTOUCHED);
}

static void
check_split (Problem *problem, const Kernels *row, gsize step)
{
  g_autofree guint8 *whole = g_memdup2 (problem->c.data, problem->c.size);

  problem_run (problem, &row->bfloats, step);
  if (memcmp (whole, problem->c.data, problem->c.size) != 0)
    check_failed ("%s: m %zu n %zu k %zu: the parts differ from the whole", row->name,
        problem->args.m, problem->args.n, problem->args.k);
}

void
gemm_check_bfloats (const GemmCase *t)
{
  g_auto (CheckBits) bits = { NULL };
  Problem problem;

  problem_init (&problem, t);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    if (!kernels_have_bfloats (*row))
      continue;
    problem_pack (&problem, &(*row)->bfloats);
    problem_run (&problem, &(*row)->bfloats, MAX (t->m, 1));
    problem_check (&problem, (*row)->name);
    if (((*row)->cpu_flags & CPU_AMX) == 0)
      check_exact_bits (&bits, *row, t->act, &problem.c, "gemm of bfloat16");
    if (t->step > 0 && t->m > 0)
      check_split (&problem, *row, t->step);
  }
  problem_clear (&problem);
}

/* A NaN in `a` shows in its own row of c, whatever the activation, rounded or not, and in no other. */
static void
test_nan (void)
{
  for (guint i = 0; i < 2 * CHECK_N_ACTIVATIONS; i++) {
    const GemmCase t = { .m = 20,
      .n = 21,
      .k = 30,
      .act = (Activation) (i / 2),
      .rounded = i % 2 != 0 };
    Problem problem;

    problem_init (&problem, &t);
    problem.a[7 * t.k + 11] = 0x7fc0;
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      if (!kernels_have_bfloats (*row))
        continue;
      problem_pack (&problem, &(*row)->bfloats);
      problem_run (&problem, &(*row)->bfloats, t.m);
      for (gsize at = 0; at < t.m * t.n; at++)
        g_assert_cmpint (isnan (result_at (&problem, at)) != 0, ==, at / t.n == 7);
    }
    problem_clear (&problem);
  }
}

/* --- Rounding --------------------------------------------------------------------------------- */

static float
float_of_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* What a float becomes: halves go to the even neighbour, the largest to infinity, the least to 0. */
static void
test_rounding (void)
{
  static const struct {
    guint32 bits;
    BFloat want;
  } cases[] = { { 0x00000000, 0x0000 }, { 0x80000000, 0x8000 }, { 0x3f800000, 0x3f80 },
    { 0x3f808000, 0x3f80 }, { 0x3f808001, 0x3f81 }, { 0x3f818000, 0x3f82 }, { 0x3f817fff, 0x3f81 },
    { 0xbf818000, 0xbf82 }, { 0x7f7f7fff, 0x7f7f }, { 0x7f7f8000, 0x7f80 }, { 0x7f800000, 0x7f80 },
    { 0xff800000, 0xff80 }, { 0x00800000, 0x0080 }, { 0x007fffff, 0x0000 }, { 0x80000001, 0x8000 },
    { 0x7f800001, 0x7fc0 }, { 0x7fc00000, 0x7fc0 }, { 0xffffffff, 0xffff } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmphex (bfloat_from_float (float_of_bits (cases[i].bits)), ==, cases[i].want);
}

/* Floats of all magnitudes, NaN and infinity among them, and all lengths: every row as bfloat_from_float(). */
static void
test_round (void)
{
  for (gsize n = 0; n <= 80; n++) {
    CHECK_AUTOFREE float *in = check_floats (n);
    Guarded out = guarded_new (n * sizeof (BFloat), sizeof (BFloat));
    for (gsize i = 0; i < n; i++)
      in[i] = float_of_bits ((guint32) g_test_rand_int ());
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      if (!kernels_have_bfloats (*row))
        continue;
      guarded_reset (&out);
      (*row)->bfloats.round (out.data, in, n);
      guarded_check (&out, (*row)->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmphex (((const BFloat *) out.data)[i], ==, bfloat_from_float (in[i]));
    }
    guarded_free (&out);
  }
}

void
gemm_add_bfloat_tests (void)
{
  g_test_add_func ("/kernels/gemm/bfloats/nan", test_nan);
  g_test_add_func ("/kernels/gemm/bfloats/rounding", test_rounding);
  g_test_add_func ("/kernels/gemm/bfloats/round", test_round);
}

typedef struct {
  const BFloatKernels *kernels;
  const BGemmArgs *args;
} Work;

static void
call (gconstpointer data)
{
  const Work *work = data;

  work->kernels->gemm (work->args);
}

double
gemm_time_bfloats (const Kernels *row, const GemmCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  problem_pack (&problem, &row->bfloats);
  const double micros = check_micros (call, &(Work){ &row->bfloats, &problem.args });
  problem_clear (&problem);
  return micros;
}
