/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The quantiser on detectors of D2Go's own code, pyramid, mask and keypoint heads included, and on
 * classifiers: what can run in int8 does, and computes nearly what the float model
 * does.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "import/d2go/classifiers.h"
#include "drawing.h"
#include "quantize/fidelity.h"
#include "fixture.h"
#include "quantize/quantizer.h"
#include "randommodel.h"

/* Random weights carry rounding through dozens of layers, and it grows; a tensor that is wrong has less
 * than nothing. */
#define LEAST_DECIBELS 3

static void
check_fidelity (const Fidelity *fidelity, const Quantizer *quantizer, double least)
{
  const GArray *ranges = quantizer_ranges (quantizer);

  for (guint i = 0; i < ranges->len; i++) {
    const QuantizerRange *range = &g_array_index (ranges, QuantizerRange, i);
    double mean = 0, worst = 0;
    if (range->table != ACT_NONE)
      continue; /* what lies behind the table has a name of its own */
    if (!fidelity_get (fidelity, range->name, &mean, &worst))
      g_error ("%s was not computed in both models", range->name);
    if (mean < least)
      g_error ("%s: expected at least %g dB, found %g", range->name, least, mean);
  }
}

static void
compare (FbnetModel *model, FbnetModel *int8, const FbnetImage *image, const Quantizer *quantizer,
    double least)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Fidelity) fidelity = fidelity_new (model, int8, &error);

  g_assert_no_error (error);

  fidelity_add_image (fidelity, image, &error);
  g_assert_no_error (error);
  check_fidelity (fidelity, quantizer, least);
}

/* Reasons that a block may have to stay float. */
static void
check_parts (const Quantizer *quantizer)
{
  const GArray *parts = quantizer_parts (quantizer);

  for (guint i = 0; i < parts->len; i++) {
    const QuantizerPart *part = &g_array_index (parts, QuantizerPart, i);
    const gboolean head = g_str_has_prefix (part->name, "roi_heads.")
        || g_str_has_prefix (part->name, "proposal_generator.rpn_head.rpn_regressor");
    const gboolean pool = g_strcmp0 (part->reason, "it averages whole images") == 0;
    if (!part->int8 && !head && !pool && !g_str_has_suffix (part->name, ".se"))
      g_error ("%s: expected int8, found that %s", part->name, part->reason);
  }
}

/* The fixture's model for small pictures: a pyramid over large ones takes long, layer by layer. */
static FbnetModel *
small_model (const Fixture *fixture)
{
  g_autofree char *text = fixture_description (fixture);
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  g_autoptr (GError) error = NULL;
  cJSON *description = cJSON_Parse (text);
  cJSON *input = cJSON_GetObjectItemCaseSensitive (description, "input");

  cJSON_SetNumberValue (cJSON_GetObjectItemCaseSensitive (input, "min_size"), 224);
  cJSON_SetNumberValue (cJSON_GetObjectItemCaseSensitive (input, "max_size"), 320);
  char *smaller = cJSON_PrintUnformatted (description);
  FbnetModel *model = tensor_list_to_model (tensors, smaller, &error);
  g_assert_no_error (error);
  cJSON_free (smaller);
  cJSON_Delete (description);
  return model;
}

/* What has seen the picture. */
static Quantizer *
observe (FbnetModel *model, const FbnetImage *image, const QuantizerOptions *options)
{
  g_autoptr (GError) error = NULL;
  Quantizer *quantizer = quantizer_new (model, options, &error);

  g_assert_no_error (error);

  quantizer_add_image (quantizer, image, &error);
  g_assert_no_error (error);
  return quantizer;
}

/* Quantises with one picture, checks the parts, and compares what is written with the float model. */
static void
check_model (FbnetModel *model, const FbnetImage *image, const QuantizerOptions *options,
    double least)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (Quantizer) quantizer = observe (model, image, options);

  quantizer_finish (quantizer, &error);
  g_assert_no_error (error);
  check_parts (quantizer);
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  quantizer_write (quantizer, path, &error);
  g_assert_no_error (error);
  g_autoptr (FbnetModel) int8 = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  compare (model, int8, image, quantizer, least);
}

/* Group norm divides by what each image has: such a model stays float, which is said. */
static void
check_refused (FbnetModel *model, const FbnetImage *image, const QuantizerOptions *options)
{
  g_autoptr (Quantizer) quantizer = observe (model, image, options);
  g_autoptr (GError) error = NULL;

  g_assert_false (quantizer_finish (quantizer, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "its norm depends on each image"));
}

static void
test_config (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);
  const QuantizerOptions options = quantizer_options_default ();

  if (fixture == NULL)
    return;
  g_autoptr (FbnetModel) model = small_model (fixture);
  g_autoptr (Picture) picture = fixture_picture (fixture);
  const FbnetImage image = picture_image (picture);
  const char *norm = cJSON_GetStringValue (fixture_config (fixture, "cfg.MODEL.FBNET_V2.NORM"));
  if (g_strcmp0 (norm, "gn") == 0)
    check_refused (model, &image, &options);
  else
    check_model (model, &image, &options, LEAST_DECIBELS);
}

/* mobile_cv's classifiers, with random weights: hard swish, and a float block that averages the map behind
 * int8 ones. */
static void
test_classifier (gconstpointer data)
{
  QuantizerOptions options = quantizer_options_default ();
  g_autoptr (Picture) picture = picture_draw (320, 240, 1);
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  cJSON *description = import_describe_classifier (data, CLASSIFIER_DEFAULTS_NOW, 10, &error);

  g_assert_no_error (error);
  char *text = cJSON_PrintUnformatted (description);
  g_autoptr (FbnetModel) model = random_model_new (text, 1, &error);
  g_assert_no_error (error);

  options.all = TRUE;
  check_model (model, &image, &options, 8);
  cJSON_free (text);
  cJSON_Delete (description);
}

int
main (int argc, char *argv[])
{
  static const char *const classifiers[] = { "mnv3", "FBNetV2_F1", "eff_0" };

  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/quantize/zoo/detector", FIXTURE_DETECTOR, "", test_config);
  for (guint i = 0; i < G_N_ELEMENTS (classifiers); i++) {
    g_autofree char *path = g_strconcat ("/quantize/zoo/classifier/", classifiers[i], NULL);
    g_test_add_data_func (path, classifiers[i], test_classifier);
  }
  return g_test_run ();
}
