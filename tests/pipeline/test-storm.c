/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything at once: seeks, new sizes, states, models, properties from four threads, while frames flow. No
 * frame carries a result from before its segment, nothing is stuck, nothing is left behind: the process is as large at the
 * end as it was before the last half.
 *
 *   test-storm [SECONDS]
 */
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SECONDS 4

/* Of a storm's time, in which the least memory is kept. */
#define N_PARTS 4

/* How much larger the process may be in the last part than in the second: what is there of everything at that moment,
 * and what allocators keep. */
#define MOST_GROWTH_KIB 32768

/* Of a few seconds a part may hold no moment in which no model was just being read. */
#define LEAST_JUDGED_US (60 * G_USEC_PER_SEC)

typedef struct {
  GstElement *pipeline, *detector, *filter;
  gint64 began, end;          /* µs, monotonic */
  GHashTable *arrived;        /* times of the frames since the last segment */
  guint64 least_kib[N_PARTS]; /* of memory, with the pipeline in NULL; 0: it was not */
  guint seed;
} Storm;

static const char *model; /* or NULL */
static guint n_frames;    /* that arrived; atomic */
static guint n_carried;   /* of these with a result */

static gboolean
goes_on (const Storm *storm)
{
  return g_get_monotonic_time () < storm->end;
}

/* --- What every frame must say ----------------------------------------------------------------- */

/* Both probes run in the streaming thread, and flushes with it held. */
static GstPadProbeReturn
note_arrival (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GHashTable *arrived = data;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    const GstClockTime pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
    g_hash_table_add (arrived, g_memdup2 (&pts, sizeof pts));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_SEGMENT) {
    g_hash_table_remove_all (arrived);
  }
  return GST_PAD_PROBE_OK;
}

/* The source sends frames from before its segment where it is stopped between a seek and the first of them: these
 * have no running time, and their age is the wall clock's. */
static void
check_age (GstPad *pad, GstClockTime pts, GstClockTime inference_pts, GstClockTime age)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;

  if (event == NULL) /* a change of state has just taken it from the pad */
    return;
  gst_event_parse_segment (event, &segment);
  const GstClockTime now = gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts);
  const GstClockTime then = gst_segment_to_running_time (segment, GST_FORMAT_TIME, inference_pts);
  if (GST_CLOCK_TIME_IS_VALID (now) && GST_CLOCK_TIME_IS_VALID (then)) {
    g_assert_cmpuint (now, >=, then);
    g_assert_cmpuint (age, ==, now - then);
  }
}

/* A result is of a frame of the same segment, and its age the time between the two. */
static GstPadProbeReturn
check_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GHashTable *arrived = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "fbnetdetect");
  const GstStructure *truth;
  guint64 age = 0, inference_pts = 0;

  g_assert_nonnull (meta);
  truth = gst_custom_meta_get_structure (meta);
  g_assert_true (gst_structure_get_uint64 (truth, "age", &age));
  g_assert_true (gst_structure_get_uint64 (truth, "inference-pts", &inference_pts));
  if (age != GST_CLOCK_TIME_NONE) {
    g_assert_true (g_hash_table_contains (arrived, &inference_pts));
    check_age (pad, GST_BUFFER_PTS (buffer), inference_pts, age);
    g_atomic_int_inc ((gint *) &n_carried);
  }
  g_atomic_int_inc ((gint *) &n_frames);
  return GST_PAD_PROBE_OK;
}

/* --- Troubles ---------------------------------------------------------------------------------- */

static void
pause_a_little (GRand *random, guint most_ms)
{
  g_usleep ((gulong) g_rand_int_range (random, 1, (gint32) most_ms) * 1000);
}

/* Forwards and backwards. Without a flush the source would wait for a paused sink, whoever stands between. */
static gpointer
seek (gpointer data)
{
  const Storm *storm = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (storm->seed + 1);

  while (goes_on (storm)) {
    const double rate = g_rand_boolean (random) ? 1 : -1;
    const gint64 from = g_rand_int_range (random, 0, 100) * GST_SECOND;
    gst_element_seek (storm->pipeline, rate, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
        GST_SEEK_TYPE_SET, from, GST_SEEK_TYPE_SET, from + 100 * GST_SECOND);
    pause_a_little (random, 60);
  }
  return NULL;
}

