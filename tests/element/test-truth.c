/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is true of each frame, which frames are looked at, and which parts of them.
 */
#include <gst/gst.h>
#include <string.h>

#include "frames.h"
#include "models.h"
#include "scene.h"

/* --- The truth --------------------------------------------------------------------------------- */

typedef struct {
  gboolean looked, repeated;
  char reason[16];
  guint64 inference_pts, age;
  guint generation;
} Truth;

static Truth
truth_of (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "fbnetdetect");
  Truth truth = { 0 };

  g_assert_nonnull (meta);
  const GstStructure *s = gst_custom_meta_get_structure (meta);
  g_strlcpy (truth.reason, gst_structure_get_string (s, "reason"), sizeof truth.reason);
  g_assert_true (gst_structure_get (s, "looked", G_TYPE_BOOLEAN, &truth.looked, "repeated",
      G_TYPE_BOOLEAN, &truth.repeated, "inference-pts", G_TYPE_UINT64, &truth.inference_pts, "age",
      G_TYPE_UINT64, &truth.age, "generation", G_TYPE_UINT, &truth.generation, NULL));
  return truth;
}

static guint
count_seen (const Scene *scene, GstBuffer *buffer)
{
  g_autoptr (GArray) seen = seen_on (buffer, &scene->stream->info);

  return seen->len;
}

/* The next frame is (not) looked at for that reason and carries `n` detections of an age of so many
 * frames; -1: none. */
static void
check_frame (Scene *scene, const char *reason, guint n, gint age)
{
  g_autoptr (GstBuffer) out = stream_push (scene->stream, scene_frame (scene));
  const Truth truth = truth_of (out);
  const GstClockTime duration = GST_BUFFER_DURATION (out);

  g_assert_cmpstr (truth.reason, ==, reason);
  g_assert_cmpint (truth.looked, ==, g_str_equal (reason, "looked"));
  g_assert_cmpuint (count_seen (scene, out), ==, n);
  g_assert_cmpint (truth.repeated, ==, age > 0);
  g_assert_cmpuint (truth.age, ==, age < 0 ? GST_CLOCK_TIME_NONE : (guint) age * duration);
  g_assert_cmpuint (truth.inference_pts, ==,
      age < 0 ? GST_CLOCK_TIME_NONE : GST_BUFFER_PTS (out) - (guint) age * duration);
}

/* Every third frame is looked at; those between carry nothing, or the last result for as long as it may
 * be repeated. */
static void
test_interval (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "inference-interval=3"))
    return;
  check_frame (&scene, "looked", 3, 0);
  check_frame (&scene, "interval", 0, -1);
  check_frame (&scene, "interval", 0, -1);
  g_object_set (scene.stream->element, "on-skip", 2, "repeat-timeout", 40 * GST_MSECOND, NULL);
  check_frame (&scene, "looked", 3, 0);
  check_frame (&scene, "interval", 3, 1);
  check_frame (&scene, "interval", 0, -1);
  g_object_set (scene.stream->element, "repeat-timeout", G_MAXUINT64, NULL);
  check_frame (&scene, "looked", 3, 0);
  check_frame (&scene, "interval", 3, 1);
  check_frame (&scene, "interval", 3, 2);
  g_assert_cmpuint (stream_stat (scene.stream, "inferences"), ==, 3);
  scene_close (&scene);
}

/* 25 frames a second, 5 looks: one in five. A fraction is written as such. */
static void
test_rate (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "max-inference-rate=5/1"))
    return;
  for (guint i = 0; i < 11; i++)
    check_frame (&scene, i % 5 == 0 ? "looked" : "rate", i % 5 == 0 ? 3 : 0, i % 5 == 0 ? 0 : -1);
  scene_close (&scene);
}

/* What is set while frames come and asks for more memory than is allowed is told once; the frames pass
 * until it is less. */
