/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the YAML that D2Go writes beside a checkpoint to a description.
 */
#include "import/d2go/config.h"
#include "import/d2go/import.h"
#include "import/d2go/yaml-tree.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fbnet/fbnet.h"
#include "support/jsonfile.h"

/* NULL, and the test is skipped, without golden data. */
static cJSON *
describe_dump (const char *file, const char *name)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "checkpoints", file, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return NULL;
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) config = yaml_load (path, &error);
  g_assert_no_error (error);
  cJSON *description = import_describe (config, name, &error);
  g_assert_no_error (error);
  return description;
}

static cJSON *
describe_zoo (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) config = import_zoo_config (name, &error);

  g_assert_no_error (error);
  cJSON *description = import_describe (config, name, &error);
  g_assert_no_error (error);
  return description;
}

/* D2Go's dump of a zoo config, with all its hundreds of keys, describes what the config's name does. */
static void
test_zoo_dump (void)
{
  g_autoptr (cJSON) dumped = describe_dump ("mask_rcnn_fbnetv3a_dsmask_C4.yaml", "same");

  if (dumped == NULL)
    return;
  g_autoptr (cJSON) named = describe_zoo ("mask_rcnn_fbnetv3a_dsmask_C4");
  cJSON_ReplaceItemInObject (named, "name", cJSON_CreateString ("same"));
  g_assert_true (cJSON_Compare (dumped, named, TRUE));
}

/* What a dump changes is what changes in the description: norm, width, classes, heads, labels. */
static void
test_custom_dump (void)
{
  g_autoptr (cJSON) custom = describe_dump ("custom_gn_3classes.yaml", "same");

  if (custom == NULL)
    return;
  g_autoptr (cJSON) expected = describe_zoo ("faster_rcnn_fbnetv3a_dsmask_C4");
  cJSON_ReplaceItemInObject (expected, "name", cJSON_CreateString ("same"));
  cJSON_DeleteItemFromObject (expected, "labels");
  cJSON_DeleteItemFromObject (expected, "category_ids");
  cJSON *architecture = cJSON_GetObjectItem (expected, "architecture");
  cJSON_ReplaceItemInObject (architecture, "norm",
      cJSON_Parse ("{\"name\": \"gn\", \"num_groups\": 8}"));
  cJSON_ReplaceItemInObject (architecture, "scale_factor", cJSON_CreateNumber (0.5));
  cJSON_ReplaceItemInObject (cJSON_GetObjectItem (expected, "roi_heads"), "n_classes",
      cJSON_CreateNumber (3));
  g_assert_true (cJSON_Compare (custom, expected, TRUE));
}

/* A config as people write it, with tuples as text and the rest left to defaults, is understood. */
static void
test_written_config (void)
{
  static const char TEXT[] = "MODEL:\n"
                             "  BACKBONE: {NAME: FBNetV2C4Backbone}\n"
                             "  FBNET_V2: {ARCH: FBNetV3_A, NORM: naiveSyncBN, WIDTH_DIVISOR: 8}\n"
                             "  ANCHOR_GENERATOR:\n"
                             "    SIZES: [[32, 64, 96, 128, 160]]\n"
                             "  RPN:\n"
                             "    HEAD_NAME: FBNetV2RpnHead\n"
                             "    IN_FEATURES: [\"trunk3\"]\n"
                             "    PRE_NMS_TOPK_TEST: 1000\n"
                             "    POST_NMS_TOPK_TEST: 30\n"
                             "  ROI_HEADS: {NAME: StandardROIHeads, IN_FEATURES: [trunk3]}\n"
                             "  ROI_BOX_HEAD: {NAME: FBNetV2RoIBoxHead, POOLER_RESOLUTION: 6}\n"
                             "DATASETS:\n"
                             "  TRAIN: (\"coco_2017_train\",)\n"
                             "INPUT: {MAX_SIZE_TEST: 320, MIN_SIZE_TEST: 224}\n"
                             "VERSION: 2\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) config = yaml_parse (TEXT, strlen (TEXT), "written.yaml", &error);

  g_assert_no_error (error);
  g_autoptr (cJSON) written = import_describe (config, "faster_rcnn_fbnetv3a_C4", &error);
  g_assert_no_error (error);
  g_autoptr (cJSON) named = describe_zoo ("faster_rcnn_fbnetv3a_C4");
  g_assert_true (cJSON_Compare (written, named, TRUE));
}

static cJSON *
describe_in (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return import_describe_config (path, error);
}

