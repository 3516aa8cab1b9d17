/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the element does to a stream besides detecting: buffers, flags, time, states, queries.
 */
#include <gst/gst.h>
#include <string.h>

#include "frames.h"
#include "models.h"
#include "scene.h"

static guint
count_seen (const Scene *scene, GstBuffer *buffer)
{
  g_autoptr (GArray) seen = seen_on (buffer, &scene->stream->info);

  return seen->len;
}

/* Without overlay a frame leaves as it came, to the byte: pixels, padding, times, offsets, flags. */
static void
test_pixels_untouched (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  GstBuffer *frame = frames_from_rgb (scene.picture->pixels, &scene.stream->info, 20);
  GST_BUFFER_OFFSET (frame) = 17;
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_MARKER);
  g_autofree char *before = frames_checksum (frame);
  g_autoptr (GstBuffer) out = stream_push (scene.stream, frame);
  g_autofree char *after = frames_checksum (out);
  g_assert_cmpstr (after, ==, before);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 0);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 40 * GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 17);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER));
  g_assert_cmpuint (count_seen (&scene, out), ==, 3);
  scene_close (&scene);
}

static gboolean
can_draw (const Scene *scene)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (scene->stream->element), "overlay")
      != NULL;
}

/* A buffer that somebody else holds as well is neither marked nor drawn upon: they see it as it was. */
static void
test_shared_buffer (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  if (can_draw (&scene))
    g_object_set (scene.stream->element, "overlay", TRUE, NULL);
  GstBuffer *frame = scene_frame (&scene);
  GST_BUFFER_PTS (frame) = 0;
  GstBuffer *held = gst_buffer_ref (frame);
  g_autofree char *before = frames_checksum (held);
  g_autoptr (GstBuffer) out = gst_harness_push_and_pull (scene.stream->harness, frame);
  g_autofree char *after = frames_checksum (held);
  g_autofree char *drawn = frames_checksum (out);
  g_assert_cmpstr (after, ==, before);
  g_assert_cmpint (g_str_equal (drawn, before), ==, !can_draw (&scene));
  g_assert_cmpuint (count_seen (&scene, held), ==, 0);
  g_assert_cmpuint (count_seen (&scene, out), ==, 3);
  gst_buffer_unref (held);
  scene_close (&scene);
}

/* The overlay is switched frame by frame, in every format; detections stay the same. */
static void
test_overlay (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  for (guint i = 0; can_draw (&scene) && frames_formats[i] != NULL; i++) {
    stream_set_format (scene.stream, frames_formats[i], scene.picture->width, scene.picture->height,
        NULL);
    g_autoptr (GstBuffer) original = scene_frame (&scene);
    g_autofree char *before = frames_checksum (original);
    for (guint on = 0; on < 2; on++) {
      g_object_set (scene.stream->element, "overlay", on, NULL);
      g_autoptr (GstBuffer) out = stream_push (scene.stream, gst_buffer_copy_deep (original));
      g_autofree char *after = frames_checksum (out);
      g_assert_cmpint (g_str_equal (after, before), ==, !on);
      g_assert_cmpuint (count_seen (&scene, out), >=, 3);
    }
  }
  scene_close (&scene);
}

/* enable=false lets frames pass without inference, and true takes them up again. */
static void
test_enable (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", "enable=false"))
    return;
  g_autoptr (GstBuffer) off = stream_push (scene.stream, scene_frame (&scene));
  g_assert_cmpuint (count_seen (&scene, off), ==, 0);
  g_assert_cmpuint (stream_stat (scene.stream, "inferences"), ==, 0);
  g_object_set (scene.stream->element, "enable", TRUE, NULL);
  g_autoptr (GstBuffer) on = stream_push (scene.stream, scene_frame (&scene));
  g_assert_cmpuint (count_seen (&scene, on), ==, 3);
  g_assert_cmpuint (stream_stat (scene.stream, "frames"), ==, 2);
  g_assert_cmpuint (stream_stat (scene.stream, "inferences"), ==, 1);
  scene_close (&scene);
}

/* A GAP buffer is passed on as such and not looked at. */
static void
test_gap (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  GstBuffer *gap = scene_frame (&scene);
  GST_BUFFER_FLAG_SET (gap, GST_BUFFER_FLAG_GAP);
  g_autoptr (GstBuffer) out = stream_push (scene.stream, gap);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_GAP));
  g_assert_cmpuint (count_seen (&scene, out), ==, 0);
  g_assert_cmpuint (stream_stat (scene.stream, "inferences"), ==, 0);
  scene_close (&scene);
}

