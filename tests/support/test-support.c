/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The helpers that golden tests judge by: were they wrong, so would be every verdict.
 */
#include <glib/gstdio.h>
#include <math.h>

#include "compare.h"
#include "golden.h"
#include "recipe.h"

/* The generator gives the numbers that the golden data's own generator (reference/hashgen.py) gives. */
static void
test_recipe_numbers (void)
{
  const float expected[] = { 0.00390625f, 0.49609375f, 0.66796875f, -0.51171875f, 0.08984375f,
    0.01171875f };
  const float unnamed[] = { 135, -223, -87 };
  float found[G_N_ELEMENTS (expected)];

  recipe_generate (found, G_N_ELEMENTS (expected), "layer.weight", 61, 8);
  g_assert_cmpmem (found, sizeof found, expected, sizeof expected);
  recipe_generate (found, G_N_ELEMENTS (unnamed), "", 0, 0);
  g_assert_cmpmem (found, sizeof unnamed, unnamed, sizeof unnamed);
}

/* What is written as a model file is read back name for name and byte for byte. */
static void
test_tensors_round_trip (void)
{
  const gsize shape[] = { 3, 5 };
  g_autoptr (TensorList) list = tensor_list_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("fbnet-XXXXXX", &error);

  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (folder, "a.safetensors", NULL);

  FbnetTensorView *matrix = tensor_list_add (list, "matrix", FBNET_DTYPE_F32, shape, 2);
  recipe_generate ((float *) matrix->data, 15, "matrix", 1, 3);
  *(gint64 *) tensor_list_add (list, "scalar", FBNET_DTYPE_I64, NULL, 0)->data = 7;
  tensor_list_write (list, path, "{}", &error);
  g_assert_no_error (error);

  g_autoptr (TensorList) back = tensor_list_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (back->views->len, ==, 2);
  for (guint i = 0; i < list->views->len; i++) {
    const FbnetTensorView *before = list->views->pdata[i];
    const FbnetTensorView *after = tensor_list_find (back, before->name);
    g_assert_cmpuint (after->n_dims, ==, before->n_dims);
    g_assert_cmpmem (after->data, after->n_bytes, before->data, before->n_bytes);
  }
  g_assert_true (tensor_list_remove (back, "scalar"));
  g_assert_null (tensor_list_find (back, "scalar"));
  g_assert_false (tensor_list_remove (back, "scalar"));
  g_remove (path);
  g_rmdir (folder);
}

/* A deviation in one element of one channel is found, at its size, beside the right spread; a number
 * that is not one is never near anything else. */
static void
test_deviations (void)
{
  float channels_last[] = { 1, 10, 2, 20, 3, 30.5f };
  float channels_first[] = { 1, 2, 3, 10, 20, 30 };
  const Tensor found = { channels_last, 1, 1, 3, 2 };
  const Npy expected = { .n_dims = 4,
    .shape = { 1, 2, 1, 3 },
    .dtype = "<f4",
    .n_bytes = sizeof channels_first,
    .data = (guint8 *) channels_first };

  const Deviation deviation = compare_tensor (&found, &expected);
  g_assert_cmpfloat_with_epsilon (deviation.max_abs, 0.5, 1e-12);
  g_assert_cmpfloat_with_epsilon (deviation.std, sqrt (344.0 / 3), 1e-9);

  channels_last[0] = NAN;
  g_assert_true (isinf (compare_tensor (&found, &expected).max_abs));
}

/* Pairing does not depend on order, keeps classes apart, counts what is left over on both sides, and
 * knows which of these stand where a cap may have cut. */
static void
test_box_sets (void)
{
  const ComparedBox expected[] = {
    { { 0, 0, 10, 10 }, 0.9f, 1 },
    { { 0, 0, 10, 10 }, 0.8f, 2 },
    { { 50, 50, 60, 60 }, 0.1f, 1 },
  };
  const ComparedBox found[] = {
    { { 0, 0, 10, 10.5f }, 0.75f, 2 },
    { { 0, 0.25f, 10, 10 }, 0.9f, 1 },
    { { 80, 80, 90, 90 }, 0.1001f, 1 },
  };
  const BoxMatch match = compare_boxes (found, 3, expected, 3, 1, 1e-3);

  g_assert_cmpuint (match.n_missing, ==, 2);
  g_assert_cmpuint (match.n_at_bounds, ==, 2);
  g_assert_cmpfloat_with_epsilon (match.max_box, 0.5, 1e-6);
  g_assert_cmpfloat_with_epsilon (match.max_score, 0.05, 1e-6);

  const BoxMatch strict = compare_boxes (found, 3, expected, 3, 0.4, 1e-6);
  g_assert_cmpuint (strict.n_missing, ==, 4);
  g_assert_cmpuint (strict.n_at_bounds, ==, 1);
}

