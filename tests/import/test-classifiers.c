/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * mobile_cv's classifier checkpoints into model files.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "checkpoint-writer.h"
#include "import/d2go/classifiers.h"
#include "fixture.h"
#include "import/d2go/import.h"
#include "support/jsonfile.h"

#define PREFIX    "module."
#define N_CLASSES 3

/* --- Checkpoints ------------------------------------------------------------------------------ */

static TensorList *
generate (const char *name, ClassifierDefaults defaults)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description = import_describe_classifier (name, defaults, N_CLASSES, &error);

  g_assert_no_error (error);
  return generate_tensors (description);
}

static Imported *
import (const CheckpointMember *members, guint n, const char *config, EmaChoice ema, GError **error)
{
  const ImportOptions options = { .config = config, .ema = ema };
  g_autofree char *path = save_checkpoint (members, n);
  Imported *imported = import_read (path, &options, error);

  g_unlink (path);
  return imported;
}

/* As a training without averaging leaves it. */
static Imported *
import_plain (const TensorList *list, const char *config, GError **error)
{
  const CheckpointMember members[] = { { "state_dict", list, PREFIX }, { "model_ema" } };

  return import (members, G_N_ELEMENTS (members), config, EMA_USUAL, error);
}

/* Every expected tensor, bit for bit, and no other. */
static void
assert_equal (const Imported *imported, const TensorList *expected)
{
  g_assert_cmpuint (imported->weights->views->len, ==, expected->views->len);
  for (guint i = 0; i < expected->views->len; i++) {
    const FbnetTensorView *e = expected->views->pdata[i];
    const FbnetTensorView *found = weights_find (imported->weights, e->name);
    g_assert_nonnull (found);
    g_assert_cmpint (found->dtype, ==, e->dtype);
    g_assert_cmpmem (found->shape, found->n_dims * sizeof (gsize), e->shape,
        e->n_dims * sizeof (gsize));
    g_assert_cmpmem (found->data, found->n_bytes, e->data, e->n_bytes);
  }
}

/* The model, by way of the file that fbnet-import writes. */
static FbnetModel *
write_and_load (const Imported *imported)
{
  g_autofree char *path = NULL;
  guint64 n_parameters;
  g_autoptr (GError) error = NULL;
  const int fd = g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, &error);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  import_write (imported, path, &n_parameters, &error);
  g_assert_no_error (error);
  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_assert_cmpuint (fbnet_model_get_n_parameters (model), ==, n_parameters);
  return model;
}

