/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element over the project's own tiny models: on every machine, without golden data. What the
 * library finds in a picture is what the element attaches to the frame.
 */
#include <gst/gst.h>
#include <string.h>

#include "drawing.h"
#include "fbnet/fbnet.h"
#include "frames.h"
#include "stream.h"

#define SETTINGS "score-threshold=0.25 max-detections=6"

typedef struct {
  char *path;
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetDetections *found; /* what the library finds */
  Picture *picture;
} Direct;

static void
direct_open (Direct *direct, const char *name, guint width, guint height)
{
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autoptr (GError) error = NULL;

  direct->path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), file, NULL);
  direct->picture = picture_draw (width, height, 7);
  direct->model = fbnet_model_load (direct->path, &error);
  g_assert_no_error (error);
  direct->detector = fbnet_detector_new (direct->model, NULL, &error);
  g_assert_no_error (error);

  FbnetParams params;
  fbnet_model_get_params (direct->model, &params);
  params.score_threshold = 0.25f;
  params.mask_threshold = 0.5f;
  params.max_detections = 6;
  fbnet_detector_set_params (direct->detector, &params, &error);
  g_assert_no_error (error);

  direct->found = fbnet_detections_new ();
  const FbnetImage image = picture_image (direct->picture);
  fbnet_detector_run (direct->detector, &image, direct->found, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (direct->found->n, >, 0);
}

static void
direct_close (Direct *direct)
{
  picture_free (direct->picture);
  fbnet_detections_free (direct->found);
  fbnet_detector_free (direct->detector);
  fbnet_model_unref (direct->model);
  g_free (direct->path);
}

static void
check_mask (const Seen *seen, const FbnetMask *mask)
{
  const GstStructure *structure = gst_video_region_of_interest_meta_get_param (seen->roi, "mask");

  g_assert_cmpint (structure != NULL, ==, mask->data != NULL);
  if (structure == NULL)
    return;
  GstBuffer *data = NULL;
  GstMapInfo map;
  g_assert_true (gst_structure_get (structure, "data", GST_TYPE_BUFFER, &data, NULL));
  g_assert_true (gst_buffer_map (data, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, (gsize) seen->roi->w * seen->roi->h);
  for (guint y = 0; y < seen->roi->h; y++) {
    const gint row = (gint) (seen->roi->y + y) - mask->y;
    const guint8 *expected = mask->data + (gsize) row * mask->width + (seen->roi->x - mask->x);
    g_assert_cmpmem (map.data + y * seen->roi->w, seen->roi->w, expected, seen->roi->w);
  }
  gst_buffer_unmap (data, &map);
  gst_buffer_unref (data);
}

static void
check_detections (GstBuffer *buffer, const Direct *direct, const GstVideoInfo *info)
{
  g_autoptr (GArray) seen = seen_on (buffer, info);

  g_assert_cmpuint (seen->len, ==, direct->found->n);
  for (guint i = 0; i < seen->len; i++) {
    const FbnetDetection *expected = &direct->found->items[i];
    const Seen *s = SEEN (seen, i);
    g_assert_cmpuint (s->class_id, ==, expected->class_id);
    g_autofree char *number = g_strdup_printf ("%u", expected->class_id);
    const char *label = fbnet_model_get_label (direct->model, expected->class_id);
    g_assert_cmpstr (s->label, ==, label ? label : number); /* tiny-gn has no labels */
    g_assert_cmpfloat (s->score, ==, expected->score);
    g_assert_cmpfloat_with_epsilon (s->x0, expected->x0, 1e-4);
    g_assert_cmpfloat_with_epsilon (s->y0, expected->y0, 1e-4);
    g_assert_cmpfloat_with_epsilon (s->x1, expected->x1, 1e-4);
    g_assert_cmpfloat_with_epsilon (s->y1, expected->y1, 1e-4);
    check_mask (s, &expected->mask);
  }
}

/* Both models' detections, masks to the pixel, arrive as metadata in every RGB format, with padded
 * rows and odd sizes. */
static void
test_library_and_element (void)
{
  static const struct {
    const char *name;
    guint width, height;
  } models[] = { { "tiny-bn", 121, 88 }, { "tiny-gn", 90, 131 } };

  for (guint m = 0; m < G_N_ELEMENTS (models); m++) {
    Direct direct;
    direct_open (&direct, models[m].name, models[m].width, models[m].height);
    g_autoptr (Stream) stream = stream_open (direct.path, SETTINGS);
    for (guint i = 0; frames_formats[i]; i++) {
      if (!frames_is_rgb (frames_formats[i]))
        continue;
      stream_set_format (stream, frames_formats[i], models[m].width, models[m].height, NULL);
      for (guint padding = 0; padding <= 12; padding += 12) {
        g_autoptr (GstBuffer) out = stream_push_rgb (stream, direct.picture->pixels, padding);
        check_detections (out, &direct, &stream->info);
      }
    }
    direct_close (&direct);
  }
}

/* All formats pass, whatever the size, with masks and overlay on, one after the other in one stream. */
static void
test_every_format (void)
{
  static const guint sizes[][2] = { { 1, 1 }, { 2, 3 }, { 31, 17 }, { 121, 88 } };
  Direct direct;

  direct_open (&direct, "tiny-bn", 121, 88);
  g_autoptr (Stream) stream = stream_open (direct.path, "score-threshold=0.05");
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream->element), "overlay") != NULL)
    g_object_set (stream->element, "overlay", TRUE, NULL);
  guint n = 0;
  for (guint i = 0; frames_formats[i]; i++) {
    for (guint j = 0; j < G_N_ELEMENTS (sizes); j++, n++) {
      stream_set_format (stream, frames_formats[i], sizes[j][0], sizes[j][1], NULL);
      g_autoptr (Picture) picture = picture_draw (sizes[j][0], sizes[j][1], j);
      gst_buffer_unref (stream_push_rgb (stream, picture->pixels, 8 * (j & 1)));
    }
  }
  g_assert_cmpuint (stream_stat (stream, "inferences"), ==, n);
  direct_close (&direct);
}

