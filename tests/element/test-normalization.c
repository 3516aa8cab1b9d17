/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * normalization, norm-statistics and norm-momentum: what the library does with a stream is what the
 * element does.
 */
#include <gst/gst.h>
#include <string.h>

#include "drawing.h"
#include "fbnet/fbnet.h"
#include "frames.h"
#include "models.h"
#include "stream.h"

static char *
model_path (const char *name)
{
  return g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
}

/* --- The same as the library ------------------------------------------------------------------ */

typedef struct {
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetDetections *found;
} Library;

static void
library_open (Library *library, const char *name, FbnetNormalization normalization)
{
  const FbnetDetectorOptions options = { .normalization = normalization };
  g_autofree char *path = model_path (name);
  g_autoptr (GError) error = NULL;

  library->model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  library->detector = fbnet_detector_new (library->model, &options, &error);
  g_assert_no_error (error);
  library->found = fbnet_detections_new ();
}

static void
library_close (Library *library)
{
  fbnet_detections_free (library->found);
  fbnet_detector_free (library->detector);
  fbnet_model_unref (library->model);
}

/* score-threshold as SETTINGS has it. */
static void
library_set (Library *library, FbnetNormStatistics statistics, float momentum)
{
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  fbnet_model_get_params (library->model, &params);
  params.score_threshold = 0.1f;
  params.mask_threshold = 0.5f;
  params.max_detections = 100;
  params.norm_statistics = statistics;
  params.norm_momentum = momentum;
  fbnet_detector_set_params (library->detector, &params, &error);
  g_assert_no_error (error);
}

#define SETTINGS "score-threshold=0.1 "

