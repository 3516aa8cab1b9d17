/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * evaluate=true: detections against the regions that came with the buffer. Over the project's own
 * tiny model, without golden data.
 */
#include <gst/gst.h>
#include <string.h>

#include "drawing.h"
#include "frames.h"
#include "stream.h"
#ifdef HAVE_ANALYTICS
#  include <gst/analytics/analytics.h>
#endif

/* As many boxes as the model gives, all of them certain. */
#define SETTINGS "score-threshold=0.1 iou-threshold=0.5 max-detections=20"

#define WIDTH  121
#define HEIGHT 88

static char *
model_path (const char *name)
{
  return g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
}

static Stream *
open_stream (const char *settings)
{
  g_autofree char *path = model_path ("tiny-bn");
  Stream *stream = stream_open (path, settings);

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  return stream;
}

static GstBuffer *
new_frame (const Stream *stream)
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 7);

  return frames_from_rgb (picture->pixels, &stream->info, 0);
}

static void
add_region (GstBuffer *buffer, const char *label, const GstVideoRectangle *r)
{
  gst_buffer_add_video_region_of_interest_meta (buffer, label, r->x, r->y, r->w, r->h);
}

/* The element's own regions, in their order: those that have a structure "fbnetdetect". With `bare`
 * those that have none. (transfer full) */
static GPtrArray *
regions_on (GstBuffer *buffer, gboolean bare)
{
  GPtrArray *regions = g_ptr_array_new ();
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *) meta;
    if (bare == (gst_video_region_of_interest_meta_get_param (roi, "fbnetdetect") == NULL))
      g_ptr_array_add (regions, roi);
  }
  return regions;
}

static const char *
match_of (GstVideoRegionOfInterestMeta *roi)
{
  return gst_structure_get_string (gst_video_region_of_interest_meta_get_param (roi, "fbnetdetect"),
      "match");
}

static double
share_of (const Stream *stream, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  double value = 0;

  g_object_get (stream->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_double (stats, field, &value));
  return value;
}

static void
check_stats (Stream *stream, guint evaluated, guint true_positives, guint false_positives,
    guint misses)
{
  g_assert_cmpuint (stream_stat (stream, "evaluated"), ==, evaluated);
  g_assert_cmpuint (stream_stat (stream, "true-positives"), ==, true_positives);
  g_assert_cmpuint (stream_stat (stream, "false-positives"), ==, false_positives);
  g_assert_cmpuint (stream_stat (stream, "misses"), ==, misses);
  const double found = true_positives + false_positives, wanted = true_positives + misses;
  g_assert_cmpfloat (share_of (stream, "precision"), ==, found > 0 ? true_positives / found : -1);
  g_assert_cmpfloat (share_of (stream, "recall"), ==, wanted > 0 ? true_positives / wanted : -1);
}

/* What another element of the same model found is found again, to an IoU of 1: the exact boxes are
 * compared, not the whole pixels around them. The references stay on the buffer as they were. */
static void
test_against_itself (void)
{
  g_autoptr (Stream) first = open_stream (SETTINGS);
  g_autoptr (Stream) second =
      open_stream (SETTINGS " evaluate=true iou-lower=0.999 iou-upper=0.999");
  g_autoptr (GstBuffer) out = stream_push (second, stream_push (first, new_frame (first)));
  g_autoptr (GPtrArray) all = regions_on (out, FALSE);
  const guint n = all->len / 2;

  g_assert_cmpuint (n, >, 2);
  g_assert_cmpuint (all->len, ==, 2 * n);
  for (guint i = 0; i < n; i++) {
    g_assert_null (match_of (g_ptr_array_index (all, i)));
    g_assert_cmpstr (match_of (g_ptr_array_index (all, n + i)), ==, "object");
  }
  check_stats (second, 1, n, 0, 0);
  check_stats (first, 0, 0, 0, 0);
}

/* The rectangles and labels of the detections on a frame. */
typedef struct {
  GArray *rectangles; /* of GstVideoRectangle */
  GPtrArray *labels;
} Known;

static void
known_clear (Known *known)
{
  g_array_unref (known->rectangles);
  g_ptr_array_unref (known->labels);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Known, known_clear)

static Known
learn (Stream *stream)
{
  Known known = { g_array_new (FALSE, FALSE, sizeof (GstVideoRectangle)),
    g_ptr_array_new_with_free_func (g_free) };
  g_autoptr (GstBuffer) out = stream_push (stream, new_frame (stream));
  g_autoptr (GPtrArray) regions = regions_on (out, FALSE);

  for (guint i = 0; i < regions->len; i++) {
    const GstVideoRegionOfInterestMeta *roi = g_ptr_array_index (regions, i);
    const GstVideoRectangle r = { (gint) roi->x, (gint) roi->y, (gint) roi->w, (gint) roi->h };
    g_array_append_val (known.rectangles, r);
    g_ptr_array_add (known.labels, g_strdup (g_quark_to_string (roi->roi_type)));
  }
  return known;
}

