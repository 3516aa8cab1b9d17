/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the plugin says about itself, and that docs/element.md and the blocks for gtk-doc and hotdoc say the same.
 *
 *   test-inspect --blocks FILE    writes the blocks
 */
#include <gst/gst.h>
#include <gst/video/video.h>
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

/* The cells of the row that begins with `name`; NULL if the page has none. */
static GStrv
find_row (const char *page, const char *name)
{
  g_autofree char *start = g_strdup_printf ("\n| `%s` | ", name);
  const char *row = strstr (page, start);

  if (row == NULL)
    return NULL;
  row += 2; /* the line's end and the first bar */
  g_autofree char *line = g_strndup (row, strcspn (row, "\n"));
  char **cells = g_strsplit (line, "|", -1);
  for (char **cell = cells; *cell != NULL; cell++)
    g_strstrip (*cell);
  return cells;
}

static char *
join_choices (GParamSpec *spec)
{
  const GEnumClass *choices = G_PARAM_SPEC_ENUM (spec)->enum_class;
  GString *text = g_string_new ("enum ");

  for (guint i = 0; i < choices->n_values; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", choices->values[i].value_nick);
  return g_string_free (text, FALSE);
}

/* How the page writes a property's type and range. */
static char *
describe_type (GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    return g_strdup ("bool");
  if (G_IS_PARAM_SPEC_STRING (spec))
    return g_strdup ("string");
  if (G_IS_PARAM_SPEC_BOXED (spec))
    return g_strdup ("structure");
  if (G_IS_PARAM_SPEC_FLAGS (spec))
    return g_strdup ("flags roi, analytics"); /* also where only one of them was built */
  if (G_IS_PARAM_SPEC_ENUM (spec))
    return join_choices (spec);
  if (G_IS_PARAM_SPEC_FLOAT (spec))
    return g_strdup_printf ("float %g…%g", G_PARAM_SPEC_FLOAT (spec)->minimum,
        G_PARAM_SPEC_FLOAT (spec)->maximum);
  if (G_IS_PARAM_SPEC_DOUBLE (spec))
    return g_strdup_printf ("double %g…%g", G_PARAM_SPEC_DOUBLE (spec)->minimum,
        G_PARAM_SPEC_DOUBLE (spec)->maximum);
  if (G_IS_PARAM_SPEC_UINT64 (spec))
    return g_strdup ("uint64 ns");
  if (GST_IS_PARAM_SPEC_FRACTION (spec))
    return g_strdup ("fraction");
  if (GST_IS_PARAM_SPEC_ARRAY_LIST (spec))
    return g_strdup ("array of int");
  g_assert_true (G_IS_PARAM_SPEC_UINT (spec));
  const GParamSpecUInt *number = G_PARAM_SPEC_UINT (spec);
  if (number->maximum == G_MAXUINT32)
    return g_strdup ("uint 0xAARRGGBB");
  return number->maximum == G_MAXINT
      ? g_strdup ("uint")
      : g_strdup_printf ("uint %u…%u", number->minimum, number->maximum);
}

/* A word that the page says of the default, NULL where it may say what it likes. */
static char *
describe_default (GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    return g_strdup (G_PARAM_SPEC_BOOLEAN (spec)->default_value ? "true" : "false");
  if (G_IS_PARAM_SPEC_UINT (spec))
    return g_strdup_printf ("%u", G_PARAM_SPEC_UINT (spec)->default_value);
  if (G_IS_PARAM_SPEC_FLOAT (spec))
    return g_strdup_printf ("%g", G_PARAM_SPEC_FLOAT (spec)->default_value);
  if (G_IS_PARAM_SPEC_DOUBLE (spec))
    return g_strdup_printf ("%g", G_PARAM_SPEC_DOUBLE (spec)->default_value);
  if (!G_IS_PARAM_SPEC_ENUM (spec))
    return NULL;
  const GParamSpecEnum *choice = G_PARAM_SPEC_ENUM (spec);
  return g_strdup (g_enum_get_value (choice->enum_class, choice->default_value)->value_nick);
}

static const char *
describe_flags (GParamSpec *spec)
{
  if ((spec->flags & G_PARAM_WRITABLE) == 0)
    return "read";
  if ((spec->flags & GST_PARAM_MUTABLE_PLAYING) == 0)
    return "R";
  return (spec->flags & GST_PARAM_CONTROLLABLE) != 0 ? "P C" : "P";
}

static void
check_row (const char *page, GParamSpec *spec)
{
  g_auto (GStrv) row = find_row (page, spec->name);
  g_autofree char *type = describe_type (spec);
  g_autofree char *initial = describe_default (spec);

  g_test_message ("property %s", spec->name);
  if (row == NULL || g_strv_length (row) < 5)
    g_error ("docs/element.md: expected a row | `%s` | %s | its default%s%s | %s | its meaning |, "
             "found %s",
        spec->name, type, initial != NULL ? ", " : "", initial != NULL ? initial : "",
        describe_flags (spec), row == NULL ? "none" : "fewer cells");
  g_assert_cmpstr (row[1], ==, type);
  if (initial != NULL) {
    g_autofree char *word = g_strdup_printf ("(^|[^\\w.])%s($|[^\\w.])", initial);
    g_test_message ("default %s on the page: %s", initial, row[2]);
    g_assert_true (g_regex_match_simple (word, row[2], 0, 0));
  }
  g_assert_cmpstr (row[3], ==, describe_flags (spec));
}

/* One after the other, each with what it is or what type it has. */
static void
check_arguments (const char *cell, guint signal)
{
  g_auto (GStrv) arguments = g_strsplit (cell, ",", -1);
  GSignalQuery query;

  g_signal_query (signal, &query);
  g_assert_cmpuint (g_strv_length (arguments), ==, query.n_params);
  for (guint i = 0; i < query.n_params; i++) {
    const GType type = query.param_types[i];
    const char *word = type == GST_TYPE_BUFFER ? "buffer"
        : type == GST_TYPE_STRUCTURE           ? "structure"
        : type == G_TYPE_BOOLEAN               ? "success"
                                               : "text";
    g_test_message ("argument %u, %s: %s", i, g_type_name (type), arguments[i]);
    g_assert_nonnull (strstr (arguments[i], word));
  }
}

/* Every property and signal of the element has its row on the page, with its type, range, default and
 * when it may be set; and every row is one of them. */
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
    check_row (page, specs[i]);
    n_named++;
  }
  guint n_signals;
  g_autofree guint *signals = g_signal_list_ids (type, &n_signals);
  for (guint i = 0; i < n_signals; i++) {
    g_auto (GStrv) row = find_row (page, g_signal_name (signals[i]));
    g_test_message ("signal %s", g_signal_name (signals[i]));
    g_assert_nonnull (row);
    check_arguments (row[1], signals[i]);
    n_named++;
  }

  /* The page also has what a plugin without cairo lacks. */
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "overlay") == NULL)
    return;
  for (const char *row = page; (row = strstr (row, "\n| `")) != NULL; row++)
    n_rows++;
  g_assert_cmpuint (n_rows, ==, n_named);
}

