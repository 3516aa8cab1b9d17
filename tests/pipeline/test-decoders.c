/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What decoders give, as they give it: films of 10 bits and of unusual chroma, decoded straight into the
 * element.
 */
#include <gst/gst.h>

/* NULL, with the test marked as skipped, where there are no such films. */
static GDir *
open_films (char **folder)
{
  *folder = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "cases", "ten-bit-video", NULL);
  GDir *films = g_dir_open (*folder, 0, NULL);

  if (films == NULL)
    g_test_skip ("no golden data");
  return films;
}

static guint64
inferences_of (GstElement *pipeline)
{
  g_autoptr (GstElement) detector = gst_bin_get_by_name (GST_BIN (pipeline), "detector");
  g_autoptr (GstStructure) stats = NULL;
  guint64 inferences = 0;

  g_object_get (detector, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "inferences", &inferences));
  return inferences;
}

/* A machine without a decoder for the film says so with a warning or an error of its own kind. */
static gboolean
lacks_decoder (const GError *error)
{
  return g_error_matches (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN)
      || g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND);
}

static void
play (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("filesrc name=film ! decodebin ! fbnetdetect name=detector ! fakesink",
          &error);

  g_assert_no_error (error);
  g_autoptr (GstElement) film = gst_bin_get_by_name (GST_BIN (pipeline), "film");
  g_object_set (film, "location", path, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  if (lacks_decoder (error)) {
    g_test_message ("%s: %s", path, error->message);
  } else {
    g_assert_no_error (error);
    g_assert_cmpuint (inferences_of (pipeline), >, 0);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* Every film plays to its end with no converter between decoder and detector. */
static void
test_films (void)
{
  g_autofree char *folder = NULL;
  g_autoptr (GDir) films = open_films (&folder);
  const char *name;

  while (films != NULL && (name = g_dir_read_name (films)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_test_message ("%s", name);
    play (path);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/decoders/films", test_films);
  return g_test_run ();
}