static const GstVideoRectangle *
rectangle_of (const Known *known, guint i)
{
  return &g_array_index (known->rectangles, GstVideoRectangle, i);
}

/* The best detection as the whole story: max-detections=1. */
#define LONE SETTINGS " max-detections=1 evaluate=true"

/* Pushes a frame with one region, and checks what its only detection is called. */
static void
check_one (Stream *stream, const char *label, const GstVideoRectangle *r, const char *expected)
{
  GstBuffer *frame = new_frame (stream);

  add_region (frame, label, r);
  g_autoptr (GstBuffer) out = stream_push (stream, frame);
  g_autoptr (GPtrArray) regions = regions_on (out, FALSE);
  g_autoptr (GPtrArray) references = regions_on (out, TRUE);
  g_assert_cmpuint (references->len, ==, 1);
  g_assert_cmpuint (regions->len, ==, 1);
  g_assert_cmpstr (match_of (g_ptr_array_index (regions, 0)), ==, expected);
}

/* A reference of the whole box is the object; of half of it, nothing certain; of a corner,
 * background. The bounds say which, and change with the next frame. */
static void
test_bounds (void)
{
  g_autoptr (Stream) stream = open_stream (LONE);
  g_auto (Known) known = learn (stream);

  check_stats (stream, 1, 0, 1, 0);
  const GstVideoRectangle *whole = rectangle_of (&known, 0);
  const GstVideoRectangle half = { whole->x, whole->y, whole->w / 2, whole->h };
  const GstVideoRectangle corner = { whole->x, whole->y, 2, 2 };
  const char *label = g_ptr_array_index (known.labels, 0);
  g_assert_cmpint (whole->w, >, 10);

  check_one (stream, label, whole, "object");
  check_stats (stream, 2, 1, 1, 0);
  check_one (stream, label, &half, "ignored");
  check_stats (stream, 3, 1, 1, 1);
  check_one (stream, label, &corner, "background");
  check_stats (stream, 4, 1, 2, 2);

  g_object_set (stream->element, "iou-upper", 0.4f, NULL);
  check_one (stream, label, &half, "object");
  g_object_set (stream->element, "iou-upper", 0.99f, "iou-lower", 0.9f, NULL);
  check_one (stream, label, &half, "background");
  check_stats (stream, 6, 2, 3, 3);
}

/* Classes count: a reference of another class is not found. A label that the model does not know
 * stands for any class. One of a class that is switched off is not missed. */
static void
test_classes (void)
{
  g_autoptr (Stream) stream = open_stream (LONE);
  g_auto (Known) known = learn (stream);
  const GstVideoRectangle *whole = rectangle_of (&known, 0);
  const char *label = g_ptr_array_index (known.labels, 0);
  const char *other = g_str_equal (label, "circle") ? "square" : "circle";

  check_one (stream, other, whole, "background");
  check_stats (stream, 2, 0, 2, 1);
  check_one (stream, "moving thing", whole, "object");
  check_stats (stream, 3, 1, 2, 1);
  g_object_set (stream->element, "exclude-classes", other, NULL);
  check_one (stream, other, whole, "background");
  check_stats (stream, 4, 1, 3, 1);
  check_one (stream, label, whole, "object");
  check_stats (stream, 5, 2, 3, 1);
}

/* Switched on and off while frames flow; a frame that is not looked at is not compared. */
static void
test_switching (void)
{
  g_autoptr (Stream) stream = open_stream (SETTINGS " max-detections=1");
  g_auto (Known) known = learn (stream);
  const GstVideoRectangle *whole = rectangle_of (&known, 0);
  const char *label = g_ptr_array_index (known.labels, 0);
  g_autoptr (GstStructure) detections = NULL;

  stream_keep_detections (stream, &detections);

  check_one (stream, label, whole, NULL);
  check_stats (stream, 0, 0, 0, 0);
  g_object_set (stream->element, "evaluate", TRUE, NULL);
  check_one (stream, label, whole, "object");
  check_stats (stream, 1, 1, 0, 0);
  const GValue *objects = gst_structure_get_value (detections, "objects");
  const GstStructure *object = gst_value_get_structure (gst_value_array_get_value (objects, 0));
  g_assert_cmpstr (gst_structure_get_string (object, "match"), ==, "object");

  g_object_set (stream->element, "enable", FALSE, NULL);
  GstBuffer *frame = new_frame (stream);
  add_region (frame, label, whole);
  gst_buffer_unref (stream_push (stream, frame));
  check_stats (stream, 1, 1, 0, 0);
  g_object_set (stream->element, "enable", TRUE, "evaluate", FALSE, NULL);
  check_one (stream, label, whole, NULL);
  check_stats (stream, 1, 1, 0, 0);
}

