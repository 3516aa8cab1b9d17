/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes: every row of the int8 table against sums in 64 bits, bit for bit.
 */
#include <math.h>
#include <string.h>

#include "qcheck.h"

typedef struct {
  gsize m, n, k;
  gsize lda_more, ldc_more; /* beyond k and n */
  QCheckFill a, weight;
  gboolean extreme_output;
} Case;

typedef struct {
  QGemmArgs args;
  guint8 *a;
  gint8 *weight;
  QGuarded c;
  guint8 *want; /* m * ldc */
} Problem;

#define UNTOUCHED 0x5a /* between the rows of c */

static guint8
reference (const Problem *problem, gsize i, gsize j)
{
  const QGemmArgs *g = &problem->args;
  gint64 sum = 0;

  for (gsize p = 0; p < g->k; p++)
    sum += problem->a[i * g->lda + p] * problem->weight[j * g->k + p];
  return qcheck_output_byte (&g->output, sum, j);
}

static void
problem_init (Problem *problem, const Case *t)
{
  const gsize lda = t->k + t->lda_more, ldc = t->n + t->ldc_more;
  const gsize a_size = t->m > 0 ? (t->m - 1) * lda + t->k : 0;
  const gsize c_size = t->m > 0 ? (t->m - 1) * ldc + t->n : 0;

  problem->a = qcheck_activations (a_size, t->a);
  problem->weight = qcheck_weights (t->n * t->k, t->weight);
  problem->c = qguarded_new (c_size);
  problem->args = (QGemmArgs){ .m = t->m,
    .n = t->n,
    .k = t->k,
    .a = problem->a,
    .lda = lda,
    .c = problem->c.data,
    .ldc = ldc,
    .output = qcheck_output_new (t->n, 9000.0 * sqrt ((double) t->k + 1.0), t->extreme_output) };
  problem->want = g_malloc (MAX (c_size, 1));
  memset (problem->want, UNTOUCHED, c_size);
  for (gsize i = 0; i < t->m; i++)
    for (gsize j = 0; j < t->n; j++)
      problem->want[i * ldc + j] = reference (problem, i, j);
}

static void
problem_clear (Problem *problem)
{
  g_free (problem->a);
  g_free (problem->weight);
  g_free (problem->want);
  qguarded_free (&problem->c);
  qcheck_output_clear (&problem->args.output);
}

/* In calls of `rows` rows each. */
static void
problem_run (const Problem *problem, const Kernels *row, gsize rows)
{
  QGemmArgs args = problem->args;
  void *packed = qcheck_packed_new (row->bytes.gemm_packed_size (args.n, args.k));

  memset (problem->c.data, UNTOUCHED, problem->c.n);
  row->bytes.gemm_pack (packed, problem->weight, args.n, args.k);
  args.packed = packed;
  for (gsize i = 0; i < problem->args.m; i += rows) {
    args.m = MIN (rows, problem->args.m - i);
    args.a = problem->args.a + i * args.lda;
    args.c = problem->args.c + i * args.ldc;
    row->bytes.gemm (&args);
  }
  g_aligned_free (packed);
}

static void
problem_check (const Problem *problem, const char *row)
{
  const QGemmArgs *g = &problem->args;

  qguarded_check (&problem->c, row);
  for (gsize i = 0; i < problem->c.n; i++)
    if (problem->c.data[i] != problem->want[i]) {
      g_test_message ("%s: %zu × %zu → %zu, zero %d, low %d: row %zu, column %zu: %u, expected %u",
          row, g->m, g->k, g->n, g->output.zero, g->output.low, i / g->ldc, i % g->ldc,
          problem->c.data[i], problem->want[i]);
      g_test_fail ();
      return;
    }
}

static void
check_case (const Case *t)
{
  Problem problem;

  problem_init (&problem, t);
  for (guint r = 0; qcheck_rows ()[r]; r++) {
    problem_run (&problem, qcheck_rows ()[r], MAX (t->m, 1));
    problem_check (&problem, qcheck_rows ()[r]->name);
  }
  problem_clear (&problem);
}

/* Every number of columns and of rows up to more than a tile: each tile and each remainder. */
static void
test_tiles (void)
{
  for (gsize n = 1; n <= 70; n++)
    check_case (&(Case){ .m = 5, .n = n, .k = 24, .ldc_more = n % 3 });
  for (gsize m = 0; m <= 50; m++) {
    check_case (&(Case){ .m = m, .n = 9, .k = 8 });
    check_case (&(Case){ .m = m, .n = 16, .k = 9 });
    check_case (&(Case){ .m = m, .n = 56, .k = 10 });
  }
}

/* Every depth up to some dot products, none at all too, in rows that lie apart: what lies behind
 * the k bytes of a row is not used. */
static void
test_depths (void)
{
  for (gsize k = 0; k <= 40; k++)
    for (gsize more = 0; more <= 5; more += 5)
      check_case (&(Case){ .m = 7, .n = 27, .k = k, .lda_more = more, .ldc_more = more });
}

