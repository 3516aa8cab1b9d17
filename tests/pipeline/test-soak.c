/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream that runs on while properties, models, formats and sizes change: memory, descriptors and threads stay
 * what they are, and so does the time that a frame takes. One line a sample:
 *
 *   test-soak [SECONDS [FILE.csv [SCHEDULING]]]
 *
 * SECONDS for each way of scheduling, or for the one that is named; FILE.csv: where the lines go as well.
 */
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SECONDS 6
#define N_SAMPLES       60   /* of each way of scheduling */
#define TICK_MS         20   /* from one change to the next */
#define MOST_GROWTH     8192 /* KiB: pages that the allocator hands about */
#define MOST_NEW        2    /* descriptors, and threads, that may be in use for a moment */

typedef struct {
  GMutex lock;
  GArray *latencies; /* of double, milliseconds, since the last sample */
  gint64 entered;    /* the frame in the element */
  guint64 n_frames;
} Meter;

typedef struct {
  double seconds;
  glong kib;
  guint descriptors, threads;
  double median_ms, most_ms;
  guint64 n_frames;
} Sample;

typedef struct {
  GstElement *pipeline, *detector, *filter;
  GMutex lock;
  GstCaps *next; /* what the stream changes to */
  GstBus *bus;
  GRand *random;
  Meter meter;
  FILE *csv;
  const char *scheduling;
} Soak;

/* --- Measuring -------------------------------------------------------------------------------- */

