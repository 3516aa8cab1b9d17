/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolutions, of floats, of bfloat16 and of bytes: every row of the table against exact sums; with
 * --bench, their speed on the shapes of D2Go's networks, in thousand million operations a second, two
 * for each multiply-add.
 */
#include "depthwise.h"

/* --- Tests ------------------------------------------------------------------------------------ */

typedef struct {
  void (*check) (const DepthwiseCase *t);
} Family;

/* All kernels, strides and up-samplings at every width up to three groups of pixels: each group
 * size, both edges in one group, and each parity of the first column. */
static void
test_widths (gconstpointer family)
{
  const Family *f = family;
  const guint kernels[] = { 1, 3, 5, 7 };

  for (guint k = 0; k < G_N_ELEMENTS (kernels); k++)
    for (guint stride = 1; stride <= 3; stride++)
      for (guint upsample = 1; upsample <= 3; upsample++)
        for (gsize width = 1; width <= 25; width++)
          f->check (&(DepthwiseCase){ .channels = 16,
              .in_width = width,
              .kernel = kernels[k],
              .stride = stride,
              .pad = kernels[k] / 2,
              .upsample = upsample,
              .bias = TRUE });
}

/* Channels below, at and above the vectors' widths and the channel block. */
static void
test_channels (gconstpointer family)
{
  const Family *f = family;
  const gsize channels[] = { 1, 3, 7, 8, 9, 15, 16, 17, 24, 40, 63, 64, 65, 72, 120, 136, 216,
    448 };

  for (guint c = 0; c < G_N_ELEMENTS (channels); c++)
    for (guint kernel = 3; kernel <= 5; kernel += 2)
      f->check (&(DepthwiseCase){ .channels = channels[c],
          .in_width = 11,
          .kernel = kernel,
          .stride = 1,
          .pad = kernel / 2,
          .upsample = 1,
          .act = ACT_RELU });
}

/* Any subset of the kernel's rows may hang over the image's edge, all of them too. */
static void
test_missing_rows (gconstpointer family)
{
  const Family *f = family;

  for (guint kernel = 3; kernel <= 5; kernel += 2)
    for (guint missing = 0; missing < 1u << kernel; missing++)
      f->check (&(DepthwiseCase){ .channels = 24,
          .in_width = 20,
          .kernel = kernel,
          .stride = 1,
          .pad = 2,
          .upsample = 1,
          .missing = missing,
          .bias = TRUE });
}

/* Random sizes, paddings (none and more than half the kernel too) and up-samplings; of floats bias and
 * activation; of bytes what they are, and what is made of the sums: any bias, so that they wrap, any
 * finite scale and offset. */
static void
test_random (gconstpointer family)
{
  const Family *f = family;

  for (guint i = 0; i < 600; i++) {
    const guint kernel = (guint) g_test_rand_int_range (1, MAX_KERNEL + 1);
    f->check (&(DepthwiseCase){ .channels = (gsize) g_test_rand_int_range (1, 80),
        .in_width = (gsize) g_test_rand_int_range (1, 40),
        .kernel = kernel,
        .stride = (guint) g_test_rand_int_range (1, 4),
        .pad = (guint) g_test_rand_int_range (0, (gint) kernel + 1),
        .upsample = (guint) g_test_rand_int_range (1, 4),
        .missing = (guint) g_test_rand_int_range (0, 1 << kernel) & (guint) g_test_rand_int (),
        .bias = g_test_rand_bit (),
        .act = check_any_activation (),
        .source = check_any_fill (),
        .weight = check_any_fill (),
        .extreme_output = g_test_rand_int_range (0, 4) == 0 });
  }
}

/* Bytes at the ends of their ranges: where an instruction that saturates would. */
static void
test_byte_extremes (void)
{
  for (guint kernel = 3; kernel <= 5; kernel += 2)
    for (guint stride = 1; stride <= 2; stride++)
      for (Fill source = 0; source < N_FILLS; source++)
        for (Fill weight = 0; weight < N_FILLS; weight++)
          depthwise_check_bytes (&(DepthwiseCase){ .channels = 40,
              .in_width = 20,
              .kernel = kernel,
              .stride = stride,
              .pad = kernel / 2,
              .upsample = 1,
              .source = source,
              .weight = weight });
}

