/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A camera with few buffers before a network that is slower than it: nothing is lost, nothing waits, and
 * every frame says what is true of it.
 */
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "camera.h"

/* Slow enough for a machine that has other things to do to keep up with resizing. */
#define N_FRAMES 60
#define FPS      10

/* Several times slower than the camera. */
#define SLOW "threads=1 min-size=400 pre-nms-count=20000 post-nms-count=8000 rpn-iou-threshold=0.95"

typedef struct {
  GstElement *pipeline, *camera, *detector;
  GMutex lock; /* protects the rest, which the streaming thread writes */
  guint n_frames, n_looked, n_carrying, n_fresh;
  guint64 oldest_fresh; /* ns */
  guint64 starved;      /* ns that the streaming thread stood ready and others ran */
} Live;

static const GstStructure *
truth_of (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "fbnetdetect");

  g_assert_nonnull (meta);
  return gst_custom_meta_get_structure (meta);
}

static gboolean
flag_of (const GstStructure *truth, const char *field)
{
  gboolean value = FALSE;

  g_assert_true (gst_structure_get_boolean (truth, field, &value));
  return value;
}

/* ns; 0 where nobody knows. */
static guint64
time_starved (void)
{
  unsigned long long worked, starved = 0;
  FILE *file = fopen ("/proc/thread-self/schedstat", "r");

  if (file == NULL)
    return 0;
  if (fscanf (file, "%llu %llu", &worked, &starved) != 2)
    starved = 0;
  fclose (file);
  return starved;
}

static void
note_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Live *live = data;
  const GstStructure *truth = truth_of (buffer);
  const char *reason = gst_structure_get_string (truth, "reason");
  guint64 age = 0;

  g_assert_true (gst_structure_get_uint64 (truth, "age", &age));
  const gboolean carries = age != GST_CLOCK_TIME_NONE;
  const gboolean fresh = carries && !flag_of (truth, "repeated");
  g_assert_true (g_str_equal (reason, "looked") || g_str_equal (reason, "busy"));
  g_assert_cmpint (flag_of (truth, "looked"), ==, g_str_equal (reason, "looked"));
  g_mutex_lock (&live->lock);
  live->n_frames++;
  live->n_looked += flag_of (truth, "looked");
  live->n_carrying += carries;
  live->n_fresh += fresh;
  if (fresh)
    live->oldest_fresh = MAX (live->oldest_fresh, age);
  live->starved = time_starved ();
  g_mutex_unlock (&live->lock);
}

static void
open_live_size (Live *live, guint width, guint height, guint n_frames, const char *settings)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf (
      "fbnetdetect name=detector %s ! fakesink name=sink sync=false signal-handoffs=true",
      settings);

  *live = (Live){ .pipeline = gst_pipeline_new (NULL) };
  g_mutex_init (&live->lock);
  GstElement *rest = gst_parse_bin_from_description (line, TRUE, &error);
  g_assert_no_error (error);
  live->camera = camera_new (width, height, FPS, n_frames);
  gst_bin_add_many (GST_BIN (live->pipeline), live->camera, rest, NULL);
  g_assert_true (gst_element_link (live->camera, rest));
  live->detector = gst_bin_get_by_name (GST_BIN (live->pipeline), "detector");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (live->pipeline), "sink");
  g_signal_connect (sink, "handoff", G_CALLBACK (note_frame), live);
}

static void
open_live (Live *live, guint n_frames, const char *settings)
{
  open_live_size (live, 640, 480, n_frames, settings);
}

static void
close_live (Live *live)
{
  gst_element_set_state (live->pipeline, GST_STATE_NULL);
  gst_object_unref (live->detector);
  gst_object_unref (live->pipeline);
  g_mutex_clear (&live->lock);
}

/* The stream ends without an error. Returns how many warnings with `part` in them came. */
static guint
play_to_the_end (Live *live, const char *part)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (live->pipeline);
  guint n_warnings = 0;

  gst_element_set_state (live->pipeline, GST_STATE_PLAYING);
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      return n_warnings;
    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
    g_autoptr (GError) error = NULL;
    g_autofree char *hint = NULL;
    gst_message_parse_warning (message, &error, &hint);
    g_test_message ("%s | %s", error->message, hint);
    n_warnings += part != NULL && hint != NULL && strstr (hint, part) != NULL;
  }
}