static GstPadProbeReturn
enter (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  ((Meter *) data)->entered = g_get_monotonic_time ();
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
leave (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Meter *meter = data;
  const double ms = (double) (g_get_monotonic_time () - meter->entered) / 1000;

  g_mutex_lock (&meter->lock);
  g_array_append_val (meter->latencies, ms);
  meter->n_frames++;
  g_mutex_unlock (&meter->lock);
  return GST_PAD_PROBE_OK;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
read_latencies (Meter *meter, Sample *sample)
{
  g_mutex_lock (&meter->lock);
  GArray *all = meter->latencies;
  g_array_sort (all, compare);
  sample->median_ms = all->len > 0 ? g_array_index (all, double, all->len / 2) : 0;
  sample->most_ms = all->len > 0 ? g_array_index (all, double, all->len - 1) : 0;
  sample->n_frames = meter->n_frames;
  g_array_set_size (all, 0);
  g_mutex_unlock (&meter->lock);
}

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static glong
resident_kib (void)
{
  glong pages = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%*d %ld", &pages), ==, 1);
  fclose (file);
  return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

static void
write_line (const Soak *soak, const Sample *s)
{
  g_autofree char *line =
      g_strdup_printf ("%s,%.1f,%" G_GUINT64_FORMAT ",%ld,%u,%u,%.3f,%.3f\n", soak->scheduling,
          s->seconds, s->n_frames, s->kib, s->descriptors, s->threads, s->median_ms, s->most_ms);

  g_print ("%s", line);
  if (soak->csv != NULL)
    g_assert_cmpint (fputs (line, soak->csv), >=, 0);
}

static Sample
take_sample (Soak *soak, double seconds)
{
  Sample sample = { seconds, resident_kib (), count_entries ("/proc/self/fd"),
    count_entries ("/proc/self/task"), 0, 0, 0 };

  read_latencies (&soak->meter, &sample);
  write_line (soak, &sample);
  return sample;
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void
change_property (Soak *soak)
{
  static const char *const settings[][2] = { { "score-threshold", "0.05" },
    { "score-threshold", "0.9" }, { "min-size", "48" }, { "min-size", "96" }, { "enable", "false" },
    { "enable", "true" }, { "tracking", "true" }, { "tracking", "false" }, { "zoom-regions", "2" },
    { "zoom-regions", "0" }, { "still-threshold", "8" }, { "still-threshold", "0" },
    { "evaluate", "true" }, { "evaluate", "false" }, { "max-detections", "100" },
    { "max-detections", "5" }, { "include-classes", "person" }, { "include-classes", "" } };
  const guint i = (guint) g_rand_int_range (soak->random, 0, G_N_ELEMENTS (settings));
  g_autoptr (GstStructure) stats = NULL;

  gst_util_set_object_arg (G_OBJECT (soak->detector), settings[i][0], settings[i][1]);
  g_object_get (soak->detector, "stats", &stats, NULL);
}

static void
change_model (Soak *soak)
{
  static const char *const names[] = { "tiny-bn.safetensors", "tiny-gn.safetensors",
    "none.safetensors" };
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"),
      names[g_rand_int_range (soak->random, 0, G_N_ELEMENTS (names))], NULL);

  g_object_set (soak->detector, "model-file", path, NULL);
}

static void
change_format (Soak *soak)
{
  static const char *const formats[] = { "I420", "RGB", "NV12", "BGRx", "GRAY8" };
  static const gint sides[] = { 32, 90, 161, 240 };
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      formats[g_rand_int_range (soak->random, 0, G_N_ELEMENTS (formats))], "width", G_TYPE_INT,
      sides[g_rand_int_range (soak->random, 0, G_N_ELEMENTS (sides))], "height", G_TYPE_INT,
      sides[g_rand_int_range (soak->random, 0, G_N_ELEMENTS (sides))], NULL);

  g_mutex_lock (&soak->lock);
  gst_caps_replace (&soak->next, caps);
  g_mutex_unlock (&soak->lock);
}

/* In the thread that negotiates: capsfilter reads its caps several times while it does, and where they change
 * meanwhile the source ends with "not negotiated". */
static GstPadProbeReturn
follow_format (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Soak *soak = data;

  g_mutex_lock (&soak->lock);
  g_autoptr (GstCaps) caps = g_steal_pointer (&soak->next);
  g_mutex_unlock (&soak->lock);
  if (caps != NULL)
    g_object_set (soak->filter, "caps", caps, NULL);
  return GST_PAD_PROBE_OK;
}

/* Warnings of models that are not there are taken off; nothing else may be wrong. */
static void
clear_bus (const Soak *soak)
{
  GstMessage *message;

  while ((message = gst_bus_pop (soak->bus)) != NULL) {
    g_autoptr (GError) error = NULL;
    g_autofree char *where = NULL;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &error, &where);
    if (error != NULL)
      g_error ("%s: %s: %s", GST_MESSAGE_SRC_NAME (message), error->message, where);
    gst_message_unref (message);
  }
}

static void
change_something (Soak *soak)
{
  const gint32 what = g_rand_int_range (soak->random, 0, 10);

  if (what == 0)
    change_model (soak);
  else if (what == 1)
    change_format (soak);
  else
    change_property (soak);
  clear_bus (soak);
}

/* --- Verdicts --------------------------------------------------------------------------------- */

static void
mean_of (const Sample *samples, guint n, double *kib, double *descriptors, double *threads)
{
  *kib = *descriptors = *threads = 0;
  for (guint i = 0; i < n; i++) {
    *kib += (double) samples[i].kib / n;
    *descriptors += (double) samples[i].descriptors / n;
    *threads += (double) samples[i].threads / n;
  }
}

/* The last third is as the one before; the first is for all models and sizes to have been there once. */
static void
check_flat (const Sample samples[N_SAMPLES])
{
  const guint n = N_SAMPLES / 3;
  double kib[2], descriptors[2], threads[2];

  for (guint i = 0; i < 2; i++)
    mean_of (samples + (1 + i) * n, n, &kib[i], &descriptors[i], &threads[i]);
  g_print ("resident %.0f, then %.0f KiB; descriptors %.1f, %.1f; threads %.1f, %.1f\n", kib[0],
      kib[1], descriptors[0], descriptors[1], threads[0], threads[1]);
  g_assert_cmpfloat (kib[1], <=, kib[0] + MOST_GROWTH);
  g_assert_cmpfloat (descriptors[1], <=, descriptors[0] + MOST_NEW);
  g_assert_cmpfloat (threads[1], <=, threads[0] + MOST_NEW);
}

/* --- All -------------------------------------------------------------------------------------- */

static void
open_soak (Soak *soak)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf (
      "videotestsrc pattern=ball is-live=%s ! capsfilter name=filter "
      "caps=video/x-raw,format=I420,width=160,height=120 ! fbnetdetect name=detector scheduling=%s "
      "min-size=48 threads=2 model-file=\"%s/tiny-bn.safetensors\" ! fakesink sync=false",
      g_str_equal (soak->scheduling, "auto") ? "true" : "false", soak->scheduling,
      g_getenv ("FBNET_TEST_DATA"));

  soak->pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  soak->detector = gst_bin_get_by_name (GST_BIN (soak->pipeline), "detector");
  soak->filter = gst_bin_get_by_name (GST_BIN (soak->pipeline), "filter");
  soak->bus = gst_element_get_bus (soak->pipeline);
  soak->random = g_rand_new_with_seed (20);
  g_mutex_init (&soak->lock);
  g_mutex_init (&soak->meter.lock);
  soak->meter.latencies = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GstPad) sink = gst_element_get_static_pad (soak->detector, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (soak->detector, "src");
  g_autoptr (GstPad) filtered = gst_element_get_static_pad (soak->filter, "sink");
  gst_pad_add_probe (filtered, GST_PAD_PROBE_TYPE_BUFFER, follow_format, soak, NULL);
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, enter, &soak->meter, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, leave, &soak->meter, NULL);
}

