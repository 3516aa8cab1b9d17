/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole pipelines, as people write them on a command line.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "models.h"
#include "stream.h"

/* Of the clip's 377 frames, 34 show a car with a probability of 0.5 or more, looked at one by one; the
 * others are empty, or cars seen from above that the small model takes for other things. */
#define N_FRAMES_WITH_CARS 30

/* What a probe behind the detector sees. Frames come in one thread, and are read after the end. */
typedef struct {
  guint n_frames;
  guint n_with_cars;
  guint n_regions;
  guint n_with_params;
  GstClockTime first;
} Tally;

static void
count_region (Tally *tally, GstVideoRegionOfInterestMeta *roi, gboolean *car)
{
  const GstStructure *box = gst_video_region_of_interest_meta_get_param (roi, "detection");
  double confidence = 0;

  tally->n_regions++;
  tally->n_with_params += box != NULL && gst_structure_get_double (box, "confidence", &confidence);
  *car |= g_str_equal (g_quark_to_string (roi->roi_type), "car") && confidence >= 0.5;
}

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Tally *tally = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  gboolean car = FALSE;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    count_region (tally, (GstVideoRegionOfInterestMeta *) meta, &car);
  if (tally->n_frames++ == 0)
    tally->first = GST_BUFFER_PTS (buffer);
  tally->n_with_cars += car;
  return GST_PAD_PROBE_OK;
}

static gboolean
have_elements (const char *names)
{
  g_auto (GStrv) list = g_strsplit (names, " ", -1);

  for (char **name = list; *name; name++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (*name);
    if (factory == NULL) {
      g_autofree char *why = g_strdup_printf ("no element %s", *name);
      g_test_skip (why);
      return FALSE;
    }
  }
  return TRUE;
}

/* `line` with %M for the model and %V for the clip of cars; the element called "end" is watched.
 * NULL, with the test marked as skipped, without golden data. */
static GstElement *
launch (const char *line, Tally *tally)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return NULL;
  g_autofree char *video =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "video", "car-detection.mp4", NULL);
  g_autoptr (GString) text = g_string_new (line);
  g_string_replace (text, "%M", model, 0);
  g_string_replace (text, "%V", video, 0);

  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (text->str, &error);
  g_assert_no_error (error);
  g_autoptr (GstElement) end = gst_bin_get_by_name (GST_BIN (pipeline), "end");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (end, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, tally, NULL);
  return pipeline;
}

static void
wait_for (GstElement *pipeline, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, type | GST_MESSAGE_ERROR);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    g_assert_no_error (error);
  }
}