/* The shapes of D2Go's networks, fewer pixels of them. */
static void
test_shapes (void)
{
  const gsize shapes[][2] = { { 27, 16 }, { 64, 24 }, { 40, 120 }, { 160, 72 }, { 216, 112 },
    { 448, 112 }, { 112, 15 }, { 128, 768 }, { 768, 160 }, { 160, 81 } };

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    check_case (&(Case){ .m = 13, .n = shapes[s][1], .k = shapes[s][0] });
}

/* Bytes at the ends of their ranges, up to k = 1200: where an instruction that saturates would. */
static void
test_extremes (void)
{
  const gsize depths[] = { 1, 2, 3, 4, 8, 27, 448, 1200 };

  for (QCheckFill a = 0; a < QCHECK_N_FILLS; a++)
    for (QCheckFill weight = 0; weight < QCHECK_N_FILLS; weight++)
      for (guint d = 0; d < G_N_ELEMENTS (depths); d++)
        check_case (&(Case){ .m = 5, .n = 33, .k = depths[d], .a = a, .weight = weight });
}

/* Any bias, any finite scale and offset: sums that wrap in 32 bits, products that overflow to
 * infinity, zeros of both signs; and a wrap within the sum of products itself. */
static void
test_outputs (void)
{
  for (guint i = 0; i < 300; i++)
    check_case (&(Case){ .m = 4,
        .n = 41,
        .k = (gsize) g_test_rand_int_range (1, 30),
        .a = (QCheckFill) g_test_rand_int_range (0, QCHECK_N_FILLS),
        .weight = (QCheckFill) g_test_rand_int_range (0, QCHECK_N_FILLS),
        .extreme_output = TRUE });
  check_case (&(Case){ .m = 2,
      .n = 9,
      .k = 70000, /* 70000 * 255 * -128 < -2^31 */
      .a = QCHECK_MOST,
      .weight = QCHECK_LEAST,
      .extreme_output = TRUE });
}

/* Halves go to the even byte, on both sides of zero. */
static void
test_ties (void)
{
  enum { N = 600 };
  g_autofree gint32 *bias = g_new (gint32, N);
  g_autofree float *scale = g_new (float, N), *offset = g_new0 (float, N);
  g_autofree gint8 *weight = g_new0 (gint8, N);
  g_autofree guint8 *a = qcheck_activations (1, QCHECK_RANDOM);
  guint8 c[N];

  for (gint32 j = 0; j < N; j++) {
    bias[j] = j - N / 2;
    scale[j] = 0.5f;
  }
  for (guint r = 0; qcheck_rows ()[r]; r++) {
    const Kernels *row = qcheck_rows ()[r];
    void *packed = qcheck_packed_new (row->bytes.gemm_packed_size (N, 1));
    row->bytes.gemm_pack (packed, weight, N, 1);
    row->bytes.gemm (&(QGemmArgs){ .m = 1,
        .n = N,
        .k = 1,
        .a = a,
        .lda = 1,
        .packed = packed,
        .c = c,
        .ldc = N,
        .output = { bias, scale, offset, .zero = 100, .low = 0 } });
    for (gint32 j = 0; j < N; j++) {
      const gint32 twice = j - N / 2;
      const gint32 floored = twice >> 1;
      const gint32 even = floored + ((twice & 1) & (floored & 1));
      g_assert_cmpint (c[j], ==, CLAMP (even + 100, 0, 255));
    }
    g_aligned_free (packed);
  }
}

/* However the rows are divided among calls, the bytes are the same. */
static void
test_split (void)
{
  const Case t = { .m = 61, .n = 45, .k = 50, .lda_more = 2, .ldc_more = 1 };
  Problem problem;

  problem_init (&problem, &t);
  for (guint r = 0; qcheck_rows ()[r]; r++)
    for (gsize rows = 1; rows <= 61; rows += 4) {
      problem_run (&problem, qcheck_rows ()[r], rows);
      problem_check (&problem, qcheck_rows ()[r]->name);
    }
  problem_clear (&problem);
}

/* Random sizes, strides, bytes and outputs. */
static void
test_random (void)
{
  for (guint i = 0; i < 400; i++)
    check_case (&(Case){ .m = (gsize) g_test_rand_int_range (0, 40),
        .n = (gsize) g_test_rand_int_range (1, 100),
        .k = (gsize) g_test_rand_int_range (1, 150),
        .lda_more = (gsize) g_test_rand_int_range (0, 9),
        .ldc_more = (gsize) g_test_rand_int_range (0, 9),
        .a = (QCheckFill) g_test_rand_int_range (0, QCHECK_N_FILLS),
        .weight = (QCheckFill) g_test_rand_int_range (0, QCHECK_N_FILLS),
        .extreme_output = g_test_rand_int_range (0, 8) == 0 });
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/qgemm/tiles", test_tiles);
  g_test_add_func ("/kernels/qgemm/depths", test_depths);
  g_test_add_func ("/kernels/qgemm/shapes", test_shapes);
  g_test_add_func ("/kernels/qgemm/extremes", test_extremes);
  g_test_add_func ("/kernels/qgemm/outputs", test_outputs);
  g_test_add_func ("/kernels/qgemm/ties", test_ties);
  g_test_add_func ("/kernels/qgemm/split", test_split);
  g_test_add_func ("/kernels/qgemm/random", test_random);
  return g_test_run ();
}