static void
test_refused (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "memory-limit=1024"))
    return;
  check_frame (&scene, "looked", 3, 0);
  g_object_set (scene.stream->element, "post-nms-count", 100000, NULL);
  check_frame (&scene, "refused", 0, -1);
  check_frame (&scene, "refused", 0, -1);
  stream_check_one_warning (scene.stream, "memory-limit");
  g_object_set (scene.stream->element, "post-nms-count", 0, NULL);
  check_frame (&scene, "looked", 3, 0);
  scene_close (&scene);
}

/* A label file from elsewhere: with a byte order mark, and lines that end as on Windows. */
static void
test_byte_order_mark (void)
{
  g_autoptr (GString) labels = g_string_new ("\xef\xbb\xbf");
  g_autofree char *path = models_path ("marked.txt");
  g_autofree char *settings = g_strconcat ("label-file=", path, NULL);
  Scene scene;

  for (guint i = 0; i < 80; i++)
    g_string_append (labels, "thing\r\n");
  g_assert_true (g_file_set_contents (path, labels->str, -1, NULL));
  if (!scene_open (&scene, "RGB", settings))
    return;
  g_autoptr (GstBuffer) out = stream_push (scene.stream, scene_frame (&scene));
  g_autoptr (GArray) seen = seen_on (out, &scene.stream->info);
  g_assert_cmpuint (seen->len, ==, 3);
  for (guint i = 0; i < seen->len; i++)
    g_assert_cmpstr (g_quark_to_string (SEEN (seen, i)->roi->roi_type), ==, "thing");
  scene_close (&scene);
}

/* What was found before a pause is not repeated after it; nor across a flush. */
static void
test_generations (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "on-skip=repeat inference-interval=100"))
    return;
  check_frame (&scene, "looked", 3, 0);
  check_frame (&scene, "interval", 3, 1);
  g_object_set (scene.stream->element, "enable", FALSE, NULL);
  check_frame (&scene, "disabled", 0, -1);
  g_object_set (scene.stream->element, "enable", TRUE, NULL);
  check_frame (&scene, "interval", 0, -1);

  GstHarness *harness = scene.stream->harness;
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
  check_frame (&scene, "looked", 3, 0);
  scene_close (&scene);
}

/* A frame that is late by the sink's word passes without being looked at, and a message tells; the one
 * that is in time again is looked at. With qos=false all are. */
static void
test_qos (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  check_frame (&scene, "looked", 3, 0);
  GstHarness *harness = scene.stream->harness;
  gst_harness_push_upstream_event (harness,
      gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5, 30 * GST_MSECOND, 0));
  check_frame (&scene, "qos", 0, -1);
  g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_QOS);
  guint64 looked = 0, late = 0;
  gst_message_parse_qos_stats (message, NULL, &looked, &late);
  g_assert_cmpuint (looked, ==, 1);
  g_assert_cmpuint (late, ==, 1);
  check_frame (&scene, "looked", 3, 0);
  gst_harness_push_upstream_event (harness,
      gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5, GST_SECOND, 0));
  g_object_set (scene.stream->element, "qos", FALSE, NULL);
  check_frame (&scene, "looked", 3, 0);
  scene_close (&scene);
}

/* --- Settings ---------------------------------------------------------------------------------- */

/* Of several values set at once the wrong one alone is left out, and told once under its own name; what is
 * right as a pair is taken as a pair. */
static void
test_one_wrong_value (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  check_frame (&scene, "looked", 3, 0);
  g_object_set (scene.stream->element, "iou-upper", 0.1, "score-threshold", 0.99, NULL);
  check_frame (&scene, "looked", 1, 0);
  check_frame (&scene, "looked", 1, 0);
  stream_check_one_warning (scene.stream, "iou-upper: ");
  g_object_set (scene.stream->element, "score-threshold", 0.4, NULL);
  check_frame (&scene, "looked", 4, 0);
  g_object_set (scene.stream->element, "iou-lower", 0.8, "iou-upper", 0.9, NULL);
  check_frame (&scene, "looked", 4, 0);
  g_object_set (scene.stream->element, "iou-lower", 0.05, "iou-upper", 0.1, NULL);
  check_frame (&scene, "looked", 4, 0);
  g_autoptr (GstMessage) more = gst_bus_pop_filtered (scene.stream->bus, GST_MESSAGE_WARNING);
  g_assert_null (more);
  scene_close (&scene);
}