static void
add_tests (void)
{
  static const Family floats = { depthwise_check_floats }, bytes = { depthwise_check_bytes };
  static const Family bfloats = { depthwise_check_bfloats };
  static const CheckTest tests[] = { { "widths", test_widths }, { "channels", test_channels },
    { "missing-rows", test_missing_rows }, { "random", test_random } };

  check_add_tests ("/kernels/depthwise/floats/", &floats, tests, G_N_ELEMENTS (tests));
  check_add_tests ("/kernels/depthwise/bfloats/", &bfloats, tests, G_N_ELEMENTS (tests));
  check_add_tests ("/kernels/depthwise/bytes/", &bytes, tests, G_N_ELEMENTS (tests));
  depthwise_add_float_tests ();
  g_test_add_func ("/kernels/depthwise/bytes/extremes", test_byte_extremes);
}

/* --- Benchmark -------------------------------------------------------------------------------- */

/* Int8 exports have no kernels larger than 5: those are last. */
#define N_LARGE 1

static const struct {
  guint kernel, stride, upsample, in_width, channels;
} shapes[] = {
  { 3, 1, 1, 160, 16 },
  { 3, 2, 1, 160, 64 },
  { 5, 2, 1, 160, 64 },
  { 3, 1, 1, 80, 64 },
  { 5, 2, 1, 80, 128 },
  { 3, 1, 1, 40, 120 },
  { 5, 1, 1, 40, 120 },
  { 5, 2, 1, 40, 160 },
  { 5, 1, 1, 20, 216 },
  { 3, 1, 1, 20, 448 },
  { 5, 1, 1, 20, 448 },
  { 5, 2, 1, 6, 448 },
  { 5, 1, 1, 3, 768 },
  { 3, 1, 1, 6, 448 },
  { 5, 1, 1, 14, 448 },
  { 3, 1, 2, 7, 448 },
  { 5, 1, 2, 14, 336 },
  { 7, 1, 1, 20, 120 },
};

static char *
shape_name (guint i)
{
  return g_strdup_printf ("%u×%u /%u ×%u, %u px × %u", shapes[i].kernel, shapes[i].kernel,
      shapes[i].stride, shapes[i].upsample, shapes[i].in_width, shapes[i].channels);
}

static DepthwiseCase
shape_case (guint i)
{
  return (DepthwiseCase){ .channels = shapes[i].channels,
    .in_width = shapes[i].in_width,
    .kernel = shapes[i].kernel,
    .stride = shapes[i].stride,
    .pad = shapes[i].kernel / 2,
    .upsample = shapes[i].upsample };
}

/* Of taps that lie over the source; those over the edge are not counted. */
static double
rate (double micros, const DepthwiseCase *t)
{
  double taps = 0;

  for (gsize x = 0; x < depthwise_out_width (t); x++)
    for (guint q = 0; q < t->kernel; q++) {
      gsize pixel;
      taps += depthwise_source (t, x, q, &pixel);
    }
  return 2.0 * taps * t->kernel * (double) t->channels / micros * 1e-3;
}

static double
rate_floats (const Kernels *row, guint i)
{
  const DepthwiseCase t = shape_case (i);

  return rate (depthwise_time_floats (row, &t), &t);
}

static double
rate_bfloats (const Kernels *row, guint i)
{
  const DepthwiseCase t = shape_case (i);

  return kernels_have_bfloats (row) ? rate (depthwise_time_bfloats (row, &t), &t) : 0;
}

static double
rate_bytes (const Kernels *row, guint i)
{
  const DepthwiseCase t = shape_case (i);

  return rate (depthwise_time_bytes (row, &t), &t);
}

static void
bench (void)
{
  check_print (&(CheckTable){ .what = "floats: a depthwise row",
      .n = G_N_ELEMENTS (shapes),
      .name = shape_name,
      .rate = rate_floats });
  check_print (&(CheckTable){ .what = "bfloat16: a depthwise row",
      .n = G_N_ELEMENTS (shapes),
      .name = shape_name,
      .rate = rate_bfloats });
  check_print (&(CheckTable){ .what = "bytes: a depthwise row",
      .n = G_N_ELEMENTS (shapes) - N_LARGE,
      .name = shape_name,
      .rate = rate_bytes });
}

int
main (int argc, char **argv)
{
  return check_main (argc, argv, add_tests, bench);
}
