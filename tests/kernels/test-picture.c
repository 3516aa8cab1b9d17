/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preprocessing kernels: every row of their table against the row "c", bit for bit, with lengths
 * around the width of a vector, addresses of any alignment, and guards beside the output.
 */
#include "kernels/kernels.h"

#include <string.h>

#include "picture/resize.h"

#define GUARD      64
#define GUARD_BYTE 0x5a

/* `size` bytes of output between guards, at an odd address. */
typedef struct {
  guint8 *block, *data;
  gsize size;
} Output;

static Output
output_new (gsize size, gsize alignment)
{
  Output output = { .block = g_malloc (size + 2 * GUARD + 1), .size = size };

  output.data = output.block + GUARD + (alignment == 1 ? 1 : 0);
  memset (output.block, GUARD_BYTE, size + 2 * GUARD + 1);
  return output;
}

/* Frees it, after it has been found the same as the expected one and its guards whole. */
static void
output_check (Output *output, Output *expected)
{
  g_assert_cmpmem (output->data, output->size, expected->data, expected->size);
  for (gsize i = 0; i < GUARD; i++) {
    g_assert_cmphex (output->data[-1 - (gssize) i], ==, GUARD_BYTE);
    g_assert_cmphex (output->data[output->size + i], ==, GUARD_BYTE);
  }
  g_free (output->block);
  g_free (expected->block);
}

/* A block of exactly this size, so that a memory checker sees a read beyond it: random bytes, or with
 * `extreme` only 0 and 255. */
static guint8 *
random_bytes (gsize n, gboolean extreme)
{
  guint8 *bytes = g_malloc (MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    bytes[i] = (guint8) (extreme ? 255 * g_test_rand_int_range (0, 2) : g_test_rand_int ());
  return bytes;
}

static const gsize lengths[] = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 100, 1000 };

static const PictureKernels *
reference (void)
{
  return &kernels_find ("c", NULL)->picture;
}

typedef void (*CheckFunc) (const PictureKernels *kernels, gsize n);

/* Calls the check for every length with every row that this processor runs. */
static void
for_all (CheckFunc check)
{
  for (const Kernels *const *row = kernels_list (); *row != NULL; row++)
    for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
      check (&(*row)->picture, lengths[i]);
}

static void
check_split2 (const PictureKernels *kernels, gsize n)
{
  g_autofree guint8 *in = random_bytes (2 * n, FALSE);
  Output even[2] = { output_new (n, 1), output_new (n, 1) };
  Output odd[2] = { output_new (n, 1), output_new (n, 1) };

  kernels->split2 (even[0].data, odd[0].data, in, n);
  reference ()->split2 (even[1].data, odd[1].data, in, n);
  output_check (&even[0], &even[1]);
  output_check (&odd[0], &odd[1]);
}

/* Every row of the table pulls two interleaved channels apart alike. */
static void
test_split2 (void)
{
  for_all (check_split2);
}

static void
check_split3 (const PictureKernels *kernels, gsize n)
{
  g_autofree guint8 *in = random_bytes (3 * n, FALSE);
  Output out[2][3];

  for (guint side = 0; side < 2; side++) {
    for (guint c = 0; c < 3; c++)
      out[side][c] = output_new (n, 1);
    (side == 0 ? kernels : reference ())
        ->split3 ((guint8 *[]){ out[side][0].data, out[side][1].data, out[side][2].data }, in, n);
  }
  for (guint c = 0; c < 3; c++)
    output_check (&out[0][c], &out[1][c]);
}

/* Every row of the table pulls three interleaved channels apart alike. */
static void
test_split3 (void)
{
  for_all (check_split3);
}

static void
check_chroma_blend (const PictureKernels *kernels, gsize n)
{
  g_autofree guint8 *near = random_bytes (n, n % 2 == 0), *far = random_bytes (n, n % 2 == 0);
  Output out = output_new (2 * n, 2), expected = output_new (2 * n, 2);

  kernels->chroma_blend ((guint16 *) (void *) out.data, near, far, n);
  reference ()->chroma_blend ((guint16 *) (void *) expected.data, near, far, n);
  output_check (&out, &expected);
}

/* Every row of the table blends two rows of chroma alike. */
static void
test_chroma_blend (void)
{
  for_all (check_chroma_blend);
}

static void
check_chroma_double (const PictureKernels *kernels, gsize n)
{
  g_autofree guint16 *in = g_new (guint16, n + 2);

  for (gsize i = 0; i < n + 2; i++)
    in[i] = (guint16) (n % 2 == 0 ? 1020 * g_test_rand_int_range (0, 2)
                                  : g_test_rand_int_range (0, 1021));
  for (guint weights = 0; weights < 2; weights++) {
    Output out = output_new (4 * n, 2), expected = output_new (4 * n, 2);
    const guint even = weights == 0 ? 1 : 0, odd = weights == 0 ? 1 : 2;
    kernels->chroma_double ((gint16 *) (void *) out.data, in + 1, n, even, odd);
    reference ()->chroma_double ((gint16 *) (void *) expected.data, in + 1, n, even, odd);
    output_check (&out, &expected);
  }
}

/* Every row of the table doubles a row of chroma alike, with both positions, over its whole range. */
static void
test_chroma_double (void)
{
  for_all (check_chroma_double);
}