/* What takes effect with the next start is told when it is set in between. */
static void
test_needs_start (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  g_object_set (scene.stream->element, "threads", 2, NULL);
  stream_check_one_warning (scene.stream, "threads: ");
  check_frame (&scene, "looked", 3, 0);
  scene_close (&scene);
}

/* After a failed exchange the properties name the files in use. */
static void
test_file_in_use (void)
{
  Scene scene;
  g_autofree char *file = NULL;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  g_object_set (scene.stream->element, "model-file", "/no/such/model.safetensors", NULL);
  g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
  g_object_get (scene.stream->element, "model-file", &file, NULL);
  g_assert_cmpstr (file, ==, models_file (FIXTURE_COCO));
  check_frame (&scene, "looked", 3, 0);
  scene_close (&scene);
}

/* A source that counts bytes, as appsrc does when it is told nothing else, is looked at too. */
static void
test_bytes (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB",
          "on-skip=repeat inference-interval=2 post-messages=every-frame "
          "repeat-timeout=60000000000"))
    return;
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  g_assert_true (gst_harness_push_event (scene.stream->harness, gst_event_new_segment (&segment)));
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstBuffer) out =
        gst_harness_push_and_pull (scene.stream->harness, scene_frame (&scene));
    const Truth truth = truth_of (out);
    g_assert_cmpint (truth.looked, ==, i == 0);
    g_assert_cmpuint (count_seen (&scene, out), ==, 3);
  }
  scene_close (&scene);
}

/* --- Messages ---------------------------------------------------------------------------------- */

static guint
count_messages (Scene *scene)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (scene->stream->bus, GST_MESSAGE_ELEMENT)) != NULL) {
    const GstStructure *s = gst_message_get_structure (message);
    g_assert_true (gst_structure_has_name (s, "fbnetdetect"));
    g_assert_true (gst_structure_has_field_typed (s, "running-time", G_TYPE_UINT64));
    n++;
    gst_message_unref (message);
  }
  return n;
}

/* A message when other objects are seen, when some are, for every frame; by default none. */
static void
test_messages (void)
{
  static const struct {
    const char *when;
    guint n;
  } cases[] = { { "none", 0 }, { "on-change", 3 }, { "on-detect", 4 }, { "every-frame", 6 } };
  static const double thresholds[] = { 0.5, 0.5, 1, 1, 0.5, 0.5 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *settings = g_strdup_printf ("post-messages=%s", cases[i].when);
    Scene scene;
    if (!scene_open (&scene, "RGB", settings))
      return;
    for (guint k = 0; k < G_N_ELEMENTS (thresholds); k++) {
      g_object_set (scene.stream->element, "score-threshold", thresholds[k], NULL);
      check_frame (&scene, "looked", thresholds[k] < 1 ? 3 : 0, 0);
    }
    g_assert_cmpuint (count_messages (&scene), ==, cases[i].n);
    scene_close (&scene);
  }
}

/* --- Parts of a frame -------------------------------------------------------------------------- */

static void
check_inside (const Seen *seen, double x0, double y0, double x1, double y1)
{
  g_assert_cmpfloat (seen->x0, >=, x0 - 0.01);
  g_assert_cmpfloat (seen->y0, >=, y0 - 0.01);
  g_assert_cmpfloat (seen->x1, <=, x1 + 0.01);
  g_assert_cmpfloat (seen->y1, <=, y1 + 0.01);
}

/* roi: what is seen lies within it, in pixels of the frame. One that lies outside, or is none, is told once,
 * and the whole frame is looked at. */
