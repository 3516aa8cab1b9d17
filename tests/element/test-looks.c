/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Second looks, and frames that show nothing new.
 */
#include <math.h>
#include <string.h>

#include "frames.h"
#include "stream.h"
#include "symbols.h"

#define WIDTH  960
#define HEIGHT 672
#define SMALL  30 /* 10 pixels of the network: the bundled model does not see it */
#define FRAME  (40 * GST_MSECOND)

static const Symbol small = { SYMBOL_RING, 700, 200, SMALL };

static Stream *
open_paper (const char *settings)
{
  Stream *stream = stream_open ("", settings);

  stream_set_format (stream, "NV12", WIDTH, HEIGHT, NULL);
  return stream;
}

static GstBuffer *
push_symbol (Stream *stream, const Symbol *symbol)
{
  return stream_push (stream, symbols_frame (&stream->info, symbol, 1));
}

static const GstStructure *
truth_of (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "fbnetdetect");

  g_assert_nonnull (meta);
  return gst_custom_meta_get_structure (meta);
}

static void
check_reason (GstBuffer *buffer, const char *reason)
{
  g_assert_cmpstr (gst_structure_get_string (truth_of (buffer), "reason"), ==, reason);
}

/* --- Second looks ------------------------------------------------------------------------------ */

/* One detection where the symbol is, found by a second look, or by the first. */
static void
check_found (GstBuffer *buffer, const GstVideoInfo *info, const Symbol *symbol, gboolean second)
{
  g_autoptr (GArray) seen = seen_on (buffer, info);
  guint look = 0;

  g_assert_cmpuint (seen->len, ==, 1);
  const Seen *s = SEEN (seen, 0);
  g_assert_cmpstr (s->label, ==, "ring");
  g_assert_cmpfloat_with_epsilon ((s->x0 + s->x1) / 2, symbol->x, 4);
  g_assert_cmpfloat_with_epsilon ((s->y0 + s->y1) / 2, symbol->y, 4);
  const GstStructure *inference =
      gst_video_region_of_interest_meta_get_param (s->roi, "fbnetdetect");
  g_assert_true (gst_structure_get_uint (inference, "look", &look));
  g_assert_cmpint (look > 0, ==, second);
}

static void
check_nothing (GstBuffer *buffer, const GstVideoInfo *info)
{
  g_autoptr (GArray) seen = seen_on (buffer, info);

  g_assert_cmpuint (seen->len, ==, 0);
}

/* What one look does not see nine do, all over the frame, and it is where it lies in the frame. What is large the first
 * look finds. */
static void
test_small (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-policy=sweep zoom-factor=3");
  g_autoptr (GstBuffer) once = push_symbol (stream, &small);
  const Symbol large = { SYMBOL_RING, 500, 300, 200 };

  check_nothing (once, &stream->info);
  g_object_set (stream->element, "zoom-regions", 9, NULL);
  g_autoptr (GstBuffer) again = push_symbol (stream, &small);
  check_found (again, &stream->info, &small, TRUE);
  g_autoptr (GstBuffer) plain = push_symbol (stream, &large);
  check_found (plain, &stream->info, &large, FALSE);
}

/* By all policies, in the streaming thread and beside it, with a look where it moved, the same is found. */
static void
test_motion (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-policy=motion zoom-factor=3 zoom-regions=2");
  g_autoptr (GstBuffer) empty = stream_push (stream, symbols_frame (&stream->info, NULL, 0));

  check_nothing (empty, &stream->info);
  g_autoptr (GstBuffer) came = push_symbol (stream, &small);
  check_found (came, &stream->info, &small, TRUE);
  g_autoptr (GstBuffer) stayed = push_symbol (stream, &small);
  check_nothing (stayed, &stream->info);
}

/* A small object that is followed is looked at again wherever the first look does not see it. */
static void
test_followed (void)
{
  g_autoptr (Stream) stream =
      open_paper ("tracking=true track-min-hits=1 zoom-policy=auto zoom-factor=3 zoom-regions=1");
  g_autoptr (GstBuffer) empty = stream_push (stream, symbols_frame (&stream->info, NULL, 0));

  check_nothing (empty, &stream->info);
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &small);
    check_found (out, &stream->info, &small, TRUE);
  }
}