static void
run_to_end (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for (pipeline, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Every frame of a video file is looked at, and its cars are found. */
static void
test_cars (void)
{
  Tally tally = { 0 };

  if (!have_elements ("decodebin qtdemux avdec_h264"))
    return;
  GstElement *pipeline = launch ("filesrc location=\"%V\" ! decodebin ! fbnetdetect "
                                 "model-file=\"%M\" ! fakesink name=end sync=false",
      &tally);
  if (pipeline == NULL)
    return;
  run_to_end (pipeline);
  g_test_message ("%u frames, %u with cars", tally.n_frames, tally.n_with_cars);
  g_assert_cmpuint (tally.n_frames, ==, 377);
  g_assert_cmpuint (tally.n_with_cars, >=, N_FRAMES_WITH_CARS);
}

/* What switches drawing on, in a plugin that can draw. */
static const char *
overlay_setting (void)
{
  g_autoptr (GstElement) element = gst_element_factory_make ("fbnetdetect", NULL);

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  return g_object_class_find_property (G_OBJECT_GET_CLASS (element), "overlay") != NULL
      ? "overlay=true"
      : "";
}

/* An annotated video is encoded, and what was written plays again with every frame. */
static void
test_encode (void)
{
  Tally written = { 0 }, read = { 0 };

  if (!have_elements ("decodebin qtdemux avdec_h264 x264enc mp4mux"))
    return;
  g_autofree char *path = models_path ("annotated.mp4");
  g_autofree char *encode = g_strdup_printf (
      "filesrc location=\"%%V\" ! decodebin ! videorate ! video/x-raw,framerate=2/1 ! "
      "fbnetdetect model-file=\"%%M\" %s ! videoconvert name=end ! "
      "x264enc speed-preset=ultrafast ! mp4mux ! filesink location=\"%s\"",
      overlay_setting (), path);
  g_autofree char *decode =
      g_strdup_printf ("filesrc location=\"%s\" ! decodebin ! fakesink name=end sync=false", path);
  GstElement *pipeline = launch (encode, &written);
  if (pipeline == NULL)
    return;
  run_to_end (pipeline);
  run_to_end (launch (decode, &read));
  g_assert_cmpuint (written.n_frames, >, 50);
  g_assert_cmpuint (read.n_frames, ==, written.n_frames);
}

/* The regions and their parameters come through elements that leave frames as they are; behind a real
 * change of size the regions at least are still there (docs/metadata.md). */
static void
test_metadata_travels (void)
{
  static const struct {
    const char *elements;
    gboolean with_params;
  } cases[] = {
    { "queue ! identity ! tee ! videoconvert", TRUE },
    { "videorate ! videobalance", TRUE },
    { "videoscale ! video/x-raw,width=384,height=216", FALSE },
  };

  if (!have_elements ("decodebin qtdemux avdec_h264 videobalance"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Tally tally = { 0 };
    g_autofree char *line = g_strdup_printf (
        "filesrc location=\"%%V\" ! decodebin ! videorate ! video/x-raw,framerate=2/1 ! "
        "fbnetdetect model-file=\"%%M\" ! %s ! fakesink name=end sync=false",
        cases[i].elements);
    GstElement *pipeline = launch (line, &tally);
    if (pipeline == NULL)
      return;
    run_to_end (pipeline);
    g_test_message ("%s: %u regions, %u with parameters", cases[i].elements, tally.n_regions,
        tally.n_with_params);
    g_assert_cmpuint (tally.n_regions, >, 0);
    if (cases[i].with_params)
      g_assert_cmpuint (tally.n_with_params, ==, tally.n_regions);
  }
}

/* A live source with a synchronised sink: all frames arrive. */
static void
test_live (void)
{
  Tally tally = { 0 };
  GstElement *pipeline = launch ("videotestsrc is-live=true num-buffers=8 ! "
                                 "video/x-raw,width=320,height=240,framerate=8/1 ! "
                                 "fbnetdetect model-file=\"%M\" ! fakesink name=end sync=true",
      &tally);

  if (pipeline == NULL)
    return;
  run_to_end (pipeline);
  g_assert_cmpuint (tally.n_frames, ==, 8);
}

/* After a flushing seek the next frame is the one that was asked for, with its own detections. */
static void
test_seek (void)
{
  Tally tally = { 0 };

  if (!have_elements ("decodebin qtdemux avdec_h264"))
    return;
  GstElement *pipeline = launch ("filesrc location=\"%V\" ! decodebin ! fbnetdetect "
                                 "model-file=\"%M\" ! fakesink name=end sync=true",
      &tally);
  if (pipeline == NULL)
    return;
  static const guint64 milliseconds[] = { 18560, 1000, 26000, 8000 };
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  wait_for (pipeline, GST_MESSAGE_ASYNC_DONE);
  for (guint i = 0; i < G_N_ELEMENTS (milliseconds); i++) {
    tally = (Tally){ 0 };
    g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
        GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, milliseconds[i] * GST_MSECOND));
    wait_for (pipeline, GST_MESSAGE_ASYNC_DONE);
    g_assert_cmpuint (tally.n_frames, ==, 1);
    g_assert_cmpuint (tally.n_with_cars, ==, milliseconds[i] != 1000);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Two detectors look at the same buffers in two threads: neither's metadata shows up with the other. */
static void
test_two_detectors (void)
{
  Tally tally = { 0 };
  GstElement *pipeline = launch (
      "videotestsrc num-buffers=6 ! video/x-raw,width=320,height=240 ! tee name=t "
      "t. ! queue ! fbnetdetect model-file=\"%M\" score-threshold=0.01 ! fakesink sync=false "
      "t. ! queue ! fbnetdetect model-file=\"%M\" score-threshold=1 ! fakesink name=end sync=false",
      &tally);

  if (pipeline == NULL)
    return;
  run_to_end (pipeline);
  g_assert_cmpuint (tally.n_frames, ==, 6);
  g_assert_cmpuint (tally.n_regions, ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/cars", test_cars);
  g_test_add_func ("/pipeline/encode", test_encode);
  g_test_add_func ("/pipeline/metadata-travels", test_metadata_travels);
  g_test_add_func ("/pipeline/live", test_live);
  g_test_add_func ("/pipeline/seek", test_seek);
  g_test_add_func ("/pipeline/two-detectors", test_two_detectors);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