/* While frames flow one tiny model is exchanged for the other, to and fro: what a frame carries is
 * always one model's result, never a mixture. */
static void
test_exchange (void)
{
  Direct direct[2];

  direct_open (&direct[0], "tiny-bn", 100, 80);
  direct_open (&direct[1], "tiny-gn", 100, 80);
  g_autoptr (Stream) stream = stream_open (direct[0].path, SETTINGS);
  stream_set_format (stream, "RGB", 100, 80, NULL);
  guint current = 0;
  for (guint i = 1; i <= 6; i++) {
    g_object_set (stream->element, "model-file", direct[i % 2].path, NULL);
    while (current != i % 2) {
      g_autoptr (GstBuffer) out =
          stream_push_rgb (stream, direct[0].picture->pixels, 0); /* the same picture for both */
      g_autoptr (GstStructure) stats = NULL;
      g_object_get (stream->element, "stats", &stats, NULL);
      const char *model = gst_structure_get_string (stats, "model");
      current = g_str_equal (model, direct[1].path);
      check_detections (out, &direct[current], &stream->info);
    }
  }
  direct_close (&direct[0]);
  direct_close (&direct[1]);
}

static char *
kernels_in_use (Stream *stream)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (stream->element, "stats", &stats, NULL);
  return g_strdup (gst_structure_get_string (stats, "kernels"));
}

/* What takes effect with the next start is told of, and does not with the next model, nor keeps it out. */
static void
test_needs_start (void)
{
  Direct direct[2];

  direct_open (&direct[0], "tiny-bn", 100, 80);
  direct_open (&direct[1], "tiny-gn", 100, 80);
  g_autoptr (Stream) stream = stream_open (direct[0].path, SETTINGS);
  stream_set_format (stream, "RGB", 100, 80, NULL);
  gst_buffer_unref (stream_push_rgb (stream, direct[0].picture->pixels, 0));
  g_autofree char *before = kernels_in_use (stream);
  g_object_set (stream->element, "kernels", "nonsense", NULL);
  g_autoptr (GstMessage) warning = stream_pop (stream, GST_MESSAGE_WARNING);
  g_object_set (stream->element, "model-file", direct[1].path, NULL);
  for (gboolean exchanged = FALSE; !exchanged;) {
    g_autoptr (GstStructure) stats = NULL;
    gst_buffer_unref (stream_push_rgb (stream, direct[0].picture->pixels, 0));
    g_object_get (stream->element, "stats", &stats, NULL);
    exchanged = g_str_equal (gst_structure_get_string (stats, "model"), direct[1].path);
  }
  g_autofree char *after = kernels_in_use (stream);
  g_assert_cmpstr (after, ==, before);
  direct_close (&direct[0]);
  direct_close (&direct[1]);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/tiny/library-and-element", test_library_and_element);
  g_test_add_func ("/element/tiny/every-format", test_every_format);
  g_test_add_func ("/element/tiny/exchange", test_exchange);
  g_test_add_func ("/element/tiny/needs-start", test_needs_start);
  return g_test_run ();
}