static void
write_in (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
remove_in (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_cmpint (g_remove (path), ==, 0);
}

static double
min_size (const cJSON *description)
{
  const cJSON *input = cJSON_GetObjectItemCaseSensitive (description, "input");

  return cJSON_GetNumberValue (cJSON_GetObjectItemCaseSensitive (input, "min_size"));
}

/* A base that lies in the config's folder is followed, and what that one stands on; one outside, by whatever name or
 * link, is not, and a circle is refused. */
static void
test_base_beside (void)
{
  static const struct {
    const char *name, *text;
  } files[] = {
    { "set/top.yaml", "_BASE_: below/middle.yaml\nMODEL:\n  RPN: {POST_NMS_TOPK_TEST: 7}\n" },
    { "set/below/middle.yaml",
        "_BASE_: faster_rcnn_fbnetv3a_C4.yaml\nINPUT: {MIN_SIZE_TEST: 320}\n" },
    { "set/circle.yaml", "_BASE_: circle.yaml\n" },
    { "set/outside.yaml", "_BASE_: ../outside.yaml\n" },
    { "set/linked.yaml", "_BASE_: link.yaml\n" },
    { "set/absolute.yaml", "_BASE_: /etc/outside.yaml\n" },
    { "set/address.yaml", "_BASE_: https://example.org/outside.yaml\n" },
    { "outside.yaml", "_BASE_: faster_rcnn_fbnetv3a_C4.yaml\n" },
  };
  static const char *const refused[] = { "set/outside.yaml", "set/linked.yaml", "set/absolute.yaml",
    "set/address.yaml" };
  g_autofree char *folder = g_dir_make_tmp (NULL, NULL);
  g_autofree char *below = g_build_filename (folder, "set", "below", NULL);
  g_autofree char *link = g_build_filename (folder, "set", "link.yaml", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (below, 0700), ==, 0);
  g_assert_cmpint (symlink ("../outside.yaml", link), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    write_in (folder, files[i].name, files[i].text);
  g_autoptr (cJSON) top = describe_in (folder, "set/top.yaml", &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (min_size (top), ==, 320);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_assert_null (describe_in (folder, refused[i], &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
    g_assert_nonnull (strstr (error->message, "_BASE_ is \""));
    g_clear_error (&error);
  }
  g_assert_null (describe_in (folder, "set/circle.yaml", &error));
  g_assert_nonnull (strstr (error->message, "a circle"));
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    remove_in (folder, files[i].name);
  remove_in (folder, "set/link.yaml");
  remove_in (folder, "set/below");
  remove_in (folder, "set");
  g_rmdir (folder);
}

static cJSON *
describe_text (const char *text, GError **error)
{
  g_autofree char *folder = g_dir_make_tmp (NULL, NULL);
  g_autofree char *path = g_build_filename (folder, "mine.yaml", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  cJSON *description = import_describe_config (path, error);
  g_unlink (path);
  g_rmdir (folder);
  return description;
}

/* A config on top of one of the zoo's is that one but for what it says; another base is refused first of all, with
 * its name. */
static void
test_base (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) plain = import_describe_config ("faster_rcnn_fbnetv3a_C4", &error);
  g_autoptr (cJSON) derived =
      describe_text ("_BASE_: \"faster_rcnn_fbnetv3a_C4.yaml\"\nINPUT:\n  MIN_SIZE_TEST: 320\n",
          &error);

  g_assert_no_error (error);
  cJSON *input = cJSON_GetObjectItemCaseSensitive (derived, "input");
  g_assert_cmpfloat (cJSON_GetObjectItemCaseSensitive (input, "min_size")->valuedouble, ==, 320);
  cJSON_SetNumberValue (cJSON_GetObjectItemCaseSensitive (input, "min_size"), 224);
  cJSON_ReplaceItemInObjectCaseSensitive (derived, "name",
      cJSON_CreateString ("faster_rcnn_fbnetv3a_C4"));
  g_assert_true (cJSON_Compare (plain, derived, TRUE));

  g_assert_null (describe_text ("_BASE_: Base-of-mine.yaml\n", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "_BASE_ is \"Base-of-mine.yaml\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dumps/zoo", test_zoo_dump);
  g_test_add_func ("/dumps/custom", test_custom_dump);
  g_test_add_func ("/dumps/written", test_written_config);
  g_test_add_func ("/dumps/base", test_base);
  g_test_add_func ("/dumps/base-beside", test_base_beside);
  return g_test_run ();
}