static void
close_soak (Soak *soak)
{
  g_assert_cmpint (gst_element_set_state (soak->pipeline, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (soak->bus);
  gst_object_unref (soak->detector);
  gst_object_unref (soak->filter);
  gst_object_unref (soak->pipeline);
  gst_clear_caps (&soak->next);
  g_rand_free (soak->random);
  g_array_unref (soak->meter.latencies);
  g_mutex_clear (&soak->meter.lock);
  g_mutex_clear (&soak->lock);
}

static void
run (const char *scheduling, guint seconds, FILE *csv)
{
  Soak soak = { .scheduling = scheduling, .csv = csv };
  Sample samples[N_SAMPLES];

  open_soak (&soak);
  gst_element_set_state (soak.pipeline, GST_STATE_PLAYING);
  const gint64 began = g_get_monotonic_time ();
  for (guint i = 0; i < N_SAMPLES; i++) {
    const gint64 until = began + (gint64) seconds * G_USEC_PER_SEC * (i + 1) / N_SAMPLES;
    while (g_get_monotonic_time () < until) {
      change_something (&soak);
      g_usleep (TICK_MS * 1000);
    }
    samples[i] = take_sample (&soak, (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  }
  close_soak (&soak);
  g_assert_cmpuint (samples[N_SAMPLES - 1].n_frames, >, samples[0].n_frames);
  check_flat (samples);
}

/* As fast as it goes, but for "auto", which asks whether the source is live. */
static const char *const schedulings[] = { "sync", "latest", "auto" };

int
main (int argc, char **argv)
{
  static const char head[] =
      "scheduling,seconds,frames,resident_kib,descriptors,threads,median_ms,most_ms\n";

  gst_init (&argc, &argv);
  const guint seconds = argc > 1 ? (guint) atoi (argv[1]) : DEFAULT_SECONDS;
  FILE *csv = argc > 2 ? fopen (argv[2], "w") : NULL;
  g_assert_true (argc <= 2 || csv != NULL);
  g_print ("%s", head);
  if (csv != NULL)
    fputs (head, csv);
  for (guint i = 0; i < G_N_ELEMENTS (schedulings); i++) {
    if (argc <= 3 || g_str_equal (argv[3], schedulings[i]))
      run (schedulings[i], seconds, csv);
  }
  if (csv != NULL)
    g_assert_cmpint (fclose (csv), ==, 0);
  return 0;
}