/* Names the first line of a file that is not as the plugin has it now, and what writes the file. */
static void
compare_lines (const char *file, const char *found, const char *expected, const char *command)
{
  g_auto (GStrv) a = g_strsplit (found, "\n", -1);
  g_auto (GStrv) b = g_strsplit (expected, "\n", -1);
  guint i = 0;

  while (a[i] != NULL && g_strcmp0 (a[i], b[i]) == 0)
    i++;
  if (a[i] != NULL || b[i] != NULL)
    g_error ("%s:%u: expected \"%s\", as the plugin is now, found \"%s\"; write it anew: "
             "GST_PLUGIN_PATH=build/gst %s",
        file, i + 1, b[i] != NULL ? b[i] : "", a[i] != NULL ? a[i] : "", command);
}

/* --- Blocks for gtk-doc and hotdoc ------------------------------------------------------------- */

#define COLUMNS 100

#define BLOCKS_HEAD                                                                                \
  "/* SPDX-License-Identifier: LGPL-2.1-or-later\n"                                                \
  " *\n"                                                                                           \
  " * The properties, for gtk-doc and hotdoc: test-inspect --blocks writes this file of what "     \
  "the\n"                                                                                          \
  " * plugin says.\n"                                                                              \
  " */\n"

/* What an earlier edition of the blocks says; of what is new, this version, as far as interfaces go. */
static char *
find_since (const char *blocks, const char *name)
{
  g_autofree char *start = g_strdup_printf (" * GstFbnetDetect:%s:\n", name);
  const char *block = blocks != NULL ? strstr (blocks, start) : NULL;
  const char *since = block != NULL ? strstr (block, " * Since: ") : NULL;

  if (since == NULL)
    return g_strndup (FBNET_VERSION, (gsize) (strrchr (FBNET_VERSION, '.') - FBNET_VERSION));
  since += strlen (" * Since: ");
  return g_strndup (since, strcspn (since, "\n"));
}

