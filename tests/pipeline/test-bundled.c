/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element with nothing set: it detects with the model that the plugin carries.
 */
#include <gst/gst.h>

/* Labels of one frame's detections, by how many there are. */
static void
count_labels (GstElement *element, GstBuffer *buffer, const GstStructure *detections,
    GHashTable *counts)
{
  const GValue *objects = gst_structure_get_value (detections, "objects");

  for (guint i = 0; i < gst_value_array_get_size (objects); i++) {
    const GstStructure *object = gst_value_get_structure (gst_value_array_get_value (objects, i));
    const char *label = gst_structure_get_string (object, "label");
    const guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, label));
    g_hash_table_insert (counts, g_strdup (label), GUINT_TO_POINTER (n + 1));
  }
}

/* The printed sheet, as a picture, has one of each kind of code, and two bar codes. */
static void
test_sheet (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line =
      g_strdup_printf ("filesrc location=\"%s/sheet.png\" ! pngdec ! videoconvert ! "
                       "fbnetdetect name=detect ! fakesink",
          g_getenv ("FBNET_DOCS"));
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *const labels[] = { "qr-code", "barcode", "data-matrix", "aztec", "pdf417" };

  g_assert_no_error (error);
  g_autoptr (GstElement) detect = gst_bin_get_by_name (GST_BIN (pipeline), "detect");
  g_signal_connect (detect, "new-detections", G_CALLBACK (count_labels), counts);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (counts, labels[i])), ==,
        g_str_equal (labels[i], "barcode") ? 2 : 1);
  g_assert_cmpuint (g_hash_table_size (counts), ==, G_N_ELEMENTS (labels));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/bundled/sheet", test_sheet);
  return g_test_run ();
}
