/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix products of bytes: every row of the table against sums in 64 bits, bit for bit.
 */
#include <math.h>
#include <string.h>

#include "gemm.h"

/* Bytes for one case, and the case as a QGemmArgs that lacks only the row's packed weights. */
typedef struct {
  QGemmArgs args;
  guint8 *a;
  gint8 *weight;
  Guarded c;
  guint8 *want; /* as c */
} Problem;

static guint8
reference (const Problem *problem, gsize i, gsize j)
{
  const QGemmArgs *g = &problem->args;
  gint64 sum = 0;

  for (gsize p = 0; p < g->k; p++)
    sum += problem->a[i * g->lda + p] * problem->weight[j * g->k + p];
  return check_output_byte (&g->output, sum, j);
}

static void
problem_init (Problem *problem, const GemmCase *t)
{
  const gsize lda = t->k + t->a_gap, ldc = t->n + t->c_gap;

  problem->a = check_bytes (t->m > 0 ? (t->m - 1) * lda + t->k : 0, t->a);
  problem->weight = check_weights (t->n * t->k, t->weight);
  problem->c = guarded_new (t->m > 0 ? (t->m - 1) * ldc + t->n : 0, 1);
  problem->args = (QGemmArgs){ .m = t->m,
    .n = t->n,
    .k = t->k,
    .a = problem->a,
    .lda = lda,
    .c = problem->c.data,
    .ldc = ldc,
    .output = check_output_new (t->n, 9000.0 * sqrt ((double) t->k + 1.0), t->extreme_output) };
}

static void
problem_clear (Problem *problem)
{
  check_free (problem->a);
  check_free (problem->weight);
  check_free ((gpointer) problem->args.packed);
  guarded_free (&problem->c);
  check_output_clear (&problem->args.output);
}

/* The weights as this row wants them. */
static void
problem_pack (Problem *problem, const ByteKernels *kernels)
{
  const gsize n = problem->args.n, k = problem->args.k;
  void *packed = check_alloc (kernels->gemm_packed_size (n, k), 0);

  kernels->gemm_pack (packed, problem->weight, n, k);
  g_clear_pointer ((gpointer *) &problem->args.packed, check_free);
  problem->args.packed = packed;
}

/* In calls of `step` rows each. */
static void
problem_run (const Problem *problem, const ByteKernels *kernels, gsize step)
{
  const QGemmArgs *g = &problem->args;

  guarded_reset (&problem->c);
  for (gsize i = 0; i < g->m; i += step) {
    QGemmArgs part = *g;
    part.m = MIN (step, g->m - i);
    part.a += i * g->lda;
    part.c += i * g->ldc;
    kernels->gemm (&part);
  }
}

/* What c shall be. */
static guint8 *
expected (const Problem *problem)
{
  const QGemmArgs *g = &problem->args;
  guint8 *want = g_malloc (MAX (problem->c.size, 1));

  memset (want, CHECK_UNTOUCHED, problem->c.size);
  for (gsize i = 0; i < g->m; i++)
    for (gsize j = 0; j < g->n; j++)
      want[i * g->ldc + j] = reference (problem, i, j);
  return want;
}

static void
problem_check (const Problem *problem, const guint8 *want, const char *row)
{
  const QGemmArgs *g = &problem->args;

  guarded_check (&problem->c, row);
  for (gsize i = 0; i < problem->c.size; i++)
    if (g->c[i] != want[i]) {
      check_failed (
          "%s: m %zu n %zu k %zu, zero %d, low %d: element %zu, %zu: expected %u, found %u", row,
          g->m, g->n, g->k, g->output.zero, g->output.low, i / g->ldc, i % g->ldc, want[i],
          g->c[i]);
      return;
    }
}

void
gemm_check_bytes (const GemmCase *t)
{
  Problem problem = { 0 };

  problem_init (&problem, t);
  g_autofree guint8 *want = expected (&problem);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    problem_pack (&problem, &(*row)->bytes);
    problem_run (&problem, &(*row)->bytes, t->step > 0 ? t->step : MAX (t->m, 1));
    problem_check (&problem, want, (*row)->name);
  }
  problem_clear (&problem);
}

/* Without anything to multiply the bias remains. */
static void
test_no_depth (void)
{
  gemm_check_bytes (&(GemmCase){ .m = 7, .n = 27, .a_gap = 5 });
}

/* Bytes at the ends of their ranges, up to k = 1200: where an instruction that saturates would. */
static void
test_extremes (void)
{
  const gsize depths[] = { 1, 2, 3, 4, 8, 27, 448, 1200 };

  for (Fill a = 0; a < N_FILLS; a++)
    for (Fill weight = 0; weight < N_FILLS; weight++)
      for (guint d = 0; d < G_N_ELEMENTS (depths); d++)
        gemm_check_bytes (&(GemmCase){ .m = 5, .n = 33, .k = depths[d], .a = a, .weight = weight });
}

/* Any bias, any finite scale and offset: sums that wrap in 32 bits, products that overflow to
 * infinity, zeros of both signs; and a wrap within the sum of products itself. */
static void
test_outputs (void)
{
  for (guint i = 0; i < 300; i++)
    gemm_check_bytes (&(GemmCase){ .m = 4,
        .n = 41,
        .k = (gsize) g_test_rand_int_range (1, 30),
        .a = check_any_fill (),
        .weight = check_any_fill (),
        .extreme_output = TRUE });
  gemm_check_bytes (&(GemmCase){ .m = 2,
      .n = 9,
      .k = 70000, /* 70000 * 255 * -128 < -2^31 */
      .a = FILL_MOST,
      .weight = FILL_LEAST,
      .extreme_output = TRUE });
}

/* Halves go to the even byte, on both sides of zero: biases of -300 … 299, halved. */
static void
test_ties (void)
{
  enum { N = 600 };
  const GemmCase t = { .m = 1, .n = N, .k = 1 };
  gint32 bias[N];
  float scale[N], offset[N] = { 0 };
  Problem problem;

  problem_init (&problem, &t);
  memset (problem.weight, 0, N);
  for (gint32 j = 0; j < N; j++) {
    bias[j] = j - N / 2;
    scale[j] = 0.5f;
  }
  const QOutput drawn = problem.args.output;
  problem.args.output = (QOutput){ bias, scale, offset, .zero = 100 };
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    problem_pack (&problem, &(*row)->bytes);
    problem_run (&problem, &(*row)->bytes, 1);
    for (guint j = 0; j < N; j++) {
      const gint32 floored = bias[j] >> 1;
      const gint32 even = floored + ((bias[j] & 1) & (floored & 1));
      g_assert_cmpint (problem.args.c[j], ==, CLAMP (even + 100, 0, 255));
    }
  }
  problem.args.output = drawn;
  problem_clear (&problem);
}

void
gemm_add_byte_tests (void)
{
  g_test_add_func ("/kernels/gemm/bytes/no-depth", test_no_depth);
  g_test_add_func ("/kernels/gemm/bytes/extremes", test_extremes);
  g_test_add_func ("/kernels/gemm/bytes/outputs", test_outputs);
  g_test_add_func ("/kernels/gemm/bytes/ties", test_ties);
}

typedef struct {
  const ByteKernels *kernels;
  const QGemmArgs *args;
} Work;

static void
call (gconstpointer data)
{
  const Work *work = data;

  work->kernels->gemm (work->args);
}

double
gemm_time_bytes (const Kernels *row, const GemmCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  problem_pack (&problem, &row->bytes);
  const double micros = check_micros (call, &(Work){ &row->bytes, &problem.args });
  problem_clear (&problem);
  return micros;
}