static const cJSON *
basic_args (const Imported *imported)
{
  const cJSON *architecture = cJSON_GetObjectItem (imported->description, "architecture");

  return cJSON_GetObjectItem (architecture, "basic_args");
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* A state_dict with prefixed names is recognised, comes over bit for bit, and has as many classes as
 * its last layer. */
static void
test_recognised (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate ("fbnet_96", CLASSIFIER_DEFAULTS_NOW);
  g_autoptr (Imported) imported = import_plain (list, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (imported->config, ==, "fbnet_96");
  g_assert_cmpstr (imported->source, ==, "state_dict");
  assert_equal (imported, list);
  g_autoptr (FbnetModel) model = write_and_load (imported);
  g_assert_cmpint (fbnet_model_get_task (model), ==, FBNET_TASK_CLASSIFICATION);
  g_assert_cmpuint (fbnet_model_get_n_classes (model), ==, N_CLASSES);
  g_assert_cmpstr (fbnet_model_get_name (model), ==, "fbnet_96");
}

/* By name, and by another name, the same checkpoint gives the same model. */
static void
test_named (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate ("mnv3", CLASSIFIER_DEFAULTS_NOW);
  g_autoptr (Imported) named = import_plain (list, "mnv3", &error);

  g_assert_no_error (error);
  g_autoptr (Imported) alias = import_plain (list, "MobileNetV3", &error);
  g_assert_no_error (error);
  assert_equal (named, list);
  assert_equal (alias, list);
  g_assert_cmpstr (cJSON_GetObjectItem (alias->description, "name")->valuestring, ==, "mnv3");
}

/* Of two sets of weights the averaged one is taken, as mobile_cv does, unless the other is asked for;
 * where there is none, asking for it is an error that says what there is. */
static void
test_averaged (void)
{
  static const struct {
    EmaChoice ema;
    const char *source;
  } cases[] = { { EMA_USUAL, "model_ema" }, { EMA_YES, "model_ema" }, { EMA_NO, "state_dict" } };
  g_autoptr (TensorList) averaged = generate ("fbnet_96", CLASSIFIER_DEFAULTS_NOW);
  g_autoptr (TensorList) plain = generate ("fbnet_96", CLASSIFIER_DEFAULTS_NOW);
  FbnetTensorView *bias = tensor_list_find (plain, "head.conv.bias");

  ((float *) bias->data)[0] += 1;
  const CheckpointMember both[] = { { "state_dict", plain, PREFIX },
    { "model_ema", averaged, PREFIX } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Imported) imported =
        import (both, G_N_ELEMENTS (both), "fbnet_96", cases[i].ema, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (imported->source, ==, cases[i].source);
    assert_equal (imported, cases[i].ema == EMA_NO ? plain : averaged);
  }

  g_autoptr (GError) error = NULL;
  const CheckpointMember none[] = { { "state_dict", plain, PREFIX }, { "model_ema" } };
  g_assert_null (import (none, G_N_ELEMENTS (none), "fbnet_96", EMA_YES, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "found the keys: state_dict, model_ema, iteration"));
}

/* A file of the time when blocks had biases and widths were not rounded is recognised as such, by
 * name too, and the model says so. */
static void
test_early (void)
{
  static const char *const configs[] = { NULL, "mnv3" };
  g_autoptr (TensorList) list = generate ("mnv3", CLASSIFIER_DEFAULTS_EARLY);

  for (guint i = 0; i < G_N_ELEMENTS (configs); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Imported) imported = import_plain (list, configs[i], &error);
    g_assert_no_error (error);
    g_assert_cmpstr (imported->config, ==, "mnv3");
    assert_equal (imported, list);
    g_assert_true (cJSON_IsTrue (cJSON_GetObjectItem (basic_args (imported), "bias")));
    g_assert_false (cJSON_HasObjectItem (basic_args (imported), "width_divisor"));
    g_autoptr (FbnetModel) model = write_and_load (imported);
    g_assert_nonnull (model);
  }
}

/* Of a definition of now and an early one that have the same tensors, the one of now is meant. */
static void
test_early_rival (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate ("dmasking_f4", CLASSIFIER_DEFAULTS_NOW);
  g_autoptr (Imported) imported = import_plain (list, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (imported->config, ==, "dmasking_f4");
}

/* Weights that belong to two models alike, and such that belong to none or not to the named one, cost
 * a sentence that names the candidates. */
static void
test_errors (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate ("FBNetV2_F1", CLASSIFIER_DEFAULTS_NOW);

  g_assert_null (import_plain (list, NULL, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "FBNetV2_F1, FBNetV2_F2. Name one"));

  g_clear_error (&error);
  g_assert_null (import_plain (list, "fbnet_96", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "backbone.stages.xif2_1.pw.conv.weight: expected"));

  g_clear_error (&error);
  tensor_list_remove (list, "backbone.stages.xif3_1.se.se.1.bias");
  g_assert_null (import_plain (list, NULL, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "the nearest is FBNetV2_F1, with 1 differences"));

  g_clear_error (&error);
  g_assert_null (import_plain (list, "resnet50", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "faster_rcnn_fbnetv3a_C4"));
  g_assert_nonnull (strstr (error->message, "dmasking_l3"));
}

/* Meta's int8 exports are of detectors: one is not taken for a classifier. */
static void
test_export (void)
{
  const ImportOptions options = { .config = "mnv3" };
  g_autoptr (GError) error = NULL;
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "weights", "d2go-coco-int8.pt", NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return;
  }
  g_assert_null (import_read (path, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "classifier mnv3"));
}

/* The mission's example: the golden weights of dmasking_l3 in a checkpoint, imported without a word,
 * name class 430 with probability 0.0813 in a picture of a dog. */
static void
test_golden (void)
{
  g_autoptr (Fixture) fixture = fixture_open ("cls/dmasking_l3");

  if (fixture == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = fixture_tensors (fixture);
  g_autoptr (Imported) imported = import_plain (list, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (imported->config, ==, "dmasking_l3");
  assert_equal (imported, list);

  g_autoptr (FbnetModel) model = write_and_load (imported);
  g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (Picture) picture = fixture_picture (fixture);
  const FbnetImage image = picture_image (picture);
  float probabilities[IMAGENET_CLASSES];
  fbnet_classifier_run (classifier, &image, probabilities, &error);
  g_assert_no_error (error);
  guint best = 0;
  for (guint i = 1; i < IMAGENET_CLASSES; i++)
    best = probabilities[i] > probabilities[best] ? i : best;
  g_assert_cmpuint (best, ==, 430);
  g_assert_cmpfloat_with_epsilon (probabilities[best], 0.0813197, 1e-4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import-classifiers/recognised", test_recognised);
  g_test_add_func ("/import-classifiers/named", test_named);
  g_test_add_func ("/import-classifiers/averaged", test_averaged);
  g_test_add_func ("/import-classifiers/early", test_early);
  g_test_add_func ("/import-classifiers/early-rival", test_early_rival);
  g_test_add_func ("/import-classifiers/errors", test_errors);
  g_test_add_func ("/import-classifiers/export", test_export);
  g_test_add_func ("/import-classifiers/golden", test_golden);
  return g_test_run ();
}