static void
append_wrapped (GString *text, const char *sentence)
{
  g_auto (GStrv) words = g_strsplit (sentence, " ", -1);
  gsize column = 0;

  for (char **word = words; *word != NULL; word++) {
    if (column == 0 || column + 1 + strlen (*word) > COLUMNS) {
      g_string_append (text, column == 0 ? " *" : "\n *");
      column = 2;
    }
    g_string_append_printf (text, " %s", *word);
    column += 1 + strlen (*word);
  }
}

static char *
make_block (GParamSpec *spec, const char *since)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "\n/**\n * GstFbnetDetect:%s:\n *\n", spec->name);
  append_wrapped (text, g_param_spec_get_blurb (spec));
  g_string_append_printf (text, ".\n *\n * Since: %s\n */\n", since);
  return g_string_free (text, FALSE);
}

/* All of them, as the plugin has them now; `blocks` (nullable) is the edition before. */
static char *
make_blocks (const char *blocks)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("fbnetdetect", NULL));
  GString *text = g_string_new (BLOCKS_HEAD);
  guint n_specs;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n_specs);

  for (guint i = 0; i < n_specs; i++) {
    if (specs[i]->owner_type != G_OBJECT_TYPE (element))
      continue;
    g_autofree char *since = find_since (blocks, specs[i]->name);
    g_autofree char *block = make_block (specs[i], since);
    g_string_append (text, block);
  }
  return g_string_free (text, FALSE);
}

/* Every property has its block, with its own words, and a Since; and there are no others. */
static void
test_blocks_agree (void)
{
  g_autofree char *found = NULL;

  g_assert_true (g_file_get_contents (g_getenv ("FBNET_BLOCKS"), &found, NULL, NULL));
  g_autofree char *expected = make_blocks (found);
  if (strstr (expected, ":overlay:") == NULL || strstr (found, ":overlay:") == NULL) {
    g_test_skip ("built without cairo, which some properties need");
    return;
  }
  compare_lines ("gst/gstfbnetdetect-properties.h", found, expected,
      "build/tests/pipeline/test-inspect --blocks gst/gstfbnetdetect-properties.h");
}

static int
write_blocks (const char *path)
{
  g_autofree char *before = NULL;

  g_file_get_contents (path, &before, NULL, NULL);
  g_autofree char *blocks = make_blocks (before);
  return g_file_set_contents (path, blocks, -1, NULL) ? 0 : 1;
}

/* --- The rest ---------------------------------------------------------------------------------- */

/* Formats with a fourth byte are called variants of RGB on the page. */
static gboolean
is_variant (const char *name)
{
  const GstVideoFormatInfo *format =
      gst_video_format_get_info (gst_video_format_from_string (name));

  return GST_VIDEO_FORMAT_INFO_IS_RGB (format) && GST_VIDEO_FORMAT_INFO_PSTRIDE (format, 0) == 4;
}

static const GValue *
template_formats (GstElement *element, const char *pad)
{
  GstPadTemplate *template = gst_element_get_pad_template (element, pad);
  g_autoptr (GstCaps) caps = gst_pad_template_get_caps (template);

  return gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
}

/* The page names the formats of the pads, and no others. */
static void
test_formats_agree (void)
{
  g_autofree char *page = read_page ();
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("fbnetdetect", NULL));
  const GValue *formats = template_formats (element, "sink");
  const char *start = strstr (page, "**Frames are read as they come**");

  g_assert_nonnull (start);
  g_autofree char *text = g_strndup (start, (gsize) (strstr (start, ". Any") - start));
  g_auto (GStrv) words = g_strsplit_set (text, " ,;:*\n", -1);
  guint n_named = 0, n_taken = 0;
  for (guint i = 0; i < gst_value_list_get_size (formats); i++) {
    const char *name = g_value_get_string (gst_value_list_get_value (formats, i));
    g_test_message ("format %s", name);
    g_assert_true (is_variant (name) || g_strv_contains ((const char *const *) words, name));
    n_taken += !is_variant (name);
  }
  for (guint i = 0; words[i] != NULL; i++)
    n_named += gst_video_format_from_string (words[i]) != GST_VIDEO_FORMAT_UNKNOWN;
  g_assert_cmpuint (n_named, ==, n_taken);
  g_assert_cmpint (gst_value_compare (formats, template_formats (element, "src")), ==,
      GST_VALUE_EQUAL);
}

