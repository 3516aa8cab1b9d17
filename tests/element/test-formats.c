/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames of every format, size, stride and colorimetry through the element, with real weights.
 */
#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include "frames.h"
#include "models.h"
#include "scene.h"

/* Chroma at half size and 8-bit Y'CbCr move colours by a few levels, and the network's second-best
 * proposals are near enough to its best to change places for that. */
#define IOU_AT_LEAST 0.88
#define SCORE_SLACK  0.06

static GArray *
detect (Scene *scene, const char *format, const char *colorimetry, guint padding)
{
  stream_set_format (scene->stream, format, scene->picture->width, scene->picture->height,
      colorimetry);
  g_autoptr (GstBuffer) out = stream_push_rgb (scene->stream, scene->picture->pixels, padding);
  return seen_on (out, &scene->stream->info);
}

static double
box_distance (const Seen *a, const Seen *b)
{
  return MAX (MAX (fabs (a->x0 - b->x0), fabs (a->y0 - b->y0)),
      MAX (fabs (a->x1 - b->x1), fabs (a->y1 - b->y1)));
}

static double
iou (const Seen *a, const Seen *b)
{
  const double width = MIN (a->x1, b->x1) - MAX (a->x0, b->x0);
  const double height = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);
  const double inter = MAX (width, 0) * MAX (height, 0);

  return inter / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - inter);
}

static void
check_alike (const GArray *found, const GArray *expected)
{
  g_assert_cmpuint (found->len, ==, expected->len);
  for (guint i = 0; i < found->len; i++) {
    const Seen *f = SEEN (found, i), *e = SEEN (expected, i);
    g_test_message ("%s %.4f (%.4f), IoU %.4f", f->label, f->score, e->score, iou (f, e));
    g_assert_cmpstr (f->label, ==, e->label);
    g_assert_cmpfloat (fabs (f->score - e->score), <=, SCORE_SLACK);
    g_assert_cmpfloat (iou (f, e), >=, IOU_AT_LEAST);
  }
}

static void
check_equal (const GArray *found, const GArray *expected)
{
  g_assert_cmpuint (found->len, ==, expected->len);
  for (guint i = 0; i < found->len; i++) {
    const Seen *f = SEEN (found, i), *e = SEEN (expected, i);
    g_assert_cmpint (f->class_id, ==, e->class_id);
    g_assert_cmpfloat (f->score, ==, e->score);
    g_assert_cmpfloat (box_distance (f, e), ==, 0);
  }
}

/* An RGB frame gives D2Go's own detections: same classes, boxes within 2e-3 pixels, scores within
 * 1e-4. */
static void
test_golden (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  g_autoptr (GArray) found = detect (&scene, "RGB", NULL, 0);
  const cJSON *expected = fixture_config (scene.fixture, "detections");
  guint n = 0;
  for (const cJSON *e = expected->child; e; e = e->next) {
    const double score = cJSON_GetObjectItem (e, "score")->valuedouble;
    const cJSON *box = cJSON_GetObjectItem (e, "box");
    if (score <= 0.5)
      continue;
    g_assert_cmpuint (n, <, found->len);
    const Seen *f = SEEN (found, n++);
    const Seen golden = { .x0 = cJSON_GetArrayItem (box, 0)->valuedouble,
      .y0 = cJSON_GetArrayItem (box, 1)->valuedouble,
      .x1 = cJSON_GetArrayItem (box, 2)->valuedouble,
      .y1 = cJSON_GetArrayItem (box, 3)->valuedouble };
    g_assert_cmpstr (f->label, ==, cJSON_GetObjectItem (e, "label")->valuestring);
    g_assert_cmpint (f->class_id, ==, cJSON_GetObjectItem (e, "cls")->valueint);
    g_assert_cmpfloat_with_epsilon (f->score, score, 1e-4);
    g_assert_cmpfloat (box_distance (f, &golden), <=, 2e-3 + 5e-4); /* printed with 3 digits */
  }
  g_assert_cmpuint (found->len, ==, n);
  g_assert_cmpuint (n, ==, 3);
  scene_close (&scene);
}

/* The same picture in every colour format, packed and with padded rows, gives the same detections:
 * to the bit among the RGB formats, within the rounding of the others. */
static void
test_every_format (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  g_autoptr (GArray) expected = detect (&scene, "RGB", NULL, 0);
  for (guint i = 0; frames_formats[i]; i++) {
    if (frames_is_gray (frames_formats[i]))
      continue; /* shows another picture: test_grey */
    g_test_message ("%s", frames_formats[i]);
    g_autoptr (GArray) packed = detect (&scene, frames_formats[i], NULL, 0);
    g_autoptr (GArray) padded = detect (&scene, frames_formats[i], NULL, 36);
    check_alike (packed, expected);
    check_equal (padded, packed);
    if (frames_is_rgb (frames_formats[i]))
      check_equal (packed, expected);
  }
  scene_close (&scene);
}