/* A frame of this size and drawing gives the same detections both ways; true if there are some. */
static gboolean
check_frame (Stream *stream, Library *library, guint width, guint height, guint seed)
{
  g_autoptr (Picture) picture = picture_draw (width, height, seed);
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;

  fbnet_detector_run (library->detector, &image, library->found, &error);
  g_assert_no_error (error);

  if (GST_VIDEO_INFO_WIDTH (&stream->info) != (gint) width)
    stream_set_format (stream, "RGB", width, height, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
  g_autoptr (GArray) seen = seen_on (out, &stream->info);
  g_assert_cmpuint (seen->len, ==, library->found->n);
  for (guint i = 0; i < seen->len; i++) {
    g_assert_cmpuint (SEEN (seen, i)->class_id, ==, library->found->items[i].class_id);
    g_assert_cmpfloat (SEEN (seen, i)->score, ==, library->found->items[i].score);
  }
  return seen->len > 0;
}

static void
set_live (Stream *stream, Library *library, FbnetNormStatistics statistics, float momentum)
{
  g_object_set (stream->element, "norm-statistics", statistics, "norm-momentum", momentum, NULL);
  library_set (library, statistics, momentum);
}

/* Both ways of pooling; statistics and momentum change while frames of changing size flow, also
 * back to the stored ones and to the stream again. */
static void
test_stream (void)
{
  static const struct {
    const char *settings;
    FbnetNormalization normalization;
  } cases[] = { { SETTINGS, FBNET_NORMALIZATION_AUTO },
    { SETTINGS "normalization=sync-bn", FBNET_NORMALIZATION_SYNC_BN },
    { SETTINGS "normalization=naive-sync-bn", FBNET_NORMALIZATION_NAIVE_SYNC_BN } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Library library;
    library_open (&library, "tiny-bn", cases[i].normalization);
    library_set (&library, FBNET_NORM_STATISTICS_STORED, 0.1f);
    g_autofree char *path = model_path ("tiny-bn");
    g_autoptr (Stream) stream = stream_open (path, cases[i].settings);
    g_assert_true (check_frame (stream, &library, 121, 88, 7));
    set_live (stream, &library, FBNET_NORM_STATISTICS_STREAM, 0.1f);
    for (guint seed = 1; seed <= 3; seed++)
      g_assert_true (check_frame (stream, &library, 121, 88, seed));
    for (guint seed = 1; seed <= 3; seed++)
      g_assert_true (check_frame (stream, &library, 200, 60, seed));
    set_live (stream, &library, FBNET_NORM_STATISTICS_STREAM, 0.6f);
    g_assert_true (check_frame (stream, &library, 121, 88, 7));
    g_assert_true (check_frame (stream, &library, 200, 60, 7));
    set_live (stream, &library, FBNET_NORM_STATISTICS_STORED, 0.6f);
    g_assert_true (check_frame (stream, &library, 121, 88, 7));
    set_live (stream, &library, FBNET_NORM_STATISTICS_STREAM, 0.6f);
    g_assert_true (check_frame (stream, &library, 121, 88, 7));
    library_close (&library);
  }
}

/* The statistics outlive a change of caps, a flush and a frame that is not looked at. */
static void
test_memory (void)
{
  Library library;

  library_open (&library, "tiny-bn", FBNET_NORMALIZATION_AUTO);
  library_set (&library, FBNET_NORM_STATISTICS_STREAM, 0.4f);
  g_autofree char *path = model_path ("tiny-bn");
  g_autoptr (Stream) stream =
      stream_open (path, SETTINGS "norm-statistics=stream norm-momentum=0.4");
  g_assert_true (check_frame (stream, &library, 121, 88, 1));
  g_assert_true (check_frame (stream, &library, 121, 88, 2));

  GstPad *sink = gst_element_get_static_pad (stream->element, "sink");
  g_assert_true (gst_pad_send_event (sink, gst_event_new_flush_start ()));
  g_assert_true (gst_pad_send_event (sink, gst_event_new_flush_stop (TRUE)));
  gst_object_unref (sink);
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (stream->harness, gst_event_new_segment (&segment));
  g_object_set (stream->element, "enable", FALSE, NULL);
  GstBuffer *unseen = frames_new (&stream->info, 0);
  gst_buffer_unref (stream_push (stream, unseen));
  g_object_set (stream->element, "enable", TRUE, NULL);
  g_assert_true (check_frame (stream, &library, 121, 88, 3));
  library_close (&library);
}

/* --- What is refused -------------------------------------------------------------------------- */

/* (transfer full): the error of a start that fails. */
static GError *
fail_to_start (const char *model_file, const char *property, const char *value)
{
  GstElement *element = gst_element_factory_make ("fbnetdetect", NULL);

  gst_object_ref_sink (element);
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", model_file, NULL);
  gst_util_set_object_arg (G_OBJECT (element), property, value);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  GError *error = NULL;
  gst_message_parse_error (message, &error, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  return error;
}

/* A model cannot be normalised otherwise than it was trained. */
static void
test_wrong_normalization (void)
{
  static const struct {
    const char *model, *value, *words;
  } cases[] = { { "tiny-bn", "gn", "trained with batch normalization, found gn" },
    { "tiny-gn", "sync-bn", "trained with group normalization, found sync-bn" },
    { "tiny-gn", "naive-sync-bn", "trained with group normalization, found naive-sync-bn" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = model_path (cases[i].model);
    g_autoptr (GError) error = fail_to_start (path, "normalization", cases[i].value);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    g_assert_nonnull (strstr (error->message, cases[i].words));
  }
}

/* Without batch normalization there is nothing to follow the stream with: told in a warning, and
 * the model works on. */
static void
test_nothing_to_follow (void)
{
  Library library;

  library_open (&library, "tiny-gn", FBNET_NORMALIZATION_GN);
  library_set (&library, FBNET_NORM_STATISTICS_STORED, 0.1f);
  g_autofree char *path = model_path ("tiny-gn");
  g_autoptr (Stream) stream =
      stream_open (path, SETTINGS "normalization=gn norm-statistics=stream");
  g_assert_true (check_frame (stream, &library, 90, 131, 7));
  g_assert_true (check_frame (stream, &library, 90, 131, 8));
  stream_check_one_warning (stream,
      "norm-statistics: expected a model with batch normalization, found ");
  library_close (&library);
}

/* Meta's COCO weights were exported with their statistics folded away: an error at the start, a
 * warning later, and the stored numbers stay in use. */
static void
test_folded (void)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return;
  g_autoptr (GError) error = fail_to_start (model, "norm-statistics", "stream");
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "folded into its weights"));

  g_autoptr (Stream) stream = stream_open (model, NULL);
  stream_set_format (stream, "RGB", 64, 48, NULL);
  g_object_set (stream->element, "norm-statistics", FBNET_NORM_STATISTICS_STREAM, NULL);
  gst_buffer_unref (stream_push (stream, frames_new (&stream->info, 0)));
  gst_buffer_unref (stream_push (stream, frames_new (&stream->info, 0)));
  stream_check_one_warning (stream, "folded into its weights");
}

/* normalization is fixed while the element runs; the others are live, and a controller may move
 * momentum and bounds. */
static void
test_flags (void)
{
  static const struct {
    const char *property;
    GParamFlags flags;
  } cases[] = { { "normalization", GST_PARAM_MUTABLE_READY },
    { "norm-statistics", GST_PARAM_MUTABLE_PLAYING },
    { "norm-momentum", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE },
    { "iou-lower", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE },
    { "iou-upper", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE },
    { "evaluate", GST_PARAM_MUTABLE_PLAYING } };
  const GParamFlags mask =
      GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE;
  g_autoptr (GstElement) element = gst_element_factory_make ("fbnetdetect", NULL);

  gst_object_ref_sink (element);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const GParamSpec *spec =
        g_object_class_find_property (G_OBJECT_GET_CLASS (element), cases[i].property);
    g_assert_nonnull (spec);
    g_assert_cmpint (spec->flags & mask, ==, cases[i].flags);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/normalization/stream", test_stream);
  g_test_add_func ("/element/normalization/memory", test_memory);
  g_test_add_func ("/element/normalization/wrong", test_wrong_normalization);
  g_test_add_func ("/element/normalization/nothing-to-follow", test_nothing_to_follow);
  g_test_add_func ("/element/normalization/folded", test_folded);
  g_test_add_func ("/element/normalization/flags", test_flags);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
