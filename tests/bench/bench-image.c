/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long a frame takes to become network input: every format, live-video sizes, with the kernels that
 * FBNET_KERNELS names. Milliseconds, least and median of the runs.
 *
 *   bench-image [RUNS [THREADS]]
 */
#include "picture/image.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/kernels.h"
#include "timing.h"

static const struct {
  const char *name;
  FbnetPixelFormat format;
} formats[] = {
  { "RGB", FBNET_PIXEL_RGB },
  { "RGBX", FBNET_PIXEL_RGBX },
  { "GRAY8", FBNET_PIXEL_GRAY8 },
  { "NV12", FBNET_PIXEL_NV12 },
  { "I420", FBNET_PIXEL_I420 },
  { "YUY2", FBNET_PIXEL_YUY2 },
  { "Y444", FBNET_PIXEL_Y444 },
  { "RGB16", FBNET_PIXEL_RGB16 },
  { "P010_10LE", FBNET_PIXEL_P010_10LE },
};

static const struct {
  gsize width, height;
} sizes[] = { { 768, 432 }, { 1920, 1080 }, { 3840, 2160 } };

/* A frame in `memory`, which has four bytes a pixel: enough for every format. */
static FbnetImage
view (FbnetPixelFormat format, const guint8 *memory, gsize width, gsize height)
{
  FbnetImage image = {
    .format = format,
    .width = (guint) width,
    .height = (guint) height,
    .planes = { memory, memory + width * height, memory + width * height * 2 },
    .strides = { (gssize) width, (gssize) width, (gssize) width },
  };

  if (format == FBNET_PIXEL_RGB)
    image.strides[0] = (gssize) width * 3;
  else if (format == FBNET_PIXEL_RGBX)
    image.strides[0] = (gssize) width * 4;
  else if (format == FBNET_PIXEL_YUY2 || format == FBNET_PIXEL_RGB16)
    image.strides[0] = (gssize) width * 2;
  else if (format == FBNET_PIXEL_P010_10LE)
    image.strides[0] = image.strides[1] = (gssize) width * 2;
  else if (format == FBNET_PIXEL_I420)
    image.strides[1] = image.strides[2] = (gssize) width / 2;
  return image;
}

static void
print_times (const char *what, double *times, guint n_runs)
{
  const Timing timing = timing_of (times, n_runs);

  printf ("  %-10s min %7.3f  median %7.3f ms\n", what, timing.least / 1000, timing.median / 1000);
}

typedef struct {
  ImageResizer *resizer;
  Workers *workers;
  guint8 *memory; /* of the frame */
  guint8 *out;
  gsize height, width, to_height, to_width;
  double *times;
  guint n_runs;
} Bench;

static void
bench_formats (const Bench *bench)
{
  for (gsize f = 0; f < G_N_ELEMENTS (formats); f++) {
    const FbnetImage image = view (formats[f].format, bench->memory, bench->width, bench->height);
    for (guint i = 0; i < bench->n_runs; i++) {
      const double start = timing_now ();
      workers_begin_frame (bench->workers);
      image_resize (bench->resizer, bench->out, &image, TRUE, bench->workers);
      workers_end_frame (bench->workers);
      bench->times[i] = timing_now () - start;
    }
    print_times (formats[f].name, bench->times, bench->n_runs);
  }
}

static void
bench_normalize (const Bench *bench)
{
  const float mean[3] = { 103.53f, 116.28f, 123.675f }, std[3] = { 1, 1, 1 };
  g_autofree float *input = g_new (float, bench->to_height * bench->to_width * 3);
  Tensor tensor = { input, 1, bench->to_height, bench->to_width, 3 };

  for (guint i = 0; i < bench->n_runs; i++) {
    const double start = timing_now ();
    image_normalize (&tensor, bench->out, bench->to_height, bench->to_width, mean, std, NULL);
    bench->times[i] = timing_now () - start;
  }
  print_times ("normalize", bench->times, bench->n_runs);
}

static void
bench_size (const Kernels *kernels, gsize width, gsize height, Workers *workers, guint n_runs)
{
  g_autofree guint8 *memory = g_malloc (width * height * 4);
  g_autofree double *times = g_new (double, n_runs);
  g_autoptr (GError) error = NULL;
  Bench bench = { image_resizer_new (&kernels->picture), workers, memory, NULL, height, width,
    .times = times, .n_runs = n_runs };

  for (gsize i = 0; i < width * height * 4; i++)
    memory[i] = (guint8) g_random_int ();
  image_network_size (height, width, 224, 448, &bench.to_height, &bench.to_width);
  if (!image_resizer_prepare (bench.resizer, height, width, bench.to_height, bench.to_width,
          workers_count (workers), &error))
    g_error ("%s", error->message);
  g_autofree guint8 *out = g_malloc (bench.to_width * bench.to_height * 3);
  bench.out = out;

  printf ("%s, %zu x %zu to %zu x %zu, %u threads\n", kernels->name, width, height, bench.to_width,
      bench.to_height, workers_count (workers));
  bench_formats (&bench);
  bench_normalize (&bench);
  image_resizer_free (bench.resizer);
}

int
main (int argc, char **argv)
{
  const guint n_runs = argc > 1 ? (guint) MAX (atoi (argv[1]), 1) : 50;
  const guint n_threads = argc > 2 ? (guint) MAX (atoi (argv[2]), 1) : 1;
  g_autoptr (GError) error = NULL;
  const Kernels *kernels = kernels_find (NULL, &error);
  Workers *workers = kernels != NULL ? workers_new (n_threads, &error) : NULL;

  if (workers == NULL)
    g_error ("%s", error->message);
  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    bench_size (kernels, sizes[s].width, sizes[s].height, workers, n_runs);
  workers_free (workers);
  return 0;
}
