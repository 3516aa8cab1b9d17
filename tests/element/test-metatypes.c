/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which kinds of metadata the element attaches, on every machine: over a tiny model of the project's
 * own.
 */
#ifdef HAVE_ANALYTICS
#  include <gst/analytics/analytics.h>
#endif

#include "drawing.h"
#include "frames.h"
#include "gstfbnetmeta.h"
#include "stream.h"

#define WIDTH  121
#define HEIGHT 88

static Stream *
open_tiny (const char *settings)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autofree char *all = g_strconcat ("score-threshold=0.25 ", settings, NULL);
  Stream *stream = stream_open (path, all);

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  return stream;
}

static GstBuffer *
push_picture (Stream *stream)
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 7);

  return stream_push_rgb (stream, picture->pixels, 0);
}

static guint
count_regions (GstBuffer *buffer)
{
  return gst_buffer_get_n_meta (buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
}

/* Unless told otherwise the element attaches every kind that was built, regions always. */
static void
test_default (void)
{
  g_autoptr (Stream) stream = open_tiny (NULL);
  guint types = 0;

  g_object_get (stream->element, "meta-types", &types, NULL);
  g_assert_cmpuint (types, ==, GST_FBNET_META_ALL);
  g_autoptr (GstBuffer) out = push_picture (stream);
  g_assert_cmpuint (count_regions (out), >, 0);
}

/* A change while the element runs is meant for its next start. */
static void
test_ready (void)
{
  g_autoptr (Stream) stream = open_tiny (NULL);
  g_autoptr (GstBuffer) first = push_picture (stream);

  g_object_set (stream->element, "meta-types", 0, NULL);
  g_autoptr (GstBuffer) second = push_picture (stream);
  g_assert_cmpuint (count_regions (second), ==, count_regions (first));

  gst_element_set_state (stream->element, GST_STATE_READY);
  gst_element_set_state (stream->element, GST_STATE_PLAYING);
  gst_harness_play (stream->harness);
  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  g_autoptr (GstBuffer) third = push_picture (stream);
  g_assert_cmpuint (count_regions (third), ==, 0);
  g_assert_cmpuint (stream_stat (stream, "detections"), >, 0);
}

#ifdef HAVE_ANALYTICS
static gssize
count_analytics (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  return relations ? (gssize) gst_analytics_relation_get_length (relations) : -1;
}

/* Each of the two kinds can be had without the other. */
static void
test_analytics (void)
{
  g_autoptr (Stream) both = open_tiny (NULL);
  g_autoptr (Stream) roi = open_tiny ("meta-types=roi");
  g_autoptr (Stream) analytics = open_tiny ("meta-types=analytics");
  g_autoptr (GstBuffer) with_both = push_picture (both);
  g_autoptr (GstBuffer) with_roi = push_picture (roi);
  g_autoptr (GstBuffer) with_analytics = push_picture (analytics);
  g_assert_cmpint (count_analytics (with_both), >=, count_regions (with_both));
  g_assert_cmpint (count_analytics (with_roi), ==, -1);
  g_assert_cmpuint (count_regions (with_roi), ==, count_regions (with_both));
  g_assert_cmpint (count_analytics (with_analytics), ==, count_analytics (with_both));
  g_assert_cmpuint (count_regions (with_analytics), ==, 0);
}

/* "Looked and saw nothing" is an empty metadata, "did not look" is none. */
static void
test_looked (void)
{
  g_autoptr (Stream) stream = open_tiny (NULL);
  g_object_set (stream->element, "score-threshold", 1.0, NULL);
  g_autoptr (GstBuffer) looked = push_picture (stream);
  g_object_set (stream->element, "enable", FALSE, NULL);
  g_autoptr (GstBuffer) passed = push_picture (stream);
  g_assert_cmpint (count_analytics (looked), ==, 0);
  g_assert_cmpint (count_analytics (passed), ==, -1);
}

/* What the probes before and behind the conversion see of a frame. */
typedef struct {
  gssize n;
  gint x, y, w, h; /* of the first detection */
} Glimpse;

static GstPadProbeReturn
look (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Glimpse *glimpse = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstAnalyticsODMtd box;
  glimpse->n = count_analytics (buffer);
  g_assert_true (
      gst_analytics_relation_meta_get_od_mtd (gst_buffer_get_analytics_relation_meta (buffer), 0,
          &box));
  gst_analytics_od_mtd_get_location (&box, &glimpse->x, &glimpse->y, &glimpse->w, &glimpse->h,
      NULL);
  return GST_PAD_PROBE_OK;
}

static void
add_look (GstElement *pipeline, const char *element, const char *pad_name, Glimpse *glimpse)
{
  g_autoptr (GstElement) found = gst_bin_get_by_name (GST_BIN (pipeline), element);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (found, pad_name);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, look, glimpse, NULL);
}

static GstElement *
launch_conversion (void)
{
  g_autofree char *line = g_strdup_printf (
      "videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=120,height=88 ! "
      "fbnetdetect name=detector score-threshold=0 model-file=\"%s/tiny-bn.safetensors\" ! "
      "videoconvert ! video/x-raw,format=RGB ! videoscale ! video/x-raw,width=240,height=176 ! "
      "fakesink name=end",
      g_getenv ("FBNET_TEST_DATA"));
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);
  if (!error)
    return pipeline;
  g_test_skip (error->message);
  gst_clear_object (&pipeline);
  return NULL;
}

/* GstAnalytics metadata come through a conversion and a scaling: as many, at twice the size. (Regions
 * of interest lose their parameters there.) */
static void
test_conversion (void)
{
  g_autoptr (GstElement) pipeline = launch_conversion ();
  if (!pipeline)
    return;
  Glimpse before = { -1 }, behind = { -1 };
  add_look (pipeline, "detector", "src", &before);
  add_look (pipeline, "end", "sink", &behind);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_assert_cmpint (before.n, >, 0);
  g_assert_cmpint (behind.n, ==, before.n);
  g_assert_cmpint (behind.x, ==, 2 * before.x);
  g_assert_cmpint (behind.y, ==, 2 * before.y);
  g_assert_cmpint (behind.w, ==, 2 * before.w);
  g_assert_cmpint (behind.h, ==, 2 * before.h);
}
#else
static void
test_analytics (void)
{
  g_test_skip ("built without GstAnalytics");
}

static void
test_conversion (void)
{
  g_test_skip ("built without GstAnalytics");
}

static void
test_looked (void)
{
  g_test_skip ("built without GstAnalytics");
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/metatypes/default", test_default);
  g_test_add_func ("/element/metatypes/ready", test_ready);
  g_test_add_func ("/element/metatypes/analytics", test_analytics);
  g_test_add_func ("/element/metatypes/looked", test_looked);
  g_test_add_func ("/element/metatypes/conversion", test_conversion);
  return g_test_run ();
}