static guint64
stat_of (Live *live, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (live->detector, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

/* Of the frames that were given to the network those that it has looked at, and those that a newer one took the
 * place of; when the stream ends one may wait, and another be looked at. */
static void
check_looked (Live *live)
{
  const guint64 n_inferences = stat_of (live, "inferences");
  const guint64 n_done = n_inferences + stat_of (live, "replaced");

  g_assert_cmpuint (n_inferences, <, N_FRAMES);
  g_assert_cmpuint (live->n_looked, >=, n_done);
  g_assert_cmpuint (live->n_looked, <=, n_done + 2);
}

/* A stream that other programs keep from its processor for as long as a camera has buffers shows nothing. */
static gboolean
is_starved (const Live *live)
{
  g_test_message ("the stream stood ready for %.0f ms", (double) live->starved / GST_MSECOND);
  return live->starved > CAMERA_N_BUFFERS * GST_SECOND / FPS;
}

/* Left to itself the element finds that the source is live. The camera loses nothing and every frame
 * arrives; some are looked at, most are not, and those in between carry the newest result. */
static void
test_latest (void)
{
  Live live;

  open_live (&live, N_FRAMES, SLOW);
  g_assert_cmpuint (play_to_the_end (&live, "scheduling"), ==, 0);
  g_test_message ("%u looked at, %u carry, %u fresh, oldest %.0f ms", live.n_looked,
      live.n_carrying, live.n_fresh, (double) live.oldest_fresh / GST_MSECOND);
  if (camera_get_n_lost (live.camera) > 0 && is_starved (&live)) {
    g_test_skip ("other programs left the stream no time");
    close_live (&live);
    return;
  }
  g_assert_cmpuint (live.n_frames, ==, N_FRAMES);
  g_assert_cmpuint (camera_get_n_lost (live.camera), ==, 0);
  check_looked (&live);
  g_assert_cmpuint (stat_of (&live, "frames"), ==, N_FRAMES);
  g_assert_cmpuint (live.n_fresh, <=, live.n_looked);
  if (live.n_looked > 2) { /* one has ended while frames came */
    g_assert_cmpuint (live.n_fresh, >, 0);
    g_assert_cmpuint (live.n_carrying, >, live.n_fresh);
  } else {
    g_test_skip ("other programs left no time for a look");
  }
  close_live (&live);
}

/* Whether frames keep to the latency that was told before they came. All of the streaming thread. */
typedef struct {
  Live *live;
  gint64 entered;         /* µs */
  GstClockTime told;      /* then */
  guint n_kept, n_broken; /* frames */
} Promise;

static GstPadProbeReturn
note_entry (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Promise *promise = data;

  promise->told = stat_of (promise->live, "latency");
  promise->entered = g_get_monotonic_time ();
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
note_exit (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Promise *promise = data;
  const GstClockTime elapsed =
      (GstClockTime) (g_get_monotonic_time () - promise->entered) * GST_USECOND;
  /* What the element keeps back, so as not to tell of every change. */
  const gboolean kept = elapsed <= promise->told + promise->told / 5 + GST_MSECOND;

  promise->n_kept += kept;
  promise->n_broken += !kept;
  return GST_PAD_PROBE_OK;
}

static void
watch_latency (Promise *promise, Live *live)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (live->detector, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (live->detector, "src");

  *promise = (Promise){ .live = live };
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, note_entry, promise, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, note_exit, promise, NULL);
}

/* The camera's latency and the element's together. */
static void
check_answer (Live *live)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (live->detector, "src");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean is_live = FALSE;
  GstClockTime least = 0;

  g_assert_true (gst_pad_query (src, query));
  gst_query_parse_latency (query, &is_live, &least, NULL);
  g_assert_true (is_live);
  g_assert_cmpuint (least, ==, GST_SECOND / FPS + stat_of (live, "latency"));
}

/* In step with the same network the camera loses frames: what the one warning says, and what to do. The pipeline
 * is told how long frames take, but for what happens once per size; most take no longer than was told before. */
static void
test_sync (void)
{
  Live live;
  Promise promise;

  open_live (&live, N_FRAMES, SLOW " scheduling=sync qos=false");
  watch_latency (&promise, &live);
  const guint n_warnings = play_to_the_end (&live, "scheduling=latest");
  const guint n_lost = camera_get_n_lost (live.camera);
  g_test_message ("%u arrived, %u lost", live.n_frames, n_lost);
  g_assert_cmpuint (n_lost, >, 0);
  g_assert_cmpuint (live.n_frames + n_lost, ==, N_FRAMES);
  g_assert_cmpuint (live.n_looked, ==, live.n_frames);
  g_assert_cmpuint (n_warnings, ==, live.n_looked >= 5);
  g_assert_cmpuint (stat_of (&live, "latency"), >, GST_SECOND / FPS);
  check_answer (&live);
  g_test_message ("%u frames within the latency, %u not", promise.n_kept, promise.n_broken);
  if (live.n_frames > N_FRAMES / 6) /* else the machine has other things to do */
    g_assert_cmpuint (promise.n_broken, <=, live.n_frames / 2);
  close_live (&live);
}

/* Frames that are copied, and two more than there are copies. */
#define N_COLD 5

/* Page faults of the streaming thread. */
typedef struct {
  glong before;     /* as a frame enters */
  guint n_frames;   /* that have left */
  glong cold, warm; /* in the element, with the first N_COLD frames and with the others */
} Faults;

static glong
count_faults (void)
{
#ifdef RUSAGE_THREAD
  struct rusage usage;

  getrusage (RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
#else
  return 0;
#endif
}

static GstPadProbeReturn
note_faults_before (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Faults *faults = data;

  faults->before = count_faults ();
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
note_faults_after (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Faults *faults = data;
  const glong n = count_faults () - faults->before;

  if (faults->n_frames++ < N_COLD)
    faults->cold += n;
  else
    faults->warm += n;
  return GST_PAD_PROBE_OK;
}

/* What frames are copied into is there before they come: a copy into new memory takes several times as long. Page by
 * page a frame would have 759 faults here, and one by huge ones; what else the thread does, messages and metadata,
 * hardly any. */
static void
test_warm (void)
{
  Live live;
  Faults faults = { 0 };

  open_live_size (&live, 1920, 1080, N_FRAMES, "threads=1");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (live.detector, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (live.detector, "src");
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, note_faults_before, &faults, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, note_faults_after, &faults, NULL);
  play_to_the_end (&live, NULL);
  g_test_message ("%ld faults of the first %u frames, %ld of the other %u, %u looked at",
      faults.cold, N_COLD, faults.warm, N_FRAMES - N_COLD, live.n_looked);
  g_assert_cmpuint (faults.n_frames, >, N_COLD);
  g_assert_cmpuint (live.n_looked, >, 0);
  g_assert_cmpint (faults.cold, <, 759);
  g_assert_cmpint (faults.warm, <, N_FRAMES - N_COLD);
  close_live (&live);
}

/* A look that would last for seconds does not keep the pipeline from stopping, in either scheduling: it is broken
 * off. */
static void
test_stop (void)
{
  static const char *const schedulings[] = { "latest", "sync" };

  for (guint i = 0; i < G_N_ELEMENTS (schedulings); i++) {
    g_autofree char *settings =
        g_strdup_printf ("min-size=4000 max-size=6000 threads=1 scheduling=%s", schedulings[i]);
    Live live;
    open_live (&live, 10 * N_FRAMES, settings);
    gst_element_set_state (live.pipeline, GST_STATE_PLAYING);
    g_usleep (700000);
    const gint64 began = g_get_monotonic_time ();
    gst_element_set_state (live.pipeline, GST_STATE_READY);
    g_test_message ("%s: %.1f ms", schedulings[i],
        (double) (g_get_monotonic_time () - began) / 1000);
    g_assert_cmpuint (stat_of (&live, "inferences"), ==, 0);
    close_live (&live);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/live/latest", test_latest);
  g_test_add_func ("/pipeline/live/sync", test_sync);
  g_test_add_func ("/pipeline/live/warm", test_warm);
  g_test_add_func ("/pipeline/live/stop", test_stop);
  return g_test_run ();
}
