/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Damaged int8 models: each is refused with a sentence that names the file and what is wrong, and none
 * does harm. Start is the small model tests/data/tiny-bn.safetensors, quantised.
 */
#include <cjson/cJSON.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "drawing.h"
#include "int8model.h"
#include "tensors.h"

#define LAYER "backbone.body.trunk0.fbnetv2_0_0.conv"

typedef struct {
  TensorList *tensors;
  cJSON *description, *quantization, *activations; /* the latter two inside the first */
} Sound;

static void
set_up (Sound *s, gconstpointer data)
{
  g_autofree char *path = int8_model_file ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);

  s->tensors = tensor_list_load (path, &error);
  g_assert_no_error (error);
  s->description = cJSON_Parse (fbnet_model_get_description (model));
  s->quantization = cJSON_GetObjectItemCaseSensitive (s->description, "quantization");
  s->activations = cJSON_GetObjectItemCaseSensitive (s->quantization, "activations");
  g_unlink (path);
}

static void
tear_down (Sound *s, gconstpointer data)
{
  tensor_list_free (s->tensors);
  cJSON_Delete (s->description);
}

/* --- Verdicts --------------------------------------------------------------------------------- */

static FbnetModel *
load (const Sound *s, GError **error)
{
  char *text = cJSON_PrintUnformatted (s->description);
  FbnetModel *model = tensor_list_to_model (s->tensors, text, error);

  cJSON_free (text);
  return model;
}

/* `mentions` stands in the sentence. */
static void
assert_refused (const Sound *s, const char *mentions)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = load (s, &error);

  g_assert_null (model);
  g_assert_true (error->domain == FBNET_ERROR);
  if (strstr (error->message, mentions) == NULL || strstr (error->message, "(null)") != NULL
      || strstr (error->message, ".safetensors") == NULL)
    g_error ("expected a message about %s, found \"%s\"", mentions, error->message);
}

static void
test_sound (Sound *s, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = load (s, &error);

  g_assert_no_error (error);
  g_assert_true (fbnet_model_is_quantized (model));
}

/* --- Scales of weights ------------------------------------------------------------------------ */

static void
test_missing_weight_scale (Sound *s, gconstpointer data)
{
  g_assert_true (tensor_list_remove (s->tensors, LAYER ".weight_scale"));
  assert_refused (s, "tensor \"" LAYER ".weight_scale\": expected shape [");
}

/* Zero, negative, far out, not a number. */
static void
test_bad_weight_scale (Sound *s, gconstpointer data)
{
  static const float bad[] = { 0, -0.1f, 1e-20f, 1e20f, NAN, INFINITY, -INFINITY };
  float *scales = (float *) tensor_list_find (s->tensors, LAYER ".weight_scale")->data;
  const float sound = scales[1];

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    scales[1] = bad[i];
    assert_refused (s, "tensor \"" LAYER ".weight_scale\": expected");
  }
  scales[1] = sound;
  test_sound (s, data);
}

/* One too few, one too many, another type. */
static void
test_weight_scale_shape (Sound *s, gconstpointer data)
{
  const gsize right = tensor_list_find (s->tensors, LAYER ".weight_scale")->shape[0];
  const gsize lengths[] = { right - 1, right + 1, 1 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    tensor_list_remove (s->tensors, LAYER ".weight_scale");
    tensor_list_add (s->tensors, LAYER ".weight_scale", FBNET_DTYPE_F32, &lengths[i], 1);
    assert_refused (s, "tensor \"" LAYER ".weight_scale\": expected shape [");
  }
  tensor_list_remove (s->tensors, LAYER ".weight_scale");
  tensor_list_add (s->tensors, LAYER ".weight_scale", FBNET_DTYPE_F16, &right, 1);
  assert_refused (s, "tensor \"" LAYER ".weight_scale\": expected type F32, found F16");
}

/* --- Weights and biases ----------------------------------------------------------------------- */

