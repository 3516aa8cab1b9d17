/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Classification models in the element: the frame's class as metadata, signal, drawing, statistics.
 */
#include <gst/gst.h>
#include <string.h>

#include "import/d2go/classifiers.h"
#include "drawing.h"
#include "fixture.h"
#include "frames.h"
#include "models.h"
#include "stream.h"

#define WIDTH  61
#define HEIGHT 48

/* Seven classes without names. */
static const char description[] =
    "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"tiny\", \"task\": "
    "\"classification\","
    "\"input\": {\"channel_order\": \"RGB\", \"mean\": [123.675, 116.28, 103.53],"
    "\"std\": [58.395, 57.12, 57.375], \"resize\": 36, \"crop\": 32},"
    "\"architecture\": {\"norm\": {\"name\": \"bn\"}, \"trunk\": [[[\"conv_k3_hs\", 8, 2, 1]],"
    "[[\"ir_k3_hs\", 16, 2, 1, {\"expansion\": 2}]]]},"
    "\"backbone\": {\"prefix\": \"backbone.stages\"}, \"head\": {\"n_classes\": 7}}";

static Stream *
open_tiny (const char *settings)
{
  Stream *stream = stream_open (models_random ("tiny-classifier", description), settings);

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  return stream;
}

static GstBuffer *
push_picture (Stream *stream)
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 3);

  return stream_push_rgb (stream, picture->pixels, 0);
}

/* What the library says of the same picture. */
static void
classify_directly (float probabilities[7])
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 3);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model =
      fbnet_model_load (models_random ("tiny-classifier", description), &error);

  g_assert_no_error (error);
  g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, NULL, &error);
  g_assert_no_error (error);
  const FbnetImage image = picture_image (picture);
  fbnet_classifier_run (classifier, &image, probabilities, &error);
  g_assert_no_error (error);
}

static GstVideoRegionOfInterestMeta *
region_of (GstBuffer *buffer)
{
  return gst_buffer_get_video_region_of_interest_meta_id (buffer, 0);
}

static const GstStructure *
classification_of (GstBuffer *buffer)
{
  return gst_video_region_of_interest_meta_get_param (region_of (buffer), "classification");
}

static const GValue *
element_at (const GstStructure *structure, const char *field, guint index)
{
  return gst_value_array_get_value (gst_structure_get_value (structure, field), index);
}

static guint
length_of (const GstStructure *structure, const char *field)
{
  return gst_value_array_get_size (gst_structure_get_value (structure, field));
}

/* The buffer gets one region over the whole frame, named by the most probable class, with the library's
 * own probabilities in descending order. */
static void
test_metadata (void)
{
  float probabilities[7];

  classify_directly (probabilities);
  g_autoptr (Stream) stream = open_tiny ("score-threshold=0 top-classes=4");
  g_autoptr (GstBuffer) out = push_picture (stream);
  g_assert_cmpuint (gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 1);
  const GstVideoRegionOfInterestMeta *roi = region_of (out);
  g_assert_cmpuint (roi->x + roi->y, ==, 0);
  g_assert_cmpuint (roi->w, ==, WIDTH);
  g_assert_cmpuint (roi->h, ==, HEIGHT);

  const GstStructure *found = classification_of (out);
  gint best = -1;
  double last = 1;
  g_assert_true (gst_structure_get_int (found, "label_id", &best));
  g_autofree char *label = g_strdup_printf ("class %d", best);
  g_assert_cmpstr (g_quark_to_string (roi->roi_type), ==, label);
  g_assert_cmpstr (gst_structure_get_string (found, "label"), ==, label);
  g_assert_cmpuint (length_of (found, "label_ids"), ==, 4);
  g_assert_cmpuint (length_of (found, "labels"), ==, 4);
  g_assert_cmpuint (length_of (found, "confidences"), ==, 4);
  g_assert_cmpint (g_value_get_int (element_at (found, "label_ids", 0)), ==, best);
  for (guint i = 0; i < 4; i++) {
    const double confidence = g_value_get_double (element_at (found, "confidences", i));
    const gint id = g_value_get_int (element_at (found, "label_ids", i));
    g_assert_cmpfloat (confidence, ==, probabilities[id]);
    g_assert_cmpfloat (confidence, <=, last);
    last = confidence;
  }
  for (guint i = 0; i < 7; i++)
    g_assert_cmpfloat (probabilities[i], <=, probabilities[best]);
  g_assert_nonnull (gst_video_region_of_interest_meta_get_param (region_of (out), "fbnetdetect"));
}

