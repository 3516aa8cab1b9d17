/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preprocessing kernels: every row of the table against the row "c", bit for bit, with lengths around
 * the width of a vector, addresses of any alignment, and guards beside the output; with --bench, their
 * speed on rows of a live video, in thousand million samples read a second.
 */
#include <string.h>

#include "base/cpu.h"
#include "check.h"
#include "kernels/rows.h"
#include "picture/resize.h"

/* What a kernel reads and writes; each uses some of it. */
typedef struct {
  gsize n;
  guint8 *in[3];
  gint16 *chroma
      [2]; /* color_row_shared()'s: from the one before the first to the one behind the last */
  gboolean on_even;
  guint shift; /* narrow()'s */
  gint16 scale;
  ResizeFilter filter;
  GPtrArray *rows;
  gsize y; /* vertical()'s output row */
  gpointer scratch;
  Guarded out[3];
  gsize width, stride; /* of out[0], where anything may be written between rows */
} Work;

typedef void (*RunFunc) (const PictureKernels *kernels, const Work *work);

static void
work_clear (Work *work)
{
  for (guint i = 0; i < 3; i++) {
    check_free (work->in[i]);
    if (work->out[i].data != NULL)
      guarded_free (&work->out[i]);
  }
  check_free (work->chroma[0]);
  check_free (work->chroma[1]);
  check_free (work->scratch);
  resize_filter_clear (&work->filter);
  g_clear_pointer (&work->rows, g_ptr_array_unref);
}

/* --- Kinds of work ---------------------------------------------------------------------------- */

/* Full contrast in every other length. */
static Fill
fill_of (const Work *work)
{
  return work->n % 2 == 0 ? FILL_EDGES : FILL_RANDOM;
}

static void
init_split2 (Work *work)
{
  work->in[0] = check_exact_bytes (2 * work->n, FILL_RANDOM);
  for (guint i = 0; i < 2; i++)
    work->out[i] = guarded_new (work->n, 1);
}

static void
run_split2 (const PictureKernels *kernels, const Work *w)
{
  kernels->split2 (w->out[0].data, w->out[1].data, w->in[0], w->n);
}

static void
init_split3 (Work *work)
{
  work->in[0] = check_exact_bytes (3 * work->n, FILL_RANDOM);
  for (guint c = 0; c < 3; c++)
    work->out[c] = guarded_new (work->n, 1);
}

static void
run_split3 (const PictureKernels *kernels, const Work *w)
{
  kernels->split3 ((guint8 *[]){ w->out[0].data, w->out[1].data, w->out[2].data }, w->in[0], w->n);
}

static void
init_split565 (Work *work)
{
  work->in[0] = check_exact_bytes (2 * work->n, FILL_RANDOM);
  for (guint c = 0; c < 3; c++)
    work->out[c] = guarded_new (work->n, 1);
}

static void
run_split565 (const PictureKernels *kernels, const Work *w)
{
  kernels->split565 ((guint8 *[]){ w->out[0].data, w->out[1].data, w->out[2].data }, w->in[0],
      w->n);
}

/* Any words at all, also those of more bits than there should be. */
static void
init_narrow (Work *work)
{
  work->in[0] = check_exact_bytes (2 * work->n, fill_of (work));
  work->scale = 8168; /* 10 bits, full range */
  work->out[0] = guarded_new (work->n, 1);
}

static void
init_narrow_high (Work *work)
{
  init_narrow (work);
  work->shift = 6;
}

static void
init_narrow_16 (Work *work)
{
  init_narrow (work);
  work->shift = 1;
  work->scale = 256;
}

static void
run_narrow (const PictureKernels *kernels, const Work *w)
{
  kernels->narrow (w->out[0].data, w->in[0], w->n, w->shift, w->scale);
}

static void
init_chroma_widen (Work *work)
{
  work->in[0] = check_exact_bytes (work->n, fill_of (work));
  work->out[0] = guarded_new (work->n * sizeof (gint16), sizeof (gint16));
}

static void
run_chroma_widen (const PictureKernels *kernels, const Work *w)
{
  kernels->chroma_widen (w->out[0].data, w->in[0], w->n);
}

static void
init_chroma_blend (Work *work)
{
  for (guint i = 0; i < 2; i++)
    work->in[i] = check_exact_bytes (work->n, fill_of (work));
  work->out[0] = guarded_new (work->n * sizeof (gint16), sizeof (gint16));
}