/* Many frames, each with several references and detections: the counts add up, and every number is
 * what the labels say. */
static void
test_many (void)
{
  g_autoptr (Stream) stream = open_stream (SETTINGS " evaluate=true");
  g_auto (Known) known = learn (stream);
  const guint n = known.rectangles->len, n_frames = 5;

  g_assert_cmpuint (n, >, 2);
  guint background = n, objects = 0;
  for (guint f = 0; f < n_frames; f++) {
    GstBuffer *frame = new_frame (stream);
    for (guint i = 0; i < n; i += 2)
      add_region (frame, g_ptr_array_index (known.labels, i), rectangle_of (&known, i));
    g_autoptr (GstBuffer) out = stream_push (stream, frame);
    g_autoptr (GPtrArray) regions = regions_on (out, FALSE);
    for (guint i = 0; i < regions->len; i++) {
      const char *match = match_of (g_ptr_array_index (regions, i));
      background += g_str_equal (match, "background");
      objects += g_str_equal (match, "object");
    }
  }
  const guint wanted = n_frames * ((n + 1) / 2);
  const guint found = (guint) stream_stat (stream, "true-positives");
  g_assert_cmpuint (found, >, 0);
  check_stats (stream, n_frames + 1, found, background + objects - found, wanted - found);
}

/* Bounds that cross are an error at the start; later they are told once, and those before stay. */
static void
test_crossed_bounds (void)
{
  g_autoptr (Stream) stream = open_stream (LONE);
  g_auto (Known) known = learn (stream);
  const GstVideoRectangle *whole = rectangle_of (&known, 0);
  const char *label = g_ptr_array_index (known.labels, 0);

  g_object_set (stream->element, "iou-lower", 0.8f, NULL);
  check_one (stream, label, whole, "object");
  check_one (stream, label, whole, "object");
  stream_check_one_warning (stream, "iou-lower");

  g_autofree char *path = model_path ("tiny-bn");
  g_autoptr (GstElement) element = gst_element_factory_make ("fbnetdetect", NULL);
  gst_object_ref_sink (element);
  g_object_set (element, "model-file", path, "iou-lower", 0.8f, "iou-upper", 0.2f, NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
}

#ifdef HAVE_ANALYTICS
static guint
add_analytics_box (GstBuffer *buffer, const char *label, const GstVideoRectangle *r)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_add_analytics_relation_meta (buffer);
  GstAnalyticsODMtd box;
  g_assert_true (gst_analytics_relation_meta_add_od_mtd (relations, g_quark_from_string (label),
      r->x, r->y, r->w, r->h, 1.0f, &box));
  return box.id;
}

/* A reference as GstAnalytics' box counts like a region; one that is on the buffer as both, once. */
static void
test_analytics (void)
{
  g_autoptr (Stream) stream = open_stream (LONE);
  g_auto (Known) known = learn (stream);
  const char *label = g_ptr_array_index (known.labels, 0);
  check_stats (stream, 1, 0, 1, 0);

  GstBuffer *frame = new_frame (stream);
  add_analytics_box (frame, label, rectangle_of (&known, 0));
  gst_buffer_unref (stream_push (stream, frame));
  check_stats (stream, 2, 1, 1, 0);

  frame = new_frame (stream);
  const guint id = add_analytics_box (frame, label, rectangle_of (&known, 0));
  const GstVideoRectangle *r = rectangle_of (&known, 0);
  gst_buffer_add_video_region_of_interest_meta (frame, label, r->x, r->y, r->w, r->h)->id =
      (gint) id;
  gst_buffer_unref (stream_push (stream, frame));
  check_stats (stream, 3, 2, 1, 0);
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/evaluate/against-itself", test_against_itself);
  g_test_add_func ("/element/evaluate/bounds", test_bounds);
  g_test_add_func ("/element/evaluate/classes", test_classes);
  g_test_add_func ("/element/evaluate/switching", test_switching);
  g_test_add_func ("/element/evaluate/many", test_many);
  g_test_add_func ("/element/evaluate/crossed-bounds", test_crossed_bounds);
#ifdef HAVE_ANALYTICS
  g_test_add_func ("/element/evaluate/analytics", test_analytics);
#endif
  return g_test_run ();
}