static void
check_color_row (const PictureKernels *kernels, gsize n)
{
  /* The largest coefficients there are, BT.2020 limited, and the smallest luma */
  const ColorMatrix matrix = { 19077, -1160, 13750, 1535, 5327, 17546 };
  g_autofree guint8 *y = random_bytes (n, n % 2 == 0);
  g_autofree gint16 *u = g_new (gint16, n + 1), *v = g_new (gint16, n + 1);
  Output out[2][3];

  for (gsize i = 0; i < n; i++) {
    u[i] = (gint16) (n % 2 == 0 ? g_test_rand_int_range (0, 2) * 65280 - 32768
                                : g_test_rand_int_range (-32768, 32513));
    v[i] = (gint16) (n % 3 == 0 ? g_test_rand_int_range (0, 2) * 65280 - 32768
                                : g_test_rand_int_range (-32768, 32513));
  }
  for (guint side = 0; side < 2; side++) {
    for (guint c = 0; c < 3; c++)
      out[side][c] = output_new (n, 1);
    (side == 0 ? kernels : reference ())
        ->color_row ((guint8 *[]){ out[side][0].data, out[side][1].data, out[side][2].data }, y, u,
            v, n, &matrix);
  }
  for (guint c = 0; c < 3; c++)
    output_check (&out[0][c], &out[1][c]);
}

/* Every row of the table makes the same R'G'B', also where sums leave 16 bits. */
static void
test_color_row (void)
{
  for_all (check_color_row);
}

static void
assert_horizontal (const PictureKernels *kernels, gsize n_in, gsize n_out, gboolean extreme)
{
  ResizeFilter filter = { 0 };
  g_autoptr (GError) error = NULL;
  const gsize in_size = resize_in_stride (n_in) * RESIZE_ROWS;
  const gsize out_stride = resize_out_stride (n_out);
  Output out = output_new (out_stride * RESIZE_ROWS, 1);
  Output expected = output_new (out_stride * RESIZE_ROWS, 1);
  guint8 *planes[3];
  g_autofree guint8 *scratch = g_malloc (resize_scratch_size (n_in) + 31);

  resize_filter_build (&filter, n_in, n_out, 2, &error);
  g_assert_no_error (error);
  for (guint c = 0; c < 3; c++)
    planes[c] = random_bytes (in_size, extreme);
  HorizontalArgs args = {
    .out = out.data,
    .in = { planes[0], planes[1], planes[2] },
    .axis = &filter.axis,
    .scratch = (gpointer) (((gsize) scratch + 31) & ~(gsize) 31),
  };
  kernels->horizontal (&args);
  args.out = expected.data;
  reference ()->horizontal (&args);
  /* Between a row's end and its stride anything may be written. */
  for (gsize r = 0; r < RESIZE_ROWS; r++) {
    memset (out.data + r * out_stride + n_out * 3, 0, out_stride - n_out * 3);
    memset (expected.data + r * out_stride + n_out * 3, 0, out_stride - n_out * 3);
  }
  output_check (&out, &expected);
  for (guint c = 0; c < 3; c++)
    g_free (planes[c]);
  resize_filter_clear (&filter);
}

static void
check_horizontal (const PictureKernels *kernels, gsize n)
{
  static const gsize outputs[] = { 1, 2, 15, 16, 17, 50, 200 };

  for (gsize i = 0; i < G_N_ELEMENTS (outputs) && n > 0; i++) {
    assert_horizontal (kernels, n, outputs[i], FALSE);
    assert_horizontal (kernels, n, outputs[i], TRUE);
  }
  if (n == 0)
    assert_horizontal (kernels, 32767, 3, TRUE); /* sums that wrap 16 bits many times */
}

/* Every row of the table gives the same horizontal pass: enlarging, reducing by up to 10922, full
 * contrast. */
static void
test_horizontal (void)
{
  for_all (check_horizontal);
}

static void
assert_vertical (const PictureKernels *kernels, gsize n, gsize n_in, gsize n_out, gboolean extreme)
{
  ResizeFilter filter = { 0 };
  g_autoptr (GError) error = NULL;

  resize_filter_build (&filter, n_in, n_out, 1, &error);
  g_assert_no_error (error);
  const gsize n_pairs = filter.axis.n_pairs;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_free);
  for (gsize k = 0; k < 2 * n_pairs; k++)
    g_ptr_array_add (rows, random_bytes (n, extreme));
  for (gsize y = 0; y < n_out; y++) {
    Output out = output_new (n, 1), expected = output_new (n, 1);
    const guint8 *const *in = (const guint8 *const *) rows->pdata;
    kernels->vertical (out.data, in, filter.axis.pairs + y * n_pairs, n_pairs, n);
    reference ()->vertical (expected.data, in, filter.axis.pairs + y * n_pairs, n_pairs, n);
    output_check (&out, &expected);
  }
  resize_filter_clear (&filter);
}

static void
check_vertical (const PictureKernels *kernels, gsize n)
{
  assert_vertical (kernels, n, 1, 1, TRUE);
  assert_vertical (kernels, n, 7, 16, FALSE);
  assert_vertical (kernels, n, 43, 20, FALSE);
  assert_vertical (kernels, n, 43, 20, TRUE);
  assert_vertical (kernels, n, 1000, 2, TRUE);
}

/* Every row of the table gives the same vertical pass: one row, enlarging, reducing, full contrast. */
static void
test_vertical (void)
{
  for_all (check_vertical);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/resize/split2", test_split2);
  g_test_add_func ("/kernels/resize/split3", test_split3);
  g_test_add_func ("/kernels/resize/chroma-blend", test_chroma_blend);
  g_test_add_func ("/kernels/resize/chroma-double", test_chroma_double);
  g_test_add_func ("/kernels/resize/color-row", test_color_row);
  g_test_add_func ("/kernels/resize/horizontal", test_horizontal);
  g_test_add_func ("/kernels/resize/vertical", test_vertical);
  return g_test_run ();
}