static void
run_chroma_blend (const PictureKernels *kernels, const Work *w)
{
  kernels->chroma_blend (w->out[0].data, w->in[0], w->in[1], w->n);
}

static void
init_chroma_blend_pairs (Work *work)
{
  for (guint i = 0; i < 2; i++) {
    work->in[i] = check_exact_bytes (2 * work->n, fill_of (work));
    work->out[i] = guarded_new (work->n * sizeof (gint16), sizeof (gint16));
  }
}

static void
run_chroma_blend_pairs (const PictureKernels *kernels, const Work *w)
{
  kernels->chroma_blend_pairs ((gint16 *[]){ w->out[0].data, w->out[1].data }, w->in[0], w->in[1],
      w->n);
}

/* Doubled samples are -32768 … 32512. */
static void
init_color_row (Work *work)
{
  work->in[0] = check_exact_bytes (work->n, fill_of (work));
  for (guint i = 0; i < 2; i++) {
    work->chroma[i] = check_alloc (work->n * sizeof (gint16), sizeof (gint16));
    for (gsize x = 0; x < work->n; x++)
      work->chroma[i][x] =
          (gint16) (work->n % (2 + i) == 0 ? g_test_rand_bit () * 65280 - 32768
                                           : g_test_rand_int_range (-32768, 32513));
  }
  for (guint c = 0; c < 3; c++)
    work->out[c] = guarded_new (work->n, 1);
}

/* The largest coefficients there are, BT.2020 limited, and the smallest luma: sums leave 16 bits. */
static const ColorMatrix largest = { 19077, -1160, 13750, 1535, 5327, 17546 };

static void
run_color_row (const PictureKernels *kernels, const Work *w)
{
  kernels->color_row ((guint8 *[]){ w->out[0].data, w->out[1].data, w->out[2].data }, w->in[0],
      w->chroma[0], w->chroma[1], w->n, &largest);
}

/* Blended samples are -512 … 508. */
static void
init_color_row_shared (Work *work)
{
  const gsize n = (work->n + 1) / 2 + 2;

  work->in[0] = check_exact_bytes (work->n, fill_of (work));
  for (guint i = 0; i < 2; i++) {
    work->chroma[i] = check_alloc (n * sizeof (gint16), sizeof (gint16));
    for (gsize x = 0; x < n; x++)
      work->chroma[i][x] = (gint16) (work->n % (2 + i) == 0 ? g_test_rand_bit () * 1020 - 512
                                                            : g_test_rand_int_range (-512, 509));
  }
  for (guint c = 0; c < 3; c++)
    work->out[c] = guarded_new (work->n, 1);
}

/* Chroma that lies where every other luma sample does. */
static void
init_color_row_on_even (Work *work)
{
  init_color_row_shared (work);
  work->on_even = TRUE;
}

static void
run_color_row_shared (const PictureKernels *kernels, const Work *w)
{
  kernels->color_row_shared ((guint8 *[]){ w->out[0].data, w->out[1].data, w->out[2].data },
      w->in[0], w->chroma[0] + 1, w->chroma[1] + 1, w->n, w->on_even, &largest);
}

static void
init_filter (Work *work, gsize n_in, gsize n_out, guint alignment)
{
  g_autoptr (GError) error = NULL;

  resize_filter_build (&work->filter, n_in, n_out, alignment, &error);
  g_assert_no_error (error);
}

/* From n samples to n_out, RESIZE_ROWS rows of them. */
static void
init_horizontal (Work *work, gsize n_out, Fill fill)
{
  const gsize stride = resize_out_stride (n_out);

  init_filter (work, work->n, n_out, 2);
  for (guint c = 0; c < 3; c++)
    work->in[c] = check_exact_bytes (resize_plane_size (work->n, RESIZE_ROWS), fill);
  work->scratch = check_alloc (resize_scratch_size (work->n, RESIZE_ROWS), 32);
  work->out[0] = guarded_new (stride * RESIZE_ROWS, 1);
  work->width = n_out * 3;
  work->stride = stride;
}

static void
run_horizontal (const PictureKernels *kernels, const Work *w)
{
  const gsize stride = resize_in_stride (w->n);

  for (gsize r = 0; r < RESIZE_ROWS; r += kernels->horizontal_rows)
    kernels->horizontal (&(HorizontalArgs){ .out = (guint8 *) w->out[0].data + r * w->stride,
        .in = { w->in[0] + r * stride, w->in[1] + r * stride, w->in[2] + r * stride },
        .axis = &w->filter.axis,
        .scratch = w->scratch });
}