/* Nothing is attached when the best is not above its threshold; a class that is excluded leaves its
 * place to the next; statistics count frames that got a class. */
static void
test_selection (void)
{
  g_autoptr (Stream) stream = open_tiny ("score-threshold=0");
  g_autoptr (GstBuffer) all = push_picture (stream);
  const gint first = g_value_get_int (element_at (classification_of (all), "label_ids", 0));
  const gint second = g_value_get_int (element_at (classification_of (all), "label_ids", 1));

  g_object_set (stream->element, "score-threshold", 1.0, NULL);
  g_autoptr (GstBuffer) none = push_picture (stream);
  g_assert_null (region_of (none));

  g_autofree char *excluded = g_strdup_printf ("class %d", first);
  g_object_set (stream->element, "score-threshold", 0.0, "exclude-classes", excluded, NULL);
  g_autoptr (GstBuffer) next = push_picture (stream);
  gint best = -1;
  g_assert_true (gst_structure_get_int (classification_of (next), "label_id", &best));
  g_assert_cmpint (best, ==, second);
  g_assert_cmpuint (stream_stat (stream, "inferences"), ==, 3);
  g_assert_cmpuint (stream_stat (stream, "detections"), ==, 2);
}

/* new-detections carries the class, with the whole ranking inside, and says 0 when there is none. */
static void
test_signal (void)
{
  g_autoptr (Stream) stream = open_tiny ("score-threshold=0");
  GstStructure *kept = NULL;
  guint count = 0;

  stream_keep_detections (stream, &kept);
  g_autoptr (GstBuffer) out = push_picture (stream);
  g_assert_true (gst_structure_get_uint (kept, "count", &count));
  g_assert_cmpuint (count, ==, 1);
  const GstStructure *object = gst_value_get_structure (element_at (kept, "objects", 0));
  const GstStructure *nested =
      gst_value_get_structure (gst_structure_get_value (object, "classification"));
  g_assert_true (gst_structure_is_equal (nested, classification_of (out)));

  g_object_set (stream->element, "score-threshold", 1.0, NULL);
  gst_buffer_unref (push_picture (stream));
  g_assert_true (gst_structure_get_uint (kept, "count", &count));
  g_assert_cmpuint (count, ==, 0);
  g_clear_pointer (&kept, gst_structure_free);
}

/* What only a detector can follow is told once when it was set, and the frames pass. */
static void
test_moot_settings (void)
{
  g_autoptr (Stream) stream = open_tiny ("score-threshold=0 iou-threshold=0.4");
  g_autoptr (GstBuffer) out = push_picture (stream);
  g_autoptr (GstBuffer) next = push_picture (stream);

  g_assert_nonnull (region_of (next));
  stream_check_one_warning (stream, "iou-threshold");
}

/* The label is drawn in the upper left corner, and nothing is drawn elsewhere. */
static void
test_drawing (void)
{
  g_autoptr (Stream) stream = open_tiny ("score-threshold=0");

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream->element), "overlay") == NULL) {
    g_test_skip ("built without drawing");
    return;
  }
  stream_set_format (stream, "RGB", 320, 240, NULL);
  g_autoptr (Picture) picture = picture_draw (320, 240, 3);
  g_object_set (stream->element, "overlay", TRUE, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
  g_autofree guint8 *drawn = frames_to_rgb (out, &stream->info);
  g_assert_cmpint (memcmp (drawn, picture->pixels, 40 * 3), !=, 0);
  const gsize below = 320 * 3 * 40; /* no label is so high here */
  g_assert_cmpmem (drawn + below, 320 * 240 * 3 - below, picture->pixels + below,
      320 * 240 * 3 - below);
}

