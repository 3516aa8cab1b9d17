/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What it takes until a model gives its first result: its file read and checked, its weights packed for a
 * detector, the first frame, which plans, and the second, which does not. Milliseconds, least and median of
 * the runs.
 *
 *   bench-load MODEL [RUNS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "fbnet/fbnet.h"
#include "timing.h"

#define WIDTH  640
#define HEIGHT 480

enum { LOAD, PACK, FIRST, SECOND, N_STEPS };

/* Microseconds of each step. */
static void
run_once (const char *path, double times[N_STEPS])
{
  static guint8 black[HEIGHT * WIDTH];
  const FbnetImage frame = { FBNET_PIXEL_GRAY8, WIDTH, HEIGHT, { black }, { WIDTH } };
  const FbnetDetectorOptions options = { .n_threads = 1 };
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  double at[N_STEPS + 1] = { timing_now () };

  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);
  at[1] = timing_now ();
  g_autoptr (FbnetDetector) detector =
      model != NULL ? fbnet_detector_new (model, &options, &error) : NULL;
  at[2] = timing_now ();
  for (guint run = 0; run < 2; run++) {
    if (detector == NULL || !fbnet_detector_run (detector, &frame, found, &error))
      g_error ("%s", error->message);
    at[3 + run] = timing_now ();
  }
  for (guint step = 0; step < N_STEPS; step++)
    times[step] = at[step + 1] - at[step];
}

int
main (int argc, char **argv)
{
  static const char *const names[N_STEPS] = { "load", "new detector", "first frame",
    "second frame" };
  const guint n_runs = argc > 2 ? (guint) MAX (atoi (argv[2]), 1) : 20;
  g_autofree double *times = g_new (double, n_runs *N_STEPS);
  g_autofree double *step_times = g_new (double, n_runs);

  if (argc < 2) {
    fprintf (stderr, "bench-load MODEL [RUNS]\n");
    return 2;
  }
  for (guint i = 0; i < n_runs; i++)
    run_once (argv[1], times + i * N_STEPS);
  for (guint step = 0; step < N_STEPS; step++) {
    for (guint i = 0; i < n_runs; i++)
      step_times[i] = times[i * N_STEPS + step];
    const Timing timing = timing_of (step_times, n_runs);
    printf ("%-12s min %7.3f  median %7.3f ms\n", names[step], timing.least / 1000,
        timing.median / 1000);
  }
  return 0;
}
