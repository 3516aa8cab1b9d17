/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * precision: the element reckons as the library does when it is asked for the same.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "drawing.h"
#include "fbnet/fbnet.h"
#include "models.h"
#include "quantize/quantizer.h"
#include "stream.h"

#define WIDTH    121
#define HEIGHT   88
#define SETTINGS "score-threshold=0.1 precision="

static char *
float_path (void)
{
  return g_strdup_printf ("%s/tiny-bn.safetensors", g_getenv ("FBNET_TEST_DATA"));
}

/* The small model, quantised. */
static char *
int8_path (void)
{
  g_autofree char *source = float_path ();
  char *path = models_path ("tiny-int8.safetensors");
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (source, &error);

  g_assert_no_error (error);
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 7);
  const FbnetImage image = picture_image (picture);
  g_autoptr (Quantizer) quantizer = quantizer_new (model, &options, &error);
  g_assert_true (quantizer != NULL && quantizer_add_image (quantizer, &image, &error)
      && quantizer_finish (quantizer, &error) && quantizer_write (quantizer, path, &error));
  return path;
}

/* What the library finds in the drawing. */
static FbnetDetections *
detect (const char *path, FbnetPrecision precision)
{
  const FbnetDetectorOptions options = { .precision = precision };
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 7);
  const FbnetImage image = picture_image (picture);
  FbnetDetections *found = fbnet_detections_new ();
  FbnetParams params;
  fbnet_model_get_params (model, &params);
  params.score_threshold = 0.1f;
  params.max_detections = 100;
  g_assert_true (fbnet_detector_set_params (detector, &params, &error)
      && fbnet_detector_run (detector, &image, found, &error));
  g_assert_cmpuint (found->n, >, 0);
  return found;
}

static gboolean
sees (const char *path, const char *precision, const FbnetDetections *expected)
{
  g_autofree char *settings = g_strconcat (SETTINGS, precision, NULL);
  g_autoptr (Stream) stream = stream_open (path, settings);
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 7);

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
  g_autoptr (GArray) seen = seen_on (out, &stream->info);
  gboolean same = seen->len == expected->n;
  for (guint i = 0; same && i < seen->len; i++)
    same = SEEN (seen, i)->score == expected->items[i].score;
  return same;
}

/* An int8 model runs on bytes unless floats are asked for; the two differ. */
static void
test_int8_model (void)
{
  g_autofree char *path = int8_path ();
  g_autoptr (FbnetDetections) bytes = detect (path, FBNET_PRECISION_INT8);
  g_autoptr (FbnetDetections) floats = detect (path, FBNET_PRECISION_FLOAT32);

  g_assert_true (sees (path, "auto", bytes));
  g_assert_true (sees (path, "int8", bytes));
  g_assert_true (sees (path, "float32", floats));
  g_assert_false (sees (path, "float32", bytes));
}

/* The element says that it cannot, and does not start. */
static gboolean
refuses (const char *path, const char *precision)
{
  GstElement *element = gst_object_ref_sink (gst_element_factory_make ("fbnetdetect", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  gst_util_set_object_arg (G_OBJECT (element), "model-file", path);
  gst_util_set_object_arg (G_OBJECT (element), "precision", precision);
  const gboolean failed =
      gst_element_set_state (element, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE;
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "precision"));
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  return failed;
}

/* A float model has no bytes to run on. */
static void
test_float_model (void)
{
  g_autofree char *path = float_path ();
  g_autoptr (FbnetDetections) floats = detect (path, FBNET_PRECISION_AUTO);

  g_assert_true (sees (path, "auto", floats));
  g_assert_true (sees (path, "float32", floats));
  g_assert_true (refuses (path, "int8"));
}

/* On bfloat16 the element finds what the library does, or where the processor has nothing for it neither
 * runs. */
static void
test_bfloat16 (void)
{
  const FbnetDetectorOptions options = { .precision = FBNET_PRECISION_BFLOAT16 };
  g_autofree char *path = float_path ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  if (detector == NULL) {
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
    g_assert_true (refuses (path, "bfloat16"));
    return;
  }
  g_autoptr (FbnetDetections) rounded = detect (path, FBNET_PRECISION_BFLOAT16);
  g_autoptr (FbnetDetections) floats = detect (path, FBNET_PRECISION_FLOAT32);
  g_assert_true (sees (path, "bfloat16", rounded));
  g_assert_false (sees (path, "bfloat16", floats));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/precision/int8-model", test_int8_model);
  g_test_add_func ("/element/precision/float-model", test_float_model);
  g_test_add_func ("/element/precision/bfloat16", test_bfloat16);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