/* --- Golden fixtures -------------------------------------------------------------------------- */

static const struct {
  const char *folder, *file, *text;
} golden_files[] = {
  { "broken", "config.json", "{" },
  { "detector", "config.json", "{\"cfg\": {}, \"layers\": null, \"box\": {\"topk\": 7}}" },
  { "detector", "proposals.npy", "" },
  { "empty", NULL, NULL },
  { "export", "graph.json", "{}" },
  { "export/one", "result.json", "{\"detections\": []}" },
  { "export/two", "result.json", "{}" },
  { "frames", "one.png", "" },
  { "lost", "result.json", "{}" },
  { "nested/deeper", "config.json", "{\"arch_raw\": {}}" },
  { "nested/other", "config.json", "{\"cfg\": {}}" },
  { "notes", "README", "" },
};

static void
write_golden (const char *golden)
{
  for (guint i = 0; i < G_N_ELEMENTS (golden_files); i++) {
    g_autofree char *folder = g_build_filename (golden, "fixtures", golden_files[i].folder, NULL);
    g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
    if (golden_files[i].file == NULL)
      continue;
    g_autofree char *path = g_build_filename (folder, golden_files[i].file, NULL);
    g_assert_true (g_file_set_contents (path, golden_files[i].text, -1, NULL));
  }
}

static void
remove_golden (const char *golden)
{
  static const char *const parents[] = { "fixtures/export", "fixtures/nested", "fixtures", "" };

  for (guint i = G_N_ELEMENTS (golden_files); i-- > 0;) {
    g_autofree char *folder = g_build_filename (golden, "fixtures", golden_files[i].folder, NULL);
    g_autofree char *path =
        golden_files[i].file != NULL ? g_build_filename (folder, golden_files[i].file, NULL) : NULL;
    if (path != NULL)
      g_unlink (path);
    g_rmdir (folder);
  }
  for (guint i = 0; i < G_N_ELEMENTS (parents); i++) {
    g_autofree char *folder = g_build_filename (golden, parents[i], NULL);
    g_rmdir (folder);
  }
  g_assert_false (g_file_test (golden, G_FILE_TEST_EXISTS));
}

static void
assert_names (FixtureKind kind, const char *expected)
{
  g_auto (GStrv) names = fixture_names (kind);
  g_autofree char *found = g_strjoinv (" ", names);

  g_assert_cmpstr (found, ==, expected);
}

/* A fixture is known by its files, at any depth and in the order of names; what holds only folders,
 * pictures or an export's graph is none, and what cannot be read is unknown. */
static void
test_fixture_kinds (void)
{
  g_autofree char *before = g_strdup (g_getenv ("FBNET_GOLDEN_DATA"));
  g_autoptr (GError) error = NULL;
  g_autofree char *golden = g_dir_make_tmp ("fbnet-golden-XXXXXX", &error);

  g_assert_no_error (error);

  g_setenv ("FBNET_GOLDEN_DATA", golden, TRUE);
  assert_names (FIXTURE_DETECTOR, "");
  write_golden (golden);
  assert_names (FIXTURE_DETECTOR, "detector nested/other");
  assert_names (FIXTURE_CLASSIFIER, "nested/deeper");
  assert_names (FIXTURE_INT8, "export/one export/two");
  assert_names (FIXTURE_UNKNOWN, "broken lost notes");

  g_autoptr (Fixture) detector = fixture_open ("detector");
  g_assert_true (fixture_has (detector, "proposals"));
  g_assert_false (fixture_has (detector, "trunk3"));
  g_assert_null (fixture_array (detector, "trunk3"));
  g_assert_cmpfloat (cJSON_GetNumberValue (fixture_config (detector, "box.topk")), ==, 7);
  g_assert_null (fixture_config (detector, "cfg.MODEL.MASK_ON"));
  g_autoptr (Fixture) export = fixture_open ("export/one");
  g_assert_true (cJSON_IsArray (fixture_config (export, "detections")));

  remove_golden (golden);
  if (before != NULL)
    g_setenv ("FBNET_GOLDEN_DATA", before, TRUE);
  else
    g_unsetenv ("FBNET_GOLDEN_DATA");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/support/recipe-numbers", test_recipe_numbers);
  g_test_add_func ("/support/tensors-round-trip", test_tensors_round_trip);
  g_test_add_func ("/support/deviations", test_deviations);
  g_test_add_func ("/support/box-sets", test_box_sets);
  g_test_add_func ("/support/fixture-kinds", test_fixture_kinds);
  return g_test_run ();
}