static void
check_grey (Scene *scene, const char *format, const char *colorimetry)
{
  const Picture *picture = scene->picture;
  GstVideoInfo info;

  frames_info (&info, format, picture->width, picture->height, colorimetry);
  g_autoptr (GstBuffer) grey = frames_from_rgb (picture->pixels, &info, 0);
  g_autofree guint8 *rgb = frames_to_rgb (grey, &info);

  g_autoptr (GArray) found = detect (scene, format, colorimetry, 4);
  stream_set_format (scene->stream, "RGB", picture->width, picture->height, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (scene->stream, rgb, 0);
  g_autoptr (GArray) expected = seen_on (out, &scene->stream->info);
  g_assert_cmpuint (found->len, >, 0);
  if (g_str_equal (format, "GRAY8"))
    check_equal (found, expected);
  else
    check_alike (found, expected);
}

/* A grey frame gives what the same grey in RGB gives, to the bit where both have 8 bits. */
static void
test_grey (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  check_grey (&scene, "GRAY8", NULL);
  check_grey (&scene, "GRAY16_LE", NULL);
  check_grey (&scene, "GRAY16_LE", "1:4:0:0");
  scene_close (&scene);
}

/* Whatever the colorimetry, the same picture gives the same detections: the caps are believed. */
static void
test_colorimetry (void)
{
  static const char *const colorimetries[] = { "2:4:5:1", "1:4:0:1", "2:3:5:1", "1:3:5:1",
    "2:6:0:0", "1:6:0:0" };
  static const char *const formats[] = { "I420", "NV12", "YUY2", "Y444", "I422_10LE", "P010_10LE" };
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  g_autoptr (GArray) expected = detect (&scene, "RGB", NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (colorimetries); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (formats); j++) {
      g_test_message ("%s %s", formats[j], colorimetries[i]);
      g_autoptr (GArray) found = detect (&scene, formats[j], colorimetries[i], 0);
      check_alike (found, expected);
    }
  }
  scene_close (&scene);
}

/* The same frame with every plane in a memory of its own gives the same detections. */
static void
test_separate_memories (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  for (guint i = 0; frames_formats[i]; i++) {
    stream_set_format (scene.stream, frames_formats[i], scene.picture->width, scene.picture->height,
        NULL);
    const GstVideoInfo *info = &scene.stream->info;
    if (GST_VIDEO_INFO_N_PLANES (info) == 1)
      continue;
    g_autoptr (GstBuffer) whole = frames_from_rgb (scene.picture->pixels, info, 0);
    g_autoptr (GstBuffer) first = stream_push (scene.stream, gst_buffer_copy_deep (whole));
    g_autoptr (GstBuffer) second = stream_push (scene.stream, frames_scatter (whole, info));
    g_autoptr (GArray) expected = seen_on (first, info);
    g_autoptr (GArray) found = seen_on (second, info);
    g_test_message ("%s", frames_formats[i]);
    g_assert_cmpuint (found->len, >, 0);
    check_equal (found, expected);
  }
  scene_close (&scene);
}

/* Frames down to one pixel and of odd sizes pass, in every format, looked at and not refused; every
 * region lies inside its frame. */
static void
test_small_frames (void)
{
  static const guint sizes[][2] = { { 1, 1 }, { 1, 7 }, { 2, 1 }, { 3, 5 }, { 33, 17 } };
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  g_object_set (scene.stream->element, "score-threshold", 0.01, "min-size", 64, "max-size", 128,
      NULL);
  for (guint i = 0; frames_formats[i]; i++) {
    for (guint j = 0; j < G_N_ELEMENTS (sizes); j++) {
      stream_set_format (scene.stream, frames_formats[i], sizes[j][0], sizes[j][1], NULL);
      GstBuffer *buffer = frames_new (&scene.stream->info, 0);
      g_autoptr (GstBuffer) out = stream_push (scene.stream, buffer);
      g_autoptr (GArray) found = seen_on (out, &scene.stream->info);
      for (guint k = 0; k < found->len; k++) {
        const GstVideoRegionOfInterestMeta *roi = SEEN (found, k)->roi;
        g_assert_cmpuint (roi->x + roi->w, <=, sizes[j][0]);
        g_assert_cmpuint (roi->y + roi->h, <=, sizes[j][1]);
      }
    }
  }
  g_assert_cmpuint (stream_stat (scene.stream, "inferences"), ==,
      (G_N_ELEMENTS (sizes)) * (g_strv_length ((char **) frames_formats)));
  scene_close (&scene);
}

/* Caps that change in the middle of the stream: after the change as before, to the bit. */
static void
test_renegotiation (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "threads=1"))
    return;
  g_autoptr (GArray) before = detect (&scene, "RGB", NULL, 0);
  stream_set_format (scene.stream, "NV12", 322, 241, NULL);
  gst_buffer_unref (stream_push (scene.stream, frames_new (&scene.stream->info, 0)));
  g_autoptr (GArray) yuv = detect (&scene, "I420", NULL, 8);
  g_autoptr (GArray) after = detect (&scene, "RGB", NULL, 0);
  check_alike (yuv, before);
  check_equal (after, before);
  scene_close (&scene);
}

/* Buffers too small for their caps pass as they are, with one warning that tells the sizes; frames that
 * are whole are looked at before and after. */
static void
test_short_buffers (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  for (guint i = 0; i < 4; i++) {
    const gboolean small = i % 2 == 1;
    GstBuffer *buffer = small ? gst_buffer_new_allocate (NULL, 100, NULL) : scene_frame (&scene);
    g_autoptr (GstBuffer) out = stream_push (scene.stream, buffer);
    g_autoptr (GArray) seen = seen_on (out, &scene.stream->info);
    g_assert_cmpuint (seen->len, ==, small ? 0 : 3);
  }
  g_assert_cmpuint (stream_stat (scene.stream, "inferences"), ==, 2);
  g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "100 bytes"));
  g_autoptr (GstMessage) more =
      gst_bus_pop_filtered (scene.stream->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_assert_null (more);
  scene_close (&scene);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/formats/golden", test_golden);
  g_test_add_func ("/element/formats/every-format", test_every_format);
  g_test_add_func ("/element/formats/grey", test_grey);
  g_test_add_func ("/element/formats/colorimetry", test_colorimetry);
  g_test_add_func ("/element/formats/separate-memories", test_separate_memories);
  g_test_add_func ("/element/formats/small-frames", test_small_frames);
  g_test_add_func ("/element/formats/renegotiation", test_renegotiation);
  g_test_add_func ("/element/formats/short-buffer", test_short_buffers);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