static gpointer
set_properties (gpointer data)
{
  static const char *const settings[][2] = { { "score-threshold", "0.1" },
    { "score-threshold", "0.9" }, { "iou-upper", "0.1" }, { "iou-upper", "0.7" },
    { "min-size", "64" }, { "min-size", "128" }, { "enable", "false" }, { "enable", "true" },
    { "include-classes", "nothing" }, { "include-classes", "" }, { "inference-interval", "2" },
    { "inference-interval", "1" }, { "max-inference-rate", "20/1" },
    { "max-inference-rate", "0/1" }, { "on-skip", "repeat" }, { "on-skip", "none" },
    { "on-skip", "auto" }, { "roi", "<8,8,60,40>" }, { "roi", "<>" },
    { "inference-region", "roi-list" }, { "inference-region", "full-frame" },
    { "evaluate", "true" }, { "evaluate", "false" }, { "post-messages", "every-frame" },
    { "post-messages", "none" }, { "threads", "1" }, { "qos", "false" }, { "qos", "true" },
    { "tracking", "true" }, { "tracking", "false" }, { "track-timeout", "0" },
    { "track-timeout", "1000000000" }, { "track-min-hits", "1" }, { "still-threshold", "255" },
    { "still-threshold", "8" }, { "still-threshold", "0" }, { "zoom-regions", "2" },
    { "zoom-regions", "0" }, { "zoom-policy", "motion" }, { "zoom-policy", "sweep" },
    { "zoom-policy", "auto" }, { "zoom-factor", "1" }, { "zoom-factor", "8" } };
  const Storm *storm = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (storm->seed + 2);

  while (goes_on (storm)) {
    const guint i = (guint) g_rand_int_range (random, 0, G_N_ELEMENTS (settings));
    g_autoptr (GstStructure) stats = NULL;
    gst_util_set_object_arg (G_OBJECT (storm->detector), settings[i][0], settings[i][1]);
    g_object_get (storm->detector, "stats", &stats, NULL);
    g_assert_nonnull (stats);
    pause_a_little (random, 10);
  }
  return NULL;
}

/* The bundled model again, one that is not there, and the one that was named. */
static gpointer
exchange_models (gpointer data)
{
  const char *const files[] = { "", "/no/such/model.safetensors", model };
  const gint32 n = model != NULL ? 3 : 2;
  const Storm *storm = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (storm->seed + 3);

  while (goes_on (storm)) {
    g_object_set (storm->detector, "model-file", files[g_rand_int_range (random, 0, n)], NULL);
    pause_a_little (random, 40);
  }
  return NULL;
}

static gpointer
change_sizes (gpointer data)
{
  static const char *const formats[] = { "I420", "RGB", "NV12" };
  const Storm *storm = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (storm->seed + 4);

  while (goes_on (storm)) {
    g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
        formats[g_rand_int_range (random, 0, G_N_ELEMENTS (formats))], "width", G_TYPE_INT,
        g_rand_int_range (random, 1, 200), "height", G_TYPE_INT, g_rand_int_range (random, 1, 150),
        NULL);
    g_object_set (storm->filter, "caps", caps, NULL);
    pause_a_little (random, 80);
  }
  return NULL;
}

static void
open_storm (Storm *storm, const char *scheduling)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf (
      "videotestsrc pattern=snow ! capsfilter name=filter caps=video/x-raw,width=160,height=120 ! "
      "fbnetdetect name=detector scheduling=%s min-size=64 repeat-timeout=100000000 ! "
      "fakesink name=sink sync=false",
      scheduling);

  storm->pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  storm->detector = gst_bin_get_by_name (GST_BIN (storm->pipeline), "detector");
  storm->filter = gst_bin_get_by_name (GST_BIN (storm->pipeline), "filter");
  storm->seed = 20;
  storm->arrived = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (storm->detector, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (storm->detector, "src");
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      note_arrival, storm->arrived, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, check_frame, storm->arrived, NULL);
}

/* --- Memory ------------------------------------------------------------------------------------ */

/* Of the whole process, that is there; 0 where nobody knows. */
static guint64
resident_kib (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  const char *line = strstr (text, "\nVmRSS:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nVmRSS:"), NULL, 10) : 0;
}