/* From n_in rows of n bytes to n_out rows. */
static void
init_vertical (Work *work, gsize n_in, gsize n_out, Fill fill)
{
  init_filter (work, n_in, n_out, 1);
  work->rows = g_ptr_array_new_with_free_func (check_free);
  for (gsize k = 0; k < 2 * work->filter.axis.n_pairs; k++)
    g_ptr_array_add (work->rows, check_exact_bytes (work->n, fill));
  work->out[0] = guarded_new (work->n, 1);
}

static void
run_vertical (const PictureKernels *kernels, const Work *w)
{
  const ResizeAxis *axis = &w->filter.axis;

  kernels->vertical (w->out[0].data, (const guint8 *const *) w->rows->pdata,
      axis->pairs + w->y * axis->n_pairs, axis->n_pairs, w->n);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void
run_afresh (const Work *work, RunFunc run, const PictureKernels *kernels)
{
  for (guint i = 0; i < 3 && work->out[i].data != NULL; i++)
    guarded_reset (&work->out[i]);
  run (kernels, work);
  for (gsize at = 0; at < work->out[0].size && work->stride > 0; at += work->stride)
    memset ((guint8 *) work->out[0].data + at + work->width, 0, work->stride - work->width);
}

/* Every row of the table writes the same, and nothing beside it. */
static void
compare_rows (Work *work, RunFunc run)
{
  gpointer want[3] = { NULL };

  run_afresh (work, run, &kernels_find ("c", NULL)->picture);
  for (guint i = 0; i < 3; i++)
    want[i] = g_memdup2 (work->out[i].data, work->out[i].size);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    run_afresh (work, run, &(*row)->picture);
    for (guint i = 0; i < 3 && work->out[i].data != NULL; i++) {
      guarded_check (&work->out[i], (*row)->name);
      g_assert_cmpmem (work->out[i].data, work->out[i].size, want[i], work->out[i].size);
    }
  }
  for (guint i = 0; i < 3; i++)
    g_free (want[i]);
}

#ifdef HAVE_KERNELS_AVX512VNNI
/* The horizontal pass of processors with VNNI and without VBMI, on those that have both and take another. */
static void
compare_vnni_alone (Work *work)
{
  const PictureKernels vnni = { .horizontal_rows = RESIZE_ROWS,
    .horizontal = horizontal_avx512vnni };
  g_autofree gpointer want = NULL;

  if ((cpu_flags () & CPU_AVX512) == 0 || (cpu_flags () & CPU_AVX512_VNNI) == 0)
    return;
  run_afresh (work, run_horizontal, &kernels_find ("c", NULL)->picture);
  want = g_memdup2 (work->out[0].data, work->out[0].size);
  run_afresh (work, run_horizontal, &vnni);
  guarded_check (&work->out[0], "avx512vnni");
  g_assert_cmpmem (work->out[0].data, work->out[0].size, want, work->out[0].size);
}
#else
static void
compare_vnni_alone (Work *work)
{
}
#endif

static const gsize lengths[] = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 100, 129,
  1000 };

/* Kernels that take nothing but a length. */
typedef struct {
  const char *name;
  void (*init) (Work *work);
  RunFunc run;
  guint in_size; /* samples read for each of n */
} Kind;

static const Kind kinds[] = {
  { "split2", init_split2, run_split2, 2 },
  { "split3", init_split3, run_split3, 3 },
  { "split565", init_split565, run_split565, 2 },
  { "narrow", init_narrow, run_narrow, 1 },
  { "narrow, high bits", init_narrow_high, run_narrow, 1 },
  { "narrow, 16 bits", init_narrow_16, run_narrow, 1 },
  { "chroma_widen", init_chroma_widen, run_chroma_widen, 1 },
  { "chroma_blend", init_chroma_blend, run_chroma_blend, 2 },
  { "chroma_blend_pairs", init_chroma_blend_pairs, run_chroma_blend_pairs, 4 },
  { "color_row", init_color_row, run_color_row, 3 },
  { "color_row_shared", init_color_row_shared, run_color_row_shared, 2 },
  { "color_row_shared, on even columns", init_color_row_on_even, run_color_row_shared, 2 },
};

