/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the plugin says about itself, and that docs/element.md says the same.
 */
#include <gst/gst.h>
#include <string.h>

static char *
read_page (void)
{
  char *page = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_DOCS"), "element.md", NULL);
  g_file_get_contents (path, &page, NULL, &error);
  g_assert_no_error (error);
  return page;
}

static gboolean
row_exists (const char *page, const char *name)
{
  g_autofree char *row = g_strdup_printf ("\n| `%s` |", name);
  return strstr (page, row) != NULL;
}

/* Every property and signal of the element has its row on the page, and every row is one of them. */
static void
test_page_agrees (void)
{
  g_autofree char *page = read_page ();
  g_autoptr (GstElement) element = gst_element_factory_make ("fbnetdetect", NULL);
  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  const GType type = G_OBJECT_TYPE (element);
  guint n_named = 0, n_rows = 0;

  guint n_specs;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n_specs);
  for (guint i = 0; i < n_specs; i++) {
    if (specs[i]->owner_type != type)
      continue;
    g_test_message ("property %s", specs[i]->name);
    g_assert_true (row_exists (page, specs[i]->name));
    n_named++;
  }
  guint n_signals;
  g_autofree guint *signals = g_signal_list_ids (type, &n_signals);
  for (guint i = 0; i < n_signals; i++) {
    g_test_message ("signal %s", g_signal_name (signals[i]));
    g_assert_true (row_exists (page, g_signal_name (signals[i])));
    n_named++;
  }

  /* The page also has what a plugin without cairo lacks. */
  if (!g_object_class_find_property (G_OBJECT_GET_CLASS (element), "overlay"))
    return;
  for (const char *row = page; (row = strstr (row, "\n| `")); row++)
    n_rows++;
  g_assert_cmpuint (n_rows, ==, n_named);
}

/* gst-inspect-1.0 finds the element and prints its page without a complaint. */
static void
test_inspect (void)
{
  g_autofree char *program = g_find_program_in_path ("gst-inspect-1.0");
  if (!program) {
    g_test_skip ("no gst-inspect-1.0");
    return;
  }
  const char *argv[] = { program, "fbnetdetect", NULL };
  g_autofree char *out = NULL, *err = NULL;
  gint status = -1;
  g_autoptr (GError) error = NULL;
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &status,
      &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_null (strstr (err, "WARNING"));
  g_assert_null (strstr (err, "CRITICAL"));
  g_assert_nonnull (strstr (out, "FBNet object detector"));
  g_assert_nonnull (strstr (out, "score-threshold"));
  g_assert_nonnull (strstr (out, "new-detections"));
}

/* The pads' caps agree with each other and take any size from a pixel on. */
static void
test_templates (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("fbnetdetect");
  g_assert_nonnull (factory);
  g_autoptr (GstCaps) tiny =
      gst_caps_from_string ("video/x-raw,format=NV12,width=1,height=1,framerate=0/1");
  g_autoptr (GstCaps) foreign =
      gst_caps_from_string ("video/x-raw,format=Y444,width=64,height=64,framerate=25/1");
  g_assert_true (gst_element_factory_can_sink_all_caps (factory, tiny));
  g_assert_true (gst_element_factory_can_src_all_caps (factory, tiny));
  g_assert_false (gst_element_factory_can_sink_any_caps (factory, foreign));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/inspect/page-agrees", test_page_agrees);
  g_test_add_func ("/pipeline/inspect/gst-inspect", test_inspect);
  g_test_add_func ("/pipeline/inspect/templates", test_templates);
  return g_test_run ();
}