/* Of a part of the frame, and of what a crop leaves, the places are right. */
static void
test_parts (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-policy=sweep zoom-factor=2 zoom-regions=4");
  GValue roi = G_VALUE_INIT;

  gst_value_array_init (&roi, 4);
  for (guint i = 0; i < 4; i++) {
    static const gint numbers[] = { 301, 33, 640, 448 };
    GValue number = G_VALUE_INIT;
    g_value_init (&number, G_TYPE_INT);
    g_value_set_int (&number, numbers[i]);
    gst_value_array_append_and_take_value (&roi, &number);
  }
  g_object_set_property (G_OBJECT (stream->element), "roi", &roi);
  g_value_unset (&roi);
  g_autoptr (GstBuffer) part = push_symbol (stream, &small);
  check_found (part, &stream->info, &small, TRUE);

  GstBuffer *frame = symbols_frame (&stream->info, &small, 1);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (frame);
  crop->x = 100;
  crop->y = 50;
  crop->width = WIDTH - 100;
  crop->height = HEIGHT - 50;
  g_autoptr (GstBuffer) cropped = stream_push (stream, frame);
  gpointer state = NULL;
  const GstVideoRegionOfInterestMeta *region =
      (const GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (cropped, &state,
          GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
  g_assert_nonnull (region);
  g_assert_cmpfloat_with_epsilon (region->x + region->w / 2.0, small.x - 100, 4);
  g_assert_cmpfloat_with_epsilon (region->y + region->h / 2.0, small.y - 50, 4);
}

/* Until what was pushed has been looked at. */
static void
wait_for_look (Stream *stream, guint64 n)
{
  while (stream_stat (stream, "inferences") < n)
    g_usleep (1000);
  g_usleep (20000); /* until it is published */
}

static Stream *
open_latest (const char *settings)
{
  Stream *stream = stream_open ("", settings);

  gst_element_set_state (stream->element, GST_STATE_NULL);
  g_object_set (stream->element, "scheduling", 2, "repeat-timeout", 10 * GST_SECOND, NULL);
  gst_harness_play (stream->harness);
  stream_set_format (stream, "NV12", WIDTH, HEIGHT, NULL);
  return stream;
}

/* Beside the stream, when the frame is long gone, second looks see it all the same. */
static void
test_latest (void)
{
  g_autoptr (Stream) stream = open_latest ("zoom-policy=sweep zoom-factor=3 zoom-regions=9");

  gst_buffer_unref (push_symbol (stream, &small));
  wait_for_look (stream, 1);
  g_autoptr (GstBuffer) out = stream_push (stream, symbols_frame (&stream->info, NULL, 0));
  check_found (out, &stream->info, &small, TRUE);
}

/* Regions that came with the buffer are enlarged anyway: said once, as a warning. */
static void
test_regions (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-regions=2 inference-region=roi-list");

  stream_check_one_warning (stream, "zoom-regions: ");
  gst_buffer_unref (push_symbol (stream, &small));
}

/* --- Nothing new ------------------------------------------------------------------------------- */

static const Symbol large = { SYMBOL_RING, 500, 300, 200 };

/* Identical frames are looked at once, and then once in a second while there is something to be seen; all of them carry the
 * same. */
static void
test_identical (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=1 tracking=true");
  Seen first = { 0 };

  for (guint i = 0; i < 60; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &large);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    gboolean flag = FALSE;
    check_reason (out, i % 25 == 0 ? "looked" : "still");
    g_assert_true (gst_structure_get_boolean (truth_of (out), "repeated", &flag));
    g_assert_cmpint (flag, ==, i % 25 != 0);
    g_assert_true (gst_structure_get_boolean (truth_of (out), "predicted", &flag));
    g_assert_false (flag);
    g_assert_cmpuint (seen->len, ==, 1);
    if (i == 0)
      first = *SEEN (seen, 0);
    g_assert_cmpmem (&SEEN (seen, 0)->score, 5 * sizeof (double), &first.score,
        5 * sizeof (double));
  }
  g_assert_cmpuint (stream_stat (stream, "inferences"), ==, 3);
}

/* An empty scene is not looked at again until something comes; without a threshold every frame is. */
static void
test_empty (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8");

  for (guint i = 0; i < 60; i++) {
    g_autoptr (GstBuffer) out = stream_push (stream, symbols_frame (&stream->info, NULL, 0));
    check_reason (out, i == 0 ? "looked" : "still");
  }
  g_autoptr (GstBuffer) came = push_symbol (stream, &large);
  check_reason (came, "looked");
  check_found (came, &stream->info, &large, FALSE);
  g_object_set (stream->element, "still-threshold", 0, NULL);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &large);
    check_reason (out, "looked");
  }
}

/* What is asked for anew is looked for in the same picture; and what was found before a flush says nothing after it. */
static void
test_asked_anew (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8");
  g_autoptr (GstBuffer) first = push_symbol (stream, &large);
  g_autoptr (GstBuffer) second = push_symbol (stream, &large);
  GstSegment segment;

  check_reason (second, "still");
  g_object_set (stream->element, "exclude-classes", "ring", NULL);
  g_autoptr (GstBuffer) third = push_symbol (stream, &large);
  check_reason (third, "looked");
  check_nothing (third, &stream->info);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_segment (&segment)));
  g_autoptr (GstBuffer) fourth = push_symbol (stream, &large);
  check_reason (fourth, "looked");
}

/* Who asks for nothing on frames that were not looked at gets nothing on those that show nothing new. */
static void
test_none (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8 on-skip=none");
  g_autoptr (GstBuffer) first = push_symbol (stream, &large);
  g_autoptr (GstBuffer) second = push_symbol (stream, &large);

  check_found (first, &stream->info, &large, FALSE);
  check_reason (second, "still");
  check_nothing (second, &stream->info);
}

/* Beside the stream as well; the result is carried for as long as nothing is new, whatever repeat-timeout says. */
static void
test_still_latest (void)
{
  g_autoptr (Stream) stream = open_latest ("still-threshold=8");

  g_object_set (stream->element, "repeat-timeout", FRAME, NULL);
  gst_buffer_unref (push_symbol (stream, &large));
  wait_for_look (stream, 1);
  for (guint i = 0; i < 20; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &large);
    check_reason (out, "still");
    check_found (out, &stream->info, &large, FALSE);
  }
  g_assert_cmpuint (stream_stat (stream, "inferences"), ==, 1);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/looks/small", test_small);
  g_test_add_func ("/element/looks/motion", test_motion);
  g_test_add_func ("/element/looks/followed", test_followed);
  g_test_add_func ("/element/looks/parts", test_parts);
  g_test_add_func ("/element/looks/latest", test_latest);
  g_test_add_func ("/element/looks/regions", test_regions);
  g_test_add_func ("/element/looks/identical", test_identical);
  g_test_add_func ("/element/looks/empty", test_empty);
  g_test_add_func ("/element/looks/asked-anew", test_asked_anew);
  g_test_add_func ("/element/looks/none", test_none);
  g_test_add_func ("/element/looks/still-latest", test_still_latest);
  return g_test_run ();
}