/* While frames flow a detector is exchanged for a classifier and back: each frame carries the result
 * of one of them. */
static void
test_exchange (void)
{
  g_autofree char *detector =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  const char *files[] = { detector, models_random ("tiny-classifier", description) };
  g_autoptr (Stream) stream = stream_open (files[0], "score-threshold=0");

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  for (guint i = 1; i <= 4; i++) {
    g_object_set (stream->element, "model-file", files[i % 2], NULL);
    for (gboolean arrived = FALSE; !arrived;) {
      g_autoptr (GstBuffer) out = push_picture (stream);
      g_autoptr (GstStructure) stats = NULL;
      g_object_get (stream->element, "stats", &stats, NULL);
      const char *model = gst_structure_get_string (stats, "model");
      g_assert_cmpint (classification_of (out) != NULL, ==, g_str_equal (model, files[1]));
      arrived = g_str_equal (model, files[i % 2]);
    }
  }
}

/* A whole pipeline, written as for gst-launch, runs to its end. */
static void
test_pipeline (void)
{
  g_autofree char *line = g_strdup_printf (
      "videotestsrc num-buffers=5 ! video/x-raw,format=NV12,width=160,height=120 ! "
      "fbnetdetect name=f model-file=\"%s\" score-threshold=0 ! fakesink",
      models_random ("tiny-classifier", description));
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);

  if (pipeline == NULL || error != NULL) {
    g_test_skip ("no videotestsrc");
    return;
  }
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "f");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) end =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (end);
  g_assert_cmpint (GST_MESSAGE_TYPE (end), ==, GST_MESSAGE_EOS);
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;
  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "detections", &n));
  g_assert_cmpuint (n, ==, 5);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* (transfer none): dmasking_l3 of the registry with the fixture's weights. */
static const char *
write_golden (const Fixture *fixture, char **path)
{
  g_autoptr (GError) error = NULL;
  cJSON *tree =
      import_describe_classifier ("dmasking_l3", CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, &error);

  g_assert_no_error (error);
  /* The fixture was resized by mobile_cv's rule even where its zoo has a number. */
  cJSON_SetNumberValue (cJSON_GetObjectItem (cJSON_GetObjectItem (tree, "input"), "resize"),
      fixture_config (fixture, "resize")->valuedouble);
  g_autofree char *text = cJSON_PrintUnformatted (tree);
  cJSON_Delete (tree);
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  *path = models_path ("dmasking_l3.safetensors");
  tensor_list_write (tensors, *path, text, &error);
  g_assert_no_error (error);
  return *path;
}

/* mobile_cv's own winner and probability, of its own model, on its own picture. */
static void
test_golden (void)
{
  g_autoptr (Fixture) fixture = fixture_open ("cls/dmasking_l3");

  if (fixture == NULL)
    return;
  g_autofree char *path = NULL;
  g_autoptr (Picture) picture = fixture_picture (fixture);
  g_autoptr (Stream) stream = stream_open (write_golden (fixture, &path), "score-threshold=0");
  stream_set_format (stream, "RGB", picture->width, picture->height, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
  const cJSON *top = fixture_config (fixture, "top5")->child;
  for (guint i = 0; i < 5; i++, top = top->next) {
    const GstStructure *found = classification_of (out);
    g_assert_cmpint (g_value_get_int (element_at (found, "label_ids", i)), ==,
        cJSON_GetObjectItem (top, "cls")->valueint);
    g_assert_cmpfloat_with_epsilon (g_value_get_double (element_at (found, "confidences", i)),
        cJSON_GetObjectItem (top, "prob")->valuedouble, 1e-3);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/classification/metadata", test_metadata);
  g_test_add_func ("/element/classification/selection", test_selection);
  g_test_add_func ("/element/classification/signal", test_signal);
  g_test_add_func ("/element/classification/moot-settings", test_moot_settings);
  g_test_add_func ("/element/classification/drawing", test_drawing);
  g_test_add_func ("/element/classification/exchange", test_exchange);
  g_test_add_func ("/element/classification/pipeline", test_pipeline);
  g_test_add_func ("/element/classification/golden", test_golden);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
