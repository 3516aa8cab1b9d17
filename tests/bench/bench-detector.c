/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame through the whole detector at D2Go's own input size, 224×320: the box detector with 30
 * proposals and the mask detector with ten masks, by kernel set and number of threads. Minimum and
 * median of each stage, in milliseconds. Weights are random: speed does not depend on them but through
 * the number of detections, which is fixed here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "benchmodel.h"
#include "drawing.h"
#include "fbnet/fbnet.h"
#include "kernels/kernels.h"
#include "timing.h"

#define WIDTH      320
#define HEIGHT     224
#define N_WARM_UP  3
#define MIN_FRAMES 15
#define MAX_FRAMES 200
#define BUDGET_MS  2000.0
#define N_COLUMNS  FBNET_STAGE_KEYPOINT_POOLER /* from there on there is nothing to show */

static const struct {
  const char *config;
  guint max_detections;
} detectors[] = {
  { "faster_rcnn_fbnetv3a_dsmask_C4", 100 },
  { "mask_rcnn_fbnetv3a_dsmask_C4", 10 },
};

static void
stop (const GError *error)
{
  fprintf (stderr, "%s\n", error->message);
  exit (1);
}

static void
print_stages (FbnetTimings *frames, guint n)
{
  double samples[MAX_FRAMES];

  for (guint s = 0; s < N_COLUMNS; s++) {
    for (guint i = 0; i < n; i++)
      samples[i] = bench_column_ms (&frames[i], s);
    const Timing timing = timing_of (samples, n);
    printf (" %6.2f %6.2f |", timing.least, timing.median);
  }
}

static void
measure (FbnetDetector *detector, const FbnetImage *image)
{
  static FbnetTimings frames[MAX_FRAMES];
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  double spent = 0;
  guint n = 0;

  for (guint i = 0; i < N_WARM_UP; i++) {
    if (!fbnet_detector_run (detector, image, detections, &error))
      stop (error);
  }
  while (n < MIN_FRAMES || (n < MAX_FRAMES && spent < BUDGET_MS)) {
    if (!fbnet_detector_run (detector, image, detections, &error))
      stop (error);
    fbnet_detector_get_timings (detector, &frames[n]);
    spent += frames[n++].total;
  }
  print_stages (frames, n);
  printf (" %4u | %u\n", n, detections->n);
}

static void
print_heading (const char *config)
{
  printf ("\n%s, %u×%u, ms (minimum, median)\n| kernels | threads |", config, HEIGHT, WIDTH);
  for (guint s = 0; s < N_COLUMNS; s++)
    printf (" %-13s |", bench_column_name (s));
  printf (" frames | detections\n");
}

int
main (void)
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 1);
  const FbnetImage image = picture_image (picture);

  for (guint d = 0; d < G_N_ELEMENTS (detectors); d++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (FbnetModel) model = bench_model_new (detectors[d].config, &error);
    if (model == NULL)
      stop (error);
    print_heading (detectors[d].config);
    for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
      for (guint n_threads = 1; n_threads <= 2; n_threads++) {
        g_autoptr (FbnetDetector) detector =
            bench_detector_new (model, (*row)->name, n_threads, detectors[d].max_detections, TRUE);
        printf ("| %-8s | %u |", (*row)->name, n_threads);
        fflush (stdout);
        measure (detector, &image);
      }
    }
  }
  return 0;
}
