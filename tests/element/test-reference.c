/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * docs/metadata.md and docs/element.md against what the element really attaches, emits and posts: every field with
 * its type, and no field that there is not.
 */
#include <string.h>

#include "gstfbnetmessages.h"
#include "gstfbnetstructure.h"

/* --- Pages ------------------------------------------------------------------------------------- */

static char *
read_page (const char *name)
{
  char *page = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_DOCS"), name, NULL);

  g_file_get_contents (path, &page, NULL, &error);
  g_assert_no_error (error);
  return page;
}

/* From `start`, which the page must have, to the next `end` or the page's. */
static char *
cut_out (const char *page, const char *start, const char *end)
{
  const char *at = strstr (page, start);

  g_test_message ("%s", start);
  g_assert_nonnull (at);
  at += strlen (start);
  const char *after = strstr (at, end);
  return after != NULL ? g_strndup (at, (gsize) (after - at)) : g_strdup (at);
}

static char *
find_row (const char *page, const char *name)
{
  g_autofree char *start = g_strdup_printf ("\n| `%s` | ", name);

  return cut_out (page, start, "\n");
}

/* --- Types ------------------------------------------------------------------------------------- */

/* As the pages write it, of one field; of several, in the plural. */
static const char *
name_type (GType type)
{
  if (type == GST_TYPE_ARRAY)
    return "array";
  if (type == GST_TYPE_BUFFER)
    return "GstBuffer";
  if (type == GST_TYPE_STRUCTURE)
    return "structure";
  return type == G_TYPE_BOOLEAN ? "boolean"
      : type == G_TYPE_STRING   ? "string"
      : type == G_TYPE_DOUBLE   ? "double"
      : type == G_TYPE_INT      ? "int"
      : type == G_TYPE_UINT     ? "uint"
      : type == G_TYPE_UINT64   ? "uint64"
                                : g_type_name (type);
}

/* `name`, or a list of names that it stands in, and then the type. */
static void
check_field (const char *text, const char *name, GType type)
{
  g_autofree char *pattern =
      g_strdup_printf ("`%s`(, `[a-z_-]+`)* (\\| )?%ss?\\b", name, name_type (type));

  g_test_message ("field %s, %s", name, name_type (type));
  g_assert_true (g_regex_match_simple (pattern, text, 0, 0));
}

static void
check_fields (const char *text, const GstStructure *structure)
{
  for (gint i = 0; i < gst_structure_n_fields (structure); i++) {
    const char *name = gst_structure_nth_field_name (structure, i);
    check_field (text, name, gst_structure_get_field_type (structure, name));
  }
}

/* Words that the text has before a type, each of which must be a field. */
static void
check_words (const char *text, const GstStructure *structure)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("`([a-z_-]+)`(?:, `[a-z_-]+`)* (?:\\| "
                   ")?(?:arrays?|structures?|GstBuffer|boolean|string|double|"
                   "u?int(?:64)?)\\b",
          0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL)) {
    g_autofree char *word = g_match_info_fetch (match, 1);
    g_test_message ("word %s", word);
    g_assert_true (gst_structure_has_field (structure, word));
  }
}

/* --- What there is to tell --------------------------------------------------------------------- */

/* Two objects, of which everything is known that can be. */
typedef struct {
  guint8 mask[4];
  FbnetKeypoint keypoints[GST_FBNET_N_COCO_KEYPOINTS];
  FbnetDetection items[2];
  FbnetDetections found;
  FbnetMatch matches[2];
  GstFbnetSource sources[2];
  FbnetTrack tracks[2];
  GQuark labels[2];
  GstFbnetClass classes[2];
  GstFbnetResult result;
} Scene;

static void
fill_scene (Scene *scene)
{
  *scene = (Scene){
    .mask = { 255, 0, 255, 255 },
    .found = { scene->items, 2 },
    .matches = { { .label = FBNET_MATCH_OBJECT }, { .label = FBNET_MATCH_BACKGROUND } },
    .sources = { { -1, 0, FALSE }, { -1, 1, TRUE } },
    .tracks = { { .id = 1 }, { .id = 2 } },
    .labels = { g_quark_from_static_string ("cat"), g_quark_from_static_string ("dog") },
    .classes = { { 1, 0.75f }, { 0, 0.25f } },
  };
  for (guint i = 0; i < 2; i++)
    scene->items[i] = (FbnetDetection){ .x0 = 1,
      .y0 = 1,
      .x1 = 3,
      .y1 = 3,
      .score = 0.5f,
      .class_id = i,
      .mask = { 1, 1, 2, 2, scene->mask },
      .keypoints = scene->keypoints };
  scene->result = (GstFbnetResult){ .found = &scene->found,
    .width = 8,
    .height = 8,
    .labels = scene->labels,
    .n_keypoints = GST_FBNET_N_COCO_KEYPOINTS,
    .matches = scene->matches,
    .sources = scene->sources,
    .tracks = scene->tracks };
}

static void
fill_frame (Scene *scene)
{
  fill_scene (scene);
  scene->found.n = 0;
  scene->result.classes = scene->classes;
  scene->result.n_classes = 2;
}

/* --- Metadata ---------------------------------------------------------------------------------- */

