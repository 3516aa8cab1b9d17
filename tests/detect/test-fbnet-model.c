/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-model as its users see it.
 */
#include <string.h>

#include "command.h"
#include "support/jsonfile.h"

static cJSON *
run_json (const char *option)
{
  g_autofree char *model = test_model_path ();
  g_auto (Command) command = command_run ("FBNET_MODEL", "--json", model, option, NULL);

  command_expect (&command, 0, "");
  cJSON *object = cJSON_Parse (command.out);
  g_assert_true (cJSON_IsObject (object));
  return object;
}

static const cJSON *
field (const cJSON *object, const char *name)
{
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (object, name);

  if (value == NULL)
    g_error ("expected a field called %s", name);
  return value;
}

/* The text names the model, its parts and its classes, and ends well. */
static void
test_text (void)
{
  static const char *const expected[] = { "tiny-bn", "detection of 3 classes, with masks",
    "0 square, 1 circle, 2 cross", "multiply-adds", "backbone.body.trunk0.fbnetv2_0_0", "BGR",
    "roi_heads.mask_head.predictor.mask_fcn_logits", "\ninput\n", "\nanchors\n", "\nmask_head\n" };
  g_autofree char *model = test_model_path ();
  g_auto (Command) command = command_run ("FBNET_MODEL", model, NULL);

  command_expect (&command, 0, "");
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    if (strstr (command.out, expected[i]) == NULL)
      g_error ("expected %s in: %s", expected[i], command.out);
}

/* Every learnable number belongs to exactly one layer of the table: together they are all. */
static void
test_layers_are_complete (void)
{
  g_autoptr (cJSON) object = run_json (NULL);
  double parameters = 0, multiply_adds = 0;
  const cJSON *layer;

  cJSON_ArrayForEach (layer, field (object, "layers"))
  {
    parameters += field (layer, "n_parameters")->valuedouble;
    multiply_adds +=
        field (layer, "multiply_adds")->valuedouble * field (layer, "runs")->valuedouble;
  }
  g_assert_cmpfloat (parameters, >, 0);
  g_assert_cmpfloat (parameters, ==, field (object, "n_parameters")->valuedouble);
  g_assert_cmpfloat (multiply_adds, ==, field (object, "multiply_adds")->valuedouble);
}

static const cJSON *
find_layer (const cJSON *object, const char *name)
{
  const cJSON *layer;

  cJSON_ArrayForEach (layer,
      field (object, "layers")) if (strcmp (field (layer, "name")->valuestring, name)
      == 0) return layer;
  g_error ("expected a layer called %s", name);
}

static void
check_layer (const cJSON *object, const char *name, double channels, double height, double width,
    double multiply_adds)
{
  double output[3];
  g_autoptr (GError) error = NULL;
  const cJSON *layer = find_layer (object, name);

  json_get_numbers (layer, "output", output, 3, name, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (output[0], ==, channels);
  g_assert_cmpfloat (output[1], ==, height);
  g_assert_cmpfloat (output[2], ==, width);
  g_assert_cmpfloat (field (layer, "multiply_adds")->valuedouble, ==, multiply_adds);
}

/* Sizes and costs of three layers, worked out by hand for the model's 48×72 input: a strided
 * convolution, one that up-samples, one on feature maps. */
static void
test_layers_by_hand (void)
{
  g_autoptr (cJSON) object = run_json (NULL);

  check_layer (object, "backbone.body.trunk0.fbnetv2_0_0", 8, 24, 36, 8 * 3 * 9 * 24 * 36);
  check_layer (object, "roi_heads.mask_head.feature_extractor.0.fbnetv2_0_2", 8, 16, 16,
      8 * 24 * 9 * 8 * 8);
  check_layer (object, "proposal_generator.rpn_head.rpn_regressor.cls_logits", 6, 3, 5,
      6 * 32 * 3 * 5);
}

/* --tensors lists them all, with types, shapes and ranges. */
static void
test_tensors (void)
{
  g_autoptr (cJSON) object = run_json ("--tensors");
  const cJSON *tensors = field (object, "tensors");

  g_assert_cmpint (cJSON_GetArraySize (tensors), ==,
      (int) field (object, "n_tensors")->valuedouble);
  const cJSON *tensor;
  cJSON_ArrayForEach (tensor, tensors)
  {
    g_assert_true (cJSON_IsString (field (tensor, "type")));
    g_assert_true (cJSON_IsArray (field (tensor, "shape")));
    g_assert_cmpfloat (field (tensor, "min")->valuedouble, <=, field (tensor, "max")->valuedouble);
  }
  g_autofree char *model = test_model_path ();
  g_auto (Command) text = command_run ("FBNET_MODEL", "--tensors", model, NULL);
  command_expect (&text, 0, "");
  g_assert_nonnull (strstr (text.out, "backbone.body.trunk0.fbnetv2_0_0.conv.weight"));
}

/* Bad files cost a sentence each and the exit status; a wrong command line is status 2. */
static void
test_errors (void)
{
  g_autofree char *model = test_model_path ();
  char *folder = folder_new ();
  g_autofree char *text = write_text (folder, "text.safetensors", "not a model");
  g_auto (Command) bad = command_run ("FBNET_MODEL", "absent.safetensors", text, model, NULL);

  command_expect (&bad, 1, "fbnet-model: *absent.safetensors*\nfbnet-model: *text.safetensors*");
  g_assert_nonnull (strstr (bad.out, "tiny-bn"));
  g_auto (Command) none = command_run ("FBNET_MODEL", NULL);
  command_expect (&none, 2, "fbnet-model: expected at least one FILE*");
  g_auto (Command) option = command_run ("FBNET_MODEL", "--nonsense", NULL);
  command_expect (&option, 2, "fbnet-model: *nonsense*");
  folder_remove (folder);
}

/* --help and --version succeed. */
static void
test_help (void)
{
  g_auto (Command) help = command_run ("FBNET_MODEL", "--help", NULL);

  command_expect (&help, 0, "");
  g_assert_nonnull (strstr (help.out, "--tensors"));
  g_auto (Command) version = command_run ("FBNET_MODEL", "--version", NULL);
  command_expect (&version, 0, "");
  g_assert_cmpstr (version.out, ==, "fbnet-model " FBNET_VERSION "\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fbnet-model/text", test_text);
  g_test_add_func ("/fbnet-model/layers-are-complete", test_layers_are_complete);
  g_test_add_func ("/fbnet-model/layers-by-hand", test_layers_by_hand);
  g_test_add_func ("/fbnet-model/tensors", test_tensors);
  g_test_add_func ("/fbnet-model/errors", test_errors);
  g_test_add_func ("/fbnet-model/help", test_help);
  return g_test_run ();
}
