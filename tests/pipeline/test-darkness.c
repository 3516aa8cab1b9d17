/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A video by day for the reference, the same frames darkened after it: two elements in one
 * pipeline, the second of which compares. Prints what following the stream changes, which in a
 * scene that stands still is no gain (docs/normalization.md).
 */
#include <gst/gst.h>
#include <string.h>

#include "models.h"
#include "unfold.h"

typedef struct {
  guint64 evaluated, found, wrong, missed;
} Counts;

static gboolean
have_elements (void)
{
  static const char *const names[] = { "decodebin", "qtdemux", "avdec_h264", "videorate", "gamma" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (names[i]);
    if (factory == NULL) {
      g_test_skip ("no element for the video");
      return FALSE;
    }
  }
  return TRUE;
}

static char *
write_model (const FbnetModel *model)
{
  const guint n = fbnet_model_get_n_tensors (model);
  g_autofree FbnetTensorView *views = g_new (FbnetTensorView, n);
  g_autoptr (GError) error = NULL;
  char *path = models_path ("unfolded.safetensors");

  for (guint i = 0; i < n; i++)
    fbnet_model_get_tensor (model, i, &views[i]);
  fbnet_model_write (path, fbnet_model_get_description (model), views, n, &error);
  g_assert_no_error (error);
  return path;
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Some of COCO's pictures are enough for the deviations; in a fixed order, so that the sums are the same. */
static char *
unfold (const char *path)
{
  g_autofree char *folder =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "coco-val50", "images", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) pictures = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (dir);
  for (const char *name = g_dir_read_name (dir); name; name = g_dir_read_name (dir))
    g_ptr_array_add (pictures, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (pictures, compare_paths);
  g_ptr_array_add (pictures, NULL);
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_autoptr (FbnetModel) unfolded = unfold_norms (model, (const char *const *) pictures->pdata);
  return write_model (unfolded);
}

static void
run_to_end (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
}

static Counts
compare (const char *bright, const char *dark, double gamma, const char *settings)
{
  g_autofree char *line = g_strdup_printf (
      "filesrc location=\"%s/video/one-by-one-person-detection.mp4\" ! decodebin ! videorate ! "
      "video/x-raw,framerate=1/2 ! fbnetdetect model-file=\"%s\" ! gamma gamma=%g ! "
      "fbnetdetect name=second model-file=\"%s\" evaluate=true %s ! fakesink sync=false",
      g_getenv ("FBNET_GOLDEN_DATA"), bright, gamma, dark, settings);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);

  g_assert_no_error (error);
  run_to_end (pipeline);

  g_autoptr (GstElement) second = gst_bin_get_by_name (GST_BIN (pipeline), "second");
  g_autoptr (GstStructure) stats = NULL;
  Counts counts;
  g_object_get (second, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "evaluated", G_TYPE_UINT64, &counts.evaluated,
      "true-positives", G_TYPE_UINT64, &counts.found, "false-positives", G_TYPE_UINT64,
      &counts.wrong, "misses", G_TYPE_UINT64, &counts.missed, NULL));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_test_message ("gamma %g, %s: %" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT
                  " found, %" G_GUINT64_FORMAT " false, %" G_GUINT64_FORMAT " missed",
      gamma, settings, counts.evaluated, counts.found, counts.wrong, counts.missed);
  return counts;
}

/* By day the second element finds what the first did. By night it finds less, and with every
 * setting it is asked about the same people. */
static void
test_darkness (void)
{
  static const char *const settings[] = { "norm-statistics=stored",
    "norm-statistics=stream norm-momentum=0.01", "norm-statistics=stream norm-momentum=0.1" };
  const char *folded = models_file (FIXTURE_COCO);

  if (folded == NULL || !have_elements ())
    return;
  g_autofree char *unfolded = unfold (folded);
  const Counts day = compare (folded, unfolded, 1, "norm-statistics=stored");
  g_assert_cmpuint (day.found, >, 20);
  g_assert_cmpuint (day.wrong + day.missed, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    const Counts night = compare (folded, unfolded, 0.25, settings[i]);
    g_assert_cmpuint (night.evaluated, ==, day.evaluated);
    g_assert_cmpuint (night.found + night.missed, ==, day.found);
    g_assert_cmpuint (night.found, >, 0);
    g_assert_cmpuint (night.missed, >, 0);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/darkness", test_darkness);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