static void
test_weights (Sound *s, gconstpointer data)
{
  const FbnetTensorView right = *tensor_list_find (s->tensors, LAYER ".weight");
  gsize shape[4];

  memcpy (shape, right.shape, sizeof shape);
  shape[3]++;
  tensor_list_remove (s->tensors, LAYER ".weight");
  tensor_list_add (s->tensors, LAYER ".weight", FBNET_DTYPE_I8, shape, 4);
  assert_refused (s, "tensor \"" LAYER ".weight\": expected shape [");
  shape[3]--;
  tensor_list_remove (s->tensors, LAYER ".weight");
  tensor_list_add (s->tensors, LAYER ".weight", FBNET_DTYPE_U8, shape, 4);
  /* Then the layer is a float one, and what follows lacks its input. */
  assert_refused (s, ".input\", found no such activation");
}

static void
test_bias (Sound *s, gconstpointer data)
{
  float *bias = (float *) tensor_list_find (s->tensors, LAYER ".bias")->data;

  bias[0] = NAN;
  assert_refused (s, "tensor \"" LAYER ".bias\": expected finite numbers, found nan");
  tensor_list_remove (s->tensors, LAYER ".bias");
  assert_refused (s, "tensor \"" LAYER ".bias\": expected shape [");
}

/* A block is int8 or it is not. */
static void
test_mixed (Sound *s, gconstpointer data)
{
  for (guint i = 0; i < s->tensors->views->len; i++) {
    const FbnetTensorView view = *(FbnetTensorView *) s->tensors->views->pdata[i];
    if (view.dtype != FBNET_DTYPE_I8 || !g_str_has_suffix (view.name, ".pwl.conv.weight"))
      continue;
    g_autofree char *name = g_strdup (view.name);
    tensor_list_remove (s->tensors, name);
    tensor_list_add (s->tensors, name, FBNET_DTYPE_F32, view.shape, view.n_dims);
    assert_refused (s, "or int8 ones in all its convolutions, found some of each");
    return;
  }
  g_assert_not_reached ();
}

/* --- Activations ------------------------------------------------------------------------------ */

/* Each of them is missed. */
static void
test_missing_activations (Sound *s, gconstpointer data)
{
  const int n = cJSON_GetArraySize (s->activations);

  g_assert_cmpint (n, >, 10);
  for (int i = 0; i < n; i++) {
    cJSON *one = cJSON_DetachItemFromArray (s->activations, 0);
    g_autofree char *expected =
        g_strdup_printf ("expected scale and zero_point of \"%s\", found no such activation",
            one->string);
    assert_refused (s, expected);
    cJSON_AddItemToArray (s->activations, one);
  }
}

static void
test_bad_activation (Sound *s, gconstpointer data)
{
  static const struct {
    const char *field, *json;
  } bad[] = {
    { "scale", "0" },
    { "scale", "-1" },
    { "scale", "1e-30" },
    { "scale", "1e30" },
    { "scale", "1e999" },
    { "scale", "null" },
    { "scale", "\"1\"" },
    { "scale", "[1]" },
    { "zero_point", "-1" },
    { "zero_point", "256" },
    { "zero_point", "1.5" },
    { "zero_point", "null" },
    { "unknown", "1" },
  };
  cJSON *activation = s->activations->child;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    cJSON *sound = cJSON_Duplicate (activation, TRUE);
    g_autofree char *name = g_strdup (activation->string);
    cJSON_DeleteItemFromObjectCaseSensitive (activation, bad[i].field);
    cJSON_AddItemToObject (activation, bad[i].field, cJSON_Parse (bad[i].json));
    assert_refused (s, name);
    cJSON_ReplaceItemInObjectCaseSensitive (s->activations, name, sound);
    activation = s->activations->child;
  }
}

static void
test_activation_fields (Sound *s, gconstpointer data)
{
  cJSON_DeleteItemFromObjectCaseSensitive (s->activations->child, "zero_point");
  assert_refused (s, ".zero_point: expected");
  cJSON_Delete (cJSON_DetachItemFromArray (s->activations, 0));
  cJSON_AddNumberToObject (s->activations, "number", 1);
  assert_refused (s, "quantization.activations.number");
}