static void
count_notified (GObject *object, GParamSpec *spec, gpointer data)
{
  ++*(guint *) data;
}

/* The end of a stream notifies of stats, once: that is what gst-launch-1.0 -v prints. */
static void
test_stats_told (void)
{
  g_autoptr (Stream) stream = stream_open ("", NULL);
  g_autofree guint8 *grey = g_malloc0 (3 * 64 * 64);
  guint n = 0;

  g_signal_connect (stream->element, "notify::stats", G_CALLBACK (count_notified), &n);
  stream_set_format (stream, "RGB", 64, 64, NULL);
  gst_buffer_unref (stream_push_rgb (stream, grey, 0));
  g_assert_cmpuint (n, ==, 0);
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_eos ()));
  g_assert_cmpuint (n, ==, 1);
}

static double
stage_of (Stream *stream, const char *set, const char *stage)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (stream->element, "stats", &stats, NULL);
  const GValue *nested = gst_structure_get_value (stats, set);
  double value = -1;
  g_assert_true (gst_structure_get_double (gst_value_get_structure (nested), stage, &value));
  return value;
}

/* stats counts frames and detections, names model, kernels and threads, and divides the time. */
static void
test_stats (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", "threads=2"))
    return;
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (stream_push (scene.stream, scene_frame (&scene)));
  g_assert_cmpuint (stream_stat (scene.stream, "frames"), ==, 3);
  g_assert_cmpuint (stream_stat (scene.stream, "detections"), ==, 9);

  g_autoptr (GstStructure) stats = NULL;
  g_object_get (scene.stream->element, "stats", &stats, NULL);
  guint threads = 0;
  g_assert_true (gst_structure_get_uint (stats, "threads", &threads));
  g_assert_cmpuint (threads, ==, 2);
  g_assert_cmpstr (gst_structure_get_string (stats, "model"), ==, models_file (FIXTURE_COCO));
  g_assert_nonnull (gst_structure_get_string (stats, "kernels"));

  static const char *const stages[] = { "prepare", "preprocess", "trunk", "rpn", "proposals",
    "box-pooler", "box-head", "detections", "mask-pooler", "mask-head", "mask-paste" };
  static const char *const sets[] = { "last-ms", "mean-ms" };
  for (guint s = 0; s < G_N_ELEMENTS (sets); s++) {
    const double total = stage_of (scene.stream, sets[s], "total");
    double sum = 0;
    for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
      sum += stage_of (scene.stream, sets[s], stages[i]);
    g_assert_cmpfloat (total, >, 0);
    g_assert_cmpfloat (sum, <=, total * 1.001);
    g_assert_cmpfloat (stage_of (scene.stream, sets[s], "trunk"), >, 0);
  }
  scene_close (&scene);
}

/* To a live pipeline the element adds what its frames take, and says so when it finds out. */
static void
test_latency (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  gst_harness_set_upstream_latency (scene.stream->harness, 30 * GST_MSECOND);
  g_assert_cmpuint (gst_harness_query_latency (scene.stream->harness), ==, 30 * GST_MSECOND);
  gst_buffer_unref (stream_push (scene.stream, scene_frame (&scene)));
  g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_LATENCY);
  g_assert_nonnull (message);
  const GstClockTime own = stream_stat (scene.stream, "latency");
  g_assert_cmpuint (own, >, 0);
  g_assert_cmpuint (gst_harness_query_latency (scene.stream->harness), ==, 30 * GST_MSECOND + own);
  scene_close (&scene);
}

/* The element starts and stops as often as one likes, and finds the same every time. */
static void
test_state_cycles (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  for (guint i = 0; i < 4; i++) {
    g_autoptr (GstBuffer) out = stream_push (scene.stream, scene_frame (&scene));
    g_assert_cmpuint (count_seen (&scene, out), ==, 3);
    g_assert_cmpuint (stream_stat (scene.stream, "frames"), ==, 1);
    const GstState target = i % 2 ? GST_STATE_READY : GST_STATE_NULL;
    g_assert_cmpint (gst_element_set_state (scene.stream->element, target), ==,
        GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpint (gst_element_set_state (scene.stream->element, GST_STATE_PLAYING), ==,
        GST_STATE_CHANGE_SUCCESS);
    gst_harness_play (scene.stream->harness);
    stream_set_format (scene.stream, "I420", scene.picture->width, scene.picture->height, NULL);
  }
  scene_close (&scene);
}

/* Flushes, as in a seek, lose nothing and change nothing. */
static void
test_flush (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstBuffer) out = stream_push (scene.stream, scene_frame (&scene));
    g_assert_cmpuint (count_seen (&scene, out), ==, 3);
    g_assert_true (gst_harness_push_event (scene.stream->harness, gst_event_new_flush_start ()));
    g_assert_true (gst_harness_push_event (scene.stream->harness, gst_event_new_flush_stop (TRUE)));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    g_assert_true (
        gst_harness_push_event (scene.stream->harness, gst_event_new_segment (&segment)));
  }
  scene_close (&scene);
}

