/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The quantiser on models of random weights: every kind of block that runs in int8 does, the int8 model
 * computes nearly what the float one does, and what cannot be quantised is said.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "drawing.h"
#include "quantize/fidelity.h"
#include "model/model.h"
#include "quantize/quantizer.h"
#include "randommodel.h"
#include "tensors.h"

#define N_PICTURES 3

/* Squeeze and excite, hard swish, residual sums, plain and upsampling blocks, a mask head. */
static const char detector[] =
    "{\"name\": \"mixed\", \"basic_args\": {\"dw_skip_bnrelu\": true}, \"width_divisor\": 8,"
    "\"norm\": {\"name\": \"bn\"},"
    "\"trunk\": [[[\"conv_k3\", 16, 2, 1], [\"ir_k3\", 16, 1, 1, {\"expansion\": 1}],"
    "[\"ir_k5_sehsig\", 24, 2, 2, {\"expansion\": 2}]],"
    "[[\"ir_k5_hs\", 32, 2, 2, {\"expansion\": 3}]]],"
    "\"rpn\": [[[\"ir_k3\", 32, 1, 1, {\"expansion\": 2}]]],"
    "\"bbox\": [[[\"ir_k3\", 32, 1, 2, {\"expansion\": 2}]]],"
    "\"mask\": [[[\"ir_k3\", 32, -2, 1, {\"expansion\": 2}]]]}";

/* Its masks are computed for whatever is found. */
static FbnetModel *
make_model (const char *architecture, gboolean masks)
{
  g_autofree char *description = random_model_description (architecture, 2, masks);
  g_autoptr (GString) text = g_string_new (description);
  g_autoptr (GError) error = NULL;

  g_string_replace (text, "\"score_threshold\": 0.05", "\"score_threshold\": 0", 0);
  FbnetModel *model = random_model_new (text->str, 7, &error);
  g_assert_no_error (error);
  return model;
}

static void
show (Quantizer *quantizer, guint picture)
{
  g_autoptr (Picture) drawing = picture_draw (320, 224, picture + 1);
  const FbnetImage image = picture_image (drawing);
  g_autoptr (GError) error = NULL;

  quantizer_add_image (quantizer, &image, &error);
  g_assert_no_error (error);
}

static Quantizer *
start (FbnetModel *model, const QuantizerOptions *options)
{
  g_autoptr (GError) error = NULL;
  Quantizer *quantizer = quantizer_new (model, options, &error);

  g_assert_no_error (error);
  return quantizer;
}

static Quantizer *
quantize (FbnetModel *model, const QuantizerOptions *options)
{
  Quantizer *quantizer = start (model, options);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PICTURES; i++)
    show (quantizer, i);
  quantizer_finish (quantizer, &error);
  g_assert_no_error (error);
  return quantizer;
}

static FbnetModel *
written (const Quantizer *quantizer)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  quantizer_write (quantizer, path, &error);
  g_assert_no_error (error);
  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return model;
}

/* Every int8 tensor is near the float one. */
static void
check_fidelity (FbnetModel *model, FbnetModel *int8, const Quantizer *quantizer, double least)
{
  const GArray *ranges = quantizer_ranges (quantizer);
  g_autoptr (GError) error = NULL;
  g_autoptr (Fidelity) fidelity = fidelity_new (model, int8, &error);

  g_assert_no_error (error);
  g_autoptr (Picture) drawing = picture_draw (320, 224, 1);
  const FbnetImage image = picture_image (drawing);

  fidelity_add_image (fidelity, &image, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < ranges->len; i++) {
    const QuantizerRange *range = &g_array_index (ranges, QuantizerRange, i);
    double mean = 0, worst = 0;
    if (range->table != ACT_NONE)
      continue; /* what lies behind the table has a name of its own */
    if (!fidelity_get (fidelity, range->name, &mean, &worst))
      g_error ("%s was not computed in both models", range->name);
    if (!(worst > least && mean >= worst))
      g_error ("%s: expected at least %g dB, found %g", range->name, least, worst);
  }
}

static const QuantizerPart *
find_part (const Quantizer *quantizer, const char *name)
{
  const GArray *parts = quantizer_parts (quantizer);

  for (guint i = 0; i < parts->len; i++) {
    if (strcmp (g_array_index (parts, QuantizerPart, i).name, name) == 0)
      return &g_array_index (parts, QuantizerPart, i);
  }
  g_error ("no part %s", name);
}

static guint
count_float (const Quantizer *quantizer)
{
  const GArray *parts = quantizer_parts (quantizer);
  guint n = 0;

  for (guint i = 0; i < parts->len; i++)
    n += !g_array_index (parts, QuantizerPart, i).int8;
  return n;
}

/* All blocks become int8; only gates, predictors and the masks' last layer stay. */
static void
test_detector (void)
{
  g_autoptr (FbnetModel) model = make_model (detector, TRUE);
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (Quantizer) quantizer = quantize (model, &options);
  g_autoptr (FbnetModel) int8 = written (quantizer);

  g_assert_true (fbnet_model_is_quantized (int8));
  g_assert_cmpuint (count_float (quantizer), ==, 2 + 4 + 1);
  check_fidelity (model, int8, quantizer, 15);
}

/* Predictors too, and the methods one by one. */
static void
test_methods (void)
{
  g_autoptr (FbnetModel) model = make_model (detector, TRUE);
  QuantizerOptions options = quantizer_options_default ();

  options.all = TRUE;
  for (options.method = RANGE_MSE; options.method <= RANGE_MIN_MAX; options.method++) {
    options.plain_weights = options.method == RANGE_MIN_MAX;
    options.correct_biases = options.method == RANGE_MSE;
    g_autoptr (Quantizer) quantizer = quantize (model, &options);
    g_autoptr (FbnetModel) int8 = written (quantizer);
    g_assert_cmpuint (count_float (quantizer), ==, 2 + 1);
    check_fidelity (model, int8, quantizer, 12);
  }
}