static void
test_roi (void)
{
  Scene scene;

  if (!scene_open (&scene, "I420", "score-threshold=0.3"))
    return;
  const guint width = scene.picture->width, height = scene.picture->height;
  g_autoptr (GstBuffer) whole = stream_push (scene.stream, scene_frame (&scene));
  g_autofree char *half = g_strdup_printf ("<0,0,%u,%u>", width / 2, height);
  gst_util_set_object_arg (G_OBJECT (scene.stream->element), "roi", half);
  g_autoptr (GstBuffer) out = stream_push (scene.stream, scene_frame (&scene));
  g_autoptr (GArray) seen = seen_on (out, &scene.stream->info);
  g_assert_cmpuint (seen->len, >, 0);
  for (guint i = 0; i < seen->len; i++)
    check_inside (SEEN (seen, i), 0, 0, width / 2, height);

  gst_util_set_object_arg (G_OBJECT (scene.stream->element), "roi", "<10000,0,10,10>");
  g_autoptr (GstBuffer) outside = stream_push (scene.stream, scene_frame (&scene));
  g_assert_cmpuint (count_seen (&scene, outside), ==, count_seen (&scene, whole));
  stream_check_one_warning (scene.stream, "roi: expected a part of the frame");
  gst_util_set_object_arg (G_OBJECT (scene.stream->element), "roi", "<1,2,3>");
  g_autoptr (GstBuffer) three = stream_push (scene.stream, scene_frame (&scene));
  g_assert_cmpuint (count_seen (&scene, three), ==, count_seen (&scene, whole));
  stream_check_one_warning (scene.stream, "roi: expected x, y, width, height");
  scene_close (&scene);
}

static GstBuffer *
frame_with_regions (const Scene *scene)
{
  const guint width = scene->picture->width, height = scene->picture->height;
  GstBuffer *frame = scene_frame (scene);
  GstVideoRegionOfInterestMeta *left =
      gst_buffer_add_video_region_of_interest_meta (frame, "left", 0, 0, width / 2, height);
  GstVideoRegionOfInterestMeta *right = gst_buffer_add_video_region_of_interest_meta (frame,
      "right", width / 2, 0, width / 2, height);

  left->id = 7;
  right->id = 9;
  return frame;
}

/* The detections alone, of which each has a structure "detection". */
static void
check_regions (Scene *scene, const char *class, gboolean left, gboolean right)
{
  const double middle = scene->picture->width / 2, height = scene->picture->height;
  g_autoptr (GstBuffer) out = stream_push (scene->stream, frame_with_regions (scene));
  gpointer state = NULL;
  GstMeta *meta;
  guint n_left = 0, n_right = 0;
  double last = 1;

  while ((meta = gst_buffer_iterate_meta_filtered (out, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *) meta;
    const GstStructure *box = gst_video_region_of_interest_meta_get_param (roi, "detection");
    double confidence;
    if (box == NULL)
      continue;
    g_assert_true (gst_structure_get_double (box, "confidence", &confidence));
    g_assert_cmpfloat (confidence, <=, last);
    last = confidence;
    g_assert_cmpuint (roi->y + roi->h, <=, height);
    g_assert_true (roi->parent_id == 7 || roi->parent_id == 9);
    if (roi->parent_id == 7)
      g_assert_cmpuint (roi->x + roi->w, <=, middle + 1);
    else
      g_assert_cmpuint (roi->x + 2, >=, middle);
    n_left += roi->parent_id == 7;
    n_right += roi->parent_id == 9;
  }
  g_test_message ("%s: %u left, %u right", class, n_left, n_right);
  g_assert_cmpint (n_left > 0, ==, left);
  g_assert_cmpint (n_right > 0, ==, right);
}

/* roi-list: what came with the buffer is looked into, region by region, all of them or those of a label;
 * what is found names its region, in the whole frame's pixels, best first. */
static void
test_roi_list (void)
{
  Scene scene;

  if (!scene_open (&scene, "NV12", "inference-region=roi-list score-threshold=0.2"))
    return;
  check_regions (&scene, "", TRUE, TRUE);
  g_object_set (scene.stream->element, "object-class", "right", NULL);
  check_regions (&scene, "right", FALSE, TRUE);
  g_object_set (scene.stream->element, "object-class", "left", NULL);
  check_regions (&scene, "left", TRUE, FALSE);
  g_object_set (scene.stream->element, "object-class", "neither", NULL);
  check_regions (&scene, "neither", FALSE, FALSE);
  check_frame (&scene, "looked", 0, 0);
  scene_close (&scene);
}

/* A larger frame whose visible rectangle is the picture gives what the picture gives, in the picture's
 * coordinates: at even places to the bit. */
static void
test_crop (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  const guint width = scene.picture->width, height = scene.picture->height;
  const guint left = 24, top = 38;
  g_autoptr (GstBuffer) plain = stream_push (scene.stream, scene_frame (&scene));
  g_autoptr (GArray) expected = seen_on (plain, &scene.stream->info);

  GstVideoInfo large;
  frames_info (&large, "RGB", width + 100, height + 80, NULL);
  GstBuffer *frame = frames_new (&large, 0);
  GstMapInfo map;
  g_assert_true (gst_buffer_map (frame, &map, GST_MAP_WRITE));
  for (guint y = 0; y < height; y++)
    memcpy (map.data + (gsize) (top + y) * large.stride[0] + 3 * left,
        scene.picture->pixels + (gsize) 3 * width * y, 3 * width);
  gst_buffer_unmap (frame, &map);
  gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB,
      width + 100, height + 80, 1, large.offset, large.stride);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (frame);
  crop->x = left;
  crop->y = top;
  crop->width = width;
  crop->height = height;
  g_autoptr (GstBuffer) out = stream_push (scene.stream, frame);
  g_autoptr (GArray) seen = seen_on (out, &scene.stream->info);
  g_assert_cmpuint (seen->len, ==, expected->len);
  for (guint i = 0; i < seen->len; i++) {
    g_assert_cmpstr (SEEN (seen, i)->label, ==, SEEN (expected, i)->label);
    g_assert_cmpfloat_with_epsilon (SEEN (seen, i)->score, SEEN (expected, i)->score, 1e-4);
    g_assert_cmpfloat_with_epsilon (SEEN (seen, i)->x0, SEEN (expected, i)->x0, 0.1);
    g_assert_cmpfloat_with_epsilon (SEEN (seen, i)->y1, SEEN (expected, i)->y1, 0.1);
  }
  scene_close (&scene);
}

