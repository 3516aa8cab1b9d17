/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame through the whole detector in float32, in bfloat16 where the processor has it, and in int8, in turns,
 * so that a busy machine slows all: one thread and two, the stages' minimum and median in milliseconds, and
 * how many times as fast as float32 the others are, the median of neighbouring frames' ratios.
 *
 *   bench-precision [CONFIG]
 *   bench-precision MODEL PICTURE [FRAMES]
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
runner_new (FbnetModel *model, FbnetPrecision precision, guint n_threads, guint n_frames,
    gboolean random)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads, .precision = precision };
  const guint n_masks = random && fbnet_model_has_masks (model) ? N_MASKS : 0;

  return (Runner){ bench_detector_with (model, &options, n_masks, random), fbnet_detections_new (),
    g_new0 (FbnetTimings, n_frames) };
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

/* The median of the ratios of frames that were run one after the other. */
static double
median_of_pairs (const Runner *slow, const Runner *fast, guint column, double *samples, guint n)
{
  for (guint i = 0; i < n; i++)
    samples[i] =
        bench_column_ms (&slow->frames[i], column) / bench_column_ms (&fast->frames[i], column);
  return timing_of (samples, n).median;
}

/* Of all runners, the first being what the others are compared with. */
static void
print_stage (const Runner *runners, guint n_runners, guint column, double *samples, guint n)
{
  printf ("| %-15s |", bench_column_name (column));
  for (guint r = 0; r < n_runners; r++) {
    const Timing timing = column_timing (&runners[r], column, samples, n);
    printf (" %7.3f %7.3f |", timing.least, timing.median);
    if (r > 0)
      printf (" %5.2f |", median_of_pairs (&runners[0], &runners[r], column, samples, n));
  }
  printf ("\n");
}

static gboolean
has_bfloat16 (FbnetModel *model)
{
  const FbnetDetectorOptions options = { .precision = FBNET_PRECISION_BFLOAT16 };
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, NULL);

  return detector != NULL;
}

static void
measure (FbnetModel *model, FbnetModel *int8, const FbnetImage *image, guint n_threads,
    guint n_frames, gboolean random)
{
  g_autofree double *samples = g_new (double, n_frames);
  Runner runners[3];
  guint n = 0;

  printf ("\n%s, %u thread%s, %u frames in turns, ms\n| minimum, median |",
      fbnet_model_get_name (model), n_threads, n_threads > 1 ? "s" : "", n_frames);
  runners[n++] = runner_new (model, FBNET_PRECISION_FLOAT32, n_threads, n_frames, random);
  printf (" float32         |");
  if (has_bfloat16 (model)) {
    runners[n++] = runner_new (model, FBNET_PRECISION_BFLOAT16, n_threads, n_frames, random);
    printf (" bfloat16        |     × |");
  }
  runners[n++] = runner_new (int8, FBNET_PRECISION_INT8, n_threads, n_frames, random);
  printf (" int8            |     × |\n");
  for (guint i = 0; i < N_WARM_UP + n_frames; i++)
    for (guint r = 0; r < n; r++)
      run (&runners[r], image, &runners[r].frames[i < N_WARM_UP ? 0 : i - N_WARM_UP]);
  for (guint s = 0; s < FBNET_N_STAGES; s++) {
    if (column_timing (&runners[0], s, samples, n_frames).median > 0)
      print_stage (runners, n, s, samples, n_frames);
  }
  for (guint r = 0; r < n; r++) {
    printf ("%u detections\n", runners[r].detections->n);
    runner_clear (&runners[r]);
  }
  fflush (stdout);
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