/* Takes it. */
static void
check_structure (const char *page, GstStructure *structure)
{
  g_assert_nonnull (structure);
  g_autofree char *row = find_row (page, gst_structure_get_name (structure));

  check_fields (row, structure);
  check_words (row, structure);
  gst_structure_free (structure);
}

/* The structures that a region carries. */
static void
test_regions (void)
{
  g_autofree char *page = read_page ("metadata.md");
  Scene scene;

  fill_scene (&scene);
  check_structure (page, gst_fbnet_structure_new_detection (&scene.result, 1));
  check_structure (page, gst_fbnet_structure_new_mask (&scene.result, 1));
  check_structure (page, gst_fbnet_structure_new_keypoints (&scene.result, 1));
  check_structure (page, gst_fbnet_structure_new_object_id (&scene.result, 1));
  check_structure (page, gst_fbnet_structure_new_track (&scene.result, 1));
  check_structure (page, gst_fbnet_structure_new_inference (&scene.result, 1));
  fill_frame (&scene);
  check_structure (page, gst_fbnet_structure_new_classification (&scene.result));
}

static const GstFbnetTruth truth = { .reason = GST_FBNET_REASON_LOOKED };

/* The table of the frame's truth. */
static void
test_truth (void)
{
  g_autofree char *page = read_page ("metadata.md");
  g_autofree char *section = cut_out (page, "## The truth about a frame", "\n## ");
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  gst_fbnet_truth_register ();
  gst_fbnet_truth_attach (&truth, buffer);
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_FBNET_TRUTH_NAME);
  const GstStructure *structure = gst_custom_meta_get_structure (meta);
  check_fields (section, structure);
  check_words (section, structure);
}

/* Every reason has its row on the page, alone or with others. */
static void
test_reasons (void)
{
  g_autofree char *page = read_page ("element.md");
  g_autofree char *table = cut_out (page, "\n| reason | |\n", "\n\n");
  guint n_named = 0, n_listed = 0;

  for (guint i = 0; i < GST_FBNET_N_REASONS; i++) {
    g_autofree char *pattern = g_strdup_printf ("(^|\\n)\\| ([a-z]+, )*%s(, [a-z]+)* \\|",
        gst_fbnet_reason_get_name ((GstFbnetReason) i));
    g_test_message ("reason %s", gst_fbnet_reason_get_name ((GstFbnetReason) i));
    g_assert_true (g_regex_match_simple (pattern, table, 0, 0));
    n_named++;
  }
  g_auto (GStrv) rows = g_strsplit (table, "\n", -1);
  for (guint i = 0; rows[i] != NULL; i++) {
    g_auto (GStrv) cells = g_strsplit (rows[i], "|", 3);
    g_auto (GStrv) names = g_strsplit (cells[1], ",", -1);
    n_listed += strstr (cells[1], "---") == NULL ? g_strv_length (names) : 0;
  }
  g_assert_cmpuint (n_listed, ==, n_named);
}

/* --- Signals and messages ---------------------------------------------------------------------- */

static void
check_named (const char *section, const GstStructure *structure)
{
  for (gint i = 0; i < gst_structure_n_fields (structure); i++) {
    g_autofree char *name = g_strdup_printf ("`%s`", gst_structure_nth_field_name (structure, i));
    g_test_message ("field %s", name);
    g_assert_nonnull (strstr (section, name));
  }
}

static const GstStructure *
first_object (const GstStructure *structure)
{
  const GValue *objects = gst_structure_get_value (structure, "objects");

  return gst_value_get_structure (gst_value_array_get_value (objects, 0));
}

/* The structure that new-detections comes with. */
static void
test_signal (void)
{
  g_autofree char *page = read_page ("element.md");
  g_autofree char *section = cut_out (page, "\n## Signals", "\n## ");
  Scene scene;

  fill_scene (&scene);
  g_autoptr (GstStructure) structure = gst_fbnet_structure_new_detections (&scene.result);
  check_named (section, structure);
  check_named (section, first_object (structure));
  fill_frame (&scene);
  g_autoptr (GstStructure) frame = gst_fbnet_structure_new_detections (&scene.result);
  check_named (section, first_object (frame));
}

/* A message has what the signal has, and what its own section says. */
static void
test_message (void)
{
  g_autofree char *page = read_page ("element.md");
  g_autofree char *section = cut_out (page, "\n## Signals", "\n## Errors");
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("identity", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  GstFbnetTeller teller = { 0 };
  Scene scene;

  fill_scene (&scene);
  gst_element_set_bus (element, bus);
  gst_fbnet_teller_tell (&teller, GST_BASE_TRANSFORM (element), buffer, GST_FBNET_POST_EVERY_FRAME,
      &scene.result, TRUE, &truth);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  check_named (section, gst_message_get_structure (message));
  gst_element_set_bus (element, NULL);
  gst_fbnet_teller_clear (&teller);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/reference/regions", test_regions);
  g_test_add_func ("/element/reference/truth", test_truth);
  g_test_add_func ("/element/reference/reasons", test_reasons);
  g_test_add_func ("/element/reference/signal", test_signal);
  g_test_add_func ("/element/reference/message", test_message);
  return g_test_run ();
}
