/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where parameters stand in a model file: programs that write models put them where the engine reads them.
 */
#include <string.h>

#include "support/modelfile.h"
#include "support/modelparams.h"

static double
value_of (const FbnetModel *model, const char *name)
{
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  return fbnet_param_get (fbnet_params_find (name), &params);
}

/* One that the model has not got, within the range; the shorter side stays below the longer one. */
static double
other_value (const FbnetModel *model, const char *name)
{
  const double value = value_of (model, name);

  if (fbnet_params_find (name)->type == FBNET_PARAM_FLOAT)
    return value == 0.25 ? 0.125 : 0.25;
  return strcmp (name, "min-size") == 0 ? value - 1 : value + 1;
}

/* What is put into a description is what the engine finds there, and what is asked of it. */
static void
test_places (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autofree char *beside = g_build_filename (g_get_tmp_dir (), "fbnet-modelparams", NULL);
  g_autoptr (FbnetModel) model = fbnet_model_load (path, NULL);

  g_assert_nonnull (model);
  for (guint i = 0; model_params[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    cJSON *description = model_file_description (model);
    const double value = other_value (model, model_params[i]);

    g_test_message ("%s", model_params[i]);
    g_assert_true (model_param_set (description, model_params[i], value));
    g_autoptr (FbnetModel) changed =
        model_file_redescribe (model, "changed", description, beside, &error);
    g_assert_no_error (error);
    g_assert_cmpfloat (value_of (changed, model_params[i]), ==, value);
    g_assert_cmpfloat (model_param_get (description, model_params[i]), ==, value);
    cJSON_Delete (description);
  }
}

/* Of what a model says every number has a place, but the bounds of matching, of which a field has two. */
static void
test_complete (void)
{
  static const char *const without[] = { "iou-lower", "iou-upper", NULL };
  guint n;
  const FbnetParamInfo *table = fbnet_params_table (&n);

  for (guint i = 0; i < n; i++) {
    const gboolean is_number =
        table[i].type == FBNET_PARAM_FLOAT || table[i].type == FBNET_PARAM_COUNT;
    if (!table[i].of_model || !is_number || g_strv_contains (without, table[i].name))
      continue;
    if (!g_strv_contains (model_params, table[i].name))
      g_error ("models/support/modelparams.c: expected the place of %s in a model file, found none",
          table[i].name);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/support/model-params/places", test_places);
  g_test_add_func ("/support/model-params/complete", test_complete);
  return g_test_run ();
}