/* A block that shall stay float does, and its neighbours still go together. */
static void
test_keep_float (void)
{
  const char *const keep[] = { "*trunk1.fbnetv2_1_0", "*rpn_feature*", NULL };
  g_autoptr (FbnetModel) model = make_model (detector, TRUE);
  QuantizerOptions options = quantizer_options_default ();

  options.keep_float = (char **) keep;
  g_autoptr (Quantizer) quantizer = quantize (model, &options);
  g_autoptr (FbnetModel) int8 = written (quantizer);
  g_assert_cmpstr (find_part (quantizer, "backbone.body.trunk1.fbnetv2_1_0")->reason, ==,
      "asked for");
  g_assert_true (find_part (quantizer, "backbone.body.trunk1.fbnetv2_1_1")->int8);
  g_assert_cmpuint (count_float (quantizer), ==, 2 + 4 + 1 + 2);
  check_fidelity (model, int8, quantizer, 15);
}

/* What a head would compute is unknown where no picture gives it anything. */
static void
test_never_ran (void)
{
  g_autofree char *description = random_model_description (detector, 2, TRUE);
  g_autoptr (GString) text = g_string_new (description);
  g_autoptr (GError) error = NULL;
  const QuantizerOptions options = quantizer_options_default ();

  g_string_replace (text, "\"score_threshold\": 0.05", "\"score_threshold\": 1", 0);
  g_autoptr (FbnetModel) model = random_model_new (text->str, 7, &error);
  g_assert_no_error (error);
  g_autoptr (Quantizer) quantizer = quantize (model, &options);
  g_autoptr (FbnetModel) int8 = written (quantizer);
  g_assert_cmpstr (find_part (quantizer, "roi_heads.mask_head.feature_extractor.0.fbnetv2_0_0")
                       ->reason,
      ==, "it never ran on these pictures");
}

static char *
activations_of (const Quantizer *quantizer)
{
  g_autoptr (FbnetModel) model = written (quantizer);

  return g_strdup (strstr (fbnet_model_get_description (model), "\"quantization\""));
}

/* Neither the order of the pictures nor the number of threads shows. */
static void
test_order (void)
{
  g_autoptr (FbnetModel) model = make_model (detector, TRUE);
  QuantizerOptions options = quantizer_options_default ();
  g_autoptr (GError) error = NULL;

  options.n_threads = 1;
  g_autoptr (Quantizer) forwards = quantize (model, &options);
  options.n_threads = 3;
  g_autoptr (Quantizer) backwards = start (model, &options);
  for (guint i = N_PICTURES; i-- > 0;)
    show (backwards, i);
  quantizer_finish (backwards, &error);
  g_assert_no_error (error);
  g_autofree char *one = activations_of (forwards), *other = activations_of (backwards);
  g_assert_cmpstr (one, ==, other);
}

/* A norm of each image runs with floats: nothing is left to quantise, and the message says why. */
static void
test_group_norm (void)
{
  g_autofree char *path = g_strconcat (g_getenv ("FBNET_TEST_DATA"), "/tiny-gn.safetensors", NULL);
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (Quantizer) quantizer = start (model, &options);

  show (quantizer, 0);
  g_assert_false (quantizer_finish (quantizer, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "its norm depends on each image"));
}

/* A quantised model, and no pictures, are refused. */
static void
test_refusals (void)
{
  g_autoptr (FbnetModel) model = make_model (detector, TRUE);
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (GError) error = NULL;
  g_autoptr (Quantizer) quantizer = quantize (model, &options);
  g_autoptr (FbnetModel) int8 = written (quantizer);

  g_assert_null (quantizer_new (int8, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_autoptr (Quantizer) empty = start (model, &options);
  g_assert_false (quantizer_finish (empty, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
}

/* Numbers beyond all measure: no ranges can be learnt, and the tensor is named. */
static void
test_not_finite (void)
{
  g_autoptr (FbnetModel) sound = make_model (detector, TRUE);
  g_autoptr (TensorList) tensors = tensor_list_new ();
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < fbnet_model_get_n_tensors (sound); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (sound, i, &view);
    tensor_list_add_copy (tensors, &view);
  }
  const FbnetTensorView *gamma =
      tensor_list_find (tensors, "backbone.body.trunk0.fbnetv2_0_0.bn.weight");
  ((float *) gamma->data)[0] = 3e38f;
  g_autoptr (FbnetModel) model =
      tensor_list_to_model (tensors, fbnet_model_get_description (sound), &error);
  g_assert_no_error (error);
  g_autoptr (Quantizer) quantizer = start (model, &options);
  show (quantizer, 0);
  g_assert_false (quantizer_finish (quantizer, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "fbnetv2_0_0"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantizer/detector", test_detector);
  g_test_add_func ("/quantizer/methods", test_methods);
  g_test_add_func ("/quantizer/keep-float", test_keep_float);
  g_test_add_func ("/quantizer/never-ran", test_never_ran);
  g_test_add_func ("/quantizer/order", test_order);
  g_test_add_func ("/quantizer/group-norm", test_group_norm);
  g_test_add_func ("/quantizer/refusals", test_refusals);
  g_test_add_func ("/quantizer/not-finite", test_not_finite);
  return g_test_run ();
}
