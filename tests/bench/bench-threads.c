/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What threads cost: one detector on one and on all processors, and as many detectors at once as a
 * wall of screens has, each in a thread of its own. Milliseconds, processor time and thread switches
 * a frame; in turns, since other programs may run beside this one.
 *
 *   bench-threads MODEL [ROUNDS [DETECTORS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "fbnet/fbnet.h"
#include "timing.h"

#define WIDTH      320
#define HEIGHT     240
#define N_SETTINGS 2
#define MAX_ROUNDS 1000
#define WARM_UP    3
#define ONE_FRAMES 40 /* a round, of a detector by itself */
#define ALL_FRAMES 4  /* a round, of each of many detectors */

static const guint settings[N_SETTINGS] = { 1, 0 }; /* n_threads */

static guint8 pixels[HEIGHT * WIDTH * 3];

static const FbnetImage image = { .format = FBNET_PIXEL_RGB,
  .width = WIDTH,
  .height = HEIGHT,
  .planes = { pixels },
  .strides = { 3 * WIDTH } };

/* A frame, or the mean of many. */
typedef struct {
  double ms, cpu_ms, switches; /* switches: by the program's own will, and without */
} Cost;

static G_NORETURN void
stop (const GError *error)
{
  fprintf (stderr, "%s\n", error->message);
  exit (1);
}

static Cost
cost_now (void)
{
  struct timespec cpu;
  struct rusage usage;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &cpu);
  getrusage (RUSAGE_SELF, &usage);
  return (Cost){ timing_now () / 1e3, (double) cpu.tv_sec * 1e3 + (double) cpu.tv_nsec * 1e-6,
    (double) (usage.ru_nvcsw + usage.ru_nivcsw) };
}

static Cost
cost_since (const Cost *start, guint n_frames)
{
  const Cost now = cost_now ();

  return (Cost){ (now.ms - start->ms) / n_frames, (now.cpu_ms - start->cpu_ms) / n_frames,
    (now.switches - start->switches) / n_frames };
}

static FbnetDetector *
new_detector (FbnetModel *model, guint n_threads)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  g_autoptr (GError) error = NULL;

  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);
  if (detector == NULL)
    stop (error);
  return detector;
}

static void
run_frames (FbnetDetector *detector, FbnetDetections *found, guint n_frames)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_frames; i++) {
    if (!fbnet_detector_run (detector, &image, found, &error))
      stop (error);
  }
}

static Cost
measure_one (FbnetModel *model, guint n_threads, guint n_detectors)
{
  g_autoptr (FbnetDetector) detector = new_detector (model, n_threads);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();

  run_frames (detector, found, WARM_UP);
  const Cost start = cost_now ();
  run_frames (detector, found, ONE_FRAMES);
  return cost_since (&start, ONE_FRAMES);
}

static gpointer
detect_frames (gpointer data)
{
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();

  run_frames (data, found, ALL_FRAMES);
  return NULL;
}

/* The threads start their detectors' frames one after the other, as streams do. */
static Cost
measure_all (FbnetModel *model, guint n_threads, guint n_detectors)
{
  g_autofree FbnetDetector **detectors = g_new (FbnetDetector *, n_detectors);
  g_autofree GThread **threads = g_new (GThread *, n_detectors);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();

  for (guint i = 0; i < n_detectors; i++) {
    detectors[i] = new_detector (model, n_threads);
    run_frames (detectors[i], found, 1);
  }
  const Cost start = cost_now ();
  for (guint i = 0; i < n_detectors; i++)
    threads[i] = g_thread_new ("stream", detect_frames, detectors[i]);
  for (guint i = 0; i < n_detectors; i++)
    g_thread_join (threads[i]);
  const Cost cost = cost_since (&start, ALL_FRAMES * n_detectors);
  for (guint i = 0; i < n_detectors; i++)
    fbnet_detector_free (detectors[i]);
  return cost;
}

static double
median (double *samples, guint n)
{
  return timing_of (samples, n).median;
}

static void
print_costs (const Cost *costs, guint n_threads, guint n)
{
  double ms[MAX_ROUNDS], cpu_ms[MAX_ROUNDS], switches[MAX_ROUNDS];

  for (guint i = 0; i < n; i++) {
    ms[i] = costs[i].ms;
    cpu_ms[i] = costs[i].cpu_ms;
    switches[i] = costs[i].switches;
  }
  const Timing wall = timing_of (ms, n), cpu = timing_of (cpu_ms, n), sw = timing_of (switches, n);
  printf ("  n_threads %u: ms %7.2f %7.2f  processor ms %7.2f %7.2f  switches %6.1f %6.1f\n",
      n_threads, wall.least, wall.median, cpu.least, cpu.median, sw.least, sw.median);
}

typedef Cost (*MeasureFunc) (FbnetModel *model, guint n_threads, guint n_detectors);

static void
compare (const char *heading, MeasureFunc measure, FbnetModel *model, guint n_rounds,
    guint n_detectors)
{
  static Cost costs[N_SETTINGS][MAX_ROUNDS];
  double ratios[MAX_ROUNDS];

  printf ("%s, a frame (least, median)\n", heading);
  for (guint i = 0; i < n_rounds; i++) {
    for (guint s = 0; s < N_SETTINGS; s++)
      costs[s][i] = measure (model, settings[s], n_detectors);
    ratios[i] = costs[1][i].cpu_ms / costs[0][i].cpu_ms;
  }
  for (guint s = 0; s < N_SETTINGS; s++)
    print_costs (costs[s], settings[s], n_rounds);
  printf ("  processor time, n_threads 0 over 1, median of the rounds: %.3f\n",
      median (ratios, n_rounds));
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (argc < 2) {
    fprintf (stderr, "bench-threads MODEL [ROUNDS [DETECTORS]]\n");
    return 2;
  }
  const guint n_rounds = argc > 2 ? (guint) CLAMP (atoi (argv[2]), 1, MAX_ROUNDS) : 9;
  const guint n_detectors = argc > 3 ? (guint) MAX (atoi (argv[3]), 1) : 32;
  for (gsize i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * 2654435761u >> 13);
  g_autoptr (FbnetModel) model = fbnet_model_load (argv[1], &error);
  if (model == NULL)
    stop (error);
  g_autofree char *heading = g_strdup_printf ("%u detectors at once", n_detectors);
  compare ("one detector", measure_one, model, n_rounds, 1);
  compare (heading, measure_all, model, n_rounds, n_detectors);
  return 0;
}