/* A film that lies on its side is a warning, once. */
static void
test_orientation (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  for (guint i = 0; i < 2; i++)
    g_assert_true (gst_harness_push_event (scene.stream->harness,
        gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, "rotate-90", NULL))));
  g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_WARNING);
  g_autofree char *hint = NULL;
  gst_message_parse_warning (message, NULL, &hint);
  g_assert_nonnull (strstr (hint, "videoflip"));
  g_autoptr (GstMessage) more = gst_bus_pop_filtered (scene.stream->bus, GST_MESSAGE_WARNING);
  g_assert_null (more);
  scene_close (&scene);
}

/* Frames that videoflip has turned are upright, whatever the tag still says. */
static void
test_turned (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch_full (
      "videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! taginject "
      "tags=image-orientation=rotate-90 ! videoflip video-direction=auto ! queue ! fbnetdetect ! "
      "fakesink",
      NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

  if (g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT)) {
    g_test_skip (error->message);
    return;
  }
  g_assert_no_error (error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/truth/interval", test_interval);
  g_test_add_func ("/element/truth/rate", test_rate);
  g_test_add_func ("/element/truth/refused", test_refused);
  g_test_add_func ("/element/truth/byte-order-mark", test_byte_order_mark);
  g_test_add_func ("/element/truth/generations", test_generations);
  g_test_add_func ("/element/truth/qos", test_qos);
  g_test_add_func ("/element/truth/one-wrong-value", test_one_wrong_value);
  g_test_add_func ("/element/truth/needs-start", test_needs_start);
  g_test_add_func ("/element/truth/file-in-use", test_file_in_use);
  g_test_add_func ("/element/truth/bytes", test_bytes);
  g_test_add_func ("/element/truth/messages", test_messages);
  g_test_add_func ("/element/truth/roi", test_roi);
  g_test_add_func ("/element/truth/roi-list", test_roi_list);
  g_test_add_func ("/element/truth/crop", test_crop);
  g_test_add_func ("/element/truth/orientation", test_orientation);
  g_test_add_func ("/element/truth/turned", test_turned);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