/* A name that nothing has. */
static void
test_foreign_activation (Sound *s, gconstpointer data)
{
  cJSON *foreign = cJSON_AddObjectToObject (s->activations, "foreign");

  cJSON_AddNumberToObject (foreign, "scale", 1);
  cJSON_AddNumberToObject (foreign, "zero_point", 0);
  assert_refused (s, "expected names of what is computed in int8, found \"foreign\"");
}

/* Sums whose scale is out of all proportion to that of their parts. */
static void
test_far_sum (Sound *s, gconstpointer data)
{
  cJSON *activation;

  cJSON_ArrayForEach (activation, s->activations)
  {
    if (!g_str_has_suffix (activation->string, ".add"))
      continue;
    cJSON *scale = cJSON_GetObjectItemCaseSensitive (activation, "scale");
    cJSON_SetNumberValue (scale, 1e5);
    assert_refused (s, "not far from those of its parts, found 100000");
    return;
  }
  g_test_skip ("the model has no residual sums");
}

static void
test_scheme (Sound *s, gconstpointer data)
{
  static const struct {
    const char *field, *json;
  } bad[] = { { "scheme", "\"int4\"" }, { "scheme", "null" }, { "bias", "\"narrow\"" },
    { "activations", "[]" }, { "activations", "{}" }, { "extra", "1" } };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    cJSON *sound = cJSON_Duplicate (s->quantization, TRUE);
    cJSON_DeleteItemFromObjectCaseSensitive (s->quantization, bad[i].field);
    cJSON_AddItemToObject (s->quantization, bad[i].field, cJSON_Parse (bad[i].json));
    assert_refused (s, "quantization");
    cJSON_ReplaceItemInObjectCaseSensitive (s->description, "quantization", sound);
    s->quantization = sound;
  }
}

/* Without the object the file is no float model either: its weights are bytes. */
static void
test_no_object (Sound *s, gconstpointer data)
{
  cJSON_DeleteItemFromObjectCaseSensitive (s->description, "quantization");
  assert_refused (s, "expected type F32 or F16, found I8");
}

/* --- Chance ----------------------------------------------------------------------------------- */

/* Whatever scales a file has within their bounds, a frame goes through it. */
static void
test_any_scales (Sound *s, gconstpointer data)
{
  g_autoptr (Picture) picture = picture_draw (61, 44, 7);
  const FbnetImage image = picture_image (picture);

  for (guint round = 0; round < 20; round++) {
    cJSON *activation;
    cJSON_ArrayForEach (activation, s->activations)
    {
      cJSON *scale = cJSON_GetObjectItemCaseSensitive (activation, "scale");
      cJSON *zero = cJSON_GetObjectItemCaseSensitive (activation, "zero_point");
      cJSON_SetNumberValue (scale, pow (10, g_test_rand_double_range (-12, 6)));
      cJSON_SetNumberValue (zero, g_test_rand_int_range (0, 256));
    }
    g_autoptr (GError) error = NULL;
    g_autoptr (FbnetModel) model = load (s, &error);
    if (model == NULL) {
      g_assert_nonnull (strstr (error->message, "not far from those of its parts"));
      continue;
    }
    g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, &error);
    g_assert_no_error (error);
    g_autoptr (FbnetDetections) found = fbnet_detections_new ();
    g_assert_true (fbnet_detector_run (detector, &image, found, NULL));
  }
}

#define ADD(name, func) g_test_add ("/hostile-int8/" name, Sound, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("sound", test_sound);
  ADD ("missing-weight-scale", test_missing_weight_scale);
  ADD ("bad-weight-scale", test_bad_weight_scale);
  ADD ("weight-scale-shape", test_weight_scale_shape);
  ADD ("weights", test_weights);
  ADD ("bias", test_bias);
  ADD ("mixed", test_mixed);
  ADD ("missing-activations", test_missing_activations);
  ADD ("bad-activation", test_bad_activation);
  ADD ("activation-fields", test_activation_fields);
  ADD ("foreign-activation", test_foreign_activation);
  ADD ("far-sum", test_far_sum);
  ADD ("scheme", test_scheme);
  ADD ("no-object", test_no_object);
  ADD ("any-scales", test_any_scales);
  return g_test_run ();
}