/* new-detections comes for every inference, also for one that finds nothing. */
static void
test_signal (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", NULL))
    return;
  GstStructure *kept = NULL;
  stream_keep_detections (scene.stream, &kept);
  guint count = 0;
  gst_buffer_unref (stream_push (scene.stream, scene_frame (&scene)));
  g_assert_true (gst_structure_get_uint (kept, "count", &count));
  g_assert_cmpuint (count, ==, 3);

  g_object_set (scene.stream->element, "score-threshold", 1.0, NULL);
  gst_buffer_unref (stream_push (scene.stream, scene_frame (&scene)));
  g_assert_true (gst_structure_get_uint (kept, "count", &count));
  g_assert_cmpuint (count, ==, 0);
  g_clear_pointer (&kept, gst_structure_free);
  scene_close (&scene);
}

static gsize
count_mask (const Seen *seen, guint *width, guint *height)
{
  const GstStructure *mask = gst_video_region_of_interest_meta_get_param (seen->roi, "mask");
  GstBuffer *data = NULL;
  GstMapInfo map;
  gsize n = 0;

  g_assert_true (gst_structure_get (mask, "width", G_TYPE_UINT, width, "height", G_TYPE_UINT,
      height, "data", GST_TYPE_BUFFER, &data, NULL));
  g_assert_true (gst_buffer_map (data, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, (gsize) *width * *height);
  for (gsize i = 0; i < map.size; i++) {
    g_assert_true (map.data[i] == 0 || map.data[i] == 255);
    n += map.data[i] == 255;
  }
  gst_buffer_unmap (data, &map);
  gst_buffer_unref (data);
  return n;
}

/* A model with a mask head: every region has a mask of its own size; a higher mask-threshold leaves
 * fewer pixels; masks=false leaves them out. */
static void
test_masks (void)
{
  const char *model = models_file (FIXTURE_MASKS);

  if (model == NULL)
    return;
  g_autoptr (Fixture) fixture = fixture_open (FIXTURE_MASKS);
  g_autoptr (Picture) picture = fixture_picture (fixture);
  g_autoptr (Stream) stream = stream_open (model, "score-threshold=0.05");
  stream_set_format (stream, "RGB", picture->width, picture->height, NULL);

  gsize n_set[2] = { 0 };
  for (guint strict = 0; strict < 2; strict++) {
    g_object_set (stream->element, "mask-threshold", strict ? 0.9 : 0.5, NULL);
    g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    g_assert_cmpuint (seen->len, >, 0);
    for (guint i = 0; i < seen->len; i++) {
      guint width, height;
      n_set[strict] += count_mask (SEEN (seen, i), &width, &height);
      g_assert_cmpuint (width, ==, SEEN (seen, i)->roi->w);
      g_assert_cmpuint (height, ==, SEEN (seen, i)->roi->h);
    }
  }
  g_assert_cmpuint (n_set[0], >, n_set[1]);

  g_object_set (stream->element, "masks", FALSE, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
  g_autoptr (GArray) seen = seen_on (out, &stream->info);
  g_assert_cmpuint (seen->len, >, 0);
  g_assert_null (gst_video_region_of_interest_meta_get_param (SEEN (seen, 0)->roi, "mask"));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/behaviour/pixels-untouched", test_pixels_untouched);
  g_test_add_func ("/element/behaviour/shared-buffer", test_shared_buffer);
  g_test_add_func ("/element/behaviour/overlay", test_overlay);
  g_test_add_func ("/element/behaviour/enable", test_enable);
  g_test_add_func ("/element/behaviour/gap", test_gap);
  g_test_add_func ("/element/behaviour/stats", test_stats);
  g_test_add_func ("/element/behaviour/stats-told", test_stats_told);
  g_test_add_func ("/element/behaviour/latency", test_latency);
  g_test_add_func ("/element/behaviour/state-cycles", test_state_cycles);
  g_test_add_func ("/element/behaviour/flush", test_flush);
  g_test_add_func ("/element/behaviour/signal", test_signal);
  g_test_add_func ("/element/behaviour/masks", test_masks);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
