/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame through the whole detector in float32 and in int8, in turns, so that a busy machine slows both:
 * one thread and two, the stages' minimum and median in milliseconds, and how many times as fast int8 is.
 *
 *   bench-int8 [CONFIG]
 *   bench-int8 MODEL PICTURE [FRAMES]
 *
 * MODEL is a float one, quantised here with PICTURE alone: speed does not depend on the ranges. CONFIG is
 * one of D2Go's zoo, with random weights that leave 30 proposals, and up to ten masks.
 */
#include <stdio.h>
#include <stdlib.h>

#include "benchmodel.h"
#include "benchquantize.h"
#include "drawing.h"
#include "timing.h"

#define WIDTH     320
#define HEIGHT    224
#define N_WARM_UP 5
#define N_FRAMES  100
#define N_MASKS   10

typedef struct {
  FbnetDetector *detector;
  FbnetDetections *detections;
  FbnetTimings *frames;
} Runner;

static void
stop (const GError *error)
{
  fprintf (stderr, "%s\n", error->message);
  exit (1);
}

/* Of a random model every proposal stays. */
static Runner
runner_new (FbnetModel *model, guint n_threads, guint n_frames, gboolean random)
{
  Runner runner = { bench_detector_new (model, NULL, n_threads,
                        random && fbnet_model_has_masks (model) ? N_MASKS : 0, random),
    fbnet_detections_new (), g_new0 (FbnetTimings, n_frames) };

  return runner;
}

static void
runner_clear (Runner *runner)
{
  fbnet_detector_free (runner->detector);
  fbnet_detections_free (runner->detections);
  g_free (runner->frames);
}

static void
run (Runner *runner, const FbnetImage *image, FbnetTimings *timings)
{
  g_autoptr (GError) error = NULL;

  if (!fbnet_detector_run (runner->detector, image, runner->detections, &error))
    stop (error);
  fbnet_detector_get_timings (runner->detector, timings);
}

static Timing
column_timing (const Runner *runner, guint column, double *samples, guint n)
{
  for (guint i = 0; i < n; i++)
    samples[i] = bench_column_ms (&runner->frames[i], column);
  return timing_of (samples, n);
}

static void
print_ratio (const char *name, Timing slow, Timing fast, double pair)
{
  printf ("| %-15s | %7.3f %7.3f | %7.3f %7.3f | %5.2f %5.2f %5.2f |\n", name, slow.least,
      slow.median, fast.least, fast.median, slow.least / fast.least, slow.median / fast.median,
      pair);
}

/* The median of the ratios of frames that were run one after the other. */
static double
median_of_pairs (const Runner *slow, const Runner *fast, guint column, double *samples, guint n)
{
  for (guint i = 0; i < n; i++)
    samples[i] =
        bench_column_ms (&slow->frames[i], column) / bench_column_ms (&fast->frames[i], column);
  return timing_of (samples, n).median;
}

static void
measure (FbnetModel *model, FbnetModel *int8, const FbnetImage *image, guint n_threads,
    guint n_frames, gboolean random)
{
  Runner slow = runner_new (model, n_threads, n_frames, random);
  Runner fast = runner_new (int8, n_threads, n_frames, random);
  g_autofree double *samples = g_new (double, n_frames);

  for (guint i = 0; i < N_WARM_UP + n_frames; i++) {
    const guint at = i < N_WARM_UP ? 0 : i - N_WARM_UP;
    run (&slow, image, &slow.frames[at]);
    run (&fast, image, &fast.frames[at]);
  }
  printf ("\n%s, %u thread%s, %u frames in turns, %u and %u detections\n"
          "| ms: min, median | float32         | int8            | times as fast: min, median, of "
          "pairs |\n",
      fbnet_model_get_name (model), n_threads, n_threads > 1 ? "s" : "", n_frames,
      slow.detections->n, fast.detections->n);
  for (guint s = 0; s < FBNET_N_STAGES; s++) {
    const Timing of_slow = column_timing (&slow, s, samples, n_frames);
    const Timing of_fast = column_timing (&fast, s, samples, n_frames);
    if (of_slow.median > 0)
      print_ratio (bench_column_name (s), of_slow, of_fast,
          median_of_pairs (&slow, &fast, s, samples, n_frames));
  }
  fflush (stdout);
  runner_clear (&slow);
  runner_clear (&fast);
}

int
main (int argc, char *argv[])
{
  const gboolean random = argc < 3;
  const guint n_frames = argc > 3 ? (guint) MAX (atoi (argv[3]), 1) : N_FRAMES;
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = random
      ? bench_model_new (argc > 1 ? argv[1] : "faster_rcnn_fbnetv3a_dsmask_C4", &error)
      : fbnet_model_load (argv[1], &error);

  if (model == NULL)
    stop (error);
  g_autoptr (Picture) picture =
      random ? picture_draw (WIDTH, HEIGHT, 1) : picture_read (argv[2], &error);
  if (picture == NULL)
    stop (error);
  const FbnetImage image = picture_image (picture);
  g_autoptr (FbnetModel) int8 = bench_quantize (model, &image, &error);
  if (int8 == NULL)
    stop (error);

  for (guint n_threads = 1; n_threads <= 2; n_threads++)
    measure (model, int8, &image, n_threads, n_frames, random);
  return 0;
}