/* Rows of any length. */
static void
test_rows (gconstpointer data)
{
  const Kind *kind = data;

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    Work work = { .n = lengths[i] };
    kind->init (&work);
    compare_rows (&work, kind->run);
    work_clear (&work);
  }
}

/* The horizontal pass: enlarging, reducing by up to 10922, full contrast. */
static void
test_horizontal (void)
{
  static const gsize outputs[] = { 1, 2, 15, 16, 17, 50, 100, 200 };
  static const Fill fills[] = { FILL_RANDOM, FILL_EDGES };
  Work widest = { .n = 32767 }; /* sums that wrap 16 bits many times */

  for (guint i = 1; i < G_N_ELEMENTS (lengths); i++)
    for (guint o = 0; o < G_N_ELEMENTS (outputs); o++)
      for (guint f = 0; f < G_N_ELEMENTS (fills); f++) {
        Work work = { .n = lengths[i] };
        init_horizontal (&work, outputs[o], fills[f]);
        compare_rows (&work, run_horizontal);
        compare_vnni_alone (&work);
        work_clear (&work);
      }
  init_horizontal (&widest, 3, FILL_EDGES);
  compare_rows (&widest, run_horizontal);
  compare_vnni_alone (&widest);
  work_clear (&widest);
}

/* The vertical pass: one row, enlarging, reducing, full contrast. */
static void
test_vertical (void)
{
  static const struct {
    gsize n_in, n_out;
    Fill fill;
  } cases[] = { { 1, 1, FILL_EDGES }, { 7, 16, FILL_RANDOM }, { 43, 20, FILL_RANDOM },
    { 43, 20, FILL_EDGES }, { 1000, 2, FILL_EDGES } };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (guint c = 0; c < G_N_ELEMENTS (cases); c++) {
      Work work = { .n = lengths[i] };
      init_vertical (&work, cases[c].n_in, cases[c].n_out, cases[c].fill);
      for (; work.y < cases[c].n_out; work.y++)
        compare_rows (&work, run_vertical);
      work_clear (&work);
    }
}

static void
add_tests (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
    g_autofree char *path = g_strconcat ("/kernels/picture/", kinds[k].name, NULL);
    g_test_add_data_func (path, &kinds[k], test_rows);
  }
  g_test_add_func ("/kernels/picture/horizontal", test_horizontal);
  g_test_add_func ("/kernels/picture/vertical", test_vertical);
}

/* --- Benchmark -------------------------------------------------------------------------------- */

/* 1920 × 1080 to what a D2Go network sees of it. */
enum { WIDTH = 1920, HEIGHT = 1080, TO_WIDTH = 398, TO_HEIGHT = 224 };

enum { N_KINDS = G_N_ELEMENTS (kinds), HORIZONTAL = N_KINDS, VERTICAL, N_TIMED };

typedef struct {
  const PictureKernels *kernels;
  RunFunc run;
  Work work;
} Timed;

static void
call (gconstpointer data)
{
  const Timed *timed = data;

  timed->run (timed->kernels, &timed->work);
}

static char *
timed_name (guint i)
{
  return g_strdup (i == HORIZONTAL ? "horizontal" : i == VERTICAL ? "vertical" : kinds[i].name);
}

static double
rate (const Kernels *row, guint i)
{
  Timed timed = { .kernels = &row->picture, .work.n = WIDTH };
  double samples = WIDTH;

  if (i == HORIZONTAL) {
    timed.run = run_horizontal;
    init_horizontal (&timed.work, TO_WIDTH, FILL_RANDOM);
    samples *= 3 * RESIZE_ROWS;
  } else if (i == VERTICAL) {
    timed.run = run_vertical;
    timed.work.n = TO_WIDTH * 3;
    init_vertical (&timed.work, HEIGHT, TO_HEIGHT, FILL_RANDOM);
    samples = (double) (timed.work.n * timed.work.rows->len);
  } else {
    timed.run = kinds[i].run;
    kinds[i].init (&timed.work);
    samples *= kinds[i].in_size;
  }
  const double micros = check_micros (call, &timed);
  work_clear (&timed.work);
  return samples / micros * 1e-3;
}

static void
bench (void)
{
  check_print (
      &(CheckTable){ .what = "picture: 1920 px", .n = N_TIMED, .name = timed_name, .rate = rate });
}

int
main (int argc, char **argv)
{
  return check_main (argc, argv, add_tests, bench);
}
