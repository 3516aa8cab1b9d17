/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many elements in one process, as a wall of cameras has them: memory, threads, processor time a frame, and
 * whether all get their share. With one thread each and with threads=auto, in turns, since other programs may
 * run beside this one.
 *
 *   bench-elements MODEL [SECONDS [ROUNDS]]
 */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "timing.h"

#define MAX_ELEMENTS 32
#define MAX_ROUNDS   100
#define N_SETTINGS   2

static const guint counts[] = { 1, 8, MAX_ELEMENTS };
static const char *const settings[N_SETTINGS] = { "threads=1", "threads=0" };

/* Of one run. */
typedef struct {
  double cpu_ms, fps; /* processor time a frame; frames a second of all elements together */
  double fairness;    /* the slowest element's frames over the fastest's */
  guint64 rss_kib, n_threads;
} Run;

static guint n_frames[MAX_ELEMENTS]; /* atomic */

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc ((guint *) data);
  return GST_PAD_PROBE_OK;
}

/* A field of /proc/self/status. */
static guint64
status_of (const char *field)
{
  g_autofree char *text = NULL;
  g_autofree char *start = g_strdup_printf ("\n%s:", field);

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  const char *line = strstr (text, start);
  return line != NULL ? g_ascii_strtoull (line + strlen (start), NULL, 10) : 0;
}

static double
cpu_ms_now (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3
      + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-3;
}

static GstElement *
open_pipeline (const char *model, guint n, const char *setting)
{
  GstElement *pipeline = gst_pipeline_new (NULL);

  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *line = g_strdup_printf (
        "videotestsrc pattern=black ! video/x-raw,format=NV12,width=320,height=240,framerate=25/1 "
        "! "
        "fbnetdetect model-file=\"%s\" scheduling=sync %s ! fakesink name=sink sync=false",
        model, setting);
    GstElement *bin = gst_parse_bin_from_description (line, FALSE, &error);
    if (bin == NULL)
      g_error ("%s", error->message);
    g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (bin), "sink");
    g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
    n_frames[i] = 0;
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, &n_frames[i], NULL);
    gst_bin_add (GST_BIN (pipeline), bin);
  }
  return pipeline;
}

/* Every element has its memory, and has been through a frame. */
static void
wait_until_all_run (GstElement *pipeline, guint n)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  for (guint i = 0; i < n; i++) {
    while (g_atomic_int_get (&n_frames[i]) < 3) {
      g_autoptr (GstMessage) message =
          gst_bus_timed_pop_filtered (bus, 10 * GST_MSECOND, GST_MESSAGE_ERROR);
      if (message != NULL)
        g_error ("the pipeline failed");
    }
  }
}

static Run
measure (const char *model, guint n, const char *setting, double seconds)
{
  GstElement *pipeline = open_pipeline (model, n, setting);
  guint before[MAX_ELEMENTS], all = 0, least = G_MAXUINT, most = 0;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_until_all_run (pipeline, n);
  for (guint i = 0; i < n; i++)
    before[i] = (guint) g_atomic_int_get (&n_frames[i]);
  const double cpu_ms = cpu_ms_now (), began = timing_now ();
  g_usleep ((gulong) (seconds * G_USEC_PER_SEC));
  for (guint i = 0; i < n; i++) {
    const guint frames = (guint) g_atomic_int_get (&n_frames[i]) - before[i];
    all += frames;
    least = MIN (least, frames);
    most = MAX (most, frames);
  }
  const Run run = { (cpu_ms_now () - cpu_ms) / MAX (all, 1), all * 1e6 / (timing_now () - began),
    (double) least / MAX (most, 1), status_of ("VmRSS"), status_of ("Threads") };
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return run;
}

static void
print_runs (const char *setting, const Run *runs, guint n)
{
  double cpu[MAX_ROUNDS], fairness[MAX_ROUNDS], fps[MAX_ROUNDS];

  for (guint i = 0; i < n; i++) {
    cpu[i] = runs[i].cpu_ms;
    fairness[i] = runs[i].fairness;
    fps[i] = runs[i].fps;
  }
  const Timing times = timing_of (cpu, n);
  printf (
      "  %s: processor ms a frame %.2f %.2f (least, median), frames a second %.1f, slowest over "
      "fastest %.2f, RSS %.1f MiB, %u threads\n",
      setting, times.least, times.median, timing_of (fps, n).median, timing_of (fairness, n).median,
      (double) runs[n - 1].rss_kib / 1024, (guint) runs[n - 1].n_threads);
}

static void
compare (const char *model, guint n, double seconds, guint n_rounds)
{
  static Run runs[N_SETTINGS][MAX_ROUNDS];
  double ratios[MAX_ROUNDS];

  printf ("%u elements\n", n);
  for (guint i = 0; i < n_rounds; i++) {
    for (guint s = 0; s < N_SETTINGS; s++)
      runs[s][i] = measure (model, n, settings[s], seconds);
    ratios[i] = runs[1][i].cpu_ms / runs[0][i].cpu_ms;
  }
  for (guint s = 0; s < N_SETTINGS; s++)
    print_runs (settings[s], runs[s], n_rounds);
  printf ("  processor time, threads=0 over 1, median of the rounds: %.3f\n",
      timing_of (ratios, n_rounds).median);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  const char *model = argc > 1 ? argv[1] : "";
  const double seconds = argc > 2 ? atof (argv[2]) : 3;
  const guint n_rounds = argc > 3 ? (guint) CLAMP (atoi (argv[3]), 1, MAX_ROUNDS) : 5;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    compare (model, counts[i], seconds, n_rounds);
  return 0;
}
