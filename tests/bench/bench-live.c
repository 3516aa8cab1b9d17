/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What scheduling=latest costs a live stream: how much later its frames are, and by what; what a strict sink shows;
 * how long it takes to stop.
 *
 *   bench-live MODEL [SETTINGS]    SETTINGS as gst-launch-1.0 writes them; without: "min-size=800 max-size=1333"
 */
#include <gst/gst.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define N_FRAMES 300
#define LATE_MS  5

typedef struct {
  gint64 entered;                           /* µs: the last frame, at the element's sink pad */
  double worked;                            /* ms: the thread's processor time then */
  struct rusage usage;                      /* the thread's, then */
  double delays[N_FRAMES], works[N_FRAMES]; /* ms; of the second what the thread worked itself */
  glong n_faults;                           /* in the element */
  guint n_frames, n_interrupted;            /* frames; those that another thread ran in between */
} Delays;

static double
thread_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec * 1e3 + (double) now.tv_nsec * 1e-6;
}

static struct rusage
thread_usage (void)
{
  struct rusage usage = { 0 };

#ifdef RUSAGE_THREAD
  getrusage (RUSAGE_THREAD, &usage);
#endif
  return usage;
}

static GstPadProbeReturn
note_entry (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Delays *delays = data;

  delays->usage = thread_usage ();
  delays->worked = thread_ms ();
  delays->entered = g_get_monotonic_time ();
  return GST_PAD_PROBE_OK;
}

/* In the same thread. The time first: Linux takes a processor away from whoever asks how long he has had it, if that
 * was a time slice. */
static GstPadProbeReturn
note_exit (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Delays *delays = data;
  const gint64 left = g_get_monotonic_time ();

  if (delays->n_frames == N_FRAMES)
    return GST_PAD_PROBE_OK;
  delays->works[delays->n_frames] = thread_ms () - delays->worked;
  delays->delays[delays->n_frames++] = (double) (left - delays->entered) / 1000;
  const struct rusage usage = thread_usage ();
  delays->n_faults += usage.ru_minflt - delays->usage.ru_minflt;
  delays->n_interrupted += usage.ru_nivcsw > delays->usage.ru_nivcsw;
  return GST_PAD_PROBE_OK;
}

static int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

/* Sorts them. */
static void
print_times (const char *name, double *times, guint n)
{
  qsort (times, n, sizeof (double), compare);
  g_print ("  %s: p50 %.2f ms, p99 %.2f ms, most %.2f ms\n", name, times[n / 2],
      times[n * 99 / 100], times[n - 1]);
}

/* Which frames came late: those at the start wait for other things than those in between. */
static void
print_late (const double *delays, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (delays[i] >= LATE_MS)
      g_print ("  frame %u: %.2f ms\n", i, delays[i]);
  }
}

static GstElement *
open_pipeline (const char *model, const char *settings, guint width, guint height, const char *sink)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line =
      g_strdup_printf ("videotestsrc is-live=true pattern=black num-buffers=%u ! "
                       "video/x-raw,format=NV12,width=%u,height=%u,framerate=30/1 ! "
                       "fbnetdetect name=detector model-file=\"%s\" %s ! %s",
          N_FRAMES, width, height, model, settings, sink);
  GstElement *pipeline = gst_parse_launch (line, &error);

  if (pipeline == NULL)
    g_error ("%s", error->message);
  return pipeline;
}

static void
play (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    g_error ("the pipeline failed");
}

static void
time_delay (const char *model, const char *settings, guint width, guint height)
{
  GstElement *pipeline = open_pipeline (model, settings, width, height, "fakesink sync=false");
  g_autoptr (GstElement) detector = gst_bin_get_by_name (GST_BIN (pipeline), "detector");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (detector, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (detector, "src");
  g_autoptr (GstStructure) stats = NULL;
  Delays delays = { 0 };
  guint64 inferences = 0, age = 0;

  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, note_entry, &delays, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, note_exit, &delays, NULL);
  play (pipeline);
  g_object_get (detector, "stats", &stats, NULL);
  gst_structure_get (stats, "inferences", G_TYPE_UINT64, &inferences, "age-p95", G_TYPE_UINT64,
      &age, NULL);
  g_print ("%4u x %4u: %u frames, %" G_GUINT64_FORMAT " looks, age p95 %.0f ms\n", width, height,
      delays.n_frames, inferences, (double) age / GST_MSECOND);
  print_late (delays.delays, delays.n_frames);
  print_times ("added delay", delays.delays, delays.n_frames);
  print_times ("of it the streaming thread's own work", delays.works, delays.n_frames);
  g_print ("  %u frames interrupted by another thread, %ld page faults\n", delays.n_interrupted,
      delays.n_faults);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
count_shown (const char *model, const char *settings)
{
  GstElement *pipeline = open_pipeline (model, settings, 1280, 720,
      "fakesink name=sink sync=true qos=true max-lateness=5000000");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstStructure) stats = NULL;
  guint64 rendered = 0;

  play (pipeline);
  g_object_get (sink, "stats", &stats, NULL);
  gst_structure_get (stats, "rendered", G_TYPE_UINT64, &rendered, NULL);
  g_print ("a sink that drops what is 5 ms late shows %.1f %%\n",
      100.0 * (double) rendered / N_FRAMES);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* In the middle of a look, five times. */
static void
time_stop (const char *model, const char *settings)
{
  double most = 0;

  for (guint i = 0; i < 5; i++) {
    GstElement *pipeline = open_pipeline (model, settings, 1280, 720, "fakesink");
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (900000 + i * 70000);
    const gint64 began = g_get_monotonic_time ();
    gst_element_set_state (pipeline, GST_STATE_READY);
    most = MAX (most, (double) (g_get_monotonic_time () - began) / 1000);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
  }
  g_print ("PLAYING to READY takes at most %.1f ms\n", most);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  const char *model = argc > 1 ? argv[1] : "";
  const char *settings = argc > 2 ? argv[2] : "min-size=800 max-size=1333";

  time_delay (model, settings, 1280, 720);
  time_delay (model, settings, 1920, 1080);
  time_delay (model, settings, 3840, 2160);
  count_shown (model, settings);
  time_stop (model, settings);
  return 0;
}