static void
note_memory (Storm *storm)
{
  const gint64 now = MIN (g_get_monotonic_time (), storm->end - 1);
  guint64 *least = &storm->least_kib[N_PARTS * (now - storm->began) / (storm->end - storm->began)];
  const guint64 kib = resident_kib ();

  *least = *least > 0 ? MIN (*least, kib) : kib;
}

static void
check_memory (const Storm *storm)
{
  const guint64 before = storm->least_kib[1], after = storm->least_kib[N_PARTS - 1];

  for (guint i = 0; i < N_PARTS; i++)
    g_print ("%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "KiB: ", storm->least_kib[i]);
  g_print ("\n");
  if (storm->end - storm->began >= LEAST_JUDGED_US && before > 0 && after > 0)
    g_assert_cmpuint (after, <=, before + MOST_GROWTH_KIB);
}

/* --- The storm --------------------------------------------------------------------------------- */

/* What would be wrong at a start is an error there, and not what this is about. */
static void
mend (const Storm *storm)
{
  g_object_set (storm->detector, "model-file", NULL, "iou-upper", 0.7, "include-classes", NULL,
      NULL);
}

/* States, from this thread; and what is on the bus is taken off, warnings of wrong values among it. */
static void
change_states (Storm *storm)
{
  static const GstState states[] = { GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING,
    GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL };
  g_autoptr (GstBus) bus = gst_element_get_bus (storm->pipeline);
  g_autoptr (GRand) random = g_rand_new_with_seed (storm->seed);

  for (guint i = 0; goes_on (storm); i++) {
    if (GST_STATE (storm->pipeline) < GST_STATE_PAUSED)
      mend (storm);
    gst_element_set_state (storm->pipeline, states[i % G_N_ELEMENTS (states)]);
    if (states[i % G_N_ELEMENTS (states)] == GST_STATE_NULL)
      note_memory (storm);
    pause_a_little (random, 250);
    GstMessage *message;
    while ((message = gst_bus_pop (bus)) != NULL)
      gst_message_unref (message);
  }
}

/* A machine that has other things to do may have finished no look between two troubles: then one without any. */
static void
wait_for_result (const Storm *storm)
{
  if (n_carried > 0)
    return;
  gst_element_set_state (storm->pipeline, GST_STATE_NULL);
  mend (storm);
  g_object_set (storm->detector, "enable", TRUE, "still-threshold", 0, NULL);
  gst_element_set_state (storm->pipeline, GST_STATE_PLAYING);
  while (g_atomic_int_get ((gint *) &n_carried) == 0)
    g_usleep (1000);
}

static void
close_storm (Storm *storm)
{
  g_assert_cmpint (gst_element_set_state (storm->pipeline, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (GST_OBJECT_REFCOUNT_VALUE (storm->detector), ==, 2);
  gst_object_unref (storm->detector);
  gst_object_unref (storm->filter);
  gst_object_unref (storm->pipeline);
  g_hash_table_unref (storm->arrived);
}

static void
blow (const char *scheduling, guint seconds)
{
  static const GThreadFunc troubles[] = { seek, set_properties, exchange_models, change_sizes };
  GThread *threads[G_N_ELEMENTS (troubles)];
  Storm storm = { 0 };

  n_carried = 0;
  g_atomic_int_set ((gint *) &n_frames, 0);
  open_storm (&storm, scheduling);
  gst_element_set_state (storm.pipeline, GST_STATE_PLAYING);
  while (g_atomic_int_get ((gint *) &n_frames) == 0)
    g_usleep (1000);
  storm.began = g_get_monotonic_time ();
  storm.end = storm.began + (gint64) seconds * G_USEC_PER_SEC;
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++)
    threads[i] = g_thread_new ("trouble", troubles[i], &storm);
  change_states (&storm);
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++)
    g_thread_join (threads[i]);
  wait_for_result (&storm);
  close_storm (&storm);
  g_print ("%s: %u frames, %u with a result\n", scheduling, n_frames, n_carried);
  check_memory (&storm);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  const guint seconds = argc > 1 ? (guint) atoi (argv[1]) : DEFAULT_SECONDS;
  model = argc > 2 ? argv[2] : NULL;
  blow ("latest", seconds);
  blow ("sync", seconds);
  return 0;
}