/* What the property stats holds is on the page, each by its name. */
static void
test_stats_agree (void)
{
  g_autofree char *page = read_page ();
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("fbnetdetect", NULL));
  g_autoptr (GstStructure) stats = NULL;

  g_object_set (element, "evaluate", TRUE, NULL);
  g_object_get (element, "stats", &stats, NULL);
  const char *start = strstr (page, "\n`stats`");
  g_assert_nonnull (start);
  g_autofree char *text = g_strndup (start, (gsize) (strstr (start + 1, "\n\n") - start));
  for (gint i = 0; i < gst_structure_n_fields (stats); i++) {
    g_autofree char *name = g_strdup_printf ("`%s`", gst_structure_nth_field_name (stats, i));
    g_test_message ("field %s", name);
    g_assert_nonnull (strstr (text, name));
  }
}

/* The page has the list of stages, in their order, as the property stats tells them. */
static void
test_stages_agree (void)
{
  g_autofree char *page = read_page ();
  g_autoptr (GstElement) element = gst_element_factory_make ("fbnetdetect", NULL);
  g_autoptr (GstStructure) stats = NULL, last = NULL;
  g_autoptr (GString) list = g_string_new (NULL);

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "last-ms", GST_TYPE_STRUCTURE, &last, NULL));
  for (gint i = 0; i < gst_structure_n_fields (last); i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "",
        gst_structure_nth_field_name (last, i));
  g_strdelimit (page, "\n", ' ');
  g_test_message ("%s", list->str);
  g_assert_nonnull (strstr (page, list->str));
}

/* gst-inspect-1.0 finds the element and prints its page without a complaint. */
static void
test_inspect (void)
{
  g_autofree char *program = g_find_program_in_path ("gst-inspect-1.0");

  if (program == NULL) {
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

static char *
run_script (const char *path)
{
  const char *argv[] = { path, NULL };
  char *out = NULL;
  gint status = -1;
  g_autoptr (GError) error = NULL;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status,
      &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  return out;
}

/* What changes for users is seen in inspect.txt, which inspect.sh writes. */
static void
test_snapshot (void)
{
  g_autofree char *program = g_find_program_in_path ("gst-inspect-1.0");
  g_autofree char *found = NULL;

  if (program == NULL) {
    g_test_skip ("no gst-inspect-1.0");
    return;
  }
  g_autofree char *expected = run_script (g_getenv ("FBNET_INSPECT_SH"));
  if (strstr (expected, "\n overlay ") == NULL) {
    g_test_skip ("built without cairo, which some properties need");
    return;
  }
  g_assert_true (g_file_get_contents (g_getenv ("FBNET_INSPECT_TXT"), &found, NULL, NULL));
  compare_lines ("tests/pipeline/inspect.txt", found, expected,
      "tests/pipeline/inspect.sh > tests/pipeline/inspect.txt");
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
      gst_caps_from_string ("video/x-raw,format=v210,width=64,height=64,framerate=25/1");
  g_assert_true (gst_element_factory_can_sink_all_caps (factory, tiny));
  g_assert_true (gst_element_factory_can_src_all_caps (factory, tiny));
  g_assert_false (gst_element_factory_can_sink_any_caps (factory, foreign));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc == 3 && strcmp (argv[1], "--blocks") == 0)
    return write_blocks (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/inspect/page-agrees", test_page_agrees);
  g_test_add_func ("/pipeline/inspect/blocks-agree", test_blocks_agree);
  g_test_add_func ("/pipeline/inspect/formats-agree", test_formats_agree);
  g_test_add_func ("/pipeline/inspect/stats-agree", test_stats_agree);
  g_test_add_func ("/pipeline/inspect/stages-agree", test_stages_agree);
  g_test_add_func ("/pipeline/inspect/gst-inspect", test_inspect);
  g_test_add_func ("/pipeline/inspect/snapshot", test_snapshot);
  g_test_add_func ("/pipeline/inspect/templates", test_templates);
  return g_test_run ();
}
